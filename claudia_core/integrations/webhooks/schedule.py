"""When a delivery that failed is tried again: over three days, with growing pauses that are never quite the same."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

MINUTE, HOUR = 60.0, 3_600.0

PAUSES = (5.0, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR)
"""Seconds behind each failed attempt, as Standard Webhooks recommends; after the last pause there is one more try."""

JITTER = 0.2
LONGEST = 24 * HOUR
"""Most seconds that a receiver's Retry-After is honoured for."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """Pauses between attempts, each up to a fifth longer at random; saved with the delivery, so it outlives us."""

    pauses: Sequence[float] = PAUSES
    jitter: float = JITTER
    chance: Callable[[], float] = field(default=random.random)

    def next(self, tries: int, now: datetime, asked: float | None = None) -> datetime | None:
        """When to try again after so many failed attempts; None when it is enough. Not before `asked` seconds."""
        if tries > len(self.pauses):
            return None
        pause = self.pauses[max(0, tries - 1)] * (1 + self.jitter * self.chance())
        return now + timedelta(seconds=max(pause, min(asked or 0.0, LONGEST)))
