"""The embedded store: one SQLite file, many processes (WAL, one writer thread a process, group commit)."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import apsw

from claudia_core.errors import StoreClosed
from claudia_core.logs import get_logger
from claudia_core.model.event import EventSlice
from claudia_core.model.times import from_optional_text, to_text, utc_now
from claudia_core.ports import Clock, LogStatus, Reader, Retention, Store, Work
from claudia_core.stores.answers import Answers
from claudia_core.stores.keeping import keep_from
from claudia_core.stores.sqlite import archive as sqlite_archive
from claudia_core.stores.sqlite import file as sqlite_file
from claudia_core.stores.sqlite.commits import SqliteCommits
from claudia_core.stores.sqlite.fork import forks
from claudia_core.stores.sqlite.pool import ReaderPool
from claudia_core.stores.sqlite.reader import SqliteReader, sqlite_errors
from claudia_core.stores.sqlite.turns import Turns
from claudia_core.stores.sqlite.watch import FileWatch
from claudia_core.stores.writer import Writer

log = get_logger(__name__)

POLL_IDLE = 0.018
"""Seconds between looks for another process's commits while nothing happens, where files cannot be watched."""

POLL_BUSY = 0.004
"""The same within a second after the last news."""

POLL_WATCHED = (0.002, 0.25)
"""Least and most seconds between looks where the file is watched; between them, half the time since the last write."""

PRUNE_SLICE = 2_000
"""Events deleted in one commit of `prune`, so that writers never wait long."""


class SqliteStore(Answers):
    """One file shared by all processes of one machine.

    Args:
        path: the file; made, with its folder, where it does not exist.
        durability: `full` (an acknowledged write survives a power cut) or `normal` (it survives a crash of the
            process).
        busy_timeout: seconds a write waits for another process's lock.
        clock: says when commits are made; the machine's by default.
    """

    def __init__(
        self, path: Path, *, durability: str = "full", busy_timeout: float = 30.0, clock: Clock | None = None
    ) -> None:
        self.path = path
        self.url = f"sqlite:///{path}"
        self._durability = durability
        self._busy_timeout = busy_timeout
        self._now = utc_now if clock is None else clock.now
        self._closed = False
        self._pid = os.getpid()
        self._pool = ReaderPool(self._connect, str(path))
        self._moved = threading.Condition()
        self._news = 0
        self._last_news = 0.0
        self._watch: FileWatch | None = None
        self._may_watch = True
        forks.require_safe(path)
        with sqlite_errors(str(path)):
            self.epoch = sqlite_file.prepare(path, busy_timeout=min(busy_timeout, 5.0))
            self._commits = SqliteCommits(self._connect, path, self.epoch, self._now, Turns(path.parent, busy_timeout))
        self._writer = Writer(self._commits, name="claudia-sqlite-writer", told=self._has_committed)
        forks.watch(self)

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

    def rest(self, timeout: float) -> bool:
        """Close every connection, because the process is about to fork; False if one stays in use too long."""
        if not self._commits.rest(timeout):
            return False
        if not self._pool.rest(timeout):
            self._commits.wake()
            return False
        return True

    def wake(self) -> None:
        """Go on after a fork."""
        self._pool.wake()
        self._commits.wake()

    def _has_committed(self) -> None:
        with self._moved:
            self._news += 1
            self._moved.notify_all()

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

    def events(self, after: int, limit: int = 500, types: Sequence[str] = (), subject: str | None = None) -> EventSlice:
        """See `ports.Reader.events`."""
        with self._moment() as reader:
            return reader.events(after, limit, types, subject)

    def sequence_at(self, moment: datetime) -> int:
        """See `ports.Reader.sequence_at`."""
        with self._moment() as reader:
            return reader.sequence_at(moment)

    def wait(self, after: int, timeout: float) -> int:
        """See `ports.Store.wait`: own commits wake at once, other processes' are seen within milliseconds."""
        self._keep_watch()
        deadline = time.monotonic() + timeout
        while True:
            seen = self._news
            head = self.head()
            now = time.monotonic()
            if head > after:
                self._last_news = now
                return head
            if now >= deadline or self._closed:
                return head
            with self._moved:
                if self._news == seen:
                    self._moved.wait(min(self._pause(now), deadline - now))

    def _pause(self, now: float) -> float:
        quiet = now - self._last_news
        if self._watch is None:
            return POLL_BUSY if quiet < 1.0 else POLL_IDLE
        least, most = POLL_WATCHED
        return min(max(quiet / 2, least), most)

    def _keep_watch(self) -> None:
        with self._moved:
            if not self._may_watch:
                return
            self._may_watch = False
            try:
                self._watch = FileWatch(self.path.with_name(self.path.name + "-wal"), self._on_write)
            except OSError as error:
                log.info("the store's file is not watched but looked at often", error=str(error))

    def _on_write(self) -> None:
        """Some process, perhaps this one, wrote: what it wrote can be read when it has reached the disk."""
        with self._moved:
            self._last_news = time.monotonic()
            self._news += 1
            self._moved.notify_all()

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
            lowest = keep_from(reader, retention, self._now())
        while not self._closed:
            step = self._prune_step(lowest)
            deleted += step
            if step < PRUNE_SLICE:
                break
        note = {"id": "pruned", "at": to_text(self._now()), "events": deleted}
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
        with self._moved:
            self._closed, self._may_watch = True, False
            watch, self._watch = self._watch, None
        if watch is not None:
            watch.stop()
        self._has_committed()  # wakes those who wait
        self._pool.close()
        self._commits.close()


_: type[Store] = SqliteStore  # the type checker proves that the port is met
