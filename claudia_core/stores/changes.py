"""One commit in the making: what many transactions changed, and the view each of them has of it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol

import orjson

from claudia_core.errors import InvalidValue, TooLarge
from claudia_core.ports import Document, Page, Query
from claudia_core.stores import schema

MAX_DOCUMENT_BYTES = 4_000_000
MAX_EVENT_BYTES = 1_000_000
MAX_AT = 2**53
"""Latest bucket of a rollup, in Unix seconds: an integer that every database and JSON reader keeps exact."""


@dataclass(slots=True)
class Stored:
    """A document as it will be saved: its columns, its JSON text and its sets."""

    columns: tuple[str, ...]
    body: str
    sets: tuple[frozenset[str], ...] = ()


@dataclass(slots=True)
class Record:
    """An event as it will be saved; its sequence is its place behind the head."""

    type: str
    subject: str
    data: str


@dataclass(slots=True)
class Changes:
    """All that one commit saves. A None document is a deletion."""

    now: datetime
    documents: dict[tuple[str, str], Stored | None] = field(default_factory=dict)
    samples: dict[tuple[str, int], float] = field(default_factory=dict)
    records: list[Record] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.documents or self.samples or self.records)

    def merge(self, other: Changes) -> None:
        """Add what a transaction that succeeded changed."""
        self.documents.update(other.documents)
        self.records.extend(other.records)
        for key, by in other.samples.items():
            self.samples[key] = self.samples.get(key, 0) + by


class Base(Protocol):
    """What a store answers about committed state while a commit is in the making."""

    def get_body(self, collection: str, id: str) -> str | bytes | None:
        """The JSON text of a document, or None."""
        ...

    def prefetch(self, collection: str, ids: list[str]) -> None:
        """Remember the JSON texts of documents, if that saves questions."""
        ...

    def find(self, query: Query) -> Page:
        """One page of committed documents."""
        ...


class BatchTransaction:
    """One request inside a commit: its changes apart until it succeeds, so that its failure leaves no trace."""

    def __init__(self, base: Base, batch: Changes) -> None:
        self._base = base
        self._batch = batch
        self.changes = Changes(batch.now)

    @property
    def now(self) -> datetime:
        """The time of this commit."""
        return self._batch.now

    def get(self, collection: str, id: str) -> Document | None:
        """The document with that id, changes of this commit seen."""
        key = (collection, id)
        for changes in (self.changes, self._batch):
            if key in changes.documents:
                stored = changes.documents[key]
                return None if stored is None else orjson.loads(stored.body)
        schema.collection(collection)
        body = self._base.get_body(collection, id)
        return None if body is None else orjson.loads(body)

    def prefetch(self, collection: str, ids: Iterable[str]) -> None:
        """Read documents together that `get` will ask for one by one."""
        self._base.prefetch(schema.collection(collection).name, list(ids))

    def find(self, query: Query) -> Page:
        """One page of documents, changes of this commit seen."""
        changed = self._changed(query.collection)
        if not changed:
            return self._base.find(query)
        schema.require_columns(query)
        page = self._base.find(replace(query, limit=min(10_000, query.limit + 1)))
        if any(document["id"] in changed for document in page.documents):
            page = self._base.find(replace(query, limit=min(10_000, query.limit + 1 + len(changed))))
        documents = [document for document in page.documents if document["id"] not in changed]
        may_match = schema.matching(query)
        known = [stored for stored in changed.values() if stored is not None and may_match(stored.columns)]
        new = [orjson.loads(stored.body) for stored in known]
        if page.next is not None:  # what was not fetched stands between the last one and anything behind it
            new = [document for document in new if not schema.is_behind(query.order, document, page.documents[-1])]
        found = schema.select(query, documents + new)
        return found if found.next is not None else Page(found.documents, page.next)

    def _changed(self, collection: str) -> dict[str, Stored | None]:
        both = (self._batch.documents, self.changes.documents)
        return {id: stored for part in both for (name, id), stored in part.items() if name == collection}

    def put(self, collection: str, document: Document) -> None:
        """Save a document under its id."""
        kind = schema.collection(collection)
        id = _require_text(document.get("id"), "id")
        body = encode(document, f"{collection} document", MAX_DOCUMENT_BYTES)
        self.changes.documents[collection, id] = Stored(
            schema.column_values(kind, document), body, schema.set_values(kind, document)
        )

    def delete(self, collection: str, id: str) -> None:
        """Remove a document."""
        schema.collection(collection)
        self.changes.documents[collection, id] = None

    def increment(self, series: str, at: int = 0, by: float = 1) -> None:
        """Add to a rollup."""
        samples = self.changes.samples
        if type(by) is int and (series, at) in samples:  # it was checked the first time
            samples[series, at] += by
            return
        if not math.isfinite(by) or not -MAX_AT <= at <= MAX_AT or at != int(at):
            raise InvalidValue(f"cannot add {by!r:.80} to {series} at {at!r:.80}", field=series, hint="use numbers")
        key = (_require_text(series, "series"), int(at))
        samples[key] = samples.get(key, 0) + by

    def emit(self, type: str, subject: str, data: Mapping[str, Any]) -> None:
        """Append an event."""
        encoded = encode(data, f"data of {type}", MAX_EVENT_BYTES)
        self.changes.records.append(Record(_require_text(type, "type"), _require_text(subject, "subject"), encoded))


def _require_text(value: object, field: str) -> str:
    if type(value) is str and value and value.isascii():
        return value
    if not isinstance(value, str) or not (value or field == "subject"):
        raise InvalidValue(f"{field} is {value!r:.80}", field=field, hint="use a text that is not empty")
    if not value.isascii() and any("\ud800" <= char <= "\udfff" for char in value):
        raise InvalidValue(f"{field} holds broken Unicode: {value!r:.80}", field=field)
    return value


def encode(value: Mapping[str, Any], what: str, limit: int) -> str:
    """JSON text of a document or of an event's data.

    Raises:
        InvalidValue: it is not JSON.
        TooLarge: it is over `limit` bytes.
    """
    try:
        body = orjson.dumps(value)
    except TypeError as error:
        raise InvalidValue(f"{what} is not JSON: {error}", field="document") from error
    if len(body) > limit:
        raise TooLarge(f"{what} is {len(body):,} bytes, over the limit of {limit:,}", field="document")
    return body.decode()
