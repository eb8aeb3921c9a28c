"""How a commit's changes are written: of a document that is known, only the columns that changed.

SQLite writes to every index whose columns a statement names, changed or not. Progress changes one column of nine, so an
update that names that one costs a fraction of one that names them all.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import apsw
import orjson

from claudia_core.model.times import to_text
from claudia_core.stores import schema
from claudia_core.stores.changes import Changes, Stored
from claudia_core.stores.schema import COLLECTIONS
from claudia_core.stores.sqlite import file as sqlite_file

# ruff: noqa: S608 - names of tables and columns come from the schema, values are bound

type Key = tuple[str, str]
type Row = tuple[str, ...]


def save(sql: apsw.Connection, changes: Changes, known: Mapping[Key, Stored | str | None]) -> None:
    """Write all of a commit; `known` is what is there already, as far as that is known."""
    rows: dict[str, list[Row]] = {}
    for (name, id), stored in changes.documents.items():
        before = known.get((name, id), "")
        if isinstance(before, str) and before:
            before = _stored(name, before)
        if COLLECTIONS[name].sets:
            _save_sets(sql, name, id, before, stored)
        if stored is None:
            sql.execute(sqlite_file.DELETES[name], (id,))
        elif isinstance(before, Stored):
            changed = tuple([place for place, text in enumerate(stored.columns) if text != before.columns[place]])
            values = [stored.columns[place] for place in changed]
            rows.setdefault(_update(name, changed), []).append((*values, stored.body, id))
        else:
            rows.setdefault(sqlite_file.UPSERTS[name], []).append((id, *stored.columns, stored.body))
    for statement, values_of_all in rows.items():
        sql.executemany(statement, values_of_all)
    if changes.samples:
        sql.executemany(sqlite_file.ADD_SAMPLE, [(series, at, by) for (series, at), by in changes.samples.items()])
    if changes.records:
        time = to_text(changes.now)
        events = [(time, record.type, record.subject, record.data) for record in changes.records]
        sql.executemany(sqlite_file.ADD_EVENT, events)


def _save_sets(sql: apsw.Connection, name: str, id: str, before: Stored | str | None, stored: Stored | None) -> None:
    for place, field in enumerate(COLLECTIONS[name].sets):
        new = frozenset() if stored is None else stored.sets[place]
        old = before.sets[place] if isinstance(before, Stored) else frozenset[str]()
        if isinstance(before, str):  # what it held is in the document that is being replaced
            held = f"SELECT value FROM json_each((SELECT body FROM {name} WHERE id = ?), '$.{field}')"
            sql.execute(f"DELETE FROM {name}_{field} WHERE document = ? AND value IN ({held})", (id, id))
        for value in old - new:
            sql.execute(f"DELETE FROM {name}_{field} WHERE value = ? AND document = ?", (value, id))
        for value in new - old:
            sql.execute(f"INSERT INTO {name}_{field} (value, document) VALUES (?, ?)", (value, id))


def _stored(name: str, body: str) -> Stored:
    """What is there already, of which only the text is known."""
    kind, document = COLLECTIONS[name], orjson.loads(body)
    return Stored(schema.column_values(kind, document), body, schema.set_values(kind, document))


@cache
def _update(name: str, changed: tuple[int, ...]) -> str:
    columns = [COLLECTIONS[name].columns[place] for place in changed]
    return f"UPDATE {name} SET {', '.join(f'{column} = ?' for column in (*columns, 'body'))} WHERE id = ?"
