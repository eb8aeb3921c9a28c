"""Rates: one place where requests, calls and messages are counted, whatever protocol they come by."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from anyio import to_thread
from limits.errors import ConcurrentUpdateError, ConfigurationError, StorageError
from limits.storage import storage_from_string

from claudia_core.address import redis_address
from claudia_core.api.limits.counts import MemoryCounts
from claudia_core.errors import MissingExtra, RateLimited
from claudia_core.logs import get_logger
from claudia_core.model.identity import Identity, Kind
from claudia_core.settings import Settings

log = get_logger(__name__)

MEMORY = "memory://"
UNITS = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400}
AWAY = 1.0
"""Seconds for which counts that cannot be reached are left alone: nobody waits for them meanwhile."""

SECONDS_TO_ANSWER = 1.0
COMPLAINTS = 60.0
"""Seconds between two lines in the log about counts that cannot be reached."""


@dataclass(frozen=True, slots=True)
class Rate:
    """At most so many requests in so many seconds. Clients see its name; what it counts is kept under its key."""

    name: str
    most: int
    seconds: int
    key: str


class SlidingCounts(Protocol):
    """What is needed of a storage of `limits`."""

    def acquire_sliding_window_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Count, unless that is over the limit."""

    def get_sliding_window(self, key: str, expiry: int) -> tuple[int, float, int, float]:
        """Count and rest of the window before and of this one."""


class Rates:
    """Counts callers. Safe for threads; with counts in memory a look costs microseconds and never waits.

    With counts elsewhere (Redis) several servers share them. While they cannot be reached, requests are let through
    and the log says so once a minute: a limit protects the hub, and must not stop it.

    Args:
        settings: the limits and where they are counted.

    Raises:
        MissingExtra: the storage needs a package that is not installed.
    """

    def __init__(self, settings: Settings) -> None:
        where = settings.rate_storage or redis_address(settings) or MEMORY
        self.is_local = where == MEMORY
        self._storage = _opened(where)
        self._away_until = 0.0
        self._callers = _rate("requests", settings.rate_limit)
        self.strangers = _rate("strangers", settings.stranger_limit)
        self.sign_ins = _rate("sign-ins", settings.sign_in_limit)
        self._complained_at = -COMPLAINTS

    def of(self, identity: Identity) -> Rate | None:
        """What counts for a caller; None for the server's own token and whoever sits at this machine."""
        return self._callers if identity.kind in (Kind.KEY, Kind.USER) else None

    def take(self, rate: Rate | None, who: str) -> None:
        """Count one request of `who`. With counts elsewhere it blocks.

        Raises:
            RateLimited: that is one too many; `retry_after` says when there is room again.
        """
        if rate is None or time.monotonic() < self._away_until:
            return
        try:
            if not self._storage.acquire_sliding_window_entry(rate.key + who, rate.most, rate.seconds):
                raise RateLimited(f"over {rate.most:,} in {rate.seconds:,} s", retry_after=self._wait(rate, who))
        except (StorageError, ConcurrentUpdateError) as error:
            self._complain(error)

    def _complain(self, error: Exception) -> None:
        self._away_until = time.monotonic() + AWAY
        if time.monotonic() - self._complained_at > COMPLAINTS:
            self._complained_at = time.monotonic()
            log.warning("requests cannot be counted, and are let through", error=type(error).__name__)

    async def count(self, rate: Rate | None, who: str) -> None:
        """The same from a coroutine, which it does not hold up."""
        if rate is None:
            return
        if self.is_local:
            self.take(rate, who)
        else:
            await to_thread.run_sync(self.take, rate, who)

    def _wait(self, rate: Rate, who: str) -> float:
        """Seconds until one more fits: the window before weighs less by the second."""
        before, _, now, rest = self._storage.get_sliding_window(rate.key + who, rate.seconds)
        left = max(0.0, rest - rate.seconds)
        if before and now < rate.most:
            return max(0.05, left - rate.seconds * (rate.most - now - 1) / before)
        return left + rate.seconds * (1 - (rate.most - 1) / max(now, 1))


def headers_of(rate: Rate, error: RateLimited) -> Mapping[str, str]:
    """What a 429 tells: Retry-After, and the RateLimit fields (draft-ietf-httpapi-ratelimit-headers)."""
    wait = math.ceil(error.retry_after or 1)
    return {
        "retry-after": str(wait),
        "ratelimit-policy": f'"{rate.name}";q={rate.most};w={rate.seconds}',
        "ratelimit": f'"{rate.name}";r=0;t={wait}',
    }


def _rate(name: str, text: str) -> Rate | None:
    if not text:
        return None
    most, _, unit = text.partition("/")
    return Rate(name, int(most), UNITS[unit], f"claudia/{name}/")


def _opened(url: str) -> SlidingCounts:
    if url == MEMORY:
        return MemoryCounts()
    try:
        found: Any = storage_from_string(
            url.replace("unix://", "redis+unix://"),
            wrap_exceptions=True,
            socket_timeout=SECONDS_TO_ANSWER,
            socket_connect_timeout=SECONDS_TO_ANSWER,
        )
    except ConfigurationError as error:
        hint = "pip install 'claudia-core[redis]'"
        raise MissingExtra("counting requests in Redis needs redis", hint=hint) from error
    counts: SlidingCounts = found
    return counts
