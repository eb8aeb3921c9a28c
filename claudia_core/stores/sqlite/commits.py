"""The writing connection of a SQLite store: begins commits, saves them, leaves them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import apsw
import orjson

from claudia_core.logs import get_logger
from claudia_core.ports import Page, Query
from claudia_core.stores import schema
from claudia_core.stores.changes import Changes, Stored
from claudia_core.stores.kept import Kept
from claudia_core.stores.sqlite.reader import SqliteReader, mapped, sqlite_errors
from claudia_core.stores.sqlite.save import save
from claudia_core.stores.sqlite.turns import Turns

log = get_logger(__name__)


class Committed:
    """Committed state as the writer's transactions see it, with errors mapped.

    What this connection wrote (with its columns) or read (its text) last is `kept` until another one commits (`PRAGMA
    data_version` says so): besides the query that saves a hand-over of the interpreter's lock, which is dear when
    many threads write.
    """

    def __init__(self, reader: SqliteReader, path: str) -> None:
        self.reader = reader
        self.last_time: datetime | None = None
        self._path = path
        self.kept = Kept()
        self._version = -1

    def refresh(self) -> None:
        """Forget what another connection may have changed; called with the write lock held."""
        version = self.reader.data_version()
        if version != self._version:
            self._version = version
            self.kept.clear()
            self.last_time = self.reader.last_time()

    def keep(self, changes: Changes) -> None:
        """Remember what was just committed."""
        self.kept.note_all(changes)
        if changes.records:
            self.last_time = changes.now

    def get_body(self, collection: str, id: str) -> str | None:
        """The JSON text of a document, or None."""
        key = (collection, id)
        if key in self.kept:
            return self.kept.body(key)
        try:
            body = self.reader.get_body(collection, id)
        except apsw.Error as error:
            raise mapped(error, self._path) from error
        self.kept.note(key, body)
        return body

    def prefetch(self, collection: str, ids: list[str]) -> None:
        """Remember the JSON texts of documents, in one question."""
        missing = self.kept.missing(collection, ids)
        if len(missing) > 1:
            with sqlite_errors(self._path):
                found = self.reader.get_bodies(collection, missing)
            for id in missing:
                self.kept.note((collection, id), found.get(id))

    def find(self, query: Query) -> Page:
        """One page of committed documents, which are kept, because what is looked for in a commit is changed by it."""
        with sqlite_errors(self._path):
            bodies = self.reader.find_bodies(query)
        documents = [orjson.loads(body) for body in bodies]
        for body, document in zip(bodies, documents, strict=True):
            key = (query.collection, document["id"])
            if not isinstance(self.kept.get(key), Stored):  # which tells more
                self.kept.note(key, body)
        return schema.page_of(query, documents)


class SqliteCommits:
    """The back end of the group commit: one connection, used by one thread at a time.

    Args:
        connect: makes a connection.
        path: the file, for messages.
        epoch: names its log.
        now: says when a commit is made.
        turns: in which processes write.
    """

    def __init__(
        self,
        connect: Callable[[], apsw.Connection],
        path: Path,
        epoch: str,
        now: Callable[[], datetime],
        turns: Turns,
    ) -> None:
        self._open = connect
        self._turns = turns
        self._path = str(path)
        self._epoch = epoch
        self._now = now
        self._gate = threading.Lock()  # held from begin to the end of a commit, and around a fork
        self._is_writing = False
        self.sql = self._connect()
        self._base: Committed | None = Committed(SqliteReader(self.sql, epoch), self._path)

    def begin(self) -> tuple[Committed, Changes]:
        """Take the write lock."""
        self._gate.acquire()
        self._is_writing = True
        with sqlite_errors(self._path):
            base = self._connected()
            self._turns.take(self._begin)
            base.refresh()
        now, last = self._now(), base.last_time
        return base, Changes(now if last is None else max(now, last))

    def _begin(self) -> None:
        self.sql.execute("BEGIN IMMEDIATE")

    def commit(self, changes: Changes) -> None:
        """Save a commit; one without changes leaves no trace."""
        if not changes:
            self.abort()
            return
        with sqlite_errors(self._path):
            save(self.sql, changes, {} if self._base is None else self._base.kept)
            self.sql.execute("COMMIT")
        if self._base is not None:
            self._base.keep(changes)
        self._leave()

    def abort(self) -> None:
        """Leave a commit at any point of it."""
        try:
            if self._base is not None and self.sql.in_transaction:
                self.sql.execute("ROLLBACK")
        except apsw.Error as error:
            log.warning("a rollback failed; the connection is made anew", store=self._path, error=str(error))
            self._base = None
            self.sql.close(True)
        self._leave()

    def rest(self, timeout: float) -> bool:
        """Close the connection and begin no commit until `wake`; False if one stays under way too long."""
        if not self._gate.acquire(timeout=timeout):
            return False
        self.close()
        return True

    def wake(self) -> None:
        """Begin commits again."""
        self._gate.release()

    def close(self) -> None:
        """Close the connection; the next commit would make a new one."""
        self._base = None
        self.sql.close()
        self._turns.close()

    def _connect(self) -> apsw.Connection:
        connection = self._open()
        connection.set_busy_handler(self._turns.wait)
        return connection

    def _connected(self) -> Committed:
        if self._base is None:
            self.sql = self._connect()
            self._base = Committed(SqliteReader(self.sql, self._epoch), self._path)
        return self._base

    def _leave(self) -> None:
        if self._is_writing:
            self._is_writing = False
            self._gate.release()
