"""Trying again with growing pauses, where that can help."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, overload

from claudia_core.errors import CircuitOpen, ClaudiaError
from claudia_core.logs import get_logger
from claudia_core.model.times import utc_now
from claudia_core.resilience.retry_after import seconds_of

if TYPE_CHECKING:
    from stamina.instrumentation import RetryDetails

log = get_logger(__name__)

PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
"""HTTP statuses after which a retry can help."""


TOLD_ELSEWHERE = "request to a hub"
"""The name of calls whose retries are told by who makes them."""


def may_help(error: Exception) -> bool | float:
    """Whether a retry can help; a number is the seconds after which the other side asked for it."""
    if isinstance(error, CircuitOpen):
        return False
    if isinstance(error, ClaudiaError):
        return error.retryable if error.retry_after is None else error.retry_after
    httpx2 = sys.modules.get("httpx2")  # whoever raises its errors has loaded it
    if httpx2 is not None and isinstance(error, httpx2.HTTPError):
        return _answer(error) if isinstance(error, httpx2.HTTPStatusError) else True
    return isinstance(error, OSError)


def _answer(error: Any) -> bool | float:
    if error.response.status_code not in PASSING:
        return False
    asked = seconds_of(error.response.headers.get("retry-after"), utc_now())
    return True if asked is None else asked


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """How often and when a call is tried again.

    Args:
        attempts: calls in all; 1 is no retry.
        initial: seconds of the first pause; each further one is `factor` times as long, up to `longest`.
        jitter: up to so many seconds more, at random, so that callers do not come back together.
        timeout: seconds after the first call from which on none is tried again.
        when: whether a retry can help after an error, or the seconds after which; `may_help` by default. Where the
            other side asks for a pause over `longest`, there is no retry.
    """

    attempts: int = 3
    initial: float = 1.0
    longest: float = 30.0
    factor: float = 2.0
    jitter: float = 1.0
    timeout: float | None = None
    when: Callable[[Exception], bool | float] = may_help

    def call[T](self, function: Callable[[], T], name: str = "call") -> T:
        """What `function` returns in the end; its last error where all attempts fail."""
        if self.attempts <= 1:
            return function()
        for attempt in self._attempts(name):
            with attempt:
                return function()
        raise AssertionError("the last attempt raises")

    async def call_async[T](self, function: Callable[[], Awaitable[T]], name: str = "call") -> T:
        """The same for a function that is awaited."""
        if self.attempts <= 1:
            return await function()
        async for attempt in self._attempts(name):
            with attempt:
                return await function()
        raise AssertionError("the last attempt raises")

    def _attempts(self, name: str) -> Any:
        import stamina  # some 30 ms, for who needs a retry

        tell_our_way()
        context = stamina.retry_context(
            on=self._pause,
            attempts=self.attempts,
            timeout=self.timeout,
            wait_initial=self.initial,
            wait_max=self.longest,
            wait_jitter=self.jitter,
            wait_exp_base=self.factor,
        )
        return context.with_name(name, (), {})

    def _pause(self, error: Exception) -> bool | float:
        asked = self.when(error)
        return asked if isinstance(asked, bool) else (asked if asked <= self.longest else False)


@overload
def retry_with_backoff[T](function: Callable[[], Awaitable[T]], **options: Any) -> Awaitable[T]: ...
@overload
def retry_with_backoff[T](function: Callable[[], T], **options: Any) -> T: ...
def retry_with_backoff(function: Callable[[], Any], **options: Any) -> Any:
    """Call `function` until it goes well, with growing pauses; for a coroutine function, something to await.

    `options` are those of `Retry`: `attempts`, `initial`, `longest`, `factor`, `jitter`, `timeout`, `when`.
    """
    retry = Retry(**options)
    name = getattr(function, "__qualname__", "call")
    return retry.call_async(function, name) if inspect.iscoroutinefunction(function) else retry.call(function, name)


def _note(details: RetryDetails) -> None:
    """Stamina's own hooks log the arguments of calls and the errors' texts, which may hold secrets."""
    kind = type(details.caused_by).__name__
    if details.name == TOLD_ELSEWHERE:
        return
    log.info("a call is tried again", call=details.name, retry=details.retry_num, wait=details.wait_for, error=kind)


def tell_our_way() -> None:
    """From now on this process's retries are logged by `_note` instead of by stamina itself."""
    from stamina.instrumentation import get_on_retry_hooks, set_on_retry_hooks

    hooks = get_on_retry_hooks()
    if _note not in hooks:
        others = [hook for hook in hooks if not getattr(hook, "__module__", "").startswith("stamina.instrumentation")]
        set_on_retry_hooks([*others, _note])
