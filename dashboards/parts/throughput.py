"""ThroughputChart: tasks that ended, minute by minute, as a chart and as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from claudia_core.boards import Minute
from dashboards import frames
from dashboards.glance import glance
from dashboards.parts.chart import HEIGHT, Chart, clock_axis
from dashboards.parts.rows import Column
from dashboards.theme import CHART_COLOURS

if TYPE_CHECKING:
    from claudia_core import Claudia


class ThroughputChart(Chart):
    """The last hour of a hub as stacked bars; the same as a table for who cannot see them, and words when empty."""

    TITLE = "Throughput, last hour"
    COLOURS = CHART_COLOURS
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

    def __init__(self, claudia: Claudia, **params: Any) -> None:
        super().__init__(claudia, **params)
        self._sources: dict[str, Any] = {}

    def pull_data(self) -> Sequence[Minute]:
        """The minutes of the last hour."""
        return glance(self.claudia).minutes

    def is_quiet(self, data: Sequence[Minute]) -> bool:
        """Whether no task ended."""
        return frames.tops(data) == 0

    def draw(self, data: Sequence[Minute]) -> Any:
        """The stacked bars."""
        drawn, self._sources = figure(data)
        return drawn

    def change(self, data: Sequence[Minute]) -> None:
        """Other bars, and axes that hold them."""
        for series, rectangles in frames.bars(data).items():
            self._sources[series].data = rectangles
        scale(self._figure, data)

    def twin(self, data: Sequence[Minute]) -> list[dict[str, Any]]:
        """Minutes in which something happened."""
        return frames.twin_rows(data)


def figure(minutes: Sequence[Minute]) -> tuple[Any, dict[str, Any]]:
    """The chart as a Bokeh figure, and the data source of each series to be changed in place."""
    from bokeh.models import ColumnDataSource, Range1d
    from bokeh.plotting import figure as new_figure

    drawn = new_figure(
        height=HEIGHT, sizing_mode="stretch_width", toolbar_location=None, tools="", x_range=Range1d(),
        y_range=Range1d(), y_axis_label="tasks per minute",
    )  # fmt: skip
    sources = {}
    for series, rectangles in frames.bars(minutes).items():
        sources[series] = ColumnDataSource(dict(rectangles))
        drawn.quad(
            left="left", right="right", bottom="bottom", top="top", source=sources[series], name=series,
            fill_color=CHART_COLOURS[series], line_alpha=0,
        )  # fmt: skip
    clock_axis(drawn)
    return drawn, sources


def scale(drawn: Any, minutes: Sequence[Minute]) -> None:
    """Let the axes hold the last hour and the highest bar."""
    drawn.x_range.update(start=minutes[0].at * 1e3, end=(minutes[-1].at + 60) * 1e3)
    drawn.y_range.update(start=0, end=max(4.0, frames.tops(minutes) * 1.15))


__all__ = ["ThroughputChart", "figure"]
