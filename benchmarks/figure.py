"""One measured figure and the aim it is held against."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """`value` in `unit`; `aim` is the bound, `at_most` its direction; `raw` says what it was measured against."""

    name: str
    value: float
    unit: str
    aim: float | None = None
    at_most: bool = True
    raw: str = ""

    @property
    def is_met(self) -> bool | None:
        """Whether the aim is met; None without an aim."""
        if self.aim is None:
            return None
        return self.value <= self.aim if self.at_most else self.value >= self.aim

    def __str__(self) -> str:
        mark = {True: "met", False: "MISSED", None: ""}[self.is_met]
        aim = "" if self.aim is None else f"{'<=' if self.at_most else '>='} {self.aim:g}"
        return f"  {self.name:<58} {self.value:>10.3g} {self.unit:<12} {aim:<9} {mark:<7} {self.raw}"


def best_of(runs: int, measure: Callable[[], float]) -> float:
    """The lowest of several measurements: what the code costs when nothing disturbs it."""
    return min(measure() for _ in range(runs))


def percentile(values: Sequence[float], percent: float) -> float:
    """The value below which `percent` percent of `values` lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def median(values: Sequence[float]) -> float:
    """The middle value."""
    return statistics.median(values)


def machine() -> str:
    """A line about where this ran."""
    return f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, {os.cpu_count()} cores"
