"""The SQLite file itself: its tables, who it belongs to, migration, retention, backup and restore."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import apsw

from claudia_core.errors import StoreBusy, StoreError, StoreForeign, StoreReadOnly, StoreTooNew
from claudia_core.model.ids import new_id
from claudia_core.model.times import to_text, utc_now
from claudia_core.ports import Collection, Retention
from claudia_core.stores.schema import COLLECTIONS, SCHEMA_VERSION
from claudia_core.stores.sqlite_reader import SqliteReader, sqlite_errors

APPLICATION_ID = 0x436C6175
"""Marks a SQLite file as ours: the letters `Clau`."""

ADD_SAMPLE = (
    "INSERT INTO samples (series, at, value) VALUES (?, ?, ?) "
    "ON CONFLICT (series, at) DO UPDATE SET value = value + excluded.value"
)
ADD_EVENT = "INSERT INTO events (time, type, subject, data) VALUES (?, ?, ?, ?)"
PRUNE = "DELETE FROM events WHERE seq IN (SELECT seq FROM events WHERE seq < ? ORDER BY seq LIMIT ?)"

# AUTOINCREMENT under BEGIN IMMEDIATE: the sequence is the commit order, without gaps, never used twice.
_LOG = (
    "CREATE TABLE events (seq INTEGER PRIMARY KEY AUTOINCREMENT, time TEXT NOT NULL, type TEXT NOT NULL, "
    "subject TEXT NOT NULL, data TEXT NOT NULL)",
    "CREATE INDEX events_subject ON events (subject, seq)",
    "CREATE INDEX events_type ON events (type, seq)",
    "CREATE TABLE samples (series TEXT NOT NULL, at INTEGER NOT NULL, value REAL NOT NULL, "
    "PRIMARY KEY (series, at)) WITHOUT ROWID",
)


def _table(kind: Collection) -> list[str]:
    columns = "".join(f"{column} TEXT NOT NULL, " for column in kind.columns)
    table = f"CREATE TABLE {kind.name} (id TEXT NOT NULL PRIMARY KEY, {columns}body TEXT NOT NULL)"
    indexes = [
        f"CREATE INDEX {kind.name}_{'_'.join(index)} ON {kind.name} ({', '.join((*index, 'id'))})"
        for index in kind.indexes
    ]
    return [table, *indexes]


def _upsert(kind: Collection) -> str:
    names = ("id", *kind.columns, "body")
    changes = ", ".join(f"{name} = excluded.{name}" for name in names[1:])
    marks = ", ".join("?" * len(names))
    return f"INSERT INTO {kind.name} ({', '.join(names)}) VALUES ({marks}) ON CONFLICT (id) DO UPDATE SET {changes}"


UPSERTS: Mapping[str, str] = {name: _upsert(kind) for name, kind in COLLECTIONS.items()}

MIGRATIONS: Mapping[int, Callable[[apsw.Connection], None]] = {}
"""Steps forward by the version they start from; each leaves the file at the next version, in the same transaction."""


def connect(path: Path, *, durability: str = "full", busy_timeout: float = 30.0) -> apsw.Connection:
    """A connection to a prepared file."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    connection.set_busy_timeout(int(busy_timeout * 1000))
    connection.execute(f"PRAGMA synchronous = {'FULL' if durability == 'full' else 'NORMAL'}")
    connection.execute("PRAGMA cache_size = -8000")
    return connection


def prepare(path: Path, *, version: int = SCHEMA_VERSION, busy_timeout: float = 5.0) -> str:
    """Make, check or migrate the file; returns its epoch.

    Raises:
        StoreForeign: it belongs to another program.
        StoreTooNew: a newer Claudia wrote it.
        StoreReadOnly, StoreUnavailable: it, or its folder, cannot be written.
    """
    _make_folder(path)
    flags = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
    old_mask = os.umask(0o077)
    try:
        connection = apsw.Connection(str(path), flags=flags)
    finally:
        os.umask(old_mask)
    try:
        connection.set_busy_timeout(int(busy_timeout * 1000))
        _require_ours(connection, path, version)
        if connection.readonly("main"):
            raise StoreReadOnly(f"the store {path} cannot be written", hint="check its permissions and its folder's")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("BEGIN IMMEDIATE")
        _require_ours(connection, path, version)
        _bring_up(connection, version)
        epoch = SqliteReader(connection, "").get("meta", "log")
        connection.execute("COMMIT")
    finally:
        connection.close()
    assert epoch is not None, "every prepared file has its log's document"
    return str(epoch["epoch"])


def _make_folder(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        hint = "name a file in a folder that may be written"
        raise StoreError(f"the store's folder {path.parent} cannot be made: {error}", hint=hint) from error


def _require_ours(connection: apsw.Connection, path: Path, version: int) -> None:
    application = connection.pragma("application_id")
    tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if application != APPLICATION_ID and (application or (tables and tables[0])):
        raise StoreForeign(f"{path} is a SQLite file of another program", hint="name another file; it was not touched")
    found = connection.pragma("user_version")
    if found > version:
        raise StoreTooNew(
            f"{path} has schema version {found}, this Claudia knows {version}", hint="pip install -U claudia-core"
        )


def _bring_up(connection: apsw.Connection, version: int) -> None:
    found = connection.pragma("user_version")
    if found == 0:
        _create(connection)
    for step in range(max(found, 1), version):
        MIGRATIONS[step](connection)
    if found != version:
        connection.pragma("user_version", version)


def _create(connection: apsw.Connection) -> None:
    for statement in _LOG:
        connection.execute(statement)
    for kind in COLLECTIONS.values():
        for statement in _table(kind):
            connection.execute(statement)
    connection.pragma("application_id", APPLICATION_ID)
    connection.pragma("user_version", 1)
    new_epoch(connection)


def new_epoch(connection: apsw.Connection) -> None:
    """Give the log a new name, so that cursors into the old one are recognised as foreign."""
    epoch = new_id().replace("-", "")
    body = f'{{"id":"log","epoch":"{epoch}","since":"{to_text(utc_now())}"}}'
    connection.execute(UPSERTS["meta"], ("log", body))


def size(path: Path) -> int:
    """Bytes of the file and its write-ahead log on disk."""
    files = (path, path.with_name(path.name + "-wal"))
    return sum(file.stat().st_size for file in files if file.exists())


def keep_from(reader: SqliteReader, retention: Retention) -> int:
    """The lowest sequence that retention keeps; the head is always kept."""
    head = reader.head()
    lowest = 0
    if retention.events is not None:
        lowest = head - retention.events + 1
    if retention.age is not None:
        lowest = max(lowest, reader.sequence_at(utc_now() - retention.age) + 1)
    if retention.bytes is not None:
        lowest = max(lowest, reader.sequence_over(retention.bytes) + 1)
    return min(lowest, head)


def backup(source: apsw.Connection, target: Path) -> None:
    """Copy a store in use to a new file, in small steps, so that writers go on.

    Raises:
        StoreError: the target exists already.
    """
    if target.exists():
        raise StoreError(f"{target} exists already", hint="name a new file")
    partial = target.with_name(target.name + ".partial")
    with sqlite_errors(str(target)):
        try:
            copy = apsw.Connection(str(partial))
            with copy.backup("main", source, "main") as steps:
                while not steps.done:
                    steps.step(1_000)
            copy.execute("PRAGMA journal_mode = DELETE")
            copy.close()
            partial.rename(target)
        finally:
            partial.unlink(missing_ok=True)


def restore(source: Path, target: Path) -> None:
    """Put a backup in the place of a store, under a new epoch; the store it replaces is kept beside it as `.old`.

    Raises:
        StoreForeign, StoreTooNew: the backup is not one.
        StoreError: the backup is not there, or the target is in use.
    """
    if not source.is_file():
        raise StoreError(f"there is no backup {source}")
    with sqlite_errors(str(source)):
        checked = apsw.Connection(str(source), flags=apsw.SQLITE_OPEN_READONLY)
        _require_store(checked, source)
    partial = target.with_name(target.name + ".partial")
    partial.unlink(missing_ok=True)
    try:
        backup_of(checked, partial)
        _move_aside(target)
        partial.rename(target)
    finally:
        checked.close()
        partial.unlink(missing_ok=True)


def backup_of(source: apsw.Connection, partial: Path) -> None:
    """A copy with a new epoch."""
    with sqlite_errors(str(partial)):
        copy = apsw.Connection(str(partial))
        with copy.backup("main", source, "main") as steps:
            steps.step(-1)
        new_epoch(copy)
        copy.close()


def _require_store(connection: apsw.Connection, path: Path) -> None:
    if connection.pragma("application_id") != APPLICATION_ID:
        raise StoreForeign(f"{path} is not a backup of a Claudia store", hint="make one with: claudia backup FILE")
    _require_ours(connection, path, SCHEMA_VERSION)


def _move_aside(target: Path) -> None:
    if not target.exists():
        return
    with sqlite_errors(str(target)):
        present = apsw.Connection(str(target))
        try:
            present.execute("PRAGMA journal_mode = DELETE")  # succeeds only while nobody else has the file open
        except apsw.BusyError as error:
            raise StoreBusy(f"{target} is in use", hint="stop the hub and the programs that use it first") from error
        finally:
            present.close()
    for ending in ("", "-wal", "-shm"):
        file = target.with_name(target.name + ending)
        if file.exists():
            file.rename(target.with_name(target.name + ".old" + ending))
