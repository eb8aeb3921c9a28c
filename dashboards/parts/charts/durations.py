"""DurationChart: how long tasks took, by five minutes of the last hour, as a chart and as a table."""

from __future__ import annotations

from typing import Any

from dashboards import frames
from dashboards.beat.glance import glance
from dashboards.parts.charts.plot import PlotView, Point
from dashboards.parts.frame.rows import Column


class DurationChart(PlotView):
    """Within which time half, and 19 in 20, of the tasks that completed were done."""

    TITLE = "Duration, last hour"
    KIND = "lines"
    UNIT = "s"
    STEP = 300
    SERIES = (
        {"key": "typical", "name": "half took at most", "colour": "#4f86f7"},
        {"key": "slow", "name": "19 in 20 took at most", "colour": "#b07ae8"},
    )
    TWIN = "Duration of tasks that completed, by five minutes"
    QUIET = ("No task completed in the last hour", "How long tasks take is shown here.")
    COLUMNS = (
        Column("from", "From", "when"),
        Column("typical", "Half took at most", "figure"),
        Column("slow", "19 in 20 at most", "figure"),
        Column("completed", "Tasks", "figure"),
    )

    def points(self) -> list[Point]:
        """Twelve stretches of five minutes."""
        return glance(self.claudia).took

    def twin(self) -> list[dict[str, Any]]:
        """Stretches in which something completed."""
        return frames.took_rows(glance(self.claudia).trends.took)


__all__ = ["DurationChart"]
