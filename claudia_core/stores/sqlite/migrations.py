"""Steps that bring an older SQLite file forward; each also leaves a file that is new as it is."""

from __future__ import annotations

import apsw

from claudia_core.ports import Collection
from claudia_core.stores.schema import COLLECTIONS, FIRST_PLACE, RUNNING, WAITING


def statements(kind: Collection) -> list[str]:
    """What makes a collection's table with its indexes and sets, as far as they are missing."""
    columns = "".join(f"{column} TEXT NOT NULL, " for column in kind.columns)
    table = f"CREATE TABLE IF NOT EXISTS {kind.name} (id TEXT NOT NULL PRIMARY KEY, {columns}body TEXT NOT NULL)"
    indexes = [
        f"CREATE INDEX IF NOT EXISTS {_name(kind, index)} ON {kind.name} ({', '.join(_columns(kind, index))})"
        for index in kind.indexes
    ]
    sets = [
        f"CREATE TABLE IF NOT EXISTS {kind.name}_{field} (value TEXT NOT NULL, document TEXT NOT NULL, "
        "PRIMARY KEY (value, document)) WITHOUT ROWID"
        for field in kind.sets
    ]
    return [table, *indexes, *sets]


def _name(kind: Collection, index: tuple[str, ...]) -> str:
    return f"{kind.name}_{'_'.join(index)}"


def _columns(kind: Collection, index: tuple[str, ...]) -> tuple[str, ...]:
    """The columns of an index: its own, the id, and what it carries along."""
    carried = kind.carried if index[0] == "status" else ()
    return (*index, "id", *(column for column in carried if column not in index))


def carry_filters(sql: apsw.Connection) -> None:
    """Version 2 to 3: the indexes along which tasks are listed carry what lists are filtered by."""
    for kind in COLLECTIONS.values():
        for index in kind.indexes if kind.carried else ():
            if index[0] == "status":
                sql.execute(f"DROP INDEX IF EXISTS {_name(kind, index)}")
        for statement in statements(kind):
            sql.execute(statement)


def add_queues(sql: apsw.Connection) -> None:
    """Version 1 to 2: tasks wait in queues, by type; what is pending stands in line, and is counted."""
    is_new = _add_missing(sql)
    if not is_new:
        return
    sql.execute("UPDATE tasks SET queue = ? WHERE status = 'pending'", (FIRST_PLACE,))
    for status, series in (("pending", WAITING), ("active", RUNNING)):
        counted = "SELECT ? || type, 0, count(*) FROM tasks WHERE status = ? GROUP BY type"
        sql.execute(f"INSERT OR REPLACE INTO samples (series, at, value) {counted}", (series, status))


def _add_missing(sql: apsw.Connection) -> bool:
    """Add the columns, tables and indexes that the schema has and the file has not; True if there were columns."""
    added = False
    for kind in COLLECTIONS.values():
        there = {row[1] for row in sql.execute(f"PRAGMA table_info({kind.name})")}
        for column in kind.columns if there else ():
            if column not in there:
                sql.execute(f"ALTER TABLE {kind.name} ADD COLUMN {column} TEXT NOT NULL DEFAULT ''")
                added = True
        for statement in statements(kind):
            sql.execute(statement)
    return added
