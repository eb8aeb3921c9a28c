"""People's lists of notices: read, acknowledged, forgotten in time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from claudia_core.errors import NotFound
from claudia_core.model.notice import Dispatch, DispatchStatus, Notice
from claudia_core.model.rule import EVERYBODY, require_names
from claudia_core.model.times import require_utc, to_text
from claudia_core.ports import Condition, Query, Range, Store, Transaction
from claudia_core.services.notifications.people import People
from claudia_core.services.pruning import prune

AT_ONCE = 500
MOST_COUNTED = 10_000


@dataclass(frozen=True, slots=True)
class NoticePage:
    """Some notices, the newest first; `next` asks for the rest, `unread` counts all that are not acknowledged."""

    notices: list[Notice]
    unread: int
    next: str | None = None


class Notices:
    """Finds and acknowledges. Everybody has their own list; an admin may ask for others'."""

    def __init__(self, store: Store, people: People) -> None:
        self._store = store
        self._people = people

    def list(
        self, user: str | None = None, *, unread: bool = False, limit: int = 100, after: str | None = None
    ) -> NoticePage:
        """A page of somebody's notices, the newest first; of whoever asks where nobody is named, `*` for everybody's.

        Raises:
            NotFound, AccessDenied: see `People.owner`.
            InvalidValue, BadCursor: a limit out of range, or a cursor that is none.
        """
        where: dict[str, Condition] = {}
        if user == EVERYBODY:
            self._people.require_admin()
        else:
            where["owner"] = self._people.owner(user)
        waiting = {**where, "status": "unread"}
        page = self._store.find(Query("notices", waiting if unread else where, "-id", after, limit))
        number = self._store.count(Query("notices", waiting), MOST_COUNTED)
        return NoticePage([Notice.from_document(document) for document in page.documents], number, page.next)

    def acknowledge(self, ids: Sequence[str] | None = None, user: str | None = None) -> int:
        """Note that notices were seen: these, or all that are unread where none is named; returns how many.

        Raises:
            NotFound: one is not in that list; none is acknowledged.
            AccessDenied: see `People.owner`.
        """
        owner = self._people.owner(user)
        if ids is not None:
            wanted = require_names(ids, "ids", AT_ONCE)
            return self._store.write(lambda tx: _acknowledge(tx, owner, wanted)).result()
        total = 0
        while done := self._store.write(lambda tx: _acknowledge(tx, owner, _unread(tx, owner))).result():
            total += done
        return total

    def prune(self, before: datetime) -> int:
        """Delete notices that were made before a moment; returns how many."""
        over = Range("0", to_text(require_utc(before, "before")))
        older = Query("notices", {"created_at": over}, "created_at", limit=AT_ONCE)
        return prune(self._store, older)


def _call_off(tx: Transaction, notice: Notice) -> None:
    """Take back what would be told further; what was sent, or tried, stays as it is."""
    for id in notice.holds:
        found = tx.get("dispatches", id)
        if found is not None and found["status"] == DispatchStatus.PENDING.value and not found["tries"]:
            over = replace(
                Dispatch.from_document(found), status=DispatchStatus.CANCELLED, next_at=None, finished_at=tx.now
            )
            tx.put("dispatches", over.to_document())


def _unread(tx: Transaction, owner: str) -> list[str]:
    page = tx.find(Query("notices", {"owner": owner, "status": "unread"}, limit=AT_ONCE))
    return [document["id"] for document in page.documents]


def _acknowledge(tx: Transaction, owner: str, ids: Sequence[str]) -> int:
    done = []
    for id in ids:
        found = tx.get("notices", id)
        if found is None or found["owner"] != owner:
            raise NotFound(f"no notice {id!r:.80}", field="ids")
        if found["acknowledged_at"] is None:
            notice = replace(Notice.from_document(found), acknowledged_at=tx.now)
            tx.put("notices", notice.to_document())
            _call_off(tx, notice)
            done.append(id)
    if done:
        tx.emit("notification:acknowledged", f"user:{owner}", {"ids": done})
    return len(done)
