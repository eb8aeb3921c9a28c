"""TaskTimeline: when which task ran, and what ran beside it, as bars and as a table."""

from __future__ import annotations

import html
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import panel as pn
import panel_material_ui as pmui
import param

from claudia_core.boards import Minute, Picture
from claudia_core.model.task import Status
from dashboards.aside import Aside
from dashboards.cells import tasks as cells
from dashboards.figures import lanes
from dashboards.figures.lanes import SPANS, Bar, Heap
from dashboards.figures.ran import Known, Wanted, read
from dashboards.live import LiveView
from dashboards.parts.frame.rows import Rows
from dashboards.parts.frame.tiles import Tabs
from dashboards.parts.tasks import timeline_figure as drawing
from dashboards.parts.tasks.task_table import DURATION, ENDED, NAME, NO_MATCH, NO_TASKS, STARTED, STATUS
from dashboards.theme import HEADING, LEGEND, MARKS

if TYPE_CHECKING:
    from claudia_core import Claudia

QUIET = ("No task ran in this time", "Choose a longer time; a task that starts appears here at once.")
PAUSE = 1.0
"""Seconds between two drawings."""

READ_AGAIN = 15.0
"""Seconds after which what is counted in columns is read again."""

MOST_LISTED = 200


class TaskTimeline(LiveView):
    """Tasks as bars from start to end, children below their parents, over the last minutes or up to a day.

    Beyond `lanes.MOST_BARS` the older ones are counted in columns above the bars, and a sentence says so. The store is
    asked once; then the board tells what starts and ends.
    """

    span: Any = param.Selector(default="15m", objects=list(SPANS), doc="How far back it reaches.")
    status: Any = param.Selector(
        default="", objects=["", *(status.value for status in Status)], doc="Only tasks of this status; empty for all."
    )
    type = param.String("", doc="Only tasks whose type begins so.")
    tag = param.String("", doc="Only tasks with this tag.")
    agent = param.String("", doc="Only tasks of the agent with this id.")
    parent_id = param.String("", doc="Only parts of the task with this id.")
    name_prefix = param.String("", doc="Only tasks whose name begins so; case does not matter.")

    def __init__(
        self,
        claudia: Claudia,
        *,
        on_open: Callable[[str], None] | None = None,
        on_span: Callable[[str], None] | None = None,
        **params: Any,
    ) -> None:
        super().__init__(claudia, **params)
        self._on_open, self._tell_span = on_open, on_span
        items = [{"key": key, "label": key.replace("m", " min").replace("h", " h")} for key in SPANS]
        self.spans = Tabs(label="How far back", items=items, value=self.span, on_choose=self._on_choose)
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
        self._known: dict[str, tuple[int, Bar | None]] = {}
        self._minutes: tuple[Minute, ...] = ()
        self._aside = Aside()
        self._asked: tuple[Any, ...] = ()
        self._read_at = 0.0
        self._heaped = False
        self._shown: tuple[Any, ...] = ()
        self._at = 0.0
        self._as_table = False
        self._rows: dict[str, Mapping[str, Any]] = {}
        self._laid: tuple[dict[str, float | None], Mapping[str, int]] = ({}, {})
        self._figure: Any = None
        self._sources: dict[str, Any] = {}

    def refresh(self) -> None:
        """Draw what is new, at most once a second; running bars grow, and all move on with time."""
        picture = self.claudia.boards.tasks.picture()
        state = (self._state(), self._as_table, picture.version)
        moves = state != self._shown or any(task["status"] == Status.ACTIVE for task in picture.open)
        if state[:2] == self._shown[:2] and time.monotonic() - self._at < (PAUSE if moves else READ_AGAIN):
            return
        self._take(picture, time.time())
        if self._asked == self._state():
            self._draw(picture, time.time())
            self._shown, self._at = state, time.monotonic()

    def _state(self) -> tuple[str, Wanted]:
        wanted = Wanted(self.status, self.type, self.name_prefix, self.tag, self.agent, self.parent_id)
        return str(self.span), wanted

    # --- what ran -----------------------------------------------------------------------------------------------

    def _take(self, picture: Picture, now: float) -> None:
        """What the board tells; the store is asked when that is not enough."""
        state = self._state()
        missed = len(picture.recent) and not any(task["id"] in self._tasks for task in picture.recent)
        stale = self._heaped and time.monotonic() - self._read_at > READ_AGAIN
        if state != self._asked or (missed and state[1] == Wanted()) or stale:
            since, store = now - SPANS[state[0]], self.claudia.store
            self._aside.ask(
                state, lambda: read(store, state[1], since, now), lambda known: self._on_known(state, known)
            )
        fits = state[1]
        news = {task["id"]: task for task in (*picture.open, *picture.recent)}
        self._tasks |= {id: task for id, task in news.items() if id in self._tasks or fits(task)}

    def _on_known(self, state: tuple[str, Wanted], known: Known) -> None:
        self._tasks, self._minutes = known
        self._known = {}
        if self._sources and state != self._asked:
            self._sources["bars"].data = {key: [] for key in drawing.KEYS}
            self._rows = {}
        self._read_at = time.monotonic()
        self._asked, self._shown = state, ()
        if pn.state.curdoc is not None:
            self.pull()

    def _bars(self) -> list[Bar]:
        """A bar for each task that fits; each is made once a version."""
        known, fits = self._known, self._state()[1]
        for id, task in self._tasks.items():
            before = known.get(id)
            if before is None or before[0] != task["version"]:
                known[id] = task["version"], lanes.bar(task) if fits(task) else None
        return [one for _, one in known.values() if one is not None]

    # --- draw ---------------------------------------------------------------------------------------------------

    def _draw(self, picture: Picture, now: float) -> None:
        span, wanted = self._state()
        since = now - SPANS[span]
        bars, complete = lanes.newest(self._bars(), since)
        width = lanes.WIDTHS.get(span, 60)
        recent = picture.minutes if wanted.is_counted else ()
        counted = {minute.at: minute for minute in (*self._minutes, *recent)}
        minutes = lanes.undrawn(counted.values(), bars, complete)
        heaps = lanes.heaps(minutes, since, complete, width, wanted.ends) if complete > since else []
        self._heaped = bool(heaps)
        self._forget(bars)
        self.spans.value = span
        quiet = not bars and not heaps
        self.words.object = "" if quiet else _words(len(bars), heaps, complete, partial=complete > since)
        self.table.visible, self.pane.visible = self._as_table or quiet, not self._as_table and not quiet
        self.switch.visible = self._as_table or not quiet
        if self.table.visible:
            self._list(bars, picture, wanted)
        else:
            self._chart(bars, heaps, since, now)

    def _forget(self, bars: Sequence[Bar]) -> None:
        """Let go of what is not drawn any more, once there is much of it."""
        if len(self._tasks) > 2 * lanes.MOST_BARS:
            kept = {one.id for one in bars}
            self._tasks = {id: task for id, task in self._tasks.items() if id in kept}
            self._known = {id: known for id, known in self._known.items() if id in kept}

    def _list(self, bars: Sequence[Bar], picture: Picture, wanted: Wanted) -> None:
        newest = sorted(bars, key=lambda one: one.start, reverse=True)[:MOST_LISTED]
        zero = NO_MATCH if wanted != Wanted() else QUIET if any(picture.counts.values()) else NO_TASKS
        self.table.put(cells.task_rows(self._tasks[one.id] for one in newest), zero)

    def _chart(self, bars: Sequence[Bar], heaps: Sequence[Heap], since: float, now: float) -> None:
        if self._figure is None:
            self._figure, self._sources = drawing.figure(self._on_open is None)
            if self._on_open is not None:
                self._sources["bars"].selected.on_change("indices", self._on_select)
        place = self._place(bars, now)
        rows = {one.id: self._row(one, place[one.id], now) for one in sorted(bars, key=lambda one: (one.start, one.id))}
        drawing.put(self._sources["bars"], rows, drawing.KEYS, self._rows)
        self._rows = rows
        columns = drawing.heap_columns(heaps)
        if columns != dict(self._sources["heaps"].data):
            self._sources["heaps"].data = columns
        drawing.scale(self._figure, since, now, max(place.values(), default=0) + 1, heaped=bool(heaps))
        if self.pane.object is None:
            self.pane.object = self._figure

    def _place(self, bars: Sequence[Bar], now: float) -> Mapping[str, int]:
        """The lanes, found anew when something started or ended: a bar that grows stays in its lane."""
        ends = {one.id: one.end for one in bars}
        if ends != self._laid[0]:
            self._laid = ends, lanes.lay(bars, now)
        return self._laid[1]

    def _row(self, one: Bar, lane: int, now: float) -> Mapping[str, Any]:
        """A bar's row; the same object as the last time where nothing can have changed."""
        before = self._rows.get(one.id)
        if before is not None and one.end is not None and before["right"] == one.end * 1e3 and before["lane"] == lane:
            return before
        return drawing.row(one, lane, now)

    # --- what people do -----------------------------------------------------------------------------------------

    def _on_select(self, _: str, __: Any, indices: Sequence[int]) -> None:
        source = self._sources["bars"]
        if indices and self._on_open is not None:
            id = source.data["id"][indices[0]]
            source.selected.indices = []
            self._on_open(str(id))

    def _on_choose(self, span: str) -> None:
        if self._tell_span is not None:
            self._tell_span(span)
        else:
            self.span = span
            self.pull()

    def _on_switch(self, _: object) -> None:
        self._as_table = not self._as_table
        self.switch.label = "Show as timeline" if self._as_table else "Show as table"
        self.pull()


def _words(bars: int, heaps: Sequence[Heap], complete: float, *, partial: bool) -> str:
    """What the colours and hatches mean, and what is not drawn one by one."""
    signs = {"active": "dotted", "completed": "plain", "failed": "crossed", "cancelled": "striped"}
    marks = [
        f'<span><b style="background:{drawing.COLOURS[word]}" aria-hidden="true"></b>'
        f"{MARKS[Status(word)]} {word} ({sign})</span>"
        for word, sign in signs.items()
    ]
    moment = f"{datetime.fromtimestamp(complete, UTC):%H:%M:%S} UTC"
    told = " ".join(drawing.words(bars, heaps, moment, partial=partial))
    return f"<div>{''.join(marks)}</div><p>{html.escape(told)}</p>"


__all__ = ["SPANS", "TaskTimeline"]
