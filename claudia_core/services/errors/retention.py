"""Which occurrences of an issue are kept: the first, the last, the rare, and of the many an even choice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from claudia_core.ports import Document, Query, Transaction

KEPT = 200
"""Occurrences that are kept of one issue; thinning begins when there are half as many more."""

MOST_READ = 5_000


def thin(tx: Transaction, issue_id: str, keep: int) -> int:
    """Delete what an issue has too many of; returns how many occurrences stay."""
    found = tx.find(Query("occurrences", {"issue_id": issue_id}, "id", limit=MOST_READ)).documents
    stay = chosen(found, keep)
    for document in found:
        if document["id"] not in stay:
            tx.delete("occurrences", document["id"])
            tx.delete("details", document["id"])
    return len(stay)


def chosen(occurrences: Sequence[Document], keep: int) -> set[str]:
    """The ids of those that stay, at most `keep`, of occurrences in the order they came.

    A tenth is the first ones, three tenths the last. Of the others, one of each kind that has few (its place, release
    and tags differ) comes first, up to half of the whole; the rest of the room goes to others at even distance.
    """
    if len(occurrences) <= keep:
        return {document["id"] for document in occurrences}
    first, last = max(1, keep // 10), max(1, 3 * keep // 10)
    middle = occurrences[first:-last]
    stay = [document["id"] for document in (*occurrences[:first], *occurrences[-last:])]
    rare = _rare(occurrences, middle)[: max(0, min(keep // 2, keep - len(stay)))]
    stay += rare
    others = [document["id"] for document in middle if document["id"] not in set(rare)]
    room = keep - len(stay)
    if room > 0 and others:
        step = len(others) / min(room, len(others))
        stay += [others[int(at * step)] for at in range(min(room, len(others)))]
    return set(stay[:keep])


def _rare(occurrences: Sequence[Document], middle: Sequence[Document]) -> list[str]:
    """Ids of those in the middle whose kind has few, the rarest kind first; one of each kind."""
    number: dict[tuple[Any, ...], int] = {}
    for document in occurrences:
        number[_kind(document)] = number.get(_kind(document), 0) + 1
    one_of: dict[tuple[Any, ...], str] = {}
    for document in middle:
        one_of.setdefault(_kind(document), document["id"])
    few = [(number[kind], id) for kind, id in one_of.items() if number[kind] <= max(1, len(occurrences) // 20)]
    return [id for _, id in sorted(few)]


def _kind(document: Document) -> tuple[Any, ...]:
    names = ("release", "environment", "service", "host", "kind", "level")
    return (*(document.get(name) for name in names), tuple(sorted((document.get("tags") or {}).items())))
