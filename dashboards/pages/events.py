"""Events: the log as it happens, and any stretch of it."""

from __future__ import annotations

import html
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar

import panel as pn
import panel_material_ui as pmui
import param

from claudia_core.boards import Picture
from claudia_core.errors import InvalidValue
from dashboards import event_cells, units
from dashboards.event_log import PAGE, Arrivals, Stretch, Wanted, newer, older, place
from dashboards.live import Page
from dashboards.parts.event_detail import EventDetail
from dashboards.parts.heading import heading, heading_html
from dashboards.parts.rows import Column, Rows
from dashboards.parts.tiles import Tabs
from dashboards.theme import CARD, HEADING

if TYPE_CHECKING:
    from claudia_core import Claudia

COLUMNS = (
    Column("event", "Event", "link"),
    Column("about", "About", "link"),
    Column("says", "What happened"),
    Column("at", "When", "ago"),
    Column("time", "Time", "moment", 3),
    Column("sequence", "Sequence", "number", 3),
)
KINDS = (
    ("", "All"),
    ("!progress:* !task:progress", "Without progress"),
    ("task:*", "Tasks"),
    ("error:* issue:*", "Errors"),
    ("agent:*", "Agents"),
)
FIRST_STEPS = """from claudia_core import Claudia
claudia = Claudia()
for row in claudia.track(rows, name="clean rows"): ..."""
NO_EVENT = ("No event yet", "Track a loop in a notebook or script on the same store, and it is told here:", FIRST_STEPS)
NO_MATCH = ("No event matches", "Choose All, or clear the type and the subject.")
NOT_THERE = ("No event is kept here", "Go on with Newer, or go to another sequence or time.")

MAIN = {**CARD, "gap": "10px", "flex": "3 1 600px", "min-width": "min(600px, 100%)"}
WRAP = {"gap": "16px", "flex-wrap": "wrap-reverse", "align-items": "flex-end"}


class EventsPage(Page):
    """The newest events, live; with filters, older pages, a pause, and one event in full beside them."""

    type = param.String("", doc="Only types that match: patterns such as `task:*`, and `!progress:*` for all others.")
    subject = param.String("", doc="Only events about this id, or about the newest task whose name begins so.")
    at = param.String("", doc="The sequence of the newest event shown; empty to follow the log.")
    seq = param.String("", doc="The sequence of the event shown in full.")

    ADDRESS: ClassVar[tuple[str, ...]] = ("type", "subject", "at", "seq")
    TYPED: ClassVar[tuple[str, ...]] = ("type", "subject")

    def __init__(self, claudia: Claudia, **params: Any) -> None:
        super().__init__(claudia, title="Events", **params)
        self.heading = heading("Events", level=1)
        kinds = [{"key": key, "label": label} for key, label in KINDS]
        self.kinds = Tabs(label="Kind of events", items=kinds, on_choose=self._on_kind)
        self.kind = _field("Type, such as task:*", "kind")
        self.about = _field("About: a task's name or id", "about")
        self.goto = _field("Go to 812, 15 min, 14:30", "goto")
        self.kind.param.watch(self._on_type, "value_input")
        self.about.param.watch(self._on_subject, "value_input")
        self.goto.param.watch(self._on_goto, "value")
        self.table = Rows(COLUMNS, label="Events, newest first", opens="here", on_open=self._on_open)
        self.turns = Tabs(label="Pages of the log", on_choose=self._on_turn, css_classes=["turns"])
        self.gap = pn.pane.HTML("", stylesheets=[HEADING], sizing_mode="stretch_width", margin=0, visible=False)
        self.detail: EventDetail | None = None
        fields = pn.FlexBox(self.kind, self.about, self.goto, gap="10px", sizing_mode="stretch_width", margin=0)
        self.listing = pn.Column(
            self.kinds, fields, self.turns, self.gap, self.table, styles=MAIN, sizing_mode="stretch_width", margin=0
        )
        self.body = pn.Row(self.listing, styles=WRAP, sizing_mode="stretch_width", margin=0)
        self.layout = pn.Column(self.heading, self.body, styles={"gap": "16px"}, sizing_mode="stretch_width", margin=0)
        self._arrivals = Arrivals()
        self._shown: tuple[Any, ...] = ()
        self._top = 0
        self._stretch = Stretch()
        self._names: event_cells.Names = {}
        self._wanted = Wanted()

    # --- pull ---------------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Show what is new, or the page that was asked for; the store is asked only when the board has not got it."""
        picture = self.claudia.boards.tasks.picture()
        top = self._place()
        asked = (self.type, self.subject, top, self.seq)
        if (*asked, picture.sequence) == self._shown:
            return
        if asked[:2] != self._shown[:2]:
            self._wanted = self._resolved()
        if asked[:3] != self._shown[:3]:
            self._stretch = older(self.claudia.store, self._wanted, top or picture.sequence)
        elif not top:
            self._stretch = self._followed(picture)
        self._top = top or picture.sequence
        self._draw(picture, top)
        self._refresh_detail()
        self._shown = (*asked, picture.sequence)

    def _place(self) -> int:
        if not self.at:
            return 0
        if not (self.at.isascii() and self.at.isdigit()) or len(self.at) > 18:
            raise InvalidValue(f"{self.at!r:.40} is not a sequence of the log", field="at", hint="use a number")
        return max(1, int(self.at))

    def _resolved(self) -> Wanted:
        """The filter, with a task's name turned into its id."""
        text = self.subject.strip()
        if text and not self.claudia.store.events(0, 1, subject=text).events:
            found = self.claudia.store.get("tasks", text)
            tasks = [] if found else self.claudia.tasks.list(name=text, limit=1).tasks
            text = tasks[0].id if tasks else text
        return Wanted(self.type, text)

    def _followed(self, picture: Picture) -> Stretch:
        """What was shown with what has arrived above it."""
        if not picture.events or picture.events[-1].sequence > self._top + 1:
            return older(self.claudia.store, self._wanted, picture.sequence)
        fresh = tuple(event for event in picture.events if event.sequence > self._top and self._wanted(event))
        if not fresh:
            return self._stretch
        events = (fresh + self._stretch.events)[:PAGE]
        below = events[-1].sequence - 1 if len(events) == PAGE else self._stretch.below
        return replace(self._stretch, events=events, below=below)

    # --- draw ---------------------------------------------------------------------------------------------------

    def _draw(self, picture: Picture, top: int) -> None:
        stretch = self._stretch
        self._names = event_cells.named(self.claudia.store, stretch.events, self._names)
        chosen = int(self.seq) if self.seq.isdecimal() else 0
        zero = NO_MATCH if self.type or self.subject else NOT_THERE if top else NO_EVENT
        self.table.put([event_cells.row(event, self._names, chosen) for event in stretch.events], zero)
        waiting = self._arrivals.look(self.claudia.store, self._wanted, top, picture.sequence) if top else 0
        self.turns.items = self._turns(stretch, top, waiting)
        self.heading.object = heading_html("Events", *_state(picture, top, waiting), level=1)
        notice = _notice(stretch, top)
        self.gap.object = f'<p role="status">{html.escape(notice)}</p>' if notice else ""
        self.gap.visible = bool(notice)
        self.kinds.value = self.type
        self.kind.param.update(value=self.type, value_input=self.type)
        self.about.param.update(value=self.subject, value_input=self.subject)

    def _turns(self, stretch: Stretch, top: int, waiting: int) -> list[dict[str, Any]]:
        count = units.number(waiting) if top else None
        follow = {"key": "resume", "label": "▶ Resume", "count": f"{count} new"}
        pause = {"key": "pause", "label": "❚❚ Pause"}
        items: list[dict[str, Any]] = [follow if top else pause]
        items += [{"key": "newer", "label": "← Newer"}] if top and waiting else []
        return items + ([{"key": "older", "label": "Older →"}] if stretch.below else [])

    def _refresh_detail(self) -> None:
        if self.detail is None:
            if not self.seq:
                return
            self.detail = EventDetail(self.claudia, on_close=self._on_close, on_subject=self._on_only)
            self.body.append(self.detail.layout)
        self.detail.sequence = self.seq
        self.detail.layout.visible = bool(self.seq)
        self.detail.refresh()

    # --- what people do -----------------------------------------------------------------------------------------

    def _on_kind(self, pattern: str) -> None:
        self.type = pattern

    def _on_type(self, event: Any) -> None:
        self.type = event.new or ""

    def _on_subject(self, event: Any) -> None:
        self.subject = event.new or ""

    def _on_only(self, subject: str) -> None:
        self.subject = subject

    def _on_goto(self, event: Any) -> None:
        if not event.new:
            return
        try:
            found = place(event.new, datetime.now(UTC), self.claudia.store.sequence_at)
        except InvalidValue as error:
            self.say(str(error), "bad")
            return
        self.goto.param.update(value="", value_input="")
        self.param.update(at=str(found), seq=str(found))

    def _on_turn(self, turn: str) -> None:
        if turn == "pause":
            self.at = str(max(1, self._top))
        elif turn == "older":
            self.at = str(self._stretch.below)
        elif turn == "newer":
            top = newer(self.claudia.store, self._wanted, self._place())
            self.at = "" if top is None else str(top)
        else:
            self.at = ""

    def _on_open(self, key: str) -> None:
        self.seq = "" if key == self.seq else key

    def _on_close(self) -> None:
        self.seq = ""


def _field(label: str, name: str) -> Any:
    styles = {"flex": "1 1 150px", "min-width": "150px", "max-width": "260px"}
    return pmui.TextInput(
        label=label, size="small", margin=(4, 0), css_classes=[name], styles=styles, sizing_mode="stretch_width"
    )


def _state(picture: Picture, top: int, waiting: int) -> tuple[str, str]:
    """What the heading says: a sentence and its tone."""
    if top:
        return f"❚❚ Paused at {top:,} · {units.plural(waiting, 'newer event')}", "cancelled"
    return f"● Live · {picture.sequence:,} so far", "good"


def _notice(stretch: Stretch, top: int) -> str:
    """What is not shown though it was asked for."""
    if stretch.gap is not None and top and top <= stretch.gap.last:
        kept = stretch.gap.last + 1
        return f"Event {top:,} is no longer kept: retention has deleted everything before {kept:,}."
    if stretch.gap is not None:
        return f"This is the beginning: events before {stretch.gap.last + 1:,} are no longer kept."
    if stretch.is_cut:
        return f"Looked back as far as {stretch.below + 1:,}. Older goes on from there."
    return ""


if __name__.startswith("bokeh_app_"):  # panel serve dashboards/pages/events.py
    from dashboards import serve_here

    serve_here(EventsPage)
