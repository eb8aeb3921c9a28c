"""Asking again while a hub is away or busy: the one way in which every client does."""

from __future__ import annotations

import time
from collections.abc import Callable

import stamina

from claudia_core.errors import ClaudiaError
from claudia_core.logs import get_logger
from claudia_core.resilience.retry import TOLD_ELSEWHERE, tell_our_way

log = get_logger(__name__)


def patiently[T](ask: Callable[[], T], patience: float) -> T:
    """What `ask()` gives, asked again for `patience` seconds while that may help; with none of it, asked once.

    A hub that says when to come back (Retry-After) is asked then, unless that is later than patience lasts. A warning
    says once why there is no answer yet.
    """
    if not patience:
        return ask()
    tell_our_way()
    waiting = _Waiting(patience)
    attempts = stamina.retry_context(on=waiting.pause, attempts=None, timeout=patience, wait_max=2.0, wait_jitter=0.2)
    for attempt in attempts.with_name(TOLD_ELSEWHERE, (), {}):
        with attempt:
            return ask()
    raise AssertionError("stamina returns or raises")


class _Waiting:
    """One request and the time it has."""

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._deadline = time.monotonic() + patience
        self._is_told = False

    def pause(self, error: Exception) -> bool | float:
        """Whether is asked again, or in how many seconds."""
        if not isinstance(error, ClaudiaError) or not error.retryable:
            return False
        if error.retry_after is not None and time.monotonic() + error.retry_after >= self._deadline:
            return False
        if not self._is_told:
            self._is_told = True
            log.warning("no answer yet: the hub is asked again", error=error.message, seconds=self._patience)
        return True if error.retry_after is None else error.retry_after
