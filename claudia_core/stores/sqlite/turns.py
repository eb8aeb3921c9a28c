"""How processes that write one SQLite file take turns.

SQLite lets whoever asks first have the write lock, and those who wait ask seldom: a writer that begins again at once
starves others for a second. So who waits stands in a line: it holds a lock of the folder, which the system takes back
when the process dies. Who writes all the time looks now and then whether somebody is there, and then stands in line,
too: bursts spare both most of the cost of changing over.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from claudia_core.logs import get_logger

try:
    from fcntl import flock
except ImportError:  # another system

    def flock(_fd: Any, _operation: int, /) -> None:  # type: ignore[misc]
        """Refuse: SQLite's own way of waiting is left."""
        raise OSError("this system has no flock")


log = get_logger(__name__)

LOCK_EX, LOCK_NB, LOCK_UN = 2, 4, 8
"""What is asked of flock(2): the lock, without waiting for it; giving it back."""

BURST = 0.01
"""Seconds for which a writer goes on while others wait."""

LOOK = (0.000_5, 0.005)
"""Least and most seconds between two looks of who waits: the longer it waits, the seldomer it looks."""

PATIENCE = 1.0
"""Seconds after which one goes on without the line: whoever is first in it was stopped."""

FORGIVEN = 10.0
"""Seconds for which the line is not looked at again then."""


class Turns:
    """The line of one store in one process; used by one thread at a time.

    Args:
        folder: of the store's file; stores in one folder share a line.
        busy_timeout: seconds for which `wait` is told to go on waiting.
    """

    def __init__(self, folder: Path, busy_timeout: float) -> None:
        self._folder = folder
        self._busy_timeout = busy_timeout
        self._file: int | None = None
        self._alone_until = 0.0
        self._burst_until = 0.0
        self._last = 0.0
        self._is_first = False
        self._waits_since = 0.0

    def take[T](self, begin: Callable[[], T]) -> T:
        """Call `begin`, which takes the write lock, when it is this process's turn.

        Only who wrote all the time for a burst looks whether others wait: two calls of the system in each burst.
        """
        now = time.monotonic()
        if now - self._last > BURST:
            self._burst_until = now + BURST
        elif now >= max(self._burst_until, self._alone_until):
            self._stand_in_line(now)
        self._last = now
        try:
            return begin()
        finally:
            if self._is_first:
                self._unlock()
                self._last = time.monotonic()
                self._burst_until = self._last + BURST

    def wait(self, before: int) -> bool:
        """A handler for SQLite while another connection has a lock: wait a moment, in line if nobody else is first.

        False when it was long enough.
        """
        now = time.monotonic()
        if not before:
            self._waits_since = now
        if now - self._waits_since > self._busy_timeout:
            return False
        if not self._is_first and now >= self._alone_until:
            self._lock()
        _rest(before)
        return True

    def _stand_in_line(self, since: float) -> None:
        looks = 0
        while not self._lock():
            if time.monotonic() - since > PATIENCE:
                self._alone_until = time.monotonic() + FORGIVEN
                return
            looks += 1
            _rest(looks)

    def close(self) -> None:
        """Let go of the line; the next turn opens it again."""
        self._is_first = False
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _lock(self) -> bool:
        """Be the first in line; False where another process is."""
        try:
            if self._file is None:
                self._file = os.open(self._folder, os.O_RDONLY)
            flock(self._file, LOCK_EX | LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:  # no such locks here
            log.debug("writers of this store do not stand in line", folder=str(self._folder), error=str(error))
        self._is_first = True
        return True

    def _unlock(self) -> None:
        self._is_first = False
        if self._file is not None:
            with suppress(OSError):  # no such locks here
                flock(self._file, LOCK_UN)


def _rest(looks: int) -> None:
    least, most = LOOK
    time.sleep(min(most, least * (1 + looks / 10)))
