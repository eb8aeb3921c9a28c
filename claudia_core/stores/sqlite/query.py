"""SQL for `find` and `count`: every page is read along an index, so its cost does not grow with the store.

SQLite's planner guesses without statistics and may sort all that matches before it gives the first page. So the index
is chosen here: the columns asked for by equality, then the order. A condition with several values becomes one walk
along the index for each, merged as they are read.

Where no index has both the conditions and the order, what meets the conditions is looked up and sorted if it is little
(`MOST_SORTED`). If it is much, then many of those that stand first in the order meet them: the order's index is walked
and filtered. The index carries what tasks are filtered by, so that even where none of the first thousands meets the
conditions, nothing but the index is read. `wanders` tells of the walks for which that is not so: they are given up
after a while, and what meets the conditions is looked up and sorted, however much it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product, takewhile
from math import prod

from claudia_core.ports import Collection, Condition, Prefix, Query, Range
from claudia_core.stores import schema

# ruff: noqa: S608 - names of tables and columns come from the schema, values are bound

MOST_WALKS = 24
"""Most walks that are merged for one page; beyond it a shorter index is walked and filtered."""

MOST_SORTED = 10_000
"""Most documents that are sorted for one page where a walk may be shorter."""

MOST_SORTED_AT_LAST = 1_000_000
"""Most that are sorted where a walk was given up."""

type Term = tuple[str, Sequence[str]]
type Sql = tuple[str, list[str | int]]


@dataclass
class Asked:
    """A query's conditions, sorted out: values a column may have, ranges, and what its sets hold."""

    kind: Collection
    same: dict[str, tuple[str, ...]] = field(default_factory=dict)
    ranges: dict[str, list[Term]] = field(default_factory=dict)
    held: dict[str, str] = field(default_factory=dict)

    def terms(self, *without: str) -> list[Term]:
        """The conditions as SQL, but for those on some columns."""
        found = [_any_of(name, values) for name, values in self.same.items() if name not in without]
        found += [term for name, terms in self.ranges.items() if name not in without for term in terms]
        table = self.kind.name
        return found + [
            (
                f"EXISTS (SELECT 1 FROM {table}_{name} AS held WHERE held.value = ? AND held.document = {table}.id)",
                (value,),
            )
            for name, value in self.held.items()
            if name not in without
        ]


def find_sql(query: Query, count_of: Callable[[Sql], int] = lambda _: MOST_SORTED, most: int = MOST_SORTED) -> Sql:
    """The statement that gives the bodies of one page and of one document more.

    `count_of` runs a statement that counts, up to `most`, beyond which nothing is looked up and sorted.

    Raises:
        InvalidValue: an unknown collection or column, or a `next` of another query.
    """
    asked = _sorted_out(query)
    column = query.order.removeprefix("-")
    place = _place(query)
    if any(not values for values in asked.same.values()):
        return "SELECT '' WHERE 0 LIMIT ?", [query.limit]
    index = _index(asked, column)
    if asked.terms(*index, column):
        counted = [(count_of(lookup.count(most)), lookup) for lookup in _lookups(asked)]
        few, best = min(counted, key=lambda pair: pair[0], default=(most, None))
        if best is not None and few < most:
            return best.find(query, place)
    walked = [name for name in index if name in asked.same]
    terms = [*asked.terms(*walked), *place]
    starts = product(*([(f"{name} = ?", (value,)) for value in asked.same[name]] for name in walked))
    return _merged(query, asked.kind, index, [[*start, *terms] for start in starts])


def wanders(query: Query) -> bool:
    """Whether a walk in the query's order looks at documents only to pass them by: its index has not all it needs."""
    asked, column = _sorted_out(query), query.order.removeprefix("-")
    index = _index(asked, column)
    told = {*index, column, *(asked.kind.carried if index[:1] == ("status",) else ())}
    return not told.issuperset((*asked.same, *asked.ranges))


@dataclass(frozen=True)
class Lookup:
    """One way to look up what meets the conditions: from where, and the terms of that."""

    source: str
    terms: list[Term]
    others: list[Term]

    def count(self, most: int) -> Sql:
        """The statement that counts what is looked up, up to `most`."""
        where, values = _where(self.terms)
        return f"SELECT count(*) FROM (SELECT 1 FROM {self.source} {where}LIMIT {most})", [*values]

    def find(self, query: Query, place: list[Term]) -> Sql:
        """The statement that sorts it and gives a page."""
        where, values = _where([*self.terms, *self.others, *place])
        turn, table = " DESC" if query.order.startswith("-") else "", query.collection
        column = query.order.removeprefix("-")
        some = f"SELECT {table}.id AS i, {table}.{column} AS place FROM {self.source} {where}"
        some += f"ORDER BY place{turn}, i{turn} LIMIT ?"
        bodies = f"SELECT body FROM ({some}) AS some CROSS JOIN {table} ON {table}.id = some.i"
        return f"{bodies} ORDER BY some.place{turn}, some.i{turn}", [*values, query.limit + 1]


def _lookups(asked: Asked) -> Iterator[Lookup]:
    """The ways to look up by an index: by what a set holds, or by equalities and perhaps a range after them."""
    table = asked.kind.name
    for name, value in asked.held.items():
        by_id = f"{table} INDEXED BY sqlite_autoindex_{table}_1"
        source = f"{table}_{name} AS held_{name} CROSS JOIN {by_id} ON {table}.id = held_{name}.document"
        yield Lookup(source, [(f"held_{name}.value = ?", (value,))], asked.terms(name))
    found = {index: _used(index, asked) for index in asked.kind.indexes}
    for index, used in found.items():
        if used and not any(set(used) < set(other) for other in found.values()):
            terms = [_any_of(name, asked.same[name]) for name in used if name in asked.same]
            terms += [term for name in used for term in asked.ranges.get(name, ())]
            yield Lookup(f"{table} INDEXED BY {table}_{'_'.join(index)}", terms, asked.terms(*used))


def _used(index: tuple[str, ...], asked: Asked) -> tuple[str, ...]:
    """The columns at the beginning of an index that are asked for: by equality, and at last perhaps by a range."""
    same = list(takewhile(asked.same.__contains__, index))
    return (*same, *(name for name in index[len(same) : len(same) + 1] if name in asked.ranges))


def count_sql(query: Query, most: int) -> Sql:
    """The statement that counts up to `most` documents."""
    asked = _sorted_out(query)
    where, values = _where(asked.terms())
    return f"SELECT count(*) FROM (SELECT 1 FROM {asked.kind.name} {where}LIMIT ?)", [*values, most]


def tally_sql(query: Query, by: Mapping[str, int], count_of: Callable[[Sql], int]) -> Sql:
    """The statement that counts by the first characters of columns: along the index that finds the least."""
    schema.require_columns(query, by)
    asked = _sorted_out(query)
    lookups = sorted(_lookups(asked), key=lambda lookup: (count_of(lookup.count(MOST_SORTED)), len(lookup.others)))
    found = lookups[0] if lookups else Lookup(asked.kind.name, asked.terms(), [])
    where, values = _where([*found.terms, *found.others])
    parts = ", ".join(f"substr({asked.kind.name}.{column}, 1, {length:d})" for column, length in by.items())
    places = ", ".join(str(place) for place in range(1, len(by) + 1))
    return f"SELECT {parts}, count(*) FROM {found.source} {where}GROUP BY {places}", [*values]


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
    select = f"SELECT seq, time, type, subject, data FROM events {index} WHERE seq > ?"  # bound: it is prepared once
    union = " UNION ALL ".join(select + where.replace("WHERE", " AND", 1) for where, _ in parts)
    values: list[str | int] = []
    for _, bound in parts:
        values += [after, *bound]
    return f"{union} ORDER BY seq LIMIT ?", [*values, limit]


def _sorted_out(query: Query) -> Asked:
    asked = Asked(schema.require_columns(query))
    for name, condition in query.where.items():
        if name in asked.kind.sets:
            asked.held[name] = str(condition)
        elif isinstance(condition, (Prefix, Range)):
            asked.ranges[name] = _within(name, condition)
        else:
            asked.same[name] = _values(condition)
    return asked


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


def _index(asked: Asked, order: str) -> tuple[str, ...]:
    """The columns of the index to walk: the most equalities before the order; () is the table's own order by id.

    Of two alike, one whose columns are not asked to be empty is better: most documents are empty there.
    """
    same = asked.same
    fitting = [index for index in asked.kind.indexes if _fits(index, same, order) and _walks(index, same) <= MOST_WALKS]
    filled = {name for name, values in same.items() if "" not in values}
    return max(fitting, key=lambda index: (len(index), filled.issuperset(index)), default=())


def _walks(index: tuple[str, ...], same: Mapping[str, Sequence[str]]) -> int:
    return prod(len(same[name]) for name in index if name in same)


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
