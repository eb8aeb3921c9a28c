"""How many errors one key or user may report: beyond it they are refused before anything is done for them."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict

from claudia_core.errors import RateLimited

MOST_KNOWN = 10_000
"""Callers that are remembered; one that is forgotten begins with a full allowance."""


class Quota:
    """An allowance of `per_minute` reports for each caller, which fills up evenly again; for use by any thread."""

    def __init__(self, per_minute: int) -> None:
        self.per_minute = per_minute
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, caller: str) -> None:
        """Use one report of a caller's allowance.

        Raises:
            RateLimited: none is left; `retry_after` tells in how many seconds one will be.
        """
        now = time.monotonic()
        with self._lock:
            left, at = self._left.pop(caller, (float(self.per_minute), now))
            left = min(float(self.per_minute), left + (now - at) * self.per_minute / 60)
            self._left[caller] = (left - 1 if left >= 1 else left, now)
            if len(self._left) > MOST_KNOWN:
                self._left.popitem(last=False)
        if left < 1:
            wait = (1 - left) * 60 / self.per_minute
            raise RateLimited(
                f"more than {self.per_minute:,} errors were reported within a minute",
                hint="group or sample them where they happen",
                retry_after=max(1.0, wait),
            )
