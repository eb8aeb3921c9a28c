"""The SQLite file itself: its tables, who it belongs to, migration, retention, backup and restore."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

import apsw

from claudia_core.errors import StoreDamaged, StoreError, StoreForeign, StoreReadOnly, StoreTooNew
from claudia_core.model.ids import new_id
from claudia_core.model.times import to_text, utc_now
from claudia_core.ports import Collection
from claudia_core.stores.schema import COLLECTIONS, SCHEMA_VERSION
from claudia_core.stores.sqlite.migrations import add_queues, carry_filters, statements
from claudia_core.stores.sqlite.reader import SqliteReader

# ruff: noqa: S608 - names of tables and columns come from the schema, values are bound

APPLICATION_ID = 0x436C6175
"""Marks a SQLite file as ours: the letters `Clau`."""

SHORTEST = 512
"""Bytes of the smallest page, and so of the smallest file, that SQLite writes."""

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


def _upsert(kind: Collection) -> str:
    names = ("id", *kind.columns, "body")
    changes = ", ".join(f"{name} = excluded.{name}" for name in names[1:])
    marks = ", ".join("?" * len(names))
    return f"INSERT INTO {kind.name} ({', '.join(names)}) VALUES ({marks}) ON CONFLICT (id) DO UPDATE SET {changes}"


UPSERTS: Mapping[str, str] = {name: _upsert(kind) for name, kind in COLLECTIONS.items()}
DELETES: Mapping[str, str] = {name: f"DELETE FROM {name} WHERE id = ?" for name in COLLECTIONS}

type Migration = Callable[[apsw.Connection], None]

MIGRATIONS: Mapping[int, Migration] = {1: add_queues, 2: carry_filters}
"""Steps forward by the version they start from; each leaves the file at the next version, in the same transaction."""


LOG_PAGES = 4_000
"""Pages (of 4 kB) of the write-ahead log from which on they are moved to the file: a page that many commits changed is
then moved once, and the commit that has to do it waits for the disk three times instead of once."""


def connect(path: Path, *, durability: str = "full", busy_timeout: float = 30.0) -> apsw.Connection:
    """A connection to a prepared file."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    connection.set_busy_timeout(int(busy_timeout * 1000))
    connection.execute(f"PRAGMA synchronous = {'FULL' if durability == 'full' else 'NORMAL'}")
    connection.execute("PRAGMA cache_size = -8000")
    connection.execute(f"PRAGMA wal_autocheckpoint = {LOG_PAGES}")
    return connection


def prepare(
    path: Path,
    *,
    version: int = SCHEMA_VERSION,
    migrations: Mapping[int, Migration] = MIGRATIONS,
    busy_timeout: float = 5.0,
) -> str:
    """Make, check or migrate the file; returns its epoch.

    Raises:
        StoreForeign: it belongs to another program.
        StoreTooNew: a newer Claudia wrote it.
        StoreReadOnly: it, or its folder, cannot be written.
        StoreError: it cannot be made or migrated; it is as it was before.
    """
    _make_folder(path)
    _require_writable(path)
    _make_private(path)
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        connection.set_busy_timeout(int(busy_timeout * 1000))
        require_ours(connection, path, version)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("BEGIN IMMEDIATE")
        require_ours(connection, path, version)
        _bring_up(connection, path, version, migrations)
        epoch = SqliteReader(connection, "").get("meta", "log")
        connection.execute("COMMIT")
    finally:
        connection.close()  # also ends the transaction when a step failed
    if epoch is None:
        raise StoreDamaged(f"{path} has lost the name of its log", hint="restore a backup: claudia restore BACKUP")
    return str(epoch["epoch"])


def is_current(path: Path) -> bool:
    """Whether the file is a store of this very version, which nobody needs to bring forward.

    Raises:
        StoreForeign: it belongs to another program.
        StoreTooNew: a newer Claudia wrote it.
    """
    require_size(path)
    with closing(apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)) as sql:
        require_ours(sql, path, SCHEMA_VERSION)
        return bool(sql.pragma("user_version") == SCHEMA_VERSION)


def _require_writable(path: Path) -> None:
    if path.is_dir():
        raise StoreError(f"the store {path} is a folder", hint="name a file in it")
    if path.exists() and not path.is_file():
        raise StoreForeign(f"the store {path} is not a regular file", hint="name another file")
    require_size(path)
    for place, what in ((path, "file"), (path.parent, "folder")):
        if place.exists() and not os.access(place, os.W_OK):
            hint = f"give this user the right to write it, or name another {what}"
            raise StoreReadOnly(f"the store's {what} {place} cannot be written", hint=hint)


def require_size(path: Path) -> None:
    """Refuse what is too short to be a SQLite file: SQLite takes it for an empty one, and would write over it.

    Raises:
        StoreForeign: the file is neither empty nor as long as the shortest store.
    """
    if path.exists() and 0 < path.stat().st_size < SHORTEST:
        raise StoreForeign(f"{path} is a file of another program", hint="name another file; it was not touched")


def _make_private(path: Path) -> None:
    """Make the file, for this user's eyes only; SQLite gives its companions the same rights.

    A file that is there is not opened: closing it would drop this process's locks on it.
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        return
    except OSError as error:
        raise StoreError(f"the store {path} cannot be made: {error}", hint="name another file") from error


def _make_folder(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        hint = "name a file in a folder that may be written"
        raise StoreError(f"the store's folder {path.parent} cannot be made: {error}", hint=hint) from error


def require_ours(connection: apsw.Connection, path: Path, version: int = SCHEMA_VERSION) -> None:
    """Refuse a file that must not be touched; an empty one may become a store.

    Raises:
        StoreForeign: it belongs to another program.
        StoreTooNew: a newer Claudia wrote it.
    """
    found = connection.pragma("user_version")
    application = connection.pragma("application_id")
    if application != APPLICATION_ID and (application or found or _has_tables(connection)):
        raise StoreForeign(f"{path} is a SQLite file of another program", hint="name another file; it was not touched")
    if found > version:
        raise StoreTooNew(
            f"{path} has schema version {found}, this Claudia knows {version}", hint="pip install -U claudia-core"
        )


def _has_tables(connection: apsw.Connection) -> bool:
    """Not asked of a store of ours: even where the list of its tables is damaged, it can be restored."""
    row = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    return bool(row and row[0])


def _bring_up(connection: apsw.Connection, path: Path, version: int, migrations: Mapping[int, Migration]) -> None:
    found = connection.pragma("user_version")
    if found == 0:
        _create(connection)
    for step in range(max(found, 1), version):
        try:
            migrations[step](connection)
            connection.pragma("user_version", step + 1)
        except Exception as error:
            message = f"{path} could not be brought from schema version {step} to {step + 1}: {error!r}"
            raise StoreError(message, hint=f"it is still at version {found}; use the Claudia that wrote it") from error
    _add_collections(connection)


def _add_collections(connection: apsw.Connection) -> None:
    """What came to the schema since without another version: a new collection hurts no older Claudia."""
    there = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    for kind in COLLECTIONS.values():
        for statement in statements(kind) if kind.name not in there else ():
            connection.execute(statement)


def _create(connection: apsw.Connection) -> None:
    for statement in _LOG:
        connection.execute(statement)
    for kind in COLLECTIONS.values():
        for statement in statements(kind):
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
