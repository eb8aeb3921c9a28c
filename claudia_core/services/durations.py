"""How long tasks took: counted in ranges as they end, so that percentiles of any time cost no look at the tasks.

A range is a quarter of an octave wide, so a percentile is off by less than 19%, and by 5% as a rule. Counts per
logarithmic range add up over time, as in DDSketch (Masson, Rim & Lee, 2019).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from math import log2

from claudia_core.ports import Transaction
from claudia_core.services import rollups

SHORTEST = 0.001
"""Seconds up to which the first range reaches."""

STEPS = 4
"""Ranges in which a duration doubles."""

RANGES = 30 * STEPS + 1
"""The last holds all over 12 days."""

FIVE = 300
"""Seconds of the finest buckets in which durations are counted."""


def place(seconds: float) -> int:
    """The range that holds a duration."""
    if seconds <= SHORTEST:
        return 0
    return min(RANGES - 1, 1 + int(STEPS * log2(seconds / SHORTEST)))


@cache
def series(place: int, width: int) -> str:
    """The name of a range's counter in buckets of `width` seconds: `FIVE` or an hour."""
    return f"tasks.took.{place}/{'hour' if width == rollups.HOUR else 'five'}"


def add(tx: Transaction, seconds: float) -> None:
    """Count a task that completed after `seconds`."""
    now, found = int(tx.now.timestamp()), place(seconds)
    for width in (FIVE, rollups.HOUR):
        tx.increment(series(found, width), now - now % width)


def names(width: int) -> dict[str, int]:
    """All counters of a width, each with its range."""
    return {series(place, width): place for place in range(RANGES)}


def percentile(counts: Mapping[int, float], share: float) -> float | None:
    """The seconds within which `share` (0 to 1) of all took; None where nothing was counted."""
    rank = share * sum(counts.values())
    if not rank:
        return None
    for found in sorted(counts):
        if rank <= counts[found]:
            return _within(found, rank / counts[found])
        rank -= counts[found]
    return _within(max(counts), 1.0)


def _within(place: int, part: float) -> float:
    """The duration at a part (0 to 1) of a range."""
    return SHORTEST if place == 0 else SHORTEST * 2.0 ** ((place - 1 + part) / STEPS)
