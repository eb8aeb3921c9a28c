"""ThroughputChart: tasks that ended, minute by minute, as a chart and as a table."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import panel as pn
from panel_material_ui import Button

from claudia_core.boards import Minute
from dashboards import frames
from dashboards.live import LiveView
from dashboards.parts.rows import Column, Rows
from dashboards.theme import CARD, CHART_COLOURS, HEADING, LEGEND

if TYPE_CHECKING:
    from claudia_core import Claudia

COLUMNS = (
    Column("minute", "Minute", "when"),
    Column("completed", "Completed", "number"),
    Column("failed", "Failed", "number"),
    Column("cancelled", "Cancelled", "number"),
    Column("created", "Made", "number", 2),
    Column("errors", "Errors", "number", 2),
)
QUIET = ("No task ended in the last hour", "As soon as one does, its minute appears here.")
DRAWING = ("", "Drawing the chart …")
HEIGHT = 220
LOW, HIGH = 120, HEIGHT + 96
"""Least height of the box without and with a chart, so that nothing below it jumps."""

CLOCK = """
const at = new Date(tick)
return at.toLocaleTimeString([], {hour: "2-digit", minute: "2-digit"})
"""


class ThroughputChart(LiveView):
    """The last hour of a hub as stacked bars; the same as a table for those who cannot see them, and words when empty.

    The chart is drawn after the rest of a page: HoloViews is loaded once per process, beside the work of the page.
    """

    def __init__(self, claudia: Claudia, **params: Any) -> None:
        super().__init__(claudia, **params)
        self.table = Rows(COLUMNS, label="Tasks that ended, by minute", visible=False, zero=list(QUIET))
        self.words = Rows((Column("none", ""),), label="Throughput", visible=False, waiting=False, zero=list(QUIET))
        self.switch = Button(label="Show as table", variant="text", size="small", margin=0, css_classes=["twin"])
        self.switch.on_click(self._on_switch)
        self.pane = pn.pane.Bokeh(None, sizing_mode="stretch_width", height=HEIGHT, margin=0)
        self.head = pn.pane.HTML(head(), stylesheets=[HEADING, LEGEND], sizing_mode="stretch_width", margin=0)
        self.layout = pn.Column(
            self.head,
            self.pane,
            self.words,
            styles=CARD,
            sizing_mode="stretch_width",
            margin=0,
        )
        self._sources: dict[str, Any] = {}
        self._figure: Any = None
        self._shown: Sequence[Minute] = ()

    def refresh(self) -> None:
        """Bring chart and table up to date."""
        minutes = self.claudia.boards.tasks.picture().minutes
        quiet = frames.tops(minutes) == 0
        self.words.visible = (quiet or self._figure is None) and not self.table.visible
        self.words.put([], QUIET if quiet else DRAWING)
        self.layout.min_height = LOW if quiet else HIGH
        self.pane.visible = not quiet and not self.table.visible
        self.switch.visible = not quiet or self.table.visible
        if self.table.visible:
            self.table.put(frames.twin_rows(minutes))
        if minutes != self._shown and not quiet and self._may_draw():
            self._draw(minutes)
            self._shown = minutes

    def _may_draw(self) -> bool:
        """Not before the first paint of a page, whose rows are waited for more."""
        return bool(self.layout._models or pn.state.curdoc is None) and holoviews_loaded()

    def _draw(self, minutes: Sequence[Minute]) -> None:
        if self._figure is None:
            self._figure, self._sources = figure(minutes)
            self.pane.object = self._figure
            self.words.visible = False
            self.layout.extend([self.table, self.switch])  # not needed before there is something to switch
        else:
            for series, rectangles in frames.bars(minutes).items():
                self._sources[series].data = rectangles
        scale(self._figure, minutes)

    def _on_switch(self, _: object) -> None:
        self.table.visible = not self.table.visible
        self.switch.label = "Show as chart" if self.table.visible else "Show as table"
        self.refresh()


def head() -> str:
    """The heading, and what the colours mean in the words of the table."""
    marks = [
        f'<span><b style="background:{colour}" aria-hidden="true"></b>{series}</span>'
        for series, colour in CHART_COLOURS.items()
    ]
    return f"<h2>Throughput, last hour</h2><div>{''.join(marks)}</div>"


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
    from bokeh.models import CustomJSTickFormatter, DatetimeTicker

    drawn = holoviews.render(frames.throughput_spec(minutes, HEIGHT), backend="bokeh")
    sources = {}
    for series, renderer in zip(frames.SERIES, drawn.renderers, strict=True):
        sources[series] = renderer.data_source
        renderer.data_source.data = frames.bars(minutes)[series]
    drawn.xaxis.ticker = DatetimeTicker(desired_num_ticks=4)
    drawn.xaxis.formatter = CustomJSTickFormatter(code=CLOCK)
    drawn.xgrid.grid_line_color = drawn.outline_line_color = None
    drawn.min_border_left = drawn.min_border_right = 8
    return drawn, sources


def scale(drawn: Any, minutes: Sequence[Minute]) -> None:
    """Let the axes hold the last hour and the highest bar, with room for the legend."""
    drawn.x_range.update(start=minutes[0].at * 1e3, end=(minutes[-1].at + 60) * 1e3)
    drawn.y_range.update(start=0, end=max(4.0, frames.tops(minutes) * 1.3))


__all__ = ["ThroughputChart", "figure"]
