"""What a commit becomes in a MongoDB database: operations on documents, and documents of the log."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pymongo import DeleteOne, InsertOne, ReplaceOne

from claudia_core.model.times import to_text
from claudia_core.stores import schema
from claudia_core.stores.changes import Changes, Record, Stored

type Operation = DeleteOne | InsertOne[dict[str, Any]] | ReplaceOne[dict[str, Any]]

MOST_EVENTS = 500
MOST_BYTES = 1_000_000
"""Most events, and about the most bytes of them, of one document of the log."""


def by_collection(changes: Changes) -> dict[str, dict[str, Stored | None]]:
    found: dict[str, dict[str, Stored | None]] = {}
    for (name, id), stored in changes.documents.items():
        found.setdefault(name, {})[id] = stored
    return found


def operation(name: str, id: str, stored: Stored | None, *, is_new: bool) -> Operation:
    if stored is None:
        return DeleteOne({"_id": id})
    if is_new:
        return InsertOne({"_id": id, **row_of(name, stored)})
    return ReplaceOne({"_id": id}, row_of(name, stored), upsert=True)


def row_of(name: str, stored: Stored) -> dict[str, Any]:
    """A document as it is kept, without its id: its columns and sets as fields, and the whole as text."""
    kind = schema.collection(name)
    row: dict[str, Any] = dict(zip(kind.columns, stored.columns, strict=True))
    row |= {field: sorted(values) for field, values in zip(kind.sets, stored.sets, strict=True)}
    row["body"] = stored.body
    return row


def log_documents(changes: Changes, first: int, batch: str) -> Iterator[dict[str, Any]]:
    """The log's documents for one commit; more than one where it is large."""
    at = to_text(changes.now)
    part: list[Record] = []
    size = 0
    for record in changes.records:
        if part and (len(part) == MOST_EVENTS or size + len(record.data) > MOST_BYTES):
            yield commit_document(part, first, at, batch)
            first += len(part)
            part, size = [], 0
        part.append(record)
        size += len(record.data)
    yield commit_document(part, first, at, batch)


def commit_document(records: list[Record], first: int, at: str, batch: str = "") -> dict[str, Any]:
    """Events that follow each other, with the sequence of the first, as one document of the log."""
    return {
        "seq": first,
        "skip": 0,
        "last": first + len(records) - 1,
        "at": at,
        "batch": batch,
        "bytes": sum([len(record.data) for record in records]),
        "events": [{"t": record.type, "s": record.subject, "d": record.data} for record in records],
    }
