"""EventDetail: one event of the log in full."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import panel as pn
import param

from claudia_core.model.event import Event
from claudia_core.model.identity import current
from claudia_core.services.notifications.people import may_read
from dashboards.cells import events as event_cells
from dashboards.live import LiveView
from dashboards.parts.frame.heading import heading, heading_html
from dashboards.parts.frame.rows import Column, Rows
from dashboards.parts.frame.tiles import Tabs
from dashboards.theme import CARD

if TYPE_CHECKING:
    from claudia_core import Claudia

FACTS = (Column("label", ""), Column("value", "", "any"))
CONTENT = (Column("label", "", "heading"), Column("value", "", "code"))
BOX = {
    **CARD,
    "flex": "2 1 380px",
    "min-width": "min(380px, 100%)",
    "max-height": "calc(100vh - 96px)",
    "overflow": "auto",
    "position": "sticky",
    "top": "8px",
    "z-index": "2",
    "gap": "8px",
}


class EventDetail(LiveView):
    """Type, subject, time and cursor of an event, and all of it as CloudEvents JSON with a button that copies it."""

    sequence = param.String("", doc="The event's sequence in the log.")

    def __init__(
        self, claudia: Claudia, *, on_close: Callable[[], None], on_subject: Callable[[str], None], **params: Any
    ) -> None:
        super().__init__(claudia, **params)
        self._on_close, self._on_subject, self._who = on_close, on_subject, current()
        self.title = heading("")
        self.buttons = Tabs(label="This event", on_choose=self._on_button, css_classes=["event-buttons"])
        self.facts = Rows(FACTS, label="Facts about the event", layout="facts", opens="there")
        self.content = Rows(CONTENT, label="The event as JSON", layout="codes")
        self.layout = pn.Column(
            self.title, self.buttons, self.facts, self.content,
            styles=BOX, sizing_mode="stretch_width", margin=0, css_classes=["event-detail"],
        )  # fmt: skip
        self._shown = ""
        self._event: Event | None = None

    def refresh(self) -> None:
        """Show the event; it never changes, so it is read once."""
        if self.sequence == self._shown or not self.sequence:
            return
        self._event = event = self._find()
        self._shown = self.sequence
        items = [{"key": "close", "label": "✕ Close"}]
        if event is None:
            self.title.object = heading_html("Event not found", f"No event {self.sequence[:20]} is kept in this log.")
        else:
            self.title.object = heading_html(f"Event {event.sequence:,}")
            items += [{"key": "only", "label": "Only about this"}] if event.subject else []
        self.buttons.items = items
        self._show(event)

    def _find(self) -> Event | None:
        text = self.sequence
        if not (text.isascii() and text.isdigit()) or not 0 < len(text) <= 18 or int(text) < 1:
            return None
        found = self.claudia.store.events(int(text) - 1, 1).events
        is_there = bool(found) and found[0].sequence == int(text) and may_read(self._who, found[0])
        return found[0] if is_there else None

    def _show(self, event: Event | None) -> None:
        self.facts.visible = self.content.visible = event is not None
        if event is not None:
            names = event_cells.named(self.claudia.store, [event], {})
            self.facts.put(event_cells.facts(event, names))
            self.content.put(event_cells.content(event))

    def _on_button(self, button: str) -> None:
        if button == "close":
            self._on_close()
        elif self._event is not None:
            self._on_subject(self._event.subject)
