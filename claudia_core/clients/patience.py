"""Asking again while a hub is away or busy: the one way in which every client does."""

from __future__ import annotations

import time
from collections.abc import Callable

import stamina

from claudia_core.errors import ClaudiaError


def patiently[T](ask: Callable[[], T], patience: float) -> T:
    """What `ask()` gives, asked again for `patience` seconds while that may help; with none of it, asked once.

    A hub that says when to come back (Retry-After) is asked then, unless that is later than patience lasts.
    """
    deadline = time.monotonic() + patience
    for attempt in stamina.retry_context(
        on=lambda error: _pause(error, deadline),
        attempts=None if patience else 1,
        timeout=patience or None,
        wait_max=2.0,
        wait_jitter=0.2,
    ):
        with attempt:
            return ask()
    raise AssertionError("stamina returns or raises")


def _pause(error: Exception, deadline: float) -> bool | float:
    """Whether is asked again, or in how many seconds."""
    if not isinstance(error, ClaudiaError) or not error.retryable:
        return False
    if error.retry_after is None:
        return True
    return error.retry_after if time.monotonic() + error.retry_after < deadline else False
