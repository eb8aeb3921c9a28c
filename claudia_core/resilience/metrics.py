"""How calls to a service went: how many, how long, what failed last."""

from __future__ import annotations

import threading
import time
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from claudia_core.model.times import to_optional_text, utc_now

STEP = 1.05
BOUNDS = tuple(1e-5 * STEP**n for n in range(340))
"""Upper bounds of the latencies counted together, in seconds: 10 us to 160 s, each 5% above the one before."""

WINDOW = 300.0
"""Seconds of one half of what percentiles look back at."""


class Histogram:
    """Counts of latencies; a percentile is exact to 5%."""

    __slots__ = ("counts", "most", "number")

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS) + 1)
        self.number = 0
        self.most = 0.0

    def add(self, seconds: float) -> None:
        """Count one."""
        self.counts[bisect_left(BOUNDS, seconds)] += 1
        self.number += 1
        if seconds > self.most:
            self.most = seconds

    def merged(self, other: Histogram) -> Histogram:
        """Both together."""
        both = Histogram()
        both.counts = [mine + its for mine, its in zip(self.counts, other.counts, strict=True)]
        both.number = self.number + other.number
        both.most = max(self.most, other.most)
        return both

    def percentile(self, percent: float) -> float | None:
        """Seconds within which `percent` percent of the calls ended; None without any."""
        if not self.number:
            return None
        wanted, seen = self.number * percent / 100, 0
        for place, number in enumerate(self.counts):
            seen += number
            if seen >= wanted and number:
                return min(self.most, BOUNDS[place]) if place < len(BOUNDS) else self.most
        return self.most


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """A service's figures at one moment. Latencies are seconds, of the calls that ended in the last 5 to 10 minutes.

    `successes`, `errors` and `refused` (never sent: the circuit was open, or too many were under way) count since
    the process began.
    """

    integration: str
    successes: int
    errors: int
    refused: int
    in_flight: int
    p50: float | None
    p95: float | None
    p99: float | None
    last_error: str
    last_error_at: datetime | None

    def to_document(self) -> dict[str, Any]:
        """As plain JSON."""
        names = ("integration", "successes", "errors", "refused", "in_flight", "p50", "p95", "p99", "last_error")
        return {name: getattr(self, name) for name in names} | {"last_error_at": to_optional_text(self.last_error_at)}


class Metrics:
    """The figures of one service; safe for many threads."""

    def __init__(self, integration: str, *, now: Callable[[], float] = time.monotonic) -> None:
        self.integration = integration
        self._now = now
        self._lock = threading.Lock()
        self._recent, self._before = Histogram(), Histogram()
        self._turn_at = now() + WINDOW
        self._successes = self._errors = self._refused = self._in_flight = 0
        self._last_error = ""
        self._last_error_at: datetime | None = None

    def begun(self) -> None:
        """A call is under way; `ended` must follow."""
        with self._lock:
            self._in_flight += 1

    def ended(self, seconds: float, error: str | None = None) -> None:
        """It took so long, and went well unless an error is given, in words without secrets."""
        with self._lock:
            self._in_flight -= 1
            if self._now() >= self._turn_at:
                self._turn()
            self._recent.add(seconds)
            if error is None:
                self._successes += 1
                return
            self._errors += 1
            self._last_error, self._last_error_at = error, utc_now()

    def refused(self) -> None:
        """A call was not made."""
        with self._lock:
            self._refused += 1

    def figures(self) -> Figures:
        """How it stands."""
        with self._lock:
            if self._now() >= self._turn_at:
                self._turn()
            both = self._recent.merged(self._before)
            return Figures(
                integration=self.integration,
                successes=self._successes,
                errors=self._errors,
                refused=self._refused,
                in_flight=self._in_flight,
                p50=both.percentile(50),
                p95=both.percentile(95),
                p99=both.percentile(99),
                last_error=self._last_error,
                last_error_at=self._last_error_at,
            )

    def histogram(self) -> Histogram:
        """The latencies that percentiles are made of: those of the last 5 to 10 minutes."""
        with self._lock:
            if self._now() >= self._turn_at:
                self._turn()
            return self._recent.merged(self._before)

    def _turn(self) -> None:
        """What is older than a window goes; after a quiet time, all of it."""
        now = self._now()
        self._before = self._recent if now < self._turn_at + WINDOW else Histogram()
        self._recent = Histogram()
        self._turn_at = now + WINDOW
