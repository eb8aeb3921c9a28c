"""The log for people and programs: read it by cursor, append events of one's own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from claudia_core.errors import BadCursor, InvalidValue, TooLarge
from claudia_core.model.event import Cursor, EventSlice
from claudia_core.model.times import require_utc
from claudia_core.model.values import require_json, require_text
from claudia_core.ports import Store, Transaction

if TYPE_CHECKING:
    import pandas as pd

RESERVED = frozenset(
    (
        "task",
        "progress",
        "error",
        "issue",
        "agent",
        "health",
        "webhook",
        "log",
        "key",
        "user",
        "filter",
        "notification",
        "mail",
        "claudia",
    )
)
"""First words of event types that only Claudia itself emits."""

MAX_BATCH = 1_000
MAX_DATA = 64_000
_TYPE = re.compile(r"[a-z][a-z0-9_.-]*:[a-z][a-z0-9_.-]*")


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event to append: `type` is `noun:verb` in lower case, `data` a JSON object of at most 64,000 bytes."""

    type: str
    subject: str = ""
    data: dict[str, Any] = field(default_factory=dict)

    def checked(self) -> NewEvent:
        """This with every value checked.

        Raises:
            InvalidValue, TooLarge: a value breaks a rule; `field` names it.
        """
        type = require_text(self.type, "type", 100)
        if not _TYPE.fullmatch(type):
            raise InvalidValue(f"type is {type!r}", field="type", hint="use the form noun:verb, such as invoice:paid")
        if type.partition(":")[0] in RESERVED:
            raise InvalidValue(f"events {type.partition(':')[0]}:* are Claudia's own", field="type", hint="use another")
        data = require_json(self.data, "data", MAX_DATA)
        if not isinstance(data, dict):
            raise InvalidValue("data is not a JSON object", field="data")
        return NewEvent(type, require_text(self.subject, "subject", 200, empty=True), data)


class Events:
    """Reads and appends to the log."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def append(self, events: Iterable[NewEvent]) -> int:
        """Append events of one's own in one transaction; returns how many.

        Raises:
            InvalidValue, TooLarge: one of them breaks a rule, or there are more than 1,000; none is appended.
        """
        checked = [event.checked() for event in events]
        if len(checked) > MAX_BATCH:
            raise TooLarge(f"{len(checked)} events at once, over the limit of {MAX_BATCH}", field="events")

        def work(tx: Transaction) -> int:
            for event in checked:
                tx.emit(event.type, event.subject, event.data)
            return len(checked)

        return self._store.write(work).result()

    def list(
        self,
        *,
        after: Cursor | str | None = None,
        since: datetime | None = None,
        types: Sequence[str] = (),
        subject: str | None = None,
        limit: int = 100,
    ) -> EventSlice:
        """Events behind a cursor or a moment, oldest first; from the oldest kept when neither is given.

        Raises:
            BadCursor: the cursor cannot be read or belongs to another log.
            InvalidValue: the limit is not 1 to 1,000, or `since` has no timezone.
        """
        if not 1 <= limit <= MAX_BATCH:
            raise InvalidValue(f"limit is {limit}", field="limit", hint=f"use 1 to {MAX_BATCH}")
        start = 0 if since is None else self._store.sequence_at(require_utc(since, "since"))
        if after is not None:
            start = max(start, self.position_of(after))
        return self._store.events(start, limit, tuple(types), subject)

    def frame(self, *, limit: int = MAX_BATCH, **filters: Any) -> pd.DataFrame:
        """Events as a DataFrame, one row each, oldest first, indexed by sequence; `filters` as in `list`.

        Columns: time (UTC), type, subject, data (a dict).
        """
        from claudia_core.services.tasks.frames import events_frame  # pandas costs half a second: only when asked for

        return events_frame(self.list(limit=limit, **filters).events)

    def position_of(self, cursor: Cursor | str) -> int:
        """The sequence a cursor of this log stands at.

        Raises:
            BadCursor: it cannot be read, belongs to another log, or lies beyond the head.
        """
        parsed = Cursor.parse(cursor) if isinstance(cursor, str) else cursor
        if parsed.epoch != self._store.epoch:
            hint = "the store was restored or replaced; begin again without a cursor"
            raise BadCursor(f"the cursor {parsed} belongs to another log", field="cursor", hint=hint)
        if parsed.sequence > self._store.head():
            raise BadCursor(f"the cursor {parsed} lies beyond the log's end", field="cursor")
        return parsed.sequence

    def cursor(self, sequence: int | None = None) -> Cursor:
        """The cursor at a sequence of this log, or at its head."""
        return Cursor(self._store.epoch, self._store.head() if sequence is None else sequence)
