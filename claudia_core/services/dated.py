"""A transaction that is told of what happened before: what other systems, or threads that do not wait, tell late."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from claudia_core.ports import Document, Page, Query, Transaction


class Dated:
    """A transaction in which it is another time. The log stays in the order of commits, with the times of commits."""

    def __init__(self, tx: Transaction, now: datetime) -> None:
        self._tx = tx
        self._now = min(now, tx.now)

    @property
    def now(self) -> datetime:
        """The time of what happened, never after that of the commit."""
        return self._now

    def get(self, collection: str, id: str) -> Document | None:
        """See `ports.Transaction`, as the rest."""
        return self._tx.get(collection, id)

    def prefetch(self, collection: str, ids: Iterable[str]) -> None:
        """The same."""
        self._tx.prefetch(collection, ids)

    def find(self, query: Query) -> Page:
        """The same."""
        return self._tx.find(query)

    def put(self, collection: str, document: Document) -> None:
        """The same."""
        self._tx.put(collection, document)

    def delete(self, collection: str, id: str) -> None:
        """The same."""
        self._tx.delete(collection, id)

    def increment(self, series: str, at: int = 0, by: float = 1) -> None:
        """The same."""
        self._tx.increment(series, at, by)

    def emit(self, type: str, subject: str, data: Document) -> None:
        """The same."""
        self._tx.emit(type, subject, data)
