"""The log and tasks as endless streams, read piece by piece: what GraphQL and gRPC subscriptions are made of.

A reader is asked again and again, and never waits itself: who asks knows how to wait (`Store.wait` in a thread, a bell
on an event loop). It belongs to one stream and holds a position, no events: a slow consumer costs no memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from claudia_core.app import Claudia
from claudia_core.errors import TooLarge
from claudia_core.model.event import Event, EventSlice, Gap
from claudia_core.model.identity import Identity, current
from claudia_core.services.notifications.people import may_read

SLICE = 500
"""Most events read at once."""

MAX_TYPES = 20
MAX_TYPE = 200
"""Most patterns of one reader, and most characters of each."""

CHANGES = ("task:*", "progress:updated")
"""Events after which a task looks different."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One message of a stream: an event, a task as it is now, or what was lost. `cursor` resumes just behind it."""

    cursor: str
    event: Event | None = None
    task: dict[str, Any] | None = None
    gap: Gap | None = None


class LogReader:
    """Reads the log from a cursor on, or from now on.

    Args:
        hub: whose log.
        after: a cursor; the head of the log when None.
        types: event types to take, with `*` and `?` as in `task:*`; all when empty.
        subject: only events about this id.
        who: reads it; whoever asks now when None. What is about another's notices is left out.

    Raises:
        BadCursor: the cursor cannot be read, belongs to another log or lies beyond its end.
        TooLarge: more than 20 types, or one of more than 200 characters.
    """

    ended = False
    is_behind = False
    """Whether the last look came to no end: there is more to look at now, even where it found nothing."""

    def __init__(
        self,
        hub: Claudia,
        *,
        after: str | None = None,
        types: Sequence[str] = (),
        subject: str | None = None,
        who: Identity | None = None,
    ) -> None:
        if len(types) > MAX_TYPES:
            raise TooLarge(f"{len(types)} types, over the limit of {MAX_TYPES}", field="types", hint="use patterns")
        if any(len(type) > MAX_TYPE for type in types):
            raise TooLarge(f"a type of over {MAX_TYPE} characters", field="types")
        self._hub = hub
        self._patterns = tuple(types)
        self._exact = () if any("*" in type or "?" in type for type in types) else self._patterns
        self._subject = subject
        self._who = who or current()
        self.position = hub.store.head() if after is None else hub.events.position_of(after)

    def read(self) -> list[Notice]:
        """What came since the last call, oldest first; empty when there is nothing."""
        part = self._slice()
        return [*_lost(self._hub, part), *(Notice(str(event.cursor), event) for event in part.events)]

    def _slice(self) -> EventSlice:
        part = self._hub.store.events(self.position, SLICE, self._exact, self._subject)
        self.is_behind = part.position - self.position >= SLICE
        self.position = part.position
        return EventSlice([event for event in part.events if self._takes(event)], part.position, part.gap)

    def _takes(self, event: Event) -> bool:
        if not may_read(self._who, event):
            return False
        return (
            not self._patterns
            or bool(self._exact)
            or any(fnmatchcase(event.type, pattern) for pattern in self._patterns)
        )


class TasksReader(LogReader):
    """Reads the tasks that changed, each as it is now: of several changes since the last call only the last is told.

    `type` keeps only tasks of that type. Content (payload, result, traceback) is left out, as in lists.
    """

    def __init__(self, hub: Claudia, *, after: str | None = None, type: str | None = None) -> None:
        super().__init__(hub, after=after, types=CHANGES)
        self._type = type

    def read(self) -> list[Notice]:
        """What changed since the last call; empty when nothing did."""
        part = self._slice()
        latest = {event.subject: event for event in part.events}
        found = self._hub.store.get_many("tasks", latest)
        changed = [event for event in latest.values() if event.subject in found]
        changed.sort(key=lambda event: event.sequence)
        notices = [Notice(str(event.cursor), task=found[event.subject]) for event in changed]
        return [*_lost(self._hub, part), *filter(self._wants, notices)]

    def _wants(self, notice: Notice) -> bool:
        return notice.task is not None and self._type in (None, notice.task["type"])


class TaskReader:
    """Reads one task: as it is when first asked, then each time it changed, until it ended, whatever the end is.

    Raises:
        TaskNotFound: there is no such task.
    """

    is_behind = False

    def __init__(self, hub: Claudia, id: str) -> None:
        self._hub = hub
        self._id = id
        self._version = 0
        self.position = hub.store.head()
        self.ended = False
        hub.progress.get(id)

    def read(self) -> list[Notice]:
        """The task with its content, if it changed since the last call."""
        if self._version:
            part = self._hub.store.events(self.position, SLICE, (), self._id)
            self.position = part.position
            if not part.events and part.gap is None:
                return []
        task = self._hub.tasks.get(self._id)
        if task.version == self._version:
            return []
        self._version = task.version
        self.ended = task.status.is_terminal
        return [Notice(str(self._hub.events.cursor(self.position)), task=task.to_document())]


type Reader = LogReader | TaskReader


def _lost(hub: Claudia, part: EventSlice) -> list[Notice]:
    return [] if part.gap is None else [Notice(str(hub.events.cursor(part.gap.last)), gap=part.gap)]
