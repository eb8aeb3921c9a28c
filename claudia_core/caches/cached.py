"""`@cached`: a function's answers for a while, made once however many ask at the same time."""

from __future__ import annotations

import asyncio
import inspect
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import Any, cast

from claudia_core.caches.port import MISSING, Cache
from claudia_core.errors import InvalidValue

PATIENCE = 30.0
"""Seconds to wait for another process that makes the same value; then it is made here, too."""

LOOK = 0.02

NOTHING = "\0nothing"
"""How None is kept, so that it may be kept for a shorter time."""


@dataclass(slots=True)
class CacheFigures:
    """How often a cached function was answered from the cache; not exact to the last call under threads."""

    hits: int = 0
    misses: int = 0
    negative_hits: int = 0
    seconds: float = 0.0
    """Spent in the function itself."""

    @property
    def hit_ratio(self) -> float:
        """Hits among all calls, 0 to 1."""
        calls = self.hits + self.misses
        return self.hits / calls if calls else 0.0


class Cached:
    """What makes and keeps the values of one decorated function.

    Args:
        cache: where they are kept.
        key: the key, with the function's arguments in braces such as `user:{id}`; or a function of the arguments.
        ttl: seconds a value is good.
        negative_ttl: seconds for which None is believed; 0 for not at all.
        tags: groups that values can be dropped with, with arguments in braces as well.
    """

    def __init__(
        self,
        cache: Callable[[], Cache],
        key: str | Callable[..., str],
        ttl: float,
        negative_ttl: float,
        tags: tuple[str, ...],
    ) -> None:
        self._cache = cache
        self._key = key
        self._ttl = ttl
        self._negative_ttl = negative_ttl
        self._tags = tags
        self._making: dict[str, threading.Lock] = {}
        self._guard = threading.Lock()
        self._flights: dict[tuple[asyncio.AbstractEventLoop, str], asyncio.Future[Any]] = {}
        self.figures = CacheFigures()

    def around[**P, T](self, function: Callable[P, T]) -> Callable[P, T]:
        """The decorated function; an `async` one stays one."""
        signature = inspect.signature(function)

        def named(args: Any, kwargs: Any) -> tuple[str, tuple[str, ...]]:
            bound = signature.bind(*args, **kwargs)
            bound.apply_defaults()
            key = self._key(*args, **kwargs) if callable(self._key) else self._key.format_map(bound.arguments)
            return key, tuple(tag.format_map(bound.arguments) for tag in self._tags)

        if inspect.iscoroutinefunction(function):
            waiting = cast("Callable[P, Awaitable[Any]]", function)

            @wraps(function)
            async def asynchronous(*args: P.args, **kwargs: P.kwargs) -> Any:
                key, tags = named(args, kwargs)
                return await self._answer_async(key, tags, lambda: waiting(*args, **kwargs))

            wrapper: Any = asynchronous
        else:

            @wraps(function)
            def synchronous(*args: P.args, **kwargs: P.kwargs) -> T:
                key, tags = named(args, kwargs)
                answer: T = self._answer(key, tags, lambda: function(*args, **kwargs))
                return answer

            wrapper = synchronous
        wrapper.figures = self.figures
        wrapper.key_of = lambda *args, **kwargs: named(args, kwargs)[0]
        return cast("Callable[P, T]", wrapper)

    def _answer(self, key: str, tags: tuple[str, ...], make: Callable[[], Any]) -> Any:
        cache = self._cache()
        found = self._found(cache, key)
        if found is not MISSING:
            return found
        with self._alone(key):
            found = self._found(cache, key)
            if found is not MISSING:
                return found
            return self._made(cache, key, tags, make)

    def _found(self, cache: Cache, key: str) -> Any:
        value = cache.get(key)
        if value is MISSING:
            return MISSING
        self.figures.hits += 1
        if value == NOTHING:
            self.figures.negative_hits += 1
            return None
        return value

    def _made(self, cache: Cache, key: str, tags: tuple[str, ...], make: Callable[[], Any]) -> Any:
        token = cache.claim(key, PATIENCE)
        until = time.monotonic() + PATIENCE
        while token is None and time.monotonic() < until:
            time.sleep(LOOK)
            found = self._found(cache, key)
            if found is not MISSING:
                return found
            token = cache.claim(key, PATIENCE)
        try:
            started = time.perf_counter()
            value = make()
            self._keep(cache, key, value, tags, time.perf_counter() - started)
            return value
        finally:
            if token is not None:
                cache.release(key, token)

    @contextmanager
    def _alone(self, key: str) -> Iterator[None]:
        """One thread of this process at a time for each key."""
        with self._guard:
            lock = self._making.setdefault(key, threading.Lock())
        with lock:
            yield
        with self._guard:
            if not lock.locked():
                self._making.pop(key, None)

    async def _answer_async(self, key: str, tags: tuple[str, ...], make: Callable[[], Awaitable[Any]]) -> Any:
        """The same on an event loop, which waits for nobody."""
        cache = self._cache()
        found = await asyncio.to_thread(self._found, cache, key)
        if found is not MISSING:
            return found
        flight = (asyncio.get_running_loop(), key)
        task = self._flights.get(flight)
        if task is None:
            task = asyncio.ensure_future(self._made_async(cache, key, tags, make))
            self._flights[flight] = task
            task.add_done_callback(lambda _: self._flights.pop(flight, None))
        return await asyncio.shield(task)

    async def _made_async(
        self, cache: Cache, key: str, tags: tuple[str, ...], make: Callable[[], Awaitable[Any]]
    ) -> Any:
        token = await asyncio.to_thread(cache.claim, key, PATIENCE)
        until = time.monotonic() + PATIENCE
        while token is None and time.monotonic() < until:
            await asyncio.sleep(LOOK)
            found = await asyncio.to_thread(self._found, cache, key)
            if found is not MISSING:
                return found
            token = await asyncio.to_thread(cache.claim, key, PATIENCE)
        try:
            started = time.perf_counter()
            value = await make()
            await asyncio.to_thread(self._keep, cache, key, value, tags, time.perf_counter() - started)
            return value
        finally:
            if token is not None:
                await asyncio.to_thread(cache.release, key, token)

    def _keep(self, cache: Cache, key: str, value: Any, tags: tuple[str, ...], seconds: float) -> None:
        self.figures.seconds += seconds
        self.figures.misses += 1
        if value is not None:
            cache.set(key, value, self._ttl, tags)
        elif self._negative_ttl > 0:
            cache.set(key, NOTHING, self._negative_ttl, tags)


def cached(
    cache: Cache | Callable[[], Cache],
    key: str | Callable[..., str],
    ttl: float,
    *,
    negative_ttl: float | None = None,
    tags: tuple[str, ...] = (),
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Keep a function's answers: `@cached(cache, "user:{id}", ttl=60)`.

    Answers are JSON and come back as JSON gives them. Errors are not kept. While one caller makes a value the others
    with the same key wait for it, in other processes on the same cache, too.

    Args:
        cache: the cache, or a function that gives it.
        key: the key, with arguments in braces; or a function of the arguments.
        ttl: seconds an answer is good.
        negative_ttl: seconds for which None is believed; a tenth of `ttl` when left out, 0 for not at all.
        tags: groups that answers can be dropped with, arguments in braces as well.

    Raises:
        InvalidValue: `ttl` is not above 0.
    """
    if ttl <= 0:
        raise InvalidValue(f"ttl is {ttl!r}", field="ttl", hint="use seconds above 0")
    place: Callable[[], Cache] = cache if callable(cache) else lambda: cache
    return Cached(place, key, ttl, ttl / 10 if negative_ttl is None else negative_ttl, tags).around
