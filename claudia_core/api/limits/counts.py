"""Counts of requests in memory, behind the port of the `limits` package.

The package's own memory storage starts a thread for each request that comes more than 10 ms after the one before, and
has no bound: a count for every address that ever knocked. This one has neither.
"""

from __future__ import annotations

import threading
import time

from limits.storage import SlidingWindowCounterSupport, Storage

MOST = 100_000
"""Callers that are remembered; the ones that have been quiet for longest go first."""


class MemoryCounts(Storage, SlidingWindowCounterSupport):
    """Sliding windows: a request weighs on the window it is in, and on the next with what is left of it.

    Each caller has `[start of the window, count in it, count in the one before]`.
    """

    STORAGE_SCHEME = ["claudia-memory"]

    def __init__(self, uri: str | None = None, wrap_exceptions: bool = False, most: int = MOST) -> None:
        super().__init__(uri, wrap_exceptions=wrap_exceptions)
        self._windows: dict[str, list[float]] = {}
        self._most = most
        self._lock = threading.Lock()

    def acquire_sliding_window_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Count `amount` requests, unless that is over the limit."""
        now = time.monotonic()
        with self._lock:
            window = self._window(key, expiry, now)
            if window[1] + window[2] * (1 - (now - window[0]) / expiry) + amount > limit:
                return False
            window[1] += amount
            return True

    def get_sliding_window(self, key: str, expiry: int) -> tuple[int, float, int, float]:
        """The count of the window before and how long it weighs, the count of this one and how long it lasts."""
        now = time.monotonic()
        with self._lock:
            start, count, before = self._window(key, expiry, now)
        left = max(0.0, start + expiry - now)
        return int(before), left, int(count), left + expiry

    def clear_sliding_window(self, key: str, expiry: int) -> None:  # noqa: ARG002 - the port's
        """Forget a caller."""
        with self._lock:
            self._windows.pop(key, None)

    def _window(self, key: str, expiry: int, now: float) -> list[float]:
        window = self._windows.get(key)
        if window is None:
            if len(self._windows) >= self._most:
                del self._windows[next(iter(self._windows))]
            window = self._windows[key] = [now, 0.0, 0.0]
        elif now - window[0] >= expiry:
            passed = int((now - window[0]) / expiry)
            window[:] = [window[0] + passed * expiry, 0.0, window[1] if passed == 1 else 0.0]
            self._windows[key] = self._windows.pop(key)  # to the end: it is not quiet
        return window

    @property
    def base_exceptions(self) -> type[Exception]:
        """What can go wrong here: nothing does."""
        return MemoryError

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Not for sliding windows."""
        raise NotImplementedError("use acquire_sliding_window_entry")

    def get(self, key: str) -> int:
        """The count of a caller's present window."""
        window = self._windows.get(key)
        return 0 if window is None else int(window[1])

    def get_expiry(self, key: str) -> float:
        """When a caller's window began, on the monotonic clock; windows end by themselves."""
        window = self._windows.get(key)
        return 0.0 if window is None else window[0]

    def check(self) -> bool:
        """Whether it works."""
        return True

    def reset(self) -> int:
        """Forget all callers; how many there were."""
        with self._lock:
            forgotten = len(self._windows)
            self._windows.clear()
        return forgotten

    def clear(self, key: str) -> None:
        """Forget a caller."""
        self.clear_sliding_window(key, 0)
