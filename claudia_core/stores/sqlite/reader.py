"""Questions to a SQLite store, over one connection."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import batched
from typing import Any

import apsw
import orjson

from claudia_core.errors import (
    InvalidValue,
    StoreBusy,
    StoreDamaged,
    StoreError,
    StoreForeign,
    StoreFull,
    StoreReadOnly,
    StoreUnavailable,
)
from claudia_core.model.event import Event, EventSlice, Gap
from claudia_core.model.times import from_text, require_utc, to_text
from claudia_core.ports import Document, Page, Query, Sample
from claudia_core.stores import schema
from claudia_core.stores.sqlite.query import (
    MOST_SORTED_AT_LAST,
    Sql,
    count_sql,
    events_sql,
    find_sql,
    tally_sql,
    wanders,
)

# ruff: noqa: S608 - names of tables and columns come from the schema, values are bound

STEPS = 75_000
"""Steps of SQLite after which a walk that looks at documents only to pass them by is given up: some 15,000 of them."""

_BORDER: tuple[tuple[type[apsw.Error], type[StoreError], str, str], ...] = (
    (apsw.BusyError, StoreBusy, "is locked by another process", "close the program that holds it, then try again"),
    (apsw.LockedError, StoreBusy, "is locked by another process", "close the program that holds it, then try again"),
    (apsw.FullError, StoreFull, "cannot grow: the disk is full", "free some space; nothing was half-written"),
    (apsw.ReadOnlyError, StoreReadOnly, "cannot be written", "check the permissions of the file and its folder"),
    (apsw.PermissionsError, StoreReadOnly, "cannot be written", "check the permissions of the file and its folder"),
    (apsw.NotADBError, StoreForeign, "is not a Claudia store", "name another file"),
    (apsw.CorruptError, StoreDamaged, "is damaged", "restore a backup: claudia restore BACKUP"),
    (apsw.CantOpenError, StoreUnavailable, "cannot be opened", "check that its folder exists and may be written"),
    (apsw.IOError, StoreUnavailable, "cannot be read or written", "check the disk"),
)


def mapped(error: apsw.Error, path: str) -> StoreError:
    """SQLite's error as one of Claudia's that names the file and the cure."""
    for foreign, ours, what, cure in _BORDER:
        if isinstance(error, foreign):
            return ours(f"the store {path} {what}: {error}", hint=cure)
    return StoreError(f"the store {path} failed: {type(error).__name__}: {error}")


@contextmanager
def sqlite_errors(path: str) -> Iterator[None]:
    """The border: errors of SQLite leave as errors of Claudia."""
    try:
        yield
    except apsw.Error as error:
        raise mapped(error, path) from error
    except UnicodeEncodeError as error:
        raise InvalidValue(f"text with broken Unicode: {error.object!r:.80}", hint="replace lone surrogates") from error


class SqliteReader:
    """Answers from what one connection sees; not for use by two threads at once."""

    def __init__(self, connection: apsw.Connection, epoch: str) -> None:
        self.sql = connection
        self._epoch = epoch

    def get_body(self, collection: str, id: str) -> str | None:
        """The JSON text of a document, or None."""
        table = schema.collection(collection).name
        body = self._value(f"SELECT body FROM {table} WHERE id = ?", (id,))
        return None if body is None else str(body)

    def get(self, collection: str, id: str) -> Document | None:
        """See `ports.Reader.get`."""
        body = self.get_body(collection, id)
        return None if body is None else orjson.loads(body)

    def get_many(self, collection: str, ids: Iterable[str]) -> dict[str, Document]:
        """See `ports.Reader.get_many`."""
        return {id: orjson.loads(body) for id, body in self.get_bodies(collection, ids).items()}

    def get_bodies(self, collection: str, ids: Iterable[str]) -> dict[str, str]:
        """The JSON texts of the documents that exist among `ids`."""
        table = schema.collection(collection).name
        found: dict[str, str] = {}
        for part in batched(ids, 500):
            marks = ",".join("?" * len(part))
            rows = self.sql.execute(f"SELECT id, body FROM {table} WHERE id IN ({marks})", part).fetchall()
            found.update((str(id), str(body)) for id, body in rows)
        return found

    def find(self, query: Query) -> Page:
        """See `ports.Reader.find`."""
        return schema.page_of(query, [orjson.loads(body) for body in self.find_bodies(query)])

    def find_bodies(self, query: Query) -> list[str]:
        """The JSON texts of a page's documents, and of one more where there is one."""
        return [str(body) for (body,) in self._rows(query)]

    def _rows(self, query: Query) -> list[Any]:
        statement = find_sql(query, self._count_of)
        if not wanders(query):
            return self.sql.execute(*statement).fetchall()
        self.sql.set_progress_handler(lambda: True, STEPS)
        try:
            return self.sql.execute(*statement).fetchall()
        except apsw.InterruptError:  # far from what it looks for
            self.sql.set_progress_handler(None)
            return self.sql.execute(*find_sql(query, self._count_of, MOST_SORTED_AT_LAST)).fetchall()
        finally:
            self.sql.set_progress_handler(None)

    def _count_of(self, statement: Sql) -> int:
        return int(self._value(*statement))

    def count(self, query: Query, most: int = 10_000) -> int:
        """See `ports.Reader.count`."""
        sql, values = count_sql(query, most)
        return int(self._value(sql, values))

    def tally(self, query: Query, by: Mapping[str, int]) -> dict[tuple[str, ...], int]:
        """See `ports.Reader.tally`."""
        rows = self.sql.execute(*tally_sql(query, by, self._count_of))
        return {tuple(map(str, row[:-1])): int(row[-1]) for row in rows}

    def samples(self, series: Iterable[str], since: int = 0, until: int | None = None) -> list[Sample]:
        """See `ports.Reader.samples`."""
        names = tuple(series)
        marks = ",".join("?" * len(names))
        rows = self.sql.execute(
            f"SELECT series, at, value FROM samples WHERE series IN ({marks}) AND at >= ? AND at < ? "
            "ORDER BY series, at",
            (*names, since, 2**62 if until is None else until),
        )
        return [Sample(*row) for row in rows]

    def totals(self, prefix: str, limit: int = 1_000) -> list[Sample]:
        """See `ports.Reader.totals`."""
        end = schema.prefix_end(prefix)
        below = "AND series < ? " if end else ""
        rows = self.sql.execute(
            f"SELECT series, at, value FROM samples WHERE series >= ? {below}AND at = 0 ORDER BY series LIMIT ?",
            (prefix, end, limit) if end else (prefix, limit),
        )
        return [Sample(*row) for row in rows]

    def events(self, after: int, limit: int = 500, types: Sequence[str] = (), subject: str | None = None) -> EventSlice:
        """See `ports.Reader.events`."""
        schema.require_limit(limit)
        head = self.head()
        sql, values = events_sql(after, limit, types, subject)
        rows: list[Any] = self.sql.execute(sql, values).fetchall()
        epoch = self._epoch
        found = [
            Event(seq, epoch, type, subject, from_text(time), orjson.loads(data))
            for seq, time, type, subject, data in rows
        ]
        position = found[-1].sequence if len(found) == limit else max(after, head)
        return EventSlice(found, position, self._gap(after, found))

    def _gap(self, after: int, found: list[Event]) -> Gap | None:
        if found and found[0].sequence == after + 1:
            return None
        oldest = self.oldest()
        return Gap(after + 1, oldest - 1) if after + 1 < oldest else None

    def head(self) -> int:
        """See `ports.Reader.head`."""
        return int(self._value("SELECT max(seq) FROM events") or 0)

    def oldest(self) -> int:
        """The sequence of the oldest event kept; 0 in an empty log."""
        return int(self._value("SELECT min(seq) FROM events") or 0)

    def data_version(self) -> int:
        """Changes when another connection has committed to the file."""
        return int(self._value("PRAGMA data_version"))

    def last_time(self) -> datetime | None:
        """The time of the newest event."""
        text = self._value("SELECT time FROM events ORDER BY seq DESC LIMIT 1")
        return None if text is None else from_text(text)

    def sequence_at(self, moment: datetime) -> int:
        """See `ports.Reader.sequence_at`: a binary search, because times never go back along the log."""
        text = to_text(require_utc(moment, "moment"))
        low, high = self.oldest(), self.head()
        if not low or self._time(low) > text:
            return 0
        while low < high:
            middle = (low + high + 1) // 2
            if self._time(middle) <= text:
                low = middle
            else:
                high = middle - 1
        return low

    def sequence_over(self, most: int) -> int:
        """The sequence up to which events must go so that the rest is about `most` bytes of data.

        The size of an event is estimated from a thousand of them, spread over the log.
        """
        oldest, head = self.oldest(), self.head()
        if not head:
            return 0
        kept = head - oldest + 1
        probes = range(oldest, head + 1, max(1, kept // 20))
        sql = "SELECT avg(length(CAST(data AS BLOB))) FROM (SELECT data FROM events WHERE seq >= ? LIMIT 50)"
        sizes = [self._value(sql, (probe,)) for probe in probes]
        return max(0, head - int(most / (sum(sizes) / len(sizes))))

    def _time(self, sequence: int) -> str:
        return str(self._value("SELECT time FROM events WHERE seq = ?", (sequence,)))

    def _value(self, sql: str, values: Sequence[Any] = ()) -> Any:
        row = self.sql.execute(sql, values).fetchone()
        return None if row is None else row[0]
