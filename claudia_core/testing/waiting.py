"""Waiting for a condition with a bound, instead of sleeping for a time that is too short on a busy machine."""

from __future__ import annotations

import time
from collections.abc import Callable


def eventually[T](ask: Callable[[], T], timeout: float = 10.0, pause: float = 0.01) -> T:
    """What `ask()` returns as soon as it is true, asking every `pause` seconds.

    Raises:
        AssertionError: it was not true within `timeout` seconds.
    """
    deadline = time.monotonic() + timeout
    while not (answer := ask()):
        if time.monotonic() > deadline:
            raise AssertionError(f"still {answer!r} after {timeout:g} s")
        time.sleep(pause)
    return answer
