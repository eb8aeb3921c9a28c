"""ThroughputChart: tasks that ended, minute by minute, as a chart and as a table."""

from __future__ import annotations

from typing import Any

from dashboards import frames
from dashboards.beat.glance import glance
from dashboards.parts.charts.plot import PlotView, Point
from dashboards.parts.frame.rows import Column
from dashboards.theme import CHART_COLOURS


class ThroughputChart(PlotView):
    """The last hour of a hub as stacked bars; the same as a table for who cannot see them, and words when empty."""

    TITLE = "Throughput, last hour"
    SERIES = tuple({"key": key, "name": key, "colour": colour} for key, colour in CHART_COLOURS.items())
    TWIN = "Tasks that ended, by minute"
    QUIET = ("No task ended in the last hour", "As soon as one does, its minute appears here.")
    COLUMNS = (
        Column("minute", "Minute", "when"),
        Column("completed", "Completed", "number"),
        Column("failed", "Failed", "number"),
        Column("cancelled", "Cancelled", "number"),
        Column("created", "Made", "number", 2),
        Column("errors", "Errors", "number", 2),
    )

    def points(self) -> list[Point]:
        """The minutes of the last hour."""
        return glance(self.claudia).minutes

    def twin(self) -> list[dict[str, Any]]:
        """Minutes in which something happened."""
        return frames.twin_rows(glance(self.claudia).picture.minutes)


__all__ = ["ThroughputChart"]
