"""EventList: what happened, newest first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import param

from claudia_core.boards import Picture
from claudia_core.model.event import Event
from claudia_core.model.identity import current
from claudia_core.services.notifications.people import may_read
from dashboards.cells import tasks as cells
from dashboards.event_log import Wanted, older
from dashboards.live import LiveView
from dashboards.parts.frame.rows import Column, Rows

if TYPE_CHECKING:
    from claudia_core import Claudia

COLUMNS = (
    Column("at", "When", "ago"),
    Column("event", "Event"),
    Column("says", "What happened"),
    Column("sequence", "Sequence", "number", 3),
)
MILESTONES = (
    "task:created",
    "task:started",
    "task:updated",
    "task:retrying",
    "task:overdue",
    "task:stalled",
    "task:completed",
    "task:failed",
    "task:cancelled",
    "error:reported",
)
"""Events of a task that are not mere progress."""

NO_EVENT = ("No event yet", "Whatever happens on this hub is listed here.")


class EventList(LiveView):
    """The newest events of a hub, or the milestones of one task."""

    subject = param.String("", doc="Only events about this id; empty for all.")
    limit = param.Integer(50, bounds=(1, 500), doc="Most events shown.")

    def __init__(self, claudia: Claudia, *, title: str = "", **params: Any) -> None:
        super().__init__(claudia, **params)
        self.table = Rows(COLUMNS, label="Events", title=title, zero=list(NO_EVENT))
        self.layout = self.table
        self._who = current()
        self._shown: tuple[Any, ...] = ()

    def refresh(self) -> None:
        """Bring the list up to date."""
        picture = self.claudia.boards.tasks.picture()
        state = (picture.sequence, self.subject, self.limit)
        if state != self._shown:
            events = self._milestones() if self.subject else self._newest(picture)
            self.table.put([cells.event_row(event) for event in events])
            self._shown = state

    def _newest(self, picture: Picture) -> list[Event]:
        return [event for event in picture.events if may_read(self._who, event)][: self.limit]

    def _milestones(self) -> list[Event]:
        """The newest, however long the task's history is."""
        store = self.claudia.store
        return list(older(store, Wanted(" ".join(MILESTONES), self.subject), store.head(), self.limit).events)
