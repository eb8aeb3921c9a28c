"""How long tasks of a type take, as an agent sees it: so it knows how many it may claim ahead."""

from __future__ import annotations

import math

AHEAD = 0.01
"""Seconds within which a task that was claimed is to begin."""

WEIGHT = 1 / 8
"""Of the last task in the mean of a type."""


class Pace:
    """The moving mean of each type's seconds. One slow task at once counts in full: the next may be slow, too."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}

    def note(self, type: str, seconds: float) -> None:
        """A task took that long."""
        before = self._seconds.get(type, seconds)
        self._seconds[type] = seconds if seconds > AHEAD else before + WEIGHT * (seconds - before)

    def of(self, type: str) -> float:
        """Seconds that the next one will take; infinite while nothing is known."""
        return self._seconds.get(type, math.inf)
