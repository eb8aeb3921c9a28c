"""Events: the log as it happens, and any stretch of it."""

from __future__ import annotations

import html
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import panel as pn
import param

from claudia_core.boards import Picture
from claudia_core.errors import InvalidValue
from claudia_core.model.identity import current
from dashboards import units
from dashboards.aside import Aside
from dashboards.cells import events as event_cells
from dashboards.event_log import PAGE, Arrivals, Sight, Stretch, Wanted, look, newer, place
from dashboards.live import Page
from dashboards.parts.events.event_detail import EventDetail
from dashboards.parts.frame.fields import Fields
from dashboards.parts.frame.heading import heading, heading_html
from dashboards.parts.frame.rows import Column, Rows
from dashboards.parts.frame.tiles import Tabs
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
TYPES = ("task:*", "progress:*", "error:*", "issue:*", "agent:*", "task:created", "task:started", "task:completed",
         "task:failed", "task:cancelled", "error:reported", "issue:opened")  # fmt: skip
MOST_OFFERS = 50
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
        self._who = current()
        self.heading = heading("Events", level=1)
        kinds = [{"key": key, "label": label} for key, label in KINDS]
        self.kinds = Tabs(label="Kind of events", items=kinds, on_choose=self._on_kind)
        self.fields = Fields(label="Filters and places", on_change=self._on_field)
        self.table = Rows(COLUMNS, label="Events, newest first", opens="here", on_open=self._on_open)
        self.turns = Tabs(label="Pages of the log", on_choose=self._on_turn, css_classes=["turns"])
        self.gap = pn.pane.HTML("", stylesheets=[HEADING], sizing_mode="stretch_width", margin=0, visible=False)
        self.detail: EventDetail | None = None
        self.listing = pn.Column(
            self.kinds, self.fields, self.turns, self.gap, self.table,
            styles=MAIN, sizing_mode="stretch_width", margin=0,
        )  # fmt: skip
        self.body = pn.Row(self.listing, styles=WRAP, sizing_mode="stretch_width", margin=0)
        self.layout = pn.Column(self.heading, self.body, styles={"gap": "16px"}, sizing_mode="stretch_width", margin=0)
        self._aside, self._clicks = Aside(), Aside()
        self._arrivals = Arrivals()
        self._shown: tuple[Any, ...] = ()
        self._top = 0
        self._sight = Sight()

    # --- pull ---------------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Show what is new, or the page that was asked for; the store is asked only when the board has not got it."""
        picture = self.claudia.boards.tasks.picture()
        top = self._place()
        key = (self.type, self.subject, top, self.seq, picture.sequence)
        if key == self._shown:
            return
        self._refresh_detail()
        sight = None
        if not top:
            sight = self._followed(picture) if key[:3] == self._shown[:3] else self._begun(picture)
        if sight is not None and sight.is_named:
            self._show(key, picture, sight)
            return
        question = partial(self._look, key, self._shown, self._sight) if sight is None else partial(self._name, sight)
        self._aside.ask(key, question, partial(self._show, key, picture))

    def _look(self, key: tuple[Any, ...], shown: tuple[Any, ...], sight: Sight) -> Sight:
        """Ask the store; apart from the session, so nothing of the page is changed here."""
        kind, subject, top, _, head = key
        wanted = sight.wanted if key[:2] == shown[:2] else Wanted(kind, self._resolved(subject), self._who)
        stretch = sight.stretch if key[:3] == shown[:3] and top else None
        return look(self.claudia.store, wanted, top, head, sight.names, self._arrivals, stretch)

    def _name(self, sight: Sight) -> Sight:
        """Ask the store for the names of what is new."""
        return replace(sight, names=event_cells.named(self.claudia.store, sight.stretch.events, sight.names))

    def _place(self) -> int:
        if not self.at:
            return 0
        if not (self.at.isascii() and self.at.isdigit()) or len(self.at) > 18:
            raise InvalidValue(f"{self.at!r:.40} is not a sequence of the log", field="at", hint="use a number")
        return max(1, int(self.at))

    def _resolved(self, subject: str) -> str:
        """A subject, or the id of the newest task whose name begins so."""
        text = subject.strip()
        if text and not self.claudia.store.events(0, 1, subject=text).events:
            found = self.claudia.store.get("tasks", text)
            tasks = [] if found else self.claudia.tasks.list(name=text, limit=1).tasks
            text = tasks[0].id if tasks else text
        return text

    def _begun(self, picture: Picture) -> Sight | None:
        """The newest page as the board has it; None where it does not tell enough."""
        wanted = Wanted(self.type, who=self._who)
        events = tuple(event for event in picture.events if wanted(event))[:PAGE]
        if self.subject or not (len(events) == PAGE or (picture.events and picture.events[-1].sequence == 1)):
            return None
        tasks = {str(task["id"]): ("tasks", str(task["name"])) for task in (*picture.open, *picture.recent)}
        names = {event.subject: tasks[event.subject] for event in events if event.subject in tasks}
        return Sight(wanted, Stretch(events, events[-1].sequence - 1 if len(events) == PAGE else 0), names)

    def _followed(self, picture: Picture) -> Sight | None:
        """What was shown with what has arrived above it; None where the board does not tell enough."""
        sight = self._sight
        if not picture.events or picture.events[-1].sequence > self._top + 1:
            return None
        fresh = tuple(event for event in picture.events if event.sequence > self._top and sight.wanted(event))
        events = (fresh + sight.stretch.events)[:PAGE]
        below = events[-1].sequence - 1 if len(events) == PAGE else sight.stretch.below
        return replace(sight, stretch=replace(sight.stretch, events=events, below=below)) if fresh else sight

    def _show(self, key: tuple[Any, ...], picture: Picture, sight: Sight) -> None:
        self._sight, self._shown = sight, key
        self._top = key[2] or picture.sequence
        self._draw(picture, key[2])

    # --- draw ---------------------------------------------------------------------------------------------------

    def _draw(self, picture: Picture, top: int) -> None:
        stretch, names, waiting = self._sight.stretch, self._sight.names, self._sight.waiting
        chosen = int(self.seq) if self.seq.isdecimal() else 0
        zero = NO_MATCH if self.type or self.subject else NOT_THERE if top else NO_EVENT
        self.table.put([event_cells.row(event, names, chosen) for event in stretch.events], zero)
        self.turns.items = self._turns(stretch, top, waiting)
        self.heading.object = heading_html("Events", *_state(picture, top, waiting), level=1)
        notice = _notice(stretch, top)
        self.gap.object = f'<p role="status">{html.escape(notice)}</p>' if notice else ""
        self.gap.visible = bool(notice)
        self.kinds.value = self.type
        self.fields.items = _fields(self.type, self.subject, picture)

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

    def _on_field(self, field: str, value: str) -> None:
        if field == "goto":
            self._on_goto(value)
        else:
            self.param.update(**{field: value})

    def _on_only(self, subject: str) -> None:
        self.subject = subject

    def _on_goto(self, text: str) -> None:
        question = partial(place, text, datetime.now(UTC), self.claudia.store.sequence_at)
        self._clicks.ask(text, question, self._on_place, lambda error: self.say(str(error), "bad"))

    def _on_place(self, found: int) -> None:
        self.param.update(at=str(found), seq=str(found))

    def _on_newer(self, top: int | None) -> None:
        self.at = "" if top is None else str(top)

    def _on_turn(self, turn: str) -> None:
        if turn == "pause":
            self.at = str(max(1, self._top))
        elif turn == "older":
            self.at = str(self._sight.stretch.below)
        elif turn == "newer":
            question = partial(newer, self.claudia.store, self._sight.wanted, self._place())
            self._clicks.ask(turn, question, self._on_newer, lambda error: self.say(str(error), "bad"))
        else:
            self.at = ""

    def _on_open(self, key: str) -> None:
        self.seq = "" if key == self.seq else key

    def _on_close(self) -> None:
        self.seq = ""


def _fields(kind: str, subject: str, picture: Picture) -> list[dict[str, Any]]:
    """The inputs, with what they may be: types of event and names of tasks that were seen lately."""
    types = sorted({*TYPES, *(event.type for event in picture.events)})
    names = dict.fromkeys(str(task["name"]) for task in (*picture.open[:MOST_OFFERS], *picture.recent))
    return [
        {"key": "type", "label": "Type", "value": kind, "hint": "task:*",
         "offers": [[one] for one in types]},
        {"key": "subject", "label": "About", "value": subject, "hint": "name or id",
         "offers": [[name] for name in list(names)[:MOST_OFFERS]]},
        {"key": "goto", "label": "Go to", "value": "", "hint": "812, 15 min or 14:30", "enter": True},
    ]  # fmt: skip


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
