"""ThroughputChart: tasks that ended, minute by minute, as a chart and as a table."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import panel as pn

from claudia_core.boards import Minute
from dashboards import frames
from dashboards.parts.chart import HEIGHT, Chart, clock_axis
from dashboards.parts.rows import Column
from dashboards.theme import CHART_COLOURS

if TYPE_CHECKING:
    from claudia_core import Claudia


class ThroughputChart(Chart):
    """The last hour of a hub as stacked bars; the same as a table for those who cannot see them, and words when empty.

    HoloViews, which draws it, is loaded once per process, beside the work of the page.
    """

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
        return self.claudia.boards.tasks.picture().minutes

    def is_quiet(self, data: Sequence[Minute]) -> bool:
        """Whether no task ended."""
        return frames.tops(data) == 0

    def can_draw(self) -> bool:
        """Whether HoloViews is there."""
        return holoviews_loaded()

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


def holoviews_loaded() -> bool:
    """Whether HoloViews is ready; where it is not, it is loaded in a thread, so that no page waits for it."""
    loader = _loader()
    if pn.state.curdoc is None:
        loader.join()
    return not loader.is_alive()


@cache
def _loader() -> threading.Thread:
    loader = threading.Thread(target=_load, name="load-holoviews", daemon=True)
    loader.start()
    return loader


def _load() -> None:
    import holoviews.plotting.bokeh  # noqa: F401 - the import is the work


def figure(minutes: Sequence[Minute]) -> tuple[Any, dict[str, Any]]:
    """The chart as a Bokeh figure, and the data source of each series to be changed in place."""
    import holoviews

    drawn = holoviews.render(frames.throughput_spec(minutes, HEIGHT), backend="bokeh")
    sources = {}
    for series, renderer in zip(frames.SERIES, drawn.renderers, strict=True):
        sources[series] = renderer.data_source
        renderer.data_source.data = frames.bars(minutes)[series]
    clock_axis(drawn)
    return drawn, sources


def scale(drawn: Any, minutes: Sequence[Minute]) -> None:
    """Let the axes hold the last hour and the highest bar."""
    drawn.x_range.update(start=minutes[0].at * 1e3, end=(minutes[-1].at + 60) * 1e3)
    drawn.y_range.update(start=0, end=max(4.0, frames.tops(minutes) * 1.15))


__all__ = ["ThroughputChart", "figure"]
