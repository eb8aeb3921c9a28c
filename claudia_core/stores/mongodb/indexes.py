"""The indexes of a MongoDB database: missing ones are made, those of an older Claudia that serve no more are dropped.

An index over a rare column has no entry for a document that is empty there: a partial index, which the server uses for
questions that ask for more than the empty text.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pymongo import IndexModel, errors
from pymongo.database import Database

from claudia_core.ports import Collection
from claudia_core.stores.mongodb.reader import LOG, SAMPLES
from claudia_core.stores.schema import COLLECTIONS

NO_SUCH_INDEX = 27

LOG_INDEXES = (
    IndexModel("seq", unique=True),
    IndexModel([("last", 1)]),
    IndexModel([("at", 1), ("last", 1)]),
    IndexModel([("events.t", 1), ("last", 1)]),
    IndexModel([("events.s", 1), ("last", 1)]),
)
SAMPLES_INDEX = IndexModel([("series", 1), ("at", 1)], unique=True)


def make_indexes(database: Database[dict[str, Any]]) -> None:
    """Indexes that are missing are made; the collections come into being with them."""
    database[LOG].create_indexes(list(LOG_INDEXES))
    database[SAMPLES].create_indexes([SAMPLES_INDEX])
    there = set(database.list_collection_names())
    for kind in COLLECTIONS.values():
        wanted = list(indexes_of(kind))
        if wanted:
            database[kind.name].create_indexes(wanted)
        elif kind.name not in there:
            _make(database, kind.name)
        if kind.rare:
            _drop_whole(database, kind)


def indexes_of(kind: Collection) -> Iterator[IndexModel]:
    """The indexes of a collection, each with the id at its end."""
    for columns in (*kind.indexes, *((name,) for name in kind.sets)):
        keys = [*((column, 1) for column in columns), ("_id", 1)]
        rare = {column: {"$gt": ""} for column in columns if column in kind.rare}
        if rare:
            yield IndexModel(keys, name=f"{_name(columns)}_filled", partialFilterExpression=rare)
        else:
            yield IndexModel(keys, name=_name(columns))


def _name(columns: tuple[str, ...]) -> str:
    """The driver's own name for it: what an older Claudia made is found there."""
    return "_".join(f"{column}_1" for column in (*columns, "_id"))


def _drop_whole(database: Database[dict[str, Any]], kind: Collection) -> None:
    """Drop the indexes over rare columns that have an entry for every document, once the partial ones are there."""
    there = database[kind.name].index_information()
    for columns in (*kind.indexes, *((name,) for name in kind.sets)):
        if _name(columns) in there and set(columns) & set(kind.rare):
            try:
                database[kind.name].drop_index(_name(columns))
            except errors.OperationFailure as error:
                if error.code != NO_SUCH_INDEX:  # another process dropped it meanwhile
                    raise


def _make(database: Database[dict[str, Any]], name: str) -> None:
    try:
        database.create_collection(name)
    except errors.CollectionInvalid:  # another process made it meanwhile
        return
