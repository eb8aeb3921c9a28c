"""Which tasks a list asks for, and in which order, as one query along an index."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from claudia_core.errors import InvalidValue
from claudia_core.model.task import Status
from claudia_core.model.times import require_utc, to_text
from claudia_core.model.values import MAX_NAME, require_text
from claudia_core.ports import Condition, Prefix, Query, Range

ORDERS: Mapping[str, str] = {
    "id": "id",
    "created_at": "id",
    "updated_at": "updated_at",
    "started_at": "started_at",
    "finished_at": "finished_at",
    "duration": "duration_key",
    "name": "name_key",
    "status": "status",
    "type": "type",
    "name_key": "name_key",
}
"""What tasks can be ordered by, and the column that is walked for it."""

ALL = tuple(status.value for status in Status)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A list of tasks; see `Tasks.list` for what the fields mean."""

    status: Status | str | Iterable[str] | None = None
    type: str | Iterable[str] | None = None
    name: str | None = None
    tag: str | None = None
    parent_id: str | None = None
    roots: bool = False
    agent_id: str | None = None
    since: datetime | None = None
    order: str | None = None
    limit: int = 100
    after: str | None = None

    def query(self) -> Query:
        """The store's question.

        Raises:
            InvalidValue: an unknown status or order, or a time without a timezone.
        """
        order = self._order()
        where = self._where()
        # Indexes begin with the status: asking for every status walks them all and merges what it reads.
        led = {"type", "agent_id", "updated_at", "name_key"}  # indexes have these behind the status
        if "status" not in where and (order.lstrip("-") not in ("id", "status") or where.keys() & led):
            where["status"] = ALL
        return Query("tasks", where, order, self.after, self.limit)

    def _order(self) -> str:
        asked = self.order or ("name" if self.name else "-id")
        name = asked.removeprefix("-")
        if name not in ORDERS:
            known = ", ".join(list(ORDERS)[:-1])
            raise InvalidValue(f"tasks cannot be ordered by {asked!r:.80}", field="order", hint=f"use {known}")
        return ("-" if asked.startswith("-") else "") + ORDERS[name]

    def _where(self) -> dict[str, Condition]:
        where: dict[str, Condition] = {}
        if self.status is not None:
            where["status"] = _statuses(self.status)
        if self.type is not None:
            where["type"] = self.type if isinstance(self.type, str) else [str(item) for item in self.type]
        if self.name:
            where["name_key"] = Prefix(self.name.casefold())
        if self.tag is not None:
            where["tags"] = require_text(self.tag, "tag", MAX_NAME)
        if self.parent_id is not None or self.roots:
            where["parent_id"] = None if self.roots else self.parent_id
        if self.agent_id is not None:
            where["agent_id"] = self.agent_id
        if self.since is not None:
            where["updated_at"] = Range(to_text(require_utc(self.since, "since")))
        return where


def _statuses(value: str | Iterable[str]) -> Condition:
    try:
        return Status(value).value if isinstance(value, str) else [Status(item).value for item in value]
    except ValueError as error:
        raise InvalidValue(str(error), field="status", hint=f"use {', '.join(Status)}") from None
