"""How far retention lets a log be pruned."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from claudia_core.ports import Retention


class Measured(Protocol):
    """A log that can say what lies where."""

    def head(self) -> int:
        """The sequence of the newest event; 0 in an empty log."""
        ...

    def sequence_at(self, moment: datetime) -> int:
        """The sequence of the last event not after `moment`; 0 where none is kept."""
        ...

    def sequence_over(self, most: int) -> int:
        """The sequence up to which events must go so that the rest is about `most` bytes of data."""
        ...


def keep_from(log: Measured, retention: Retention, now: datetime) -> int:
    """The lowest sequence that retention keeps at `now`; the head is always kept."""
    head = log.head()
    lowest = 0
    if retention.events is not None:
        lowest = head - retention.events + 1
    if retention.age is not None:
        lowest = max(lowest, log.sequence_at(now - retention.age) + 1)
    if retention.bytes is not None:
        lowest = max(lowest, log.sequence_over(retention.bytes) + 1)
    return min(lowest, head)
