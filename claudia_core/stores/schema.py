"""The collections every store keeps, and how a document's columns, queries and page cursors are read."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import orjson

from claudia_core.errors import BadCursor, InvalidValue
from claudia_core.ports import Collection, Condition, Document, Page, Prefix, Query, Range

SCHEMA_VERSION = 3

FIRST_PLACE = "100"
"""The place in its queue of a pending task that was made before there were queues."""

WAITING = "tasks.waiting/"
RUNNING = "tasks.running/"
"""Running totals of pending and active tasks by type, as `services.rollups` counts them."""

COLLECTIONS: Mapping[str, Collection] = {
    collection.name: collection
    for collection in (
        Collection(
            "tasks",
            (
                "status",
                "type",
                "name_key",
                "parent_id",
                "agent_id",
                "updated_at",
                "started_at",
                "finished_at",
                "duration_key",
                "queue",
                "watch_at",
            ),
            # Lists without a status ask for every status: so one index that begins with it serves them all.
            (
                ("parent_id",),
                ("agent_id", "status"),
                ("status",),
                ("status", "type"),
                ("status", "name_key"),
                ("status", "updated_at"),
                ("status", "started_at"),
                ("status", "finished_at"),
                ("status", "duration_key"),
                # Empty but while a task waits, or somebody must look after it: an end writes to neither.
                ("type", "queue"),
                ("watch_at",),
            ),
            ("tags",),
            ("agent_id", "queue", "watch_at", "tags"),
            # What a list is filtered by: an order's index that has it, too, is walked without looking at the tasks.
            ("type", "name_key", "parent_id", "agent_id"),
        ),
        Collection("contents"),
        Collection("agents", ("status", "expires_at"), (("status", "expires_at"),)),
        Collection(
            "issues",
            ("status", "last_seen", "first_seen", "count_key", "ignored_until"),
            (
                ("last_seen",),
                ("status", "last_seen"),
                ("first_seen",),
                ("status", "first_seen"),
                ("count_key",),
                ("status", "count_key"),
                ("status", "ignored_until"),
            ),
            rare=("ignored_until",),
        ),
        Collection("occurrences", ("issue_id", "task_id"), (("issue_id",), ("task_id",)), rare=("task_id",)),
        Collection("details"),
        Collection("affected", ("issue", "subject"), (("issue",), ("subject",))),
        Collection("comments", ("issue_id",), (("issue_id",),)),
        Collection("subscriptions"),
        Collection("filters", ("name_key",), (("name_key",),)),
        Collection("idempotency", ("at",), (("at",),)),
        Collection("meta"),
        Collection("oauth_tokens"),
        Collection("users", ("name_key", "account"), (("name_key",), ("account",))),
        Collection("keys", ("prefix",), (("prefix",),)),
        Collection("sessions", ("owner", "expires_at"), (("owner",), ("expires_at",))),
        Collection("attempts", ("until",), (("until",),)),
        Collection("endpoints", ("name_key",), (("name_key",),)),
        Collection(
            "deliveries",
            ("endpoint_id", "status", "next_at", "finished_at"),
            (
                ("endpoint_id",),
                ("status",),
                ("endpoint_id", "status", "next_at"),
                ("endpoint_id", "status"),
                ("finished_at",),
            ),
            rare=("finished_at",),
        ),
        Collection("sources"),
        Collection("rules", ("name_key",), (("name_key",),)),
        Collection("channels", ("name_key",), (("name_key",),)),
        Collection("notices", ("owner", "status", "created_at"), (("owner",), ("owner", "status"), ("created_at",))),
        Collection(
            "dispatches",
            ("target", "status", "next_at", "finished_at"),
            (("target",), ("status",), ("status", "next_at"), ("target", "status", "next_at"), ("finished_at",)),
            rare=("finished_at",),
        ),
        Collection("preferences"),
        Collection("caps"),
        Collection("suppressions"),
        Collection("processes", ("expires_at",), (("expires_at",),)),
        Collection("checks"),
        Collection("mirrors"),
        Collection("received", ("at",), (("at",),)),
        Collection("audit", ("actor", "action", "subject"), (("actor",), ("action",), ("subject",))),
    )
}


_FIELDS: Mapping[str, tuple[tuple[str, str], ...]] = {
    name: tuple((column, column.removesuffix("_key")) for column in kind.columns) for name, kind in COLLECTIONS.items()
}
"""The columns of each collection, each with the field of a document that it is made from."""


def collection(name: str) -> Collection:
    """The collection of that name.

    Raises:
        InvalidValue: there is none.
    """
    try:
        return COLLECTIONS[name]
    except KeyError:
        raise InvalidValue(f"no collection {name!r}", field="collection", hint=", ".join(COLLECTIONS)) from None


def column_value(column: str, document: Mapping[str, Any]) -> str:
    """What a document holds in a column; null is the empty text.

    Raises:
        InvalidValue: it is not text.
    """
    field = column.removesuffix("_key")
    value = document.get(field)
    if value is None:
        return ""
    if field != column and type(value) in (int, float):
        return number_key(value)
    if not isinstance(value, str):
        raise InvalidValue(f"{field} is {value!r:.80}, not text", field=field, hint="columns hold text or null")
    return value if field == column else value.casefold()


def number_key(value: float) -> str:
    """A number from 0 on as text that sorts alike, to a millionth."""
    return f"{max(0.0, value):020.6f}"


def column_values(kind: Collection, document: Mapping[str, Any]) -> tuple[str, ...]:
    """What a document holds in every column of its collection.

    Raises:
        InvalidValue: one is not text.
    """
    get = document.get  # every change of a document comes by here: plain texts and nulls take no call of their own
    return tuple(
        [
            ""
            if (value := get(field)) is None
            else value
            if type(value) is str and field == column
            else column_value(column, document)
            for column, field in _FIELDS[kind.name]
        ]
    )


def set_values(kind: Collection, document: Mapping[str, Any]) -> tuple[frozenset[str], ...]:
    """What a document holds in every set of its collection.

    Raises:
        InvalidValue: one is no list of texts.
    """
    return tuple([_texts(field, document.get(field)) for field in kind.sets])


def _texts(field: str, value: Any) -> frozenset[str]:
    if value is None or value == []:
        return frozenset()
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        raise InvalidValue(f"{field} is {value!r:.80}, not a list of texts", field=field)
    return frozenset(value)


def require_columns(query: Query, by: Iterable[str] = ()) -> Collection:
    """The query's collection.

    Raises:
        InvalidValue: a condition, the order or one of `by` names no column of it, or the limit is not 1 to 10,000.
    """
    kind = collection(query.collection)
    for name, condition in query.where.items():
        if name in kind.sets and not isinstance(condition, str):
            raise InvalidValue(f"{name} is asked for {condition!r:.80}", field=name, hint="ask for one text")
    asked = (name for name in query.where if name not in kind.sets)
    for column in (*asked, query.order.removeprefix("-"), *by):
        if column != "id" and column not in kind.columns:
            known = ", ".join(("id", *kind.columns))
            raise InvalidValue(f"{kind.name} cannot be filtered or sorted by {column!r}", field=column, hint=known)
    require_limit(query.limit)
    return kind


def require_limit(limit: int) -> None:
    """Refuse a page that is empty or too large.

    Raises:
        InvalidValue: the limit is not 1 to 10,000.
    """
    if not 1 <= limit <= 10_000:
        raise InvalidValue(f"limit is {limit}", field="limit", hint="use 1 to 10000")


def prefix_end(text: str) -> str:
    """The first text after all that begin with `text`; empty where there is none."""
    for length in range(len(text), 0, -1):
        code = ord(text[length - 1]) + 1
        if code <= 0x10FFFF:
            return text[: length - 1] + chr(0xE000 if 0xD800 <= code <= 0xDFFF else code)
    return ""


def holds(condition: Condition, value: str) -> bool:
    """Whether a column's value meets a condition."""
    if condition is None:
        return value == ""
    if isinstance(condition, str):
        return value == condition
    if isinstance(condition, Prefix):
        return value.startswith(condition.text)
    if isinstance(condition, Range):
        return value >= condition.start and (not condition.end or value < condition.end)
    return value in condition


def matches(query: Query, document: Mapping[str, Any]) -> bool:
    """Whether a document meets all conditions of a query."""
    sets = collection(query.collection).sets
    return all(
        condition in _texts(name, document.get(name))
        if name in sets
        else holds(condition, column_value(name, document))
        for name, condition in query.where.items()
    )


def matching(query: Query) -> Callable[[tuple[str, ...]], bool]:
    """Whether a document with these columns can match a query, as far as that is asked of columns."""
    kind = collection(query.collection)
    places = [(kind.columns.index(name), asked) for name, asked in query.where.items() if name in kind.columns]
    return lambda columns: all(holds(condition, columns[place]) for place, condition in places)


def sort_key(order: str, document: Mapping[str, Any]) -> tuple[str, str]:
    """Where a document stands in an order: the column's value, then the id."""
    column = order.removeprefix("-")
    return ("", document["id"]) if column == "id" else (column_value(column, document), document["id"])


def is_behind(order: str, document: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether a document comes after another in an order."""
    key, place = sort_key(order, document), sort_key(order, other)
    return key < place if order.startswith("-") else key > place


def encode_next(order: str, key: tuple[str, str]) -> str:
    """An opaque page cursor: the order and the last document's place in it."""
    return base64.urlsafe_b64encode(orjson.dumps([order, *key])).decode().rstrip("=")


def decode_next(query: Query) -> tuple[str, str] | None:
    """The place to go on behind, or None for the first page.

    Raises:
        BadCursor: it cannot be read or was made for another order.
    """
    if query.after is None:
        return None
    try:
        order, value, id = orjson.loads(base64.urlsafe_b64decode(query.after + "=" * (-len(query.after) % 4)))
    except (ValueError, binascii.Error, TypeError) as error:
        raise BadCursor(f"not a page cursor: {query.after!r:.80}", field="after") from error
    if order != query.order or not isinstance(value, str) or not isinstance(id, str):
        raise BadCursor(f"the page cursor was made for the order {order!r}", field="after", hint=query.order)
    return value, id


def select(query: Query, documents: Iterable[Document]) -> Page:
    """A page taken from documents in memory: the reference for what `find` means."""
    place = decode_next(query)
    backwards = query.order.startswith("-")
    found = sorted(
        ((sort_key(query.order, document), document) for document in documents if matches(query, document)),
        key=lambda pair: pair[0],
        reverse=backwards,
    )
    if place is not None:
        found = [pair for pair in found if (pair[0] < place if backwards else pair[0] > place)]
    return page_of(query, [document for _, document in found[: query.limit + 1]])


def page_of(query: Query, documents: list[Document]) -> Page:
    """A page from up to `limit + 1` ordered documents; one too many means that there are more."""
    if len(documents) <= query.limit:
        return Page(documents)
    kept = documents[: query.limit]
    return Page(kept, encode_next(query.order, sort_key(query.order, kept[-1])))
