"""A cache in this process: the default."""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any

import orjson

from claudia_core.caches.port import MISSING, Cache, matcher
from claudia_core.caches.values import encode

MOST_BYTES = 64_000_000
"""Bytes of values that are kept; beyond it, what was not asked for longest goes first."""


class MemoryCache:
    """Values as JSON, so that nobody changes what is kept; `clock` gives seconds, the machine's by default."""

    def __init__(self, *, most_bytes: int = MOST_BYTES, clock: Callable[[], float] = time.monotonic) -> None:
        self._most_bytes = most_bytes
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, tuple[bytes, float, frozenset[str]]] = OrderedDict()
        self._tagged: dict[str, set[str]] = {}
        self._claims: dict[str, tuple[str, float]] = {}
        self._bytes = 0

    def get(self, key: str) -> Any:
        """See `Cache.get`."""
        with self._lock:
            found = self._kept.get(key)
            if found is None:
                return MISSING
            body, until, _ = found
            if until <= self._clock():
                self._drop(key)
                return MISSING
            self._kept.move_to_end(key)
        return orjson.loads(body)

    def set(self, key: str, value: Any, ttl: float, tags: Iterable[str] = ()) -> None:
        """See `Cache.set`."""
        body = encode(key, value, ttl)
        with self._lock:
            self._drop(key)
            self._kept[key] = (body, self._clock() + ttl, frozenset(tags))
            self._bytes += len(body)
            for tag in tags:
                self._tagged.setdefault(tag, set()).add(key)
            while self._bytes > self._most_bytes:
                self._drop(next(iter(self._kept)))

    def delete(self, *keys: str) -> int:
        """See `Cache.delete`."""
        with self._lock:
            return sum(self._drop(key) for key in set(keys))

    def invalidate_pattern(self, pattern: str) -> int:
        """See `Cache.invalidate_pattern`."""
        wanted = matcher(pattern)
        with self._lock:
            return sum(self._drop(key) for key in list(self._kept) if wanted.fullmatch(key))

    def invalidate_tag(self, *tags: str) -> int:
        """See `Cache.invalidate_tag`."""
        with self._lock:
            keys = {key for tag in tags for key in self._tagged.get(tag, ())}
            return sum(self._drop(key) for key in keys)

    def claim(self, key: str, seconds: float) -> str | None:
        """See `Cache.claim`."""
        with self._lock:
            now = self._clock()
            self._claims = {name: claim for name, claim in self._claims.items() if claim[1] > now}
            if key in self._claims:
                return None
            token = secrets.token_hex(8)
            self._claims[key] = (token, now + seconds)
            return token

    def release(self, key: str, token: str) -> None:
        """See `Cache.release`."""
        with self._lock:
            if self._claims.get(key, ("", 0))[0] == token:
                del self._claims[key]

    def close(self) -> None:
        """See `Cache.close`."""
        with self._lock:
            self._kept.clear()
            self._tagged.clear()
            self._claims.clear()
            self._bytes = 0

    def _drop(self, key: str) -> bool:
        found = self._kept.pop(key, None)
        if found is None:
            return False
        body, until, tags = found
        self._bytes -= len(body)
        for tag in tags:
            keys = self._tagged.get(tag, set())
            keys.discard(key)
            if not keys:
                self._tagged.pop(tag, None)
        return until > self._clock()


_: type[Cache] = MemoryCache  # the type checker proves that the port is met
