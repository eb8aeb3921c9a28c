"""Dispatches on their way: which are due, what became of them, and sending them again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from claudia_core.errors import NotFound
from claudia_core.model.notice import Dispatch, DispatchStatus, require_dispatch_status
from claudia_core.model.times import require_utc, to_optional_text, to_text
from claudia_core.model.values import clean_text
from claudia_core.ports import Condition, Query, Range, Reader, Store, Transaction
from claudia_core.services.pruning import prune

AT_ONCE = 500
MOST_ERROR = 500


@dataclass(frozen=True, slots=True)
class DispatchPage:
    """Some dispatches, the newest first; `next` asks for the rest."""

    dispatches: list[Dispatch]
    next: str | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one try: `error` is empty for a success, `next_at` None for never again."""

    error: str = ""
    next_at: datetime | None = None


class Dispatches:
    """Finds dispatches, sends them again, forgets them in time."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def list(
        self,
        channel: str | None = None,
        *,
        status: DispatchStatus | str | None = None,
        limit: int = 100,
        after: str | None = None,
    ) -> DispatchPage:
        """A page of dispatches, the newest first; of one channel by its id.

        Raises:
            InvalidValue, BadCursor: a status that is none, a limit out of range, a cursor that is none.
        """
        where: dict[str, Condition] = {"target": f"channel:{channel}"} if channel else {}
        if status is not None:
            where["status"] = require_dispatch_status(status).value
        page = self._store.find(Query("dispatches", where, "-id", after, limit))
        return DispatchPage([Dispatch.from_document(found) for found in page.documents], page.next)

    def redrive(self, id: str) -> Dispatch:
        """Send one again, now.

        Raises:
            NotFound: there is no such dispatch, or it was pruned.
        """

        def work(tx: Transaction) -> Dispatch:
            found = tx.get("dispatches", id)
            if found is None:
                raise NotFound(f"no dispatch {id!r:.80}", field="id")
            again = replace(
                Dispatch.from_document(found),
                status=DispatchStatus.PENDING,
                tries=0,
                next_at=tx.now,
                finished_at=None,
                together=False,
                error="",
            )
            tx.put("dispatches", again.to_document())
            tx.emit("notification:queued", again.target.partition(":")[2], {"dispatch_id": id, "reason": "redrive"})
            return again

        return self._store.write(work).result()

    def prune(self, before: datetime) -> int:
        """Delete dispatches that ended before a moment; returns how many."""
        ended = Query(
            "dispatches",
            {"finished_at": Range("0", to_text(require_utc(before, "before")))},
            "finished_at",
            limit=AT_ONCE,
        )
        return prune(self._store, ended)


def due(store: Reader, now: datetime, limit: int = AT_ONCE) -> list[Dispatch]:
    """What waits and whose time has come, the longest overdue first."""
    where: dict[str, Condition] = {"status": DispatchStatus.PENDING.value, "next_at": Range("0", f"{to_text(now)}~")}
    page = store.find(Query("dispatches", where, "next_at", limit=limit))
    return [Dispatch.from_document(document) for document in page.documents]


def settle(tx: Transaction, ids: Sequence[str], result: Result) -> None:
    """Save what became of one message that these dispatches were told by, with its event."""
    found = [document for id in ids if (document := tx.get("dispatches", id)) is not None]
    waiting = [Dispatch.from_document(one) for one in found if one["status"] == DispatchStatus.PENDING]
    if not waiting:
        return
    error = clean_text(result.error, MOST_ERROR) if result.error else ""
    for dispatch in waiting:
        if not error:
            done = dispatch.settled(DispatchStatus.SENT, tx.now)
        elif result.next_at is None:
            done = dispatch.settled(DispatchStatus.FAILED, tx.now, error)
        else:
            done = replace(dispatch, tries=dispatch.tries + 1, next_at=result.next_at, error=error)
        tx.put("dispatches", done.to_document())
    _note(tx, waiting, error, result)


def _note(tx: Transaction, waiting: Sequence[Dispatch], error: str, result: Result) -> None:
    kind, _, id = waiting[0].target.partition(":")
    told = {"dispatches": [dispatch.id for dispatch in waiting], "target": kind}
    if not error:
        tx.emit("notification:delivered", id, told)
    elif result.next_at is None:
        tx.emit("notification:failed", id, {**told, "error": error})
    channel = tx.get("channels", id) if kind == "channel" else None
    if channel is None:
        return
    since = (channel["failing_since"] or to_optional_text(tx.now)) if error else None
    if since != channel["failing_since"] or error != channel["last_error"]:
        tx.put("channels", {**channel, "failing_since": since, "last_error": error})
