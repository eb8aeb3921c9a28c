"""TaskTimeline: when which task ran, and what ran beside it, as bars and as a table."""

from __future__ import annotations

import html
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import panel as pn
import panel_material_ui as pmui
import param

from claudia_core.boards import Picture
from claudia_core.model.task import Status
from dashboards import cells, lanes, units
from dashboards.lanes import Bar
from dashboards.live import LiveView
from dashboards.parts.rows import Rows
from dashboards.parts.task_table import DURATION, ENDED, NAME, NO_TASKS, STARTED, STATUS
from dashboards.parts.tiles import Tabs
from dashboards.theme import CHART_COLOURS, HEADING, LEGEND, MARKS

if TYPE_CHECKING:
    from claudia_core import Claudia

COLOURS: Mapping[str, str] = {**CHART_COLOURS, "active": "#4f86f7"}
SPANS: Mapping[str, int] = {"5 min": 300, "15 min": 900, "1 h": 3_600}
ENDS = tuple(status.value for status in Status if status.is_terminal)
QUIET = ("No task ran in this time", "Choose a longer time; a task that starts appears here at once.")
PAUSE = 1.0
"""Seconds between two drawings."""

MOST_LISTED = 200
LANE, LOWEST, HIGHEST = 22, 130, 560
"""Height in pixels of a lane, and of the least and the most that is drawn."""

CLOCK = """
return new Date(tick).toLocaleTimeString([], {hour: "2-digit", minute: "2-digit", second: "2-digit"})
"""
TOOLTIP = [("", "@name"), ("", "@status"), ("", "@lasted")]


class TaskTimeline(LiveView):
    """Tasks as bars from start to end, children below their parents, over the last minutes or the last hour.

    Beyond `lanes.MOST_BARS` the older ones are drawn by the minute, and a sentence says so. The store is asked once;
    then the board tells what starts and ends.
    """

    span: Any = param.Selector(default="15 min", objects=list(SPANS), doc="How far back it reaches.")

    KEYS: ClassVar[tuple[str, ...]] = (
        "id",
        "name",
        "status",
        "lasted",
        "href",
        "lane",
        "left",
        "right",
        "colour",
        "hatch",
    )

    def __init__(self, claudia: Claudia, *, on_open: Callable[[str], None] | None = None, **params: Any) -> None:
        super().__init__(claudia, **params)
        self._on_open = on_open
        items = [{"key": key, "label": key} for key in SPANS]
        self.spans = Tabs(label="How far back", items=items, value=self.span, on_choose=self._on_span)
        self.words = pn.pane.HTML("", stylesheets=[HEADING, LEGEND], sizing_mode="stretch_width", margin=0)
        self.pane = pn.pane.Bokeh(None, sizing_mode="stretch_width", margin=0)
        columns = (STATUS, NAME, DURATION, STARTED, ENDED)
        opens = "here" if on_open else "there"
        self.table = Rows(columns, label="Tasks of the timeline", opens=opens, on_open=on_open, visible=False)
        self.switch = pmui.Button(
            label="Show as table", variant="text", size="small", margin=0, css_classes=["lanes-twin"]
        )
        self.switch.on_click(self._on_switch)
        self.layout = pn.Column(
            self.spans, self.words, self.pane, self.table, self.switch, sizing_mode="stretch_width", margin=0
        )
        self._tasks: dict[str, Mapping[str, Any]] = {}
        self._since = 0.0
        self._shown: tuple[Any, ...] = ()
        self._at = 0.0
        self._as_table = False
        self._figure: Any = None
        self._sources: dict[str, Any] = {}

    def refresh(self) -> None:
        """Draw what is new, at most once a second; running bars grow."""
        picture = self.claudia.boards.tasks.picture()
        state = (self.span, self._as_table, picture.version)
        moves = state != self._shown or any(task["status"] == Status.ACTIVE for task in picture.open)
        if state[:2] == self._shown[:2] and not (moves and time.monotonic() - self._at >= PAUSE):
            return
        now = time.time()
        self._take(picture, now - SPANS[self.span])
        self._draw(picture, now)
        self._shown, self._at = state, time.monotonic()

    # --- what ran -----------------------------------------------------------------------------------------------

    def _take(self, picture: Picture, since: float) -> None:
        news = {task["id"]: task for task in (*picture.open, *picture.recent)}
        missed = len(picture.recent) and not any(task["id"] in self._tasks for task in picture.recent)
        if not self._tasks or since < self._since or missed:
            self._tasks = self._read(since)
            self._since = since
        self._tasks |= news
        if len(self._tasks) > 2 * lanes.MOST_BARS:
            self._since = since
            self._tasks = {one.id: self._tasks[one.id] for one in lanes.newest(self._bars(), since)[0]} | news

    def _read(self, since: float) -> dict[str, Mapping[str, Any]]:
        """Tasks that ended since, the newest, at most one more than can be drawn."""
        page = self.claudia.tasks.list(status=ENDS, order="-updated_at", limit=lanes.MOST_BARS + 1)
        return {task.id: task.to_summary() for task in page.tasks if task.updated_at.timestamp() >= since}

    def _bars(self) -> list[Bar]:
        return [one for one in map(lanes.bar, self._tasks.values()) if one is not None]

    # --- draw ---------------------------------------------------------------------------------------------------

    def _draw(self, picture: Picture, now: float) -> None:
        since = now - SPANS[self.span]
        bars, complete = lanes.newest(self._bars(), since)
        rest = lanes.bins(picture.minutes, since, complete) if complete > since else []
        self.words.object = _words(len(bars), len(rest), complete)
        self.spans.value = self.span
        quiet = not bars and not rest
        self.table.visible, self.pane.visible = self._as_table or quiet, not self._as_table and not quiet
        if self.table.visible:
            self._list(bars, picture)
        else:
            self._chart(bars, rest, now)

    def _list(self, bars: Sequence[Bar], picture: Picture) -> None:
        newest = sorted(bars, key=lambda one: one.start, reverse=True)[:MOST_LISTED]
        zero = QUIET if any(picture.counts.values()) else NO_TASKS
        self.table.put(cells.task_rows(self._tasks[one.id] for one in newest), zero)

    def _chart(self, bars: Sequence[Bar], rest: Sequence[tuple[float, float, str]], now: float) -> None:
        if self._figure is None:
            self._figure, self._sources = figure(self.KEYS, self._on_open is None)
            if self._on_open is not None:
                self._sources["bars"].selected.on_change("indices", self._on_select)
        place = lanes.lay(bars, now)
        rows = {one.id: _row(one, place[one.id], now) for one in sorted(bars, key=lambda one: (one.start, one.id))}
        put(self._sources["bars"], rows, self.KEYS)
        quads = {
            "left": [a * 1e3 for a, _, _ in rest],
            "right": [b * 1e3 for _, b, _ in rest],
            "name": [c for _, _, c in rest],
        }
        if quads != dict(self._sources["rest"].data):
            self._sources["rest"].data = quads
        count = max(place.values(), default=0) + 1
        self._figure.height = min(HIGHEST, max(LOWEST, 60 + LANE * (count + bool(rest))))
        self._figure.x_range.update(start=(now - SPANS[self.span]) * 1e3, end=now * 1e3)
        self._figure.y_range.update(start=count - 0.4, end=-1.6 if rest else -0.6)
        if self.pane.object is None:
            self.pane.object = self._figure

    # --- what people do -----------------------------------------------------------------------------------------

    def _on_select(self, _: str, __: Any, indices: Sequence[int]) -> None:
        source = self._sources["bars"]
        if indices and self._on_open is not None:
            id = source.data["id"][indices[0]]
            source.selected.indices = []
            self._on_open(str(id))

    def _on_span(self, span: str) -> None:
        self.span = span
        self.pull()

    def _on_switch(self, _: object) -> None:
        self._as_table = not self._as_table
        self.switch.label = "Show as timeline" if self._as_table else "Show as table"
        self.pull()


def _row(one: Bar, lane: int, now: float) -> dict[str, Any]:
    end = lanes.finish(one, now)
    return {
        "id": one.id,
        "name": one.name[:120],
        "status": f"{MARKS[Status(one.status)]} {one.status}",
        "lasted": units.span(end - one.start),
        "href": cells.task_href(one.id),
        "lane": lane,
        "left": one.start * 1e3,
        "right": end * 1e3,
        "colour": COLOURS[one.status],
        "hatch": lanes.HATCHES[one.status],
    }


def put(source: Any, rows: Mapping[str, Mapping[str, Any]], keys: Sequence[str]) -> None:
    """Bring a data source up to date by its differences: changed cells are patched, new rows streamed.

    Rows that are gone lie left of what is seen; only when half of all are gone is the source made anew.
    """
    known = source.data["id"]
    gone = sum(id not in rows for id in known)
    if not known or gone > max(100, len(known) // 2):
        source.data = {key: [row[key] for row in rows.values()] for key in keys}
        return
    patches: dict[str, list[tuple[int, Any]]] = {}
    for at, id in enumerate(known):
        row = rows.get(id)
        for key in keys if row is not None else ():
            if source.data[key][at] != row[key]:  # type: ignore[index]  # there are no keys without a row
                patches.setdefault(key, []).append((at, row[key]))  # type: ignore[index]
    if patches:
        source.patch(patches)
    there = set(known)
    fresh = [row for id, row in rows.items() if id not in there]
    if fresh:
        source.stream({key: [row[key] for row in fresh] for key in keys})


def _words(bars: int, rest: int, complete: float) -> str:
    """What the colours and hatches mean, and what is not drawn one by one."""
    signs = {"active": "dotted", "completed": "plain", "failed": "crossed", "cancelled": "striped"}
    marks = [
        f'<span><b style="background:{COLOURS[word]}" aria-hidden="true"></b>'
        f"{MARKS[Status(word)]} {word} ({sign})</span>"
        for word, sign in signs.items()
    ]
    told = f"{units.plural(bars, 'task')}, children below their parents."
    if rest:
        since = time.strftime("%H:%M:%S", time.gmtime(complete))
        told += f" Before {since} UTC there are too many to draw one by one: grey boxes count them by the minute."
    return f"<div>{''.join(marks)}</div><p>{html.escape(told)}</p>"


def figure(keys: Sequence[str], leads: bool) -> tuple[Any, dict[str, Any]]:
    """The chart as a Bokeh figure and its data sources; with `leads`, a click on a bar opens the task's address."""
    from bokeh.models import (
        ColumnDataSource,
        CustomJS,
        CustomJSTickFormatter,
        DatetimeTicker,
        HoverTool,
        Range1d,
        TapTool,
    )
    from bokeh.plotting import figure as new_figure

    bars = ColumnDataSource({key: [] for key in keys})
    rest = ColumnDataSource({"left": [], "right": [], "name": []})
    drawn = new_figure(
        height=LOWEST,
        sizing_mode="stretch_width",
        toolbar_location=None,
        tools="",
        x_range=Range1d(),
        y_range=Range1d(),
    )
    boxes = drawn.hbar(
        y="lane", left="left", right="right", height=0.74, source=bars, fill_color="colour",
        line_color="white", line_alpha=0.4, line_width=0.5,
        hatch_pattern="hatch", hatch_color="white", hatch_alpha=0.75, hatch_scale=7,
        nonselection_fill_alpha=1.0, nonselection_hatch_alpha=0.75,
    )  # fmt: skip
    heaps = drawn.quad(
        left="left", right="right", top=-1.4, bottom=-0.7, source=rest, fill_color="#8a94a6", line_color=None
    )
    tap = TapTool(renderers=[boxes])
    if leads:
        tap.callback = CustomJS(args={"bars": bars}, code=GO)
    drawn.add_tools(
        HoverTool(renderers=[boxes], tooltips=TOOLTIP), HoverTool(renderers=[heaps], tooltips=[("", "@name")]), tap
    )
    drawn.xaxis.ticker = DatetimeTicker(desired_num_ticks=4)
    drawn.xaxis.formatter = CustomJSTickFormatter(code=CLOCK)
    drawn.yaxis.visible = False
    drawn.xgrid.grid_line_alpha = 0.4
    drawn.ygrid.grid_line_color = drawn.outline_line_color = None
    drawn.min_border_left = drawn.min_border_right = 12
    return drawn, {"bars": bars, "rest": rest}


GO = "const at = bars.selected.indices[0]; if (at != null) { window.location.href = bars.data.href[at] }"

__all__ = ["TaskTimeline", "figure", "put"]
