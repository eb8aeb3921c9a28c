"""A cache that many processes share: Redis."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import batched
from typing import Any
from urllib.parse import urlsplit

import orjson
import redis

from claudia_core.caches.port import MISSING, Cache
from claudia_core.caches.values import encode
from claudia_core.errors import SettingsError
from claudia_core.logs import get_logger

log = get_logger(__name__)

BATCH = 500
"""Keys looked at, and dropped, at once: other clients of the server get their turn between."""

TAG_SECONDS = 7 * 86_400
"""A tag is remembered for a week after its last use, or as long as the longest-lived value with it."""

AWAY = 1.0
"""Seconds for which a server that did not answer is left alone."""

RELEASE = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0"


class RedisCache:
    """Values under `PREFIX:value:KEY`, tags under `PREFIX:tag:TAG`.

    A server that is away makes every question a miss and every value forgotten, without waiting for it each time;
    `errors` counts those moments.

    Args:
        url: `redis://`, `rediss://` or `unix://`, as redis-py takes it.
        prefix: before every key, so that a server can be shared.
        timeout: seconds to wait for an answer.

    Raises:
        SettingsError: the address cannot be read.
    """

    def __init__(self, url: str, *, prefix: str = "claudia", timeout: float = 1.0) -> None:
        self._prefix = prefix
        self._away_until = 0.0
        self.errors = 0
        self.url = without_secrets(url)
        try:
            self._client = redis.Redis.from_url(
                url, socket_timeout=timeout, socket_connect_timeout=timeout, health_check_interval=30
            )
        except ValueError as error:
            raise SettingsError(
                f"the Redis address {self.url} cannot be read", field="redis_url", hint="redis://HOST:6379/0"
            ) from error

    @property
    def client(self) -> redis.Redis:
        """The driver's client, for what a cache does not do."""
        return self._client

    def get(self, key: str) -> Any:
        """See `Cache.get`."""
        body = self._ask(lambda: self._client.get(self._value(key)), None)
        return MISSING if body is None else orjson.loads(body)

    def set(self, key: str, value: Any, ttl: float, tags: Iterable[str] = ()) -> None:
        """See `Cache.set`."""
        body = encode(key, value, ttl)
        names = [self._tag(tag) for tag in tags]

        def save() -> None:
            with self._client.pipeline(transaction=bool(names)) as pipe:
                pipe.set(self._value(key), body, px=max(1, int(ttl * 1000)))
                for name in names:
                    pipe.sadd(name, key)
                    pipe.expire(name, max(TAG_SECONDS, int(ttl) + 1), gt=True)
                    pipe.expire(name, max(TAG_SECONDS, int(ttl) + 1), nx=True)
                pipe.execute()

        self._ask(save, None)

    def delete(self, *keys: str) -> int:
        """See `Cache.delete`."""
        names = [self._value(key) for key in set(keys)]
        return self._ask(lambda: int(self._client.unlink(*names)), 0) if names else 0

    def invalidate_pattern(self, pattern: str) -> int:
        """See `Cache.invalidate_pattern`: walks the keys with SCAN, a few hundred at a time."""
        wanted = self._value("".join(f"\\{char}" if char in "[]^\\" else char for char in pattern))
        return self._ask(lambda: self._unlink(self._client.scan_iter(match=wanted, count=BATCH)), 0)

    def invalidate_tag(self, *tags: str) -> int:
        """See `Cache.invalidate_tag`."""

        def drop() -> int:
            dropped = 0
            for tag in tags:
                keys = self._client.sscan_iter(self._tag(tag), count=BATCH)
                dropped += self._unlink(self._value(key.decode()) for key in keys)
                self._client.unlink(self._tag(tag))
            return dropped

        return self._ask(drop, 0)

    def claim(self, key: str, seconds: float) -> str | None:
        """See `Cache.claim`; a server that is away lets everybody."""
        token = secrets.token_hex(8)
        name, limit = self._claimed(key), max(1, int(seconds * 1000))
        return token if self._ask(lambda: bool(self._client.set(name, token, nx=True, px=limit)), True) else None

    def release(self, key: str, token: str) -> None:
        """See `Cache.release`."""
        self._ask(lambda: self._client.eval(RELEASE, 1, self._claimed(key), token), None)

    def close(self) -> None:
        """See `Cache.close`."""
        self._client.close()

    def _unlink(self, names: Iterator[Any]) -> int:
        return sum(int(self._client.unlink(*part)) for part in batched(names, BATCH))

    def _ask[T](self, question: Callable[[], T], otherwise: T) -> T:
        if time.monotonic() < self._away_until:
            return otherwise
        try:
            return question()
        except redis.RedisError as error:
            self.errors += 1
            self._away_until = time.monotonic() + AWAY
            log.warning("the cache is away; work goes on without it", cache=self.url, error=type(error).__name__)
            return otherwise

    def _value(self, key: str) -> str:
        return f"{self._prefix}:value:{key}"

    def _tag(self, tag: str) -> str:
        return f"{self._prefix}:tag:{tag}"

    def _claimed(self, key: str) -> str:
        return f"{self._prefix}:claim:{key}"


def without_secrets(url: str) -> str:
    """The address without name and password."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


_: type[Cache] = RedisCache  # the type checker proves that the port is met
