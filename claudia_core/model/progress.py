"""How far a task has come."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from claudia_core.model.changed import changed
from claudia_core.model.times import from_optional_text, to_optional_text

RATE_MEMORY = 10.0
"""Seconds after which a past speed counts for 1/e in `Progress.rate`: the plain mean of a young task, then an
exponential moving average."""


@dataclass(frozen=True, slots=True)
class Progress:
    """A task's progress within one attempt. It never goes back: a late update is dropped.

    `current` and `total` are counted in `unit`; `rate` is units per second; `eta` is seconds to go. `total` is None
    where it is unknown, and may be overtaken by `current` where it was an estimate.
    """

    current: float = 0
    total: float | None = None
    message: str = ""
    unit: str = "items"
    rate: float | None = None
    eta: float | None = None
    updated_at: datetime | None = None

    @property
    def percentage(self) -> float | None:
        """Percent done, 0 to 100; None while the total is unknown."""
        if self.total is None:
            return None
        return 100.0 if self.total <= 0 else min(100.0, 100.0 * self.current / self.total)

    def advanced(
        self,
        now: datetime,
        *,
        current: float | None = None,
        total: float | None = None,
        message: str | None = None,
        since: datetime | None = None,
    ) -> Progress:
        """The progress after an update at `now`, or this same object where the update is late.

        Args:
            now: when the update was made.
            current: units done so far; lower than the present one means a late update, which is dropped.
            total: a new total, where it became known or changed.
            message: a new message, or None to keep the present one.
            since: when the work began: the rate of a young task is its mean since then.
        """
        if current is not None and current < self.current:
            return self
        done = self.current if current is None else current
        goal = self.total if total is None else total
        rate = self._rate_at(now, done, since)
        return Progress(
            current=done,
            total=goal,
            message=self.message if message is None else message,
            unit=self.unit,
            rate=rate,
            eta=_seconds_to_go(done, goal, rate),
            updated_at=now,
        )

    def finished(self, now: datetime) -> Progress:
        """The progress of a task that completed: all of the total, nothing to go."""
        done = self.current if self.total is None else max(self.current, self.total)
        return changed(
            self, current=done, total=self.total if self.total is not None else done, eta=0.0, updated_at=now
        )

    def stopped(self) -> Progress:
        """The progress of a task that ended early: as far as it came, with no time to go."""
        return changed(self, eta=None)

    def _rate_at(self, now: datetime, current: float, since: datetime | None) -> float | None:
        before = self.updated_at or since
        if before is None:
            return self.rate
        elapsed = (now - before).total_seconds()
        if elapsed <= 0:
            return self.rate
        speed = (current - self.current) / elapsed
        if self.rate is None:
            return speed
        # Without the mean at the beginning, one early update (a message, a first slow item) would rule for seconds.
        age = math.inf if since is None else (now - since).total_seconds()
        weight = max(1.0 - math.exp(-elapsed / RATE_MEMORY), min(1.0, elapsed / max(age, elapsed)))
        return self.rate + weight * (speed - self.rate)

    def to_document(self) -> dict[str, Any]:
        """As plain JSON, percentage included."""
        return {
            "current": self.current,
            "total": self.total,
            "percentage": self.percentage,
            "message": self.message,
            "unit": self.unit,
            "rate": self.rate,
            "eta": self.eta,
            "updated_at": to_optional_text(self.updated_at),
        }

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Progress:
        """The value that `to_document` wrote."""
        return cls(
            document["current"],
            document["total"],
            document["message"],
            document["unit"],
            document["rate"],
            document["eta"],
            from_optional_text(document["updated_at"]),
        )

    def __str__(self) -> str:
        """Deterministic text, such as `3/10 items (30%)` or `3 items`; of nothing to count `0 items`."""
        if not self.total:
            return f"{self.current:g} {self.unit}"
        return f"{self.current:g}/{self.total:g} {self.unit} ({whole_percent(self.percentage or 0.0)}%)"


def whole_percent(percentage: float) -> int:
    """Percent as people read it, rounded down: nearly done is not done, so 1,996 of 2,000 are 99."""
    return int(percentage + 1e-9)  # 29 of 100 are 28.999999999999996


def _seconds_to_go(current: float, total: float | None, rate: float | None) -> float | None:
    if total is None or not rate or rate <= 0:
        return None
    return max(0.0, (total - current) / rate)
