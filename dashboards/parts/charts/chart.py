"""Chart: what charts have in common: a heading with what the colours mean, a table twin, words for nothing."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import panel as pn

from dashboards.live import LiveView
from dashboards.parts.frame.heading import markup
from dashboards.parts.frame.rows import Column, Rows
from dashboards.parts.frame.tiles import Tabs
from dashboards.theme import CARD, HEADING, LEGEND
from dashboards.theme.bare import Bare

if TYPE_CHECKING:
    from claudia_core import Claudia

DRAWING = ("", "Drawing the chart …")
AS_TABLE = {"key": "table", "label": "Show as table"}
HEIGHT = 220
LOW, HIGH = 120, HEIGHT + 96
"""Least height of the box without and with a chart, so that nothing below it jumps."""


class Chart(LiveView):
    """A chart in a box. It is drawn after the rest of a page, whose rows are waited for more.

    A kind of chart gives `pull_data`, `is_quiet`, `draw`, `change` and `twin`.
    """

    TITLE: ClassVar[str] = ""
    COLOURS: ClassVar[Mapping[str, str]] = {}
    COLUMNS: ClassVar[Sequence[Column]] = ()
    TWIN: ClassVar[str] = ""
    QUIET: ClassVar[Sequence[str]] = ()

    __abstract = True

    def __init__(self, claudia: Claudia, *, styles: Mapping[str, str] | None = None, **params: Any) -> None:
        super().__init__(claudia, **params)
        self.words = Rows((Column("none", ""),), label=self.TITLE, visible=False, waiting=False, zero=list(self.QUIET))
        self.pane: Any = None
        self.switch: Tabs | None = None
        marks = legend(self.TITLE, self.COLOURS)
        self.head = markup(marks, HEADING, LEGEND)
        box = {**CARD, **(styles or {})}
        self.layout = pn.Column(self.head, self.words, styles=box, sizing_mode="stretch_width", margin=0, design=Bare)
        self._table: Rows | None = None
        self._as_table = False
        self._figure: Any = None
        self._shown: Any = None

    def refresh(self) -> None:
        """Bring chart and table up to date."""
        data = self.pull_data()
        quiet = self.is_quiet(data)
        if data != self._shown and not quiet and self._may_draw():
            self._draw(data)
            self._shown = data
        self.words.put([], DRAWING if self._figure is None and not quiet else self.QUIET)
        self.words.visible = (quiet or self._figure is None) and not self._as_table
        self.layout.min_height = LOW if quiet else HIGH
        if self.pane is not None and self.switch is not None:
            self.pane.visible = not quiet and not self._as_table
            self.switch.visible = not quiet or self._as_table
        if self._as_table:
            self.table.put(self.twin(data))

    @property
    def table(self) -> Rows:
        """The same as a table; made when it is asked for."""
        if self._table is None:
            self._table = Rows(self.COLUMNS, label=self.TWIN, visible=False, zero=list(self.QUIET))
        return self._table

    def pull_data(self) -> Any:
        """What the chart shows now."""
        raise NotImplementedError

    def is_quiet(self, data: Any) -> bool:
        """Whether there is nothing to draw."""
        raise NotImplementedError

    def draw(self, data: Any) -> Any:
        """The chart as a new Bokeh figure; `change` is called next."""
        raise NotImplementedError

    def change(self, data: Any) -> None:
        """Change the figure that is shown."""
        raise NotImplementedError

    def twin(self, data: Any) -> list[dict[str, Any]]:
        """The same as rows of a table."""
        raise NotImplementedError

    def can_draw(self) -> bool:
        """Whether what draws it is loaded."""
        return True

    def _may_draw(self) -> bool:
        """Not before the first paint of a page."""
        return bool(self.layout._models or pn.state.curdoc is None) and self.can_draw()

    def _draw(self, data: Any) -> None:
        if self._figure is None:
            self._figure = self.draw(data)
            self.change(data)
            self._show()
        else:
            self.change(data)

    def _show(self) -> None:
        """Place the chart, and what switches to the table."""
        self.pane = pn.pane.Bokeh(self._figure, sizing_mode="stretch_width", height=HEIGHT, margin=0)
        self.switch = Tabs(label=self.TITLE, items=[AS_TABLE], css_classes=["twin"], on_choose=self._on_switch)
        self.layout.objects = [self.head, self.pane, self.words, self.switch]

    def _on_switch(self, _: object) -> None:
        self._as_table = not self._as_table
        if self.table not in self.layout.objects:
            self.layout.insert(len(self.layout) - 1, self.table)
        self.table.visible = self._as_table
        if self.switch is not None:
            self.switch.value = AS_TABLE["key"] if self._as_table else ""
        self.refresh()


def legend(title: str, colours: Mapping[str, str]) -> str:
    """A heading, and what the colours mean in the words of the table."""
    marks = "".join(
        f'<span><b style="background:{colour}" aria-hidden="true"></b>{html.escape(series)}</span>'
        for series, colour in colours.items()
    )
    return f"<h2>{html.escape(title)}</h2><div>{marks}</div>"


def clock_axis(figure: Any) -> None:
    """Let the horizontal axis tell the reader's own time, and leave out what is not needed."""
    from bokeh.models import CustomJSTickFormatter, DatetimeTicker

    figure.xaxis.ticker = DatetimeTicker(desired_num_ticks=3)
    figure.xaxis.formatter = CustomJSTickFormatter(code=CLOCK)
    figure.xgrid.grid_line_color = figure.outline_line_color = None
    figure.min_border_left = figure.min_border_right = 8


CLOCK = """
const options = {hour: "2-digit", minute: "2-digit"}
if (tick % 60000) { options.second = "2-digit" }
return new Date(tick).toLocaleTimeString([], options)
"""
