"""The audit log: who changed what, when, from where. Written in the change's own transaction wherever there is one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from claudia_core.model.audit import AuditEntry
from claudia_core.model.identity import Identity, current
from claudia_core.model.ids import new_id
from claudia_core.model.times import require_utc
from claudia_core.ports import Condition, Query, Range, Store, Transaction
from claudia_core.services.pruning import prune

AT_ONCE = 1_000
"""Most entries read or deleted in one step."""


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Some entries; `next` asks for the rest."""

    entries: list[AuditEntry]
    next: str | None = None


class Audit:
    """Writes, finds and deletes entries."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def record(self, action: str, subject: str = "", who: Identity | None = None, **details: Any) -> None:
        """Write an entry about something that is no change of the store; returns once it is saved."""
        who = who or current()
        self._store.write(lambda tx: note(tx, who, action, subject, **details)).result()

    def list(
        self,
        *,
        actor: str | None = None,
        action: str | None = None,
        subject: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        order: str = "-id",
        limit: int = 100,
        after: str | None = None,
    ) -> AuditPage:
        """A page of entries, the newest first; with `order="id"` the oldest.

        Raises:
            InvalidValue: a time without a timezone, or a limit out of range.
            BadCursor: `after` is not the `next` of a page in this order.
        """
        where: dict[str, Condition] = {
            name: value for name, value in (("actor", actor), ("action", action), ("subject", subject)) if value
        }
        if since is not None or until is not None:
            where["id"] = Range(_first_id(since, "since"), _first_id(until, "until"))
        page = self._store.find(Query("audit", where, order, after, limit))
        return AuditPage([AuditEntry.from_document(document) for document in page.documents], page.next)

    def every(self, **filters: Any) -> Iterator[AuditEntry]:
        """All entries, the oldest first, read step by step; `filters` as in `list`."""
        after: str | None = None
        while True:
            page = self.list(**filters, order="id", limit=AT_ONCE, after=after)
            yield from page.entries
            after = page.next
            if after is None:
                return

    def prune(self, before: datetime) -> int:
        """Delete the entries from before a moment; returns how many."""
        older = Query("audit", {"id": Range(end=_first_id(before, "before"))}, "id", limit=AT_ONCE)
        return prune(self._store, older)


def note(tx: Transaction, who: Identity, action: str, subject: str = "", **details: Any) -> None:
    """Write an entry within the transaction of the change that it is about. `details` must hold no secrets."""
    entry = AuditEntry(
        id=new_id(),
        time=tx.now,
        actor=who.actor,
        actor_name=who.name,
        via=who.via,
        address=who.address,
        action=action,
        subject=subject,
        details={name: value for name, value in details.items() if value is not None},
    )
    tx.put("audit", entry.to_document())


def _first_id(moment: datetime | None, field: str) -> str:
    """The lowest id that something made at this moment can have; nothing for None."""
    if moment is None:
        return ""
    stamp = f"{max(0, int(require_utc(moment, field).timestamp() * 1000)):012x}"
    return f"{stamp[:8]}-{stamp[8:]}-7"
