"""Values of a program as plain JSON of bounded size, whatever they are."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date, datetime
from reprlib import Repr
from typing import Any

from claudia_core.model.values import JSON, clean_text

DEEPEST = 8
MOST_ITEMS = 50
"""Most items of one list or dict; of the rest only the number is told."""

MOST_NODES = 2_000
"""Most values in all."""

LONGEST_TEXT = 4_000
LONGEST_LOCAL = 300


def plain(value: Any) -> JSON:
    """`value` as JSON: what has no JSON form becomes its repr. Never raises, never grows beyond the limits above."""
    return _plain(value, DEEPEST, [MOST_NODES])


def plain_mapping(values: Mapping[Any, Any]) -> dict[str, JSON]:
    """The same for the items of a dict."""
    left = [MOST_NODES]
    return {_text(key)[:200]: _plain(value, DEEPEST, left) for key, value in _some(values)}


def plain_tags(values: Mapping[Any, Any], most: int) -> dict[str, str]:
    """The first `most` tags, as texts."""
    return {
        _text(key)[:100]: _text(value)[:500]
        for key, value in [*zip(values, values.values(), strict=False)][:most]
        if key
    }


def local(value: Any) -> str:
    """A variable's value as a person would want to see it: its repr, shortened on the way. Never raises."""
    try:
        return clean_text(_REPR.repr(value), LONGEST_LOCAL)
    except Exception as error:  # noqa: BLE001 - a user's __repr__ may do anything
        return f"<{type(value).__name__}: its repr failed with {type(error).__name__}>"


def _plain(value: Any, depth: int, left: list[int]) -> JSON:
    left[0] -= 1
    if value is None or isinstance(value, bool):
        return value
    if type(value) is str:
        return clean_text(value, LONGEST_TEXT)
    if type(value) is int:
        return value if -(2**63) <= value < 2**63 else local(value)
    if type(value) is float:
        return value if math.isfinite(value) else str(value)
    if left[0] <= 0 or depth <= 0:
        return "…"
    if isinstance(value, Mapping):
        return {_text(key)[:200]: _plain(item, depth - 1, left) for key, item in _some(value)}
    if isinstance(value, list | tuple | set | frozenset):
        items = [_plain(item, depth - 1, left) for item in [*value][:MOST_ITEMS]]
        return items if len(value) <= MOST_ITEMS else [*items, f"… {len(value) - MOST_ITEMS:,} more"]
    return _text(value)


def _some(values: Mapping[Any, Any]) -> list[tuple[Any, Any]]:
    try:
        found = [(key, values[key]) for key, _ in zip(values, range(MOST_ITEMS), strict=False)]
    except Exception as error:  # noqa: BLE001 - a user's mapping may do anything
        return [("…", f"<{type(error).__name__} while its items were read>")]
    more = len(values) - len(found)
    return [*found, ("…", f"{more:,} more")] if more > 0 else found


def _text(value: Any) -> str:
    if type(value) is str:
        return clean_text(value, LONGEST_TEXT)
    if isinstance(value, date | datetime):
        return value.isoformat()
    return local(value)


class _Short(Repr):
    """The standard library's, with limits for a line on a page."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = 3
        self.maxdict = self.maxlist = self.maxtuple = self.maxset = self.maxfrozenset = self.maxdeque = 10
        self.maxstring = self.maxother = 200
        self.maxlong = 60


_REPR = _Short()
