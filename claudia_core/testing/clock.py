"""A clock that stands still until a test moves it."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

from claudia_core.model.times import utc_now
from claudia_core.ports import Clock

START = datetime(2026, 1, 1, tzinfo=UTC)


class FakeClock:
    """`ports.Clock` without waiting: `wait` moves the time on by its timeout and returns at once.

    Safe to use from several threads.
    """

    def __init__(self, start: datetime = START) -> None:
        self._now = start
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """The present moment of this clock, in UTC."""
        with self._lock:
            return self._now

    def move(self, seconds: float) -> datetime:
        """Move the time on; returns the new moment.

        Raises:
            ValueError: `seconds` is negative, for time does not go back.
        """
        if seconds < 0:
            raise ValueError(f"time does not go back: {seconds:g} s")
        with self._lock:
            self._now += timedelta(seconds=seconds)
            return self._now

    def wait(self, event: threading.Event, timeout: float) -> bool:
        """True when `event` is set; else the time moves on by `timeout` seconds, without waiting."""
        if event.is_set():
            return True
        self.move(timeout)
        return event.is_set()


class PastClock(FakeClock):
    """A clock that is moved through the past, and joins the machine's when told to."""

    def __init__(self, start: datetime = START) -> None:
        super().__init__(start)
        self._joined = False

    def now(self) -> datetime:
        """The moment it was moved to; since it joined, the present, and never before that moment."""
        moment = super().now()
        return max(moment, utc_now()) if self._joined else moment

    def move_to(self, moment: datetime) -> None:
        """Move the time on to a later moment; one that has passed already changes nothing."""
        self.move(max(0.0, (moment - super().now()).total_seconds()))

    def join(self) -> None:
        """From here on, go with the machine's clock."""
        self._joined = True


_: type[Clock] = FakeClock  # the type checker proves that the port is met
