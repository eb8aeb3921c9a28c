"""In-process publish and subscribe, with wildcards. A handler that raises does not hurt another."""

from __future__ import annotations

import asyncio
import functools
import inspect
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any

from claudia_core.errors import WaitTimeout
from claudia_core.logs import get_logger
from claudia_core.model.event import Event
from claudia_core.model.times import utc_now

type Handler = Callable[[Event], Any]

log = get_logger(__name__)

KEPT_FAILURES = 100


@dataclass(frozen=True, slots=True)
class HandlerFailure:
    """A handler that raised: kept for the debugger."""

    handler: str
    event: Event
    error: BaseException
    time: datetime = field(default_factory=utc_now)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one handler in `emit_async`: its result or its error."""

    handler: str
    result: Any = None
    error: BaseException | None = None


class EventBus:
    """Calls handlers by event type. Patterns use `*` and `?`: `task:*` matches `task:failed`.

    Handlers run on the thread that emits; those of one pattern in the order they were added. All methods may be called
    from any thread. A handler added or taken away while an event is handed out is so from the next event on.
    """

    def __init__(self) -> None:
        self._handlers: dict[str, list[Handler]] = {}
        self._routes: dict[str, tuple[Handler, ...]] = {}
        self._lock = threading.Lock()
        self.failures: deque[HandlerFailure] = deque(maxlen=KEPT_FAILURES)
        self.failed_calls = 0

    def on(self, pattern: str, handler: Handler) -> Callable[[], None]:
        """Call `handler(event)` for every event whose type matches; returns a function that ends it."""
        with self._lock:
            self._handlers.setdefault(pattern, []).append(handler)
            self._routes = {}
        return lambda: self.off(pattern, handler)

    def once(self, pattern: str, handler: Handler) -> Callable[[], None]:
        """Call `handler(event)` for the next matching event only; returns a function that ends it."""
        claim = threading.Lock()

        def only_once(event: Event) -> Any:
            if claim.acquire(blocking=False):
                end()
                return handler(event)
            return None

        functools.update_wrapper(only_once, handler)
        end = self.on(pattern, only_once)
        return end

    def on_any(self, handler: Handler) -> Callable[[], None]:
        """Call `handler(event)` for every event; returns a function that ends it."""
        return self.on("*", handler)

    def off(self, pattern: str, handler: Handler) -> None:
        """Stop calling `handler` for `pattern`, added by `on` or `once`; nothing happens when it was not called."""
        with self._lock:
            handlers = self._handlers.get(pattern, [])
            for added in handlers:
                if handler in (added, getattr(added, "__wrapped__", added)):
                    handlers.remove(added)
                    break
            if not handlers:
                self._handlers.pop(pattern, None)
            self._routes = {}

    @property
    def handler_count(self) -> int:
        """How many handlers are added."""
        return sum(map(len, self._handlers.values()))

    def emit(self, event: Event) -> int:
        """Call the matching handlers; returns how many raised.

        A coroutine function cannot be awaited here and counts as one that raised: use `emit_async` for it.
        """
        route = self._routes.get(event.type)
        if route is None:
            route = self._route(event.type)
        failed = 0
        for handler in route:
            try:
                result = handler(event)
                if result is not None and inspect.iscoroutine(result):
                    result.close()
                    raise TypeError(f"{_name(handler)} is a coroutine function: only emit_async() can await it")
            except (Exception, SystemExit) as error:  # noqa: BLE001 - one listener must not hurt another
                failed += 1
                self._note(handler, event, error)
        return failed

    async def emit_async(self, event: Event) -> list[Outcome]:
        """Call the matching handlers, await those that are coroutines together, and say what became of each."""
        return list(await asyncio.gather(*(self._call(handler, event) for handler in self._route(event.type))))

    async def _call(self, handler: Handler, event: Event) -> Outcome:
        name = _name(handler)
        try:
            result = handler(event)
            if inspect.isawaitable(result):
                result = await result
        except (Exception, SystemExit) as error:  # noqa: BLE001 - one listener must not hurt another
            self._note(handler, event, error)
            return Outcome(name, error=error)
        return Outcome(name, result)

    def wait_for(self, pattern: str, timeout: float, accept: Callable[[Event], bool] | None = None) -> Event:
        """The next event that matches `pattern` and for which `accept(event)` is true, waiting up to `timeout` seconds.

        Raises:
            WaitTimeout: none came in time.
        """
        found: list[Event] = []
        arrived = threading.Event()

        def take(event: Event) -> None:
            if not found and (accept is None or accept(event)):
                found.append(event)
                arrived.set()

        end = self.on(pattern, take)
        try:
            if not arrived.wait(timeout):
                raise WaitTimeout(f"no event {pattern} within {timeout:g} s")
        finally:
            end()
        return found[0]

    def _route(self, type: str) -> tuple[Handler, ...]:
        with self._lock:
            found = [
                handler
                for pattern, handlers in self._handlers.items()
                if pattern in (type, "*") or fnmatchcase(type, pattern)
                for handler in handlers
            ]
            route = tuple(found)
            if len(self._routes) > 1_000:
                self._routes = {}
            self._routes[type] = route
            return route

    def _note(self, handler: Handler, event: Event, error: BaseException) -> None:
        self.failed_calls += 1
        self.failures.append(HandlerFailure(_name(handler), event, error))
        log.warning("an event handler failed", handler=_name(handler), type=event.type, error=repr(error))


def _name(handler: Callable[..., Any]) -> str:
    return getattr(handler, "__qualname__", None) or repr(handler)
