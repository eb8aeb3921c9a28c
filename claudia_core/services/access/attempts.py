"""Lockout with back-off: after five wrong passwords for a name, each further try waits twice as long."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from claudia_core.errors import RateLimited
from claudia_core.model.times import from_text, to_text
from claudia_core.ports import Query, Range, Store, Transaction

FREE = 5
"""Tries without a pause."""

LONGEST = timedelta(minutes=15)
FORGOTTEN = timedelta(days=1)
"""After this without a try, counting begins anew."""

PRUNE = 20
"""Forgotten counts that go whenever one is written."""


def pause(failures: int) -> timedelta:
    """How long the next try must wait after so many failures: 0 up to five, then 2 s, 4 s, 8 s, up to 15 minutes."""
    beyond = failures - FREE
    return timedelta() if beyond < 0 else min(LONGEST, timedelta(seconds=2 ** min(beyond + 1, 20)))


class Attempts:
    """Counts tries by name, whether there is such a user or not: so nobody learns which names exist."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def take(self, name: str) -> int:
        """Count a try before it is made, so that many at once do not slip through; returns its number.

        Raises:
            RateLimited: the name has to wait; `retry_after` says how long.
        """
        key = _key(name)
        return self._store.write(lambda tx: _take(tx, key)).result()

    def forget(self, name: str) -> None:
        """Begin anew, after a success."""
        key = _key(name)
        self._store.write(lambda tx: tx.delete("attempts", key)).result()


def _key(name: str) -> str:
    return hashlib.sha256(name.strip().casefold().encode(errors="replace")).hexdigest()


def _take(tx: Transaction, key: str) -> int:
    found = tx.get("attempts", key)
    number = 1 if found is None or _is_forgotten(found["until"], tx.now) else found["failures"] + 1
    if found is not None and number > 1:
        _require_waited(from_text(found["until"]), tx.now)
    until = tx.now + pause(number)
    tx.put("attempts", {"id": key, "failures": number, "until": to_text(until)})
    for document in tx.find(_old(tx.now)).documents:
        tx.delete("attempts", document["id"])
    return number


def _is_forgotten(until: str, now: datetime) -> bool:
    return from_text(until) < now - FORGOTTEN


def _old(now: datetime) -> Query:
    return Query("attempts", {"until": Range(end=to_text(now - FORGOTTEN))}, "until", limit=PRUNE)


def _require_waited(until: datetime, now: datetime) -> None:
    left = (until - now).total_seconds()
    if left > 0:
        message = f"too many wrong passwords for this name: try again in {left:.0f} s"
        raise RateLimited(message, hint="an admin can set a new one with: claudia user passwd NAME", retry_after=left)
