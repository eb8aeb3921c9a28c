"""What the core asks of the outside world: Store, Transaction, Clock. Small, and in the domain's own verbs.

An adapter is right when it passes `claudia_core.testing.conformance`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Protocol, runtime_checkable

from claudia_core.model.event import Cursor, EventSlice

type Document = dict[str, Any]


class Clock(Protocol):
    """Where the time comes from, so that tests can move it."""

    def now(self) -> datetime:
        """The present moment in UTC."""
        ...

    def wait(self, event: threading.Event, timeout: float) -> bool:
        """Wait up to `timeout` seconds for `event`; True if it was set."""
        ...


class Sealer(Protocol):
    """Encrypts what is kept in the store and must not be read there."""

    def encrypt(self, data: bytes) -> str:
        """`data`, unreadable and unforgeable without the key."""
        ...

    def decrypt(self, text: str) -> bytes:
        """What `encrypt` was given.

        Raises:
            SettingsError: it was not encrypted with a key that is at hand.
        """
        ...


@dataclass(frozen=True, slots=True)
class Collection:
    """One kind of document: its name, the text columns it is filtered or sorted by, and which of them are indexed.

    Each index is a tuple of columns; the id is added at its end. Columns hold text; null is kept as the empty text. A
    column that ends in `_key` holds the case-folded text of the field before it, or a number of it as text that sorts
    alike. `sets` are fields with a list of texts; they are filtered by what is in them. `rare` are columns and
    sets that are empty in many documents and never asked for when empty: a store may leave such documents out of the
    indexes that have them. It may keep the `carried` columns in the indexes that begin with the status, so that a walk
    along one passes by what is not wanted quickly.
    """

    name: str
    columns: tuple[str, ...] = ()
    indexes: tuple[tuple[str, ...], ...] = ()
    sets: tuple[str, ...] = ()
    rare: tuple[str, ...] = ()
    carried: tuple[str, ...] = ()


class Range(NamedTuple):
    """A condition: at least `start` and below `end`; an empty text leaves that side open."""

    start: str = ""
    end: str = ""


class Prefix(NamedTuple):
    """A condition: begins with `text`."""

    text: str


type Condition = str | Sequence[str] | Range | Prefix | None


@dataclass(frozen=True, slots=True)
class Query:
    """What `find` looks for.

    Args:
        collection: name of the collection.
        where: conditions by column, all of which must hold: a text is equality, a list is any of, None is empty. For
            one of the collection's `sets`, a text is what must be in it.
        order: `id` or a column; a leading `-` turns it round. Ids sort by time of making. A page costs the same
            in a store of any size where an index begins with the columns asked for by equality and ends with this one.
        after: the `next` of the page before, to go on behind it.
        limit: most documents of one page.
    """

    collection: str
    where: Mapping[str, Condition] = field(default_factory=dict)
    order: str = "-id"
    after: str | None = None
    limit: int = 100


@dataclass(frozen=True, slots=True)
class Page:
    """Documents in the asked order; `next` asks for the rest, None at the end."""

    documents: list[Document]
    next: str | None = None


class Sample(NamedTuple):
    """One value of a rollup: `at` is the start of its bucket in Unix seconds, 0 for a running total."""

    series: str
    at: int
    value: float


@dataclass(frozen=True, slots=True)
class LogStatus:
    """How the log stands: kept sequences, size, and what retention last did."""

    epoch: str
    oldest: int
    head: int
    bytes: int
    pruned_at: datetime | None = None
    pruned_events: int = 0

    @property
    def events(self) -> int:
        """How many events are kept."""
        return self.head - self.oldest + 1 if self.head else 0


@dataclass(frozen=True, slots=True)
class Retention:
    """What may be deleted: events over an age, a count or a size. None keeps all. The head always stays."""

    age: timedelta | None = None
    events: int | None = None
    bytes: int | None = None


class Reader(Protocol):
    """Questions that change nothing."""

    def get(self, collection: str, id: str) -> Document | None:
        """The document with that id, or None."""
        ...

    def get_many(self, collection: str, ids: Iterable[str]) -> dict[str, Document]:
        """The documents that exist among `ids`, by id."""
        ...

    def find(self, query: Query) -> Page:
        """One page of documents.

        Raises:
            InvalidValue: an unknown collection or column, or a `next` of another query.
        """
        ...

    def count(self, query: Query, most: int = 10_000) -> int:
        """How many documents `find` would give on all pages; counting stops at `most`."""
        ...

    def tally(self, query: Query, by: Mapping[str, int]) -> dict[tuple[str, ...], int]:
        """How many documents `find` would give on all pages, by the first characters of some columns.

        `by` has the number of characters for each column; `{"status": 9, "updated_at": 16}` counts by status and
        minute. All that fit are read, along an index: ask for a stretch of time.

        Raises:
            InvalidValue: an unknown collection or column.
        """
        ...

    def samples(self, series: Iterable[str], since: int = 0, until: int | None = None) -> list[Sample]:
        """The rollups of those series with `since <= at < until`, ordered by series and time."""
        ...

    def totals(self, prefix: str, limit: int = 1_000) -> list[Sample]:
        """The running totals (`at` 0) whose series begins with `prefix`, ordered by series; at most `limit`."""
        ...

    def events(self, after: int, limit: int = 500, types: Sequence[str] = (), subject: str | None = None) -> EventSlice:
        """The log behind sequence `after`, oldest first; `types` and `subject` filter by equality.

        Raises:
            InvalidValue: the limit is not 1 to 10,000.
        """
        ...

    def head(self) -> int:
        """The sequence of the newest event; 0 in an empty log."""
        ...

    def sequence_at(self, moment: datetime) -> int:
        """The sequence of the last event not after `moment`; 0 where none is kept.

        Raises:
            InvalidValue: `moment` has no timezone.
        """
        ...


class Transaction(Protocol):
    """What `work` may do inside a write. Its own changes are seen by its own reads."""

    @property
    def now(self) -> datetime:
        """The time of this commit: the time of its events, never before an earlier commit's."""
        ...

    def get(self, collection: str, id: str) -> Document | None:
        """The document with that id, or None. Treat it as read-only."""
        ...

    def prefetch(self, collection: str, ids: Iterable[str]) -> None:
        """Read documents together that `get` will ask for one by one."""
        ...

    def find(self, query: Query) -> Page:
        """One page of documents, with this transaction's own changes seen."""
        ...

    def put(self, collection: str, document: Document) -> None:
        """Save a document under its `id`, replacing the one before.

        Raises:
            InvalidValue: it is not JSON, has no id, or a column does not hold text.
            TooLarge: it is over 4 MB.
        """
        ...

    def delete(self, collection: str, id: str) -> None:
        """Remove a document; nothing happens when it is not there."""
        ...

    def increment(self, series: str, at: int = 0, by: float = 1) -> None:
        """Add to a rollup."""
        ...

    def emit(self, type: str, subject: str, data: Document) -> None:
        """Append an event to the log, in this same commit.

        Raises:
            InvalidValue: its data is not JSON, or its type or subject is not text.
            TooLarge: its data is over 1 MB.
        """
        ...


type Work[T] = Callable[[Transaction], T]


@runtime_checkable
class Store(Reader, Protocol):
    """Documents, rollups and one log, changed together in transactions."""

    @property
    def epoch(self) -> str:
        """Names this log; another after a restore."""
        ...

    @property
    def url(self) -> str:
        """Where the store is, without secrets."""
        ...

    def write[T](self, work: Work[T]) -> Future[T]:
        """Run `work` in one transaction; the future resolves after the commit is durable.

        Concurrent writes share commits. `work` may run more than once and must have no other effect. What it raises
        reaches the caller through the future, and nothing of it is kept.

        Raises (through the future):
            StoreUnavailable and its kinds: nothing was saved; a retry can help.
        """
        ...

    def post(self, key: str, work: Work[object]) -> None:
        """Run `work` soon, without a future; a newer post with the same key replaces one that has not run.

        A later `write` from the same thread runs after it. Posts that meet a store that is away are kept and tried
        again, up to a limit; a post whose work raises is dropped, and logged.
        """
        ...

    def flush(self, timeout: float = 30.0) -> None:
        """Wait until every write and post made before is saved.

        Raises:
            WaitTimeout: they were not within `timeout` seconds.
        """
        ...

    def snapshot(self) -> AbstractContextManager[Reader]:
        """A reader that sees one moment: documents, rollups and head belong together.

        Do not wait for a write inside it: a store may let writers wait until it is left.
        """
        ...

    def wait(self, after: int, timeout: float) -> int:
        """Wait until the log's head is past `after`, or `timeout` seconds; returns the head."""
        ...

    def log_status(self) -> LogStatus:
        """How the log stands."""
        ...

    def prune(self, retention: Retention) -> int:
        """Delete what retention allows, in small steps; returns the number of events deleted."""
        ...

    def close(self) -> None:
        """Save what is waiting and let go of everything; closing twice is fine. Any later use raises StoreClosed."""
        ...


__all__ = [
    "Clock",
    "Collection",
    "Condition",
    "Cursor",
    "Document",
    "LogStatus",
    "Page",
    "Prefix",
    "Query",
    "Range",
    "Reader",
    "Retention",
    "Sample",
    "Sealer",
    "Store",
    "Transaction",
    "Work",
]
