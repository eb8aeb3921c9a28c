"""SQL for `find` and `count`: every page is read along an index, so its cost does not grow with the store.

SQLite's planner guesses without statistics and may sort all that matches before it gives the first page. So the index
is chosen here: the columns asked for by equality, then the order. A condition with several values becomes one walk
along the index for each, merged as they are read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from math import prod

from claudia_core.ports import Collection, Condition, Prefix, Query, Range
from claudia_core.stores import schema

# ruff: noqa: S608 - names of tables and columns come from the schema, values are bound

MOST_WALKS = 24
"""Most walks that are merged for one page; beyond it the order's own index is walked and filtered."""

type Term = tuple[str, Sequence[str]]
type Sql = tuple[str, list[str | int]]


def find_sql(query: Query) -> Sql:
    """The statement that gives the bodies of one page and of one document more.

    Raises:
        InvalidValue: an unknown collection or column, or a `next` of another query.
    """
    kind = schema.require_columns(query)
    same, ranges = _sorted_out(query)
    column = query.order.removeprefix("-")
    index = _index(kind, same, column)
    if prod(len(same[name]) for name in index if name in same) > MOST_WALKS:
        index = _index(kind, {}, column)
    walked = [name for name in index if name in same]
    others = [_any_of(name, values) for name, values in same.items() if name not in walked]
    terms = [*others, *ranges, *_place(query)]
    starts = product(*([(f"{name} = ?", (value,)) for value in same[name]] for name in walked))
    return _merged(query, kind, index, [[*start, *terms] for start in starts])


def count_sql(query: Query, most: int) -> Sql:
    """The statement that counts up to `most` documents."""
    kind = schema.require_columns(query)
    same, ranges = _sorted_out(query)
    where, values = _where([*(_any_of(name, values) for name, values in same.items()), *ranges])
    return f"SELECT count(*) FROM (SELECT 1 FROM {kind.name} {where}LIMIT ?)", [*values, most]


def events_sql(after: int, limit: int, types: Sequence[str], subject: str | None) -> Sql:
    """The statement that gives a stretch of the log: each type is a walk along its index, merged as they are read."""
    about: list[Term] = [] if subject is None else [("subject = ?", (subject,))]
    index = "NOT INDEXED" if subject is None else "INDEXED BY events_subject"
    walks: list[list[Term]] = [about]
    if types and (subject is not None or len(types) > MOST_WALKS):
        walks = [[*about, _any_of("type", types)]]
    elif types:
        index, walks = "INDEXED BY events_type", [[("type = ?", (type,))] for type in dict.fromkeys(types)]
    parts = [_where(walk) for walk in walks]
    select = f"SELECT seq, time, type, subject, data FROM events {index} WHERE seq > {after:d}"
    union = " UNION ALL ".join(select + where.replace("WHERE", " AND", 1) for where, _ in parts)
    return f"{union} ORDER BY seq LIMIT ?", [*(value for _, bound in parts for value in bound), limit]


def _sorted_out(query: Query) -> tuple[dict[str, tuple[str, ...]], list[Term]]:
    """The conditions as the values a column may have, and as terms of SQL for ranges."""
    same: dict[str, tuple[str, ...]] = {}
    ranges: list[Term] = []
    for column, condition in query.where.items():
        if isinstance(condition, (Prefix, Range)):
            ranges += _within(column, condition)
        else:
            same[column] = _values(condition)
    return same, ranges


def _values(condition: Condition) -> tuple[str, ...]:
    if condition is None or isinstance(condition, str):
        return (condition or "",)
    return tuple(dict.fromkeys(condition))


def _within(column: str, condition: Prefix | Range) -> list[Term]:
    if isinstance(condition, Prefix):
        condition = Range(condition.text, schema.prefix_end(condition.text))
    lowest: list[Term] = [(f"{column} >= ?", (condition.start,))] if condition.start else []
    return [*lowest, (f"{column} < ?", (condition.end,))] if condition.end else lowest


def _any_of(column: str, values: Sequence[str]) -> Term:
    return f"{column} IN ({','.join('?' * len(values))})", values


def _index(kind: Collection, same: Mapping[str, Sequence[str]], order: str) -> tuple[str, ...]:
    """The columns of the index to walk: the most equalities before the order; () is the table's own order by id.

    Of two alike, one whose columns are not asked to be empty is better: most documents are empty there.
    """
    fitting = [index for index in kind.indexes if _fits(index, same, order)]
    filled = {name for name, values in same.items() if "" not in values}
    return max(fitting, key=lambda index: (len(index), filled.issuperset(index)), default=())


def _fits(index: tuple[str, ...], same: Mapping[str, Sequence[str]], order: str) -> bool:
    equal = index if order == "id" else index[:-1]
    return all(column in same for column in equal) and order in ("id", index[-1])


def _place(query: Query) -> list[Term]:
    """The term that goes on behind the page before."""
    place = schema.decode_next(query)
    if place is None:
        return []
    column, sign = query.order.removeprefix("-"), "<" if query.order.startswith("-") else ">"
    return [(f"id {sign} ?", place[1:])] if column == "id" else [(f"({column}, id) {sign} (?, ?)", place)]


def _merged(query: Query, kind: Collection, index: Sequence[str], walks: Sequence[Sequence[Term]]) -> Sql:
    """One statement for all walks along an index, in the query's order."""
    if not walks:
        return "SELECT '' WHERE 0 LIMIT ?", [query.limit]
    turn = " DESC" if query.order.startswith("-") else ""
    column = query.order.removeprefix("-")
    order = f"id{turn}" if column == "id" else f"place{turn}, id{turn}"
    ids = f"sqlite_autoindex_{kind.name}_1" if column == "id" else ""
    by = f"{kind.name}_{'_'.join(index)}" if index else ids
    parts = [_where(walk) for walk in walks]
    select = f"SELECT {column} AS place, id, body FROM {kind.name} {f'INDEXED BY {by} ' if by else ''}"
    union = " UNION ALL ".join(select + where for where, _ in parts)
    values = [value for _, bound in parts for value in bound]
    return f"SELECT body FROM ({union}ORDER BY {order} LIMIT ?)", [*values, query.limit + 1]


def _where(terms: Sequence[Term]) -> tuple[str, list[str]]:
    if not terms:
        return "", []
    return f"WHERE {' AND '.join(term for term, _ in terms)} ", [value for _, bound in terms for value in bound]
