"""Filters and orders for `find` and `count` on MongoDB."""

from __future__ import annotations

from typing import Any

from claudia_core.ports import Condition, Prefix, Query, Range
from claudia_core.stores import schema

type Filter = dict[str, Any]


def conditions(query: Query, place: tuple[str, str] | None) -> Filter:
    """The filter for a query's documents, from behind `place` on."""
    kind = schema.collection(query.collection)
    terms = [
        {name: condition} if name in kind.sets else _term(_field(name), condition)
        for name, condition in query.where.items()
    ]
    if place is not None:
        terms.append(_behind(query.order, *place))
    return _all_of(terms)


def _all_of(terms: list[Filter]) -> Filter:
    """All terms as one filter, flat as far as it goes: planners look at its top first."""
    wanted: Filter = {}
    others = []
    for term in terms:
        if wanted.keys() & term.keys():
            others.append(term)
        else:
            wanted |= term
    return wanted | ({"$and": others} if others else {})


def order_by(query: Query) -> list[tuple[str, int]]:
    """The order of a query: its column, then the id."""
    turn = -1 if query.order.startswith("-") else 1
    column = query.order.removeprefix("-")
    return [("_id", turn)] if column == "id" else [(column, turn), ("_id", turn)]


def text_range(field: str, start: str, end: str) -> Filter:
    """Texts from `start` on and before `end`; an empty text leaves that side open."""
    limits = {sign: text for sign, text in (("$gte", start), ("$lt", end)) if text}
    return {field: limits} if limits else {}


def _term(field: str, condition: Condition) -> Filter:
    if condition is None or isinstance(condition, str):
        return {field: condition or ""}
    if isinstance(condition, Prefix):
        return text_range(field, condition.text, schema.prefix_end(condition.text))
    if isinstance(condition, Range):
        return text_range(field, condition.start, condition.end)
    return {field: {"$in": list(condition)}}


def _behind(order: str, value: str, id: str) -> Filter:
    sign = "$lt" if order.startswith("-") else "$gt"
    column = order.removeprefix("-")
    if column == "id":
        return {"_id": {sign: id}}
    return {column: {f"{sign}e": value}, "$or": [{column: {sign: value}}, {column: value, "_id": {sign: id}}]}


def _field(name: str) -> str:
    return "_id" if name == "id" else name
