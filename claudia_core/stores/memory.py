"""A store in memory: for tests and for trying things out. Nothing outlives the process."""

from __future__ import annotations

import threading
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import islice
from typing import Any

import orjson

from claudia_core.errors import StoreClosed
from claudia_core.model.event import Event, EventSlice, Gap
from claudia_core.model.ids import new_id
from claudia_core.model.times import require_utc, utc_now
from claudia_core.ports import Clock, Document, LogStatus, Page, Query, Reader, Retention, Sample, Store, Work
from claudia_core.stores import schema
from claudia_core.stores.changes import Changes, Record
from claudia_core.stores.writer import Writer


class MemoryStore:
    """Everything in dicts and a list, behind one lock; `clock` says when commits are made, the machine's by default."""

    url = "memory://"

    def __init__(self, *, clock: Clock | None = None) -> None:
        self.epoch = new_id()
        self._now = utc_now if clock is None else clock.now
        self._bodies: dict[str, dict[str, str]] = {name: {} for name in schema.COLLECTIONS}
        self._samples: dict[tuple[str, int], float] = {}
        self._log: list[tuple[Record, datetime]] = []
        self._first = 1
        self._pruned: tuple[datetime | None, int] = (None, 0)
        self._closed = False
        self._lock = threading.RLock()
        self._moved = threading.Condition(self._lock)
        self._writer = Writer(self, name="claudia-memory-writer", post_delay=0.01)

    # --- write --------------------------------------------------------------------------------------------------

    def write[T](self, work: Work[T]) -> Any:
        """See `ports.Store.write`."""
        return self._writer.write(work)

    def post(self, key: str, work: Work[object]) -> None:
        """See `ports.Store.post`."""
        self._writer.post(key, work)

    def flush(self, timeout: float = 30.0) -> None:
        """See `ports.Store.flush`."""
        self._writer.flush(timeout)

    def begin(self) -> tuple[MemoryStore, Changes]:
        """Start a commit (for the writer)."""
        last = self._log[-1][1] if self._log else None
        now = self._now()
        return self, Changes(max(now, last) if last else now)

    def commit(self, changes: Changes) -> None:
        """Save a commit (for the writer)."""
        with self._moved:
            for (name, id), stored in changes.documents.items():
                if stored is None:
                    self._bodies[name].pop(id, None)
                else:
                    self._bodies[name][id] = stored.body
            for key, by in changes.samples.items():
                self._samples[key] = self._samples.get(key, 0) + by
            self._log.extend((record, changes.now) for record in changes.records)
            self._moved.notify_all()

    def abort(self) -> None:
        """Leave a commit (for the writer)."""

    def close(self) -> None:
        """See `ports.Store.close`."""
        self._writer.close()
        with self._moved:
            self._closed = True
            self._moved.notify_all()

    @contextmanager
    def _open(self) -> Iterator[None]:
        with self._lock:
            if self._closed:
                raise StoreClosed("the store is closed", hint="make a new Claudia()")
            yield

    # --- read ---------------------------------------------------------------------------------------------------

    def get_body(self, collection: str, id: str) -> str | None:
        """The JSON text of a document (for the writer)."""
        with self._open():
            return self._bodies[schema.collection(collection).name].get(id)

    def prefetch(self, collection: str, ids: list[str]) -> None:
        """Nothing: they are at hand (for the writer)."""

    def get(self, collection: str, id: str) -> Document | None:
        """See `ports.Reader.get`."""
        body = self.get_body(collection, id)
        return None if body is None else orjson.loads(body)

    def get_many(self, collection: str, ids: Iterable[str]) -> dict[str, Document]:
        """See `ports.Reader.get_many`."""
        found = ((id, self.get(collection, id)) for id in ids)
        return {id: document for id, document in found if document is not None}

    def find(self, query: Query) -> Page:
        """See `ports.Reader.find`."""
        kind = schema.require_columns(query)
        with self._open():
            bodies = list(self._bodies[kind.name].values())
        return schema.select(query, map(orjson.loads, bodies))

    def count(self, query: Query, most: int = 10_000) -> int:
        """See `ports.Reader.count`."""
        kind = schema.require_columns(query)
        with self._open():
            bodies = list(self._bodies[kind.name].values())
        return len(list(islice((True for body in bodies if schema.matches(query, orjson.loads(body))), most)))

    def tally(self, query: Query, by: Mapping[str, int]) -> dict[tuple[str, ...], int]:
        """See `ports.Reader.tally`."""
        kind = schema.require_columns(query, by)
        with self._open():
            bodies = list(self._bodies[kind.name].values())
        found = (document for document in map(orjson.loads, bodies) if schema.matches(query, document))
        return dict(
            Counter(tuple(schema.column_value(name, row)[:length] for name, length in by.items()) for row in found)
        )

    def samples(self, series: Iterable[str], since: int = 0, until: int | None = None) -> list[Sample]:
        """See `ports.Reader.samples`."""
        wanted = set(series)
        with self._open():
            return sorted(
                Sample(name, at, value)
                for (name, at), value in self._samples.items()
                if name in wanted and at >= since and (until is None or at < until)
            )

    def totals(self, prefix: str, limit: int = 1_000) -> list[Sample]:
        """See `ports.Reader.totals`."""
        with self._open():
            found = sorted(Sample(*key, value) for key, value in self._samples.items() if key[1] == 0)
        return [sample for sample in found if sample.series.startswith(prefix)][:limit]

    def events(self, after: int, limit: int = 500, types: Sequence[str] = (), subject: str | None = None) -> EventSlice:
        """See `ports.Reader.events`."""
        schema.require_limit(limit)
        with self._open():
            head = self.head()
            gap = Gap(after + 1, min(self._first - 1, head)) if after + 1 < self._first else None
            position = max(after, self._first - 1)
            found: list[Event] = []
            while position < head and len(found) < limit:
                record, time = self._log[position - self._first + 1]
                position += 1
                if (not types or record.type in types) and (subject is None or record.subject == subject):
                    data = orjson.loads(record.data)
                    found.append(Event(position, self.epoch, record.type, record.subject, time, data))
            return EventSlice(found, position, gap)

    def head(self) -> int:
        """See `ports.Reader.head`."""
        with self._open():
            return self._first - 1 + len(self._log)

    def sequence_at(self, moment: datetime) -> int:
        """See `ports.Reader.sequence_at`."""
        with self._open():
            place = bisect_right(self._log, require_utc(moment, "moment"), key=lambda entry: entry[1])
            return self._first - 1 + place if place else 0

    @contextmanager
    def snapshot(self) -> Iterator[Reader]:
        """See `ports.Store.snapshot`; writers wait meanwhile."""
        with self._open():
            yield self

    def wait(self, after: int, timeout: float) -> int:
        """See `ports.Store.wait`."""
        with self._moved:
            self._moved.wait_for(lambda: self._closed or self.head() > after, timeout)
            return self.head()

    # --- keep ---------------------------------------------------------------------------------------------------

    def log_status(self) -> LogStatus:
        """See `ports.Store.log_status`."""
        with self._open():
            size = sum(len(record.data) for record, _ in self._log)
            return LogStatus(self.epoch, self._first if self._log else 0, self.head(), size, *self._pruned)

    def prune(self, retention: Retention) -> int:
        """See `ports.Store.prune`."""
        with self._open():
            drop = 0
            if retention.events is not None:
                drop = len(self._log) - retention.events
            if retention.age is not None:
                limit = self._now() - retention.age
                drop = max(drop, bisect_left(self._log, limit, key=lambda entry: entry[1]))
            if retention.bytes is not None:
                drop = max(drop, self._over(retention.bytes))
            drop = max(0, min(drop, len(self._log) - 1))
            del self._log[:drop]
            self._first += drop
            self._pruned = (self._now(), drop)
            return drop

    def _over(self, most: int) -> int:
        kept = 0
        for place, (record, _) in enumerate(reversed(self._log)):
            kept += len(record.data)
            if kept > most:
                return len(self._log) - place
        return 0


_: type[Store] = MemoryStore  # the type checker proves that the port is met
