"""The store for many machines: a MongoDB replica set, shared by all processes that name the same database."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from typing import Any, Protocol

from pymongo.read_concern import ReadConcern

from claudia_core.errors import StoreClosed
from claudia_core.model.event import EventSlice
from claudia_core.model.times import from_optional_text, to_text, utc_now
from claudia_core.ports import Clock, LogStatus, Reader, Retention, Store, Work
from claudia_core.stores.answers import Answers
from claudia_core.stores.keeping import keep_from
from claudia_core.stores.mongodb import open as mongodb_open
from claudia_core.stores.mongodb.commits import MongoCommits
from claudia_core.stores.mongodb.open import mongodb_errors
from claudia_core.stores.mongodb.reader import LOG, MongoReader
from claudia_core.stores.mongodb.watch import ChangeWatch
from claudia_core.stores.writer import Writer

POLL = (0.004, 0.02)
"""Least and most seconds between looks for others' commits without a change stream; with one, half a second."""

POLL_WATCHED = 0.5

PRUNE_SLICE = 2_000
"""Events deleted at once by `prune`, about."""


class Wake(Protocol):
    """A further way to hear of others' commits at once."""

    @property
    def is_open(self) -> bool:
        """Whether it hears now."""
        ...

    def tell(self) -> None:
        """Something was committed here."""
        ...

    def listen(self, on_wake: Callable[[], None]) -> None:
        """Call `on_wake` when others may have committed."""
        ...

    def stop(self) -> None:
        """Let go of everything."""
        ...


class MongoStore(Answers):
    """One database of a replica set.

    Documents are kept with their columns as fields and their JSON text as `body`; the log is a chain of commits. All
    is read and written as a majority of the members has it.

    Args:
        url: `mongodb://` or `mongodb+srv://`, with the database's name; `claudia` without one.
        timeout: seconds to wait for a server that can be written; what takes longer is unavailable.
        patience: seconds for which a commit is tried again while other processes write or the primary changes.
        clock: says when commits are made; the machine's by default.

    Raises:
        SettingsError: the address cannot be read.
        StoreError: a single server, an old one, or one that refuses this user.
        StoreTooNew: a newer Claudia wrote the database.
        StoreUnavailable: it does not answer in time.
    """

    def __init__(self, url: str, *, timeout: float = 5.0, patience: float = 30.0, clock: Clock | None = None) -> None:
        self.url = mongodb_open.without_secrets(url)
        self._now = utc_now if clock is None else clock.now
        self._patience = patience
        self._closed = False
        self._pid = os.getpid()
        self._moved = threading.Condition()
        self._news = 0
        self._last_news = 0.0
        self._watch: ChangeWatch | None = None
        self._wake: Wake | None = None
        self._client, self._name = mongodb_open.connect(url, timeout=timeout)
        try:
            self.epoch = mongodb_open.prepare(self._client, self._name, self.url)
        except BaseException:
            self._client.close()
            raise
        self._database = mongodb_open.durable(self._client, self._name)
        self._commits = MongoCommits(
            self._client,
            self._name,
            self.url,
            self.epoch,
            patience=patience,
            now=self._now,
        )
        self._writer = Writer(self._commits, name="claudia-mongodb-writer", told=self._has_committed)

    def __repr__(self) -> str:
        return f"MongoStore({self.url!r})"

    # --- write ----------------------------------------------------------------------------------------------------

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

    @property
    def client(self) -> mongodb_open.Client:
        """The driver's client, for collections of others in the same database."""
        return self._client

    @property
    def database_name(self) -> str:
        """The database's name."""
        return self._name

    def wake_by(self, wake: Wake) -> None:
        """Tell commits by `wake`, too, and hear of others' by it; `close()` stops it."""
        self._wake = wake

    def _has_committed(self) -> None:
        self._has_news()
        if self._wake is not None:
            self._wake.tell()

    def _has_news(self) -> None:
        with self._moved:
            self._news += 1
            self._last_news = time.monotonic()
            self._moved.notify_all()

    # --- read -----------------------------------------------------------------------------------------------------

    @contextmanager
    def _reader(self) -> Iterator[MongoReader]:
        self._require_open()
        with mongodb_errors(self.url):
            yield MongoReader(self._database, self.epoch)

    def _require_open(self) -> None:
        if self._pid != os.getpid():
            raise StoreClosed(f"the store {self.url} was opened in the parent process", hint="make a new Claudia()")
        if self._closed:
            raise StoreClosed("the store is closed", hint="make a new Claudia()")

    @contextmanager
    def _moment(self) -> Iterator[MongoReader]:
        self._require_open()
        database = self._client.get_database(self._name)
        with mongodb_errors(self.url), self._client.start_session(causal_consistency=False) as session:
            session.start_transaction(read_concern=ReadConcern("snapshot"))
            reader = MongoReader(database, self.epoch, session)
            reader.head()  # the moment begins with the first question
            yield reader

    def snapshot(self) -> AbstractContextManager[Reader]:
        """See `ports.Store.snapshot`; the server ends one that is held for longer than a minute."""
        return self._moment()

    def events(self, after: int, limit: int = 500, types: Sequence[str] = (), subject: str | None = None) -> EventSlice:
        """See `ports.Reader.events`."""
        with self._reader() as reader:
            return reader.events(after, limit, types, subject)

    def sequence_at(self, moment: datetime) -> int:
        """See `ports.Reader.sequence_at`."""
        with self._reader() as reader:
            return reader.sequence_at(moment)

    def wait(self, after: int, timeout: float) -> int:
        """See `ports.Store.wait`: own commits wake at once, others' through a change stream, a
        `Wake`, or by looking often."""
        self._keep_watch()
        deadline = time.monotonic() + timeout
        while True:
            seen = self._news
            head = self.head()
            now = time.monotonic()
            if head > after or now >= deadline:
                return head
            with self._moved:
                if self._news == seen and not self._closed:
                    self._moved.wait(min(self._pause(now), deadline - now))

    def _pause(self, now: float) -> float:
        if (self._watch is not None and self._watch.is_open) or (self._wake is not None and self._wake.is_open):
            return POLL_WATCHED
        least, most = POLL
        return min(max((now - self._last_news) / 10, least), most)

    def _keep_watch(self) -> None:
        with self._moved:
            if self._watch is None and not self._closed:
                self._watch = ChangeWatch(self._database, self._has_news)
                if self._wake is not None:
                    self._wake.listen(self._has_news)

    # --- keep -----------------------------------------------------------------------------------------------------

    def log_status(self) -> LogStatus:
        """See `ports.Store.log_status`; `bytes` is the size of the log."""
        with self._reader() as reader:
            pruned = reader.get("meta", "pruned") or {}
            size = self._database.command("collStats", LOG).get("size", 0)
            when, count = from_optional_text(pruned.get("at")), pruned.get("events", 0)
            return LogStatus(self.epoch, reader.oldest(), reader.head(), int(size), when, count)

    def prune(self, retention: Retention) -> int:
        """See `ports.Store.prune`."""
        with self._reader() as reader:
            oldest, keep = reader.oldest(), keep_from(reader, retention, self._now())
        deleted = 0
        for first in range(oldest, keep, PRUNE_SLICE):
            if self._closed or not oldest:
                break
            deleted += self._prune(first, min(keep, first + PRUNE_SLICE))
        note = {"id": "pruned", "at": to_text(self._now()), "events": deleted}
        self.write(lambda tx: tx.put("meta", note)).result()
        return deleted

    def _prune(self, first: int, keep: int) -> int:
        """Delete the events from `first` up to the one before `keep`; of a commit that has both, some."""
        with self._reader() as reader:
            log = reader.database[LOG]
            log.delete_many({"last": {"$lt": keep}})
            row = log.find_one({"last": {"$gte": keep}}, sort=[("last", 1)])
            if row is not None and row["seq"] + row["skip"] < keep:
                rest = row["events"][keep - row["seq"] - row["skip"] :]
                size = sum(len(event["d"]) for event in rest)
                change = {"skip": keep - row["seq"], "events": rest, "bytes": size}
                log.update_one({"_id": row["_id"], "skip": row["skip"]}, {"$set": change})
        return max(0, keep - first)

    def close(self) -> None:
        """See `ports.Store.close`."""
        if self._closed or self._pid != os.getpid():
            return
        self._writer.close(self._patience + 30.0)
        with self._moved:
            self._closed = True
            watch = self._watch
        self._has_news()  # wakes those who wait
        self._commits.close()
        if self._wake is not None:
            self._wake.stop()
        if watch is not None:
            watch.stop()
        self._client.close()


_: type[Store] = MongoStore  # the type checker proves that the port is met
