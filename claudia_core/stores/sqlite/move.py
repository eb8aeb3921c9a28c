"""A SQLite store as what a hub is copied from, or to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import apsw
import orjson

from claudia_core.errors import Conflict, NotFound, StoreBusy, StoreError
from claudia_core.model.ids import new_id
from claudia_core.model.times import to_text, utc_now
from claudia_core.ports import Document, Sample
from claudia_core.stores import schema
from claudia_core.stores.changes import Stored
from claudia_core.stores.moving import OWN, Entry, LogName, Target, Text, written_meanwhile
from claudia_core.stores.schema import COLLECTIONS
from claudia_core.stores.sqlite import file as sqlite_file
from claudia_core.stores.sqlite.archive import partial_file
from claudia_core.stores.sqlite.fork import forks
from claudia_core.stores.sqlite.reader import sqlite_errors

# ruff: noqa: S608 - names of tables and columns come from the schema, values are bound

ADD_EVENT = "INSERT INTO events (seq, time, type, subject, data) VALUES (?, ?, ?, ?, ?)"
ADD_SAMPLE = "INSERT INTO samples (series, at, value) VALUES (?, ?, ?)"


class SqliteContent:
    """See `moving.Content`."""

    def __init__(self, sql: apsw.Connection, path: Path) -> None:
        self.sql = sql
        self.path = path
        self.url = f"sqlite:///{path}"

    def documents(self, collection: str) -> Iterator[Text]:
        """See `moving.Content.documents`."""
        rows = self.sql.execute(f"SELECT id, body FROM {schema.collection(collection).name} ORDER BY id")
        return (Text(id, body) for id, body in rows if collection != "meta" or id not in OWN)

    def samples(self) -> Iterator[Sample]:
        """See `moving.Content.samples`."""
        rows = self.sql.execute("SELECT series, at, value FROM samples ORDER BY series, at")
        return (Sample(series, at, float(value)) for series, at, value in rows)

    def events(self) -> Iterator[Entry]:
        """See `moving.Content.events`."""
        return (
            Entry(*row) for row in self.sql.execute("SELECT seq, time, type, subject, data FROM events ORDER BY seq")
        )

    def _log(self) -> Document:
        row = self.sql.execute("SELECT body FROM meta WHERE id = 'log'").fetchone()
        assert row is not None, "it was prepared"
        log: Document = orjson.loads(row[0])
        return log

    def _name_log(self, log: Document) -> None:
        self.sql.execute(sqlite_file.UPSERTS["meta"], ("log", orjson.dumps({**log, "id": "log"}).decode()))


class SqliteSource(SqliteContent):
    """See `moving.Source`."""

    def __init__(self, sql: apsw.Connection, path: Path, to: str, *, live: bool) -> None:
        super().__init__(sql, path)
        self.live = live
        self._version = sql.pragma("data_version")
        self._to = to
        sql.execute("BEGIN")
        sql.execute("SELECT count(*) FROM meta").fetchall()  # the moment begins with the first question

    @property
    def log_name(self) -> LogName:
        """See `moving.Source.log_name`."""
        log = self._log()
        moved = log.get("moved") or {}
        return LogName(moved["epoch"] if moved.get("to") == self._to else log["epoch"], log["since"])

    def is_still(self) -> bool:
        """See `moving.Source.is_still`."""
        if self.sql.in_transaction:
            self.sql.execute("COMMIT")
        return bool(self.sql.pragma("data_version") == self._version)

    def give_up_name(self, to: str) -> None:
        """See `moving.Source.give_up_name`."""
        name = self.log_name
        if self.sql.in_transaction:
            self.sql.execute("COMMIT")
        self.sql.execute("BEGIN IMMEDIATE")
        if self.sql.pragma("data_version") != self._version:
            self.sql.execute("ROLLBACK")
            raise written_meanwhile(self.url)
        moved = {"to": to, "epoch": name.epoch}
        self._name_log({"epoch": new_id().replace("-", ""), "since": to_text(utc_now()), "moved": moved})
        self.sql.execute("COMMIT")


class SqliteTarget(SqliteContent):
    """See `moving.Target`."""

    def put_documents(self, collection: str, rows: Sequence[Text]) -> None:
        """See `moving.Target.put_documents`."""
        kind = COLLECTIONS[collection]
        stored = {row.id: _stored(collection, row) for row in rows}
        with self.sql:
            found = [(id, *one.columns, one.body) for id, one in stored.items()]
            self.sql.executemany(sqlite_file.UPSERTS[collection], found)
            for place, field in enumerate(kind.sets):
                values = [(value, id) for id, one in stored.items() for value in one.sets[place]]
                self.sql.executemany(f"INSERT INTO {collection}_{field} (value, document) VALUES (?, ?)", values)

    def put_samples(self, rows: Sequence[Sample]) -> None:
        """See `moving.Target.put_samples`."""
        with self.sql:
            self.sql.executemany(ADD_SAMPLE, rows)

    def put_events(self, rows: Sequence[Entry]) -> None:
        """See `moving.Target.put_events`."""
        with self.sql:
            self.sql.executemany(ADD_EVENT, rows)

    def finish(self, name: LogName) -> None:
        """See `moving.Target.finish`."""
        self._name_log({"epoch": name.epoch, "since": name.since})


def _stored(collection: str, row: Text) -> Stored:
    kind = COLLECTIONS[collection]
    document = orjson.loads(row.body)
    return Stored(schema.column_values(kind, document), row.body, schema.set_values(kind, document))


@contextmanager
def sqlite_source(path: Path, to: str, *, live: bool = False) -> Iterator[SqliteSource]:
    """The store at `path`, to be copied to the store whose address without secrets is `to`.

    A `live` one may be in use: it is read as it stood at one moment, and its log keeps its name.

    Raises:
        NotFound: there is no such file.
        StoreBusy: it is in use.
    """
    if not path.exists():
        raise NotFound(f"there is no store at {path}", hint="name the store that is to be copied first")
    forks.require_safe(path)
    with sqlite_errors(str(path)):
        live = sqlite_file.is_current(path) and live  # an older file is brought forward, which takes nobody in it
        if not live:
            with closing(sqlite_file.connect(path, busy_timeout=1.0)) as sql:
                _require_alone(sql, path)
            sqlite_file.prepare(path)
        with closing(sqlite_file.connect(path, busy_timeout=1.0)) as sql:
            if not live:
                _require_alone(sql, path)
            yield SqliteSource(sql, path, to, live=live)


def _require_alone(sql: apsw.Connection, path: Path) -> None:
    try:
        sql.execute("PRAGMA journal_mode = DELETE")  # succeeds only while nobody else has the file open
    except apsw.BusyError as error:
        hint = "stop the hub and the programs that use it first; with --copy they may go on"
        raise StoreBusy(f"{path} is in use", hint=hint) from error
    sql.execute("PRAGMA journal_mode = WAL")


@contextmanager
def sqlite_target(path: Path) -> Iterator[Target]:
    """A new file that takes its name when all went well, and is gone otherwise.

    Raises:
        Conflict: there is a file already.
        StoreError: it cannot be made.
    """
    if path.exists():
        raise Conflict(f"{path} exists already", field="target", hint="name a new file: nothing is written over")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"the store's folder {path.parent} cannot be made: {error}", hint="name another") from error
    with partial_file(path) as partial:
        sqlite_file.prepare(partial)
        with closing(sqlite_file.connect(partial, durability="full")) as sql:
            target = SqliteTarget(sql, path)
            sql.execute("DELETE FROM meta")
            yield target
            sql.execute("PRAGMA journal_mode = DELETE")
