"""The embedded store: one SQLite file, many processes (WAL, one writer thread a process, group commit)."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import apsw
import structlog

from claudia_core.errors import StoreClosed
from claudia_core.model.event import EventSlice
from claudia_core.model.times import from_optional_text, to_text, utc_now
from claudia_core.ports import Document, LogStatus, Page, Query, Reader, Retention, Sample, Store, Work
from claudia_core.stores import sqlite_archive, sqlite_file
from claudia_core.stores.changes import Changes
from claudia_core.stores.sqlite_pool import ReaderPool
from claudia_core.stores.sqlite_reader import SqliteReader, mapped, sqlite_errors
from claudia_core.stores.writer import Writer

POLL_IDLE = 0.015
"""Seconds between looks for another process's commits while nothing happens."""

POLL_BUSY = 0.004
"""The same within a second after the last news."""

PRUNE_SLICE = 2_000
"""Events deleted in one commit of `prune`, so that writers never wait long."""


log = structlog.get_logger(__name__)


class _Committed:
    """Committed state as the writer's transactions see it, with errors mapped."""

    def __init__(self, reader: SqliteReader, path: str) -> None:
        self.reader = reader
        self._path = path

    def get_body(self, collection: str, id: str) -> str | None:
        try:
            return self.reader.get_body(collection, id)
        except apsw.Error as error:
            raise mapped(error, self._path) from error

    def find(self, query: Query) -> Page:
        with sqlite_errors(self._path):
            return self.reader.find(query)


class SqliteStore:
    """One file shared by all processes of one machine.

    Args:
        path: the file; made, with its folder, where it does not exist.
        durability: `full` (an acknowledged write survives a power cut) or `normal` (it survives a crash of the
            process).
        busy_timeout: seconds a write waits for another process's lock.
    """

    def __init__(self, path: Path, *, durability: str = "full", busy_timeout: float = 30.0) -> None:
        self.path = path
        self.url = f"sqlite:///{path}"
        self._durability = durability
        self._busy_timeout = busy_timeout
        self._closed = False
        self._pid = os.getpid()
        self._pool = ReaderPool(self._connect, str(path))
        self._moved = threading.Condition()
        self._commits = 0
        self._last_news = 0.0
        with sqlite_errors(str(path)):
            self.epoch = sqlite_file.prepare(path, busy_timeout=min(busy_timeout, 5.0))
            self._sql = self._connect()
        self._base = _Committed(SqliteReader(self._sql, self.epoch), str(path))
        self._in_transaction = False
        self._writer = Writer(self, name="claudia-sqlite-writer")

    def _connect(self) -> apsw.Connection:
        return sqlite_file.connect(self.path, durability=self._durability, busy_timeout=self._busy_timeout)

    # --- write --------------------------------------------------------------------------------------------------

    @property
    def writer(self) -> Writer:
        """The group commit, for its figures."""
        return self._writer

    def write[T](self, work: Work[T]) -> Any:
        """See `ports.Store.write`."""
        return self._writer.write(work)

    def post(self, key: str, work: Work[object]) -> None:
        """See `ports.Store.post`."""
        self._writer.post(key, work)

    def flush(self, timeout: float = 30.0) -> None:
        """See `ports.Store.flush`."""
        self._writer.flush(timeout)

    def begin(self) -> tuple[_Committed, Changes]:
        """Take the write lock (for the writer)."""
        with sqlite_errors(str(self.path)):
            self._sql.execute("BEGIN IMMEDIATE")
            self._in_transaction = True
            last = self._base.reader.last_time()
        now = utc_now()
        return self._base, Changes(now if last is None else max(now, last))

    def commit(self, changes: Changes) -> None:
        """Save a commit (for the writer)."""
        if not changes:
            self.abort()
            return
        with sqlite_errors(str(self.path)):
            self._save(changes)
            self._sql.execute("COMMIT")
        self._in_transaction = False
        with self._moved:
            self._commits += 1
            self._moved.notify_all()

    def abort(self) -> None:
        """Leave a commit (for the writer)."""
        if self._in_transaction:
            self._in_transaction = False
            try:
                if self._sql.in_transaction:
                    self._sql.execute("ROLLBACK")
            except apsw.Error as error:
                log.warning("a rollback failed", store=self.url, error=str(error))
                self._reconnect()

    def _reconnect(self) -> None:
        """A new connection for the writer: the one before has lost its way."""
        with suppress(apsw.Error):
            self._sql.close()
        with suppress(apsw.Error):
            self._sql = self._connect()
            self._base = _Committed(SqliteReader(self._sql, self.epoch), str(self.path))

    def _save(self, changes: Changes) -> None:
        by_table: dict[str, list[tuple[Any, ...]]] = {}
        for (name, id), stored in changes.documents.items():
            if stored is None:
                self._sql.execute(sqlite_file.DELETES[name], (id,))
            else:
                by_table.setdefault(name, []).append((id, *stored.columns, stored.body))
        for name, rows in by_table.items():
            self._sql.executemany(sqlite_file.UPSERTS[name], rows)
        if changes.samples:
            rows = [(series, at, by) for (series, at), by in changes.samples.items()]
            self._sql.executemany(sqlite_file.ADD_SAMPLE, rows)
        if changes.records:
            time = to_text(changes.now)
            rows = [(time, record.type, record.subject, record.data) for record in changes.records]
            self._sql.executemany(sqlite_file.ADD_EVENT, rows)

    # --- read ---------------------------------------------------------------------------------------------------

    @contextmanager
    def _reader(self) -> Iterator[SqliteReader]:
        if self._pid != os.getpid():
            raise StoreClosed(f"the store {self.path} was opened in the parent process", hint="make a new Claudia()")
        with sqlite_errors(str(self.path)), self._pool.lend() as connection:
            yield SqliteReader(connection, self.epoch)

    @contextmanager
    def _moment(self) -> Iterator[SqliteReader]:
        with self._reader() as reader:
            reader.sql.execute("BEGIN")
            try:
                reader.head()  # the moment begins with the first question
                yield reader
            finally:
                if reader.sql.in_transaction:
                    reader.sql.execute("COMMIT")

    def snapshot(self) -> AbstractContextManager[Reader]:
        """See `ports.Store.snapshot`."""
        return self._moment()

    def get(self, collection: str, id: str) -> Document | None:
        """See `ports.Reader.get`."""
        with self._reader() as reader:
            return reader.get(collection, id)

    def get_many(self, collection: str, ids: Iterable[str]) -> dict[str, Document]:
        """See `ports.Reader.get_many`."""
        with self._reader() as reader:
            return reader.get_many(collection, ids)

    def find(self, query: Query) -> Page:
        """See `ports.Reader.find`."""
        with self._reader() as reader:
            return reader.find(query)

    def count(self, query: Query, most: int = 10_000) -> int:
        """See `ports.Reader.count`."""
        with self._reader() as reader:
            return reader.count(query, most)

    def samples(self, series: Iterable[str], since: int = 0, until: int | None = None) -> list[Sample]:
        """See `ports.Reader.samples`."""
        with self._reader() as reader:
            return reader.samples(series, since, until)

    def events(self, after: int, limit: int = 500, types: Sequence[str] = (), subject: str | None = None) -> EventSlice:
        """See `ports.Reader.events`."""
        with self._moment() as reader:
            return reader.events(after, limit, types, subject)

    def head(self) -> int:
        """See `ports.Reader.head`."""
        with self._reader() as reader:
            return reader.head()

    def sequence_at(self, moment: datetime) -> int:
        """See `ports.Reader.sequence_at`."""
        with self._moment() as reader:
            return reader.sequence_at(moment)

    def wait(self, after: int, timeout: float) -> int:
        """See `ports.Store.wait`: own commits wake at once, other processes' are looked for every few milliseconds."""
        deadline = time.monotonic() + timeout
        while True:
            seen = self._commits
            head = self.head()
            now = time.monotonic()
            if head > after:
                self._last_news = now
                return head
            if now >= deadline or self._closed:
                return head
            pause = POLL_BUSY if now - self._last_news < 1.0 else POLL_IDLE
            with self._moved:
                if self._commits == seen:
                    self._moved.wait(min(pause, deadline - now))

    # --- keep ---------------------------------------------------------------------------------------------------

    def log_status(self) -> LogStatus:
        """See `ports.Store.log_status`; `bytes` is the size of the file with its write-ahead log."""
        with self._moment() as reader:
            pruned = reader.get("meta", "pruned") or {}
            return LogStatus(
                self.epoch,
                reader.oldest(),
                reader.head(),
                sqlite_file.size(self.path),
                from_optional_text(pruned.get("at")),
                pruned.get("events", 0),
            )

    def prune(self, retention: Retention) -> int:
        """See `ports.Store.prune`; freed pages are used again by later events."""
        deleted = 0
        with self._moment() as reader:
            keep_from = sqlite_file.keep_from(reader, retention)
        while not self._closed:
            step = self._prune_step(keep_from)
            deleted += step
            if step < PRUNE_SLICE:
                break
        note = {"id": "pruned", "at": to_text(utc_now()), "events": deleted}
        self.write(lambda tx: tx.put("meta", note)).result()
        return deleted

    def _prune_step(self, keep_from: int) -> int:
        with self._reader() as reader:
            reader.sql.execute(sqlite_file.PRUNE, (keep_from, PRUNE_SLICE))
            return reader.sql.changes()

    def backup(self, target: Path) -> None:
        """Copy the whole store to a new file while it is in use.

        Raises:
            StoreError: the target exists or cannot be written.
        """
        with self._reader() as reader:
            sqlite_archive.backup(reader.sql, target)

    def close(self) -> None:
        """See `ports.Store.close`."""
        if self._closed or self._pid != os.getpid():  # connections must not be closed by a child of their process
            return
        self._writer.close(self._busy_timeout + 30.0)
        self._closed = True
        with self._moved:
            self._commits += 1
            self._moved.notify_all()
        self._pool.close()
        self._sql.close()


_: type[Store] = SqliteStore  # the type checker proves that the port is met
