"""Whether a Redis can be used: one sentence and the cure where it cannot."""

from __future__ import annotations

from collections.abc import Mapping

import redis

from claudia_core.caches.redis import without_secrets
from claudia_core.errors import IntegrationError, SettingsError

OLDEST = (7, 0)
KEY = "claudia:check"

_BORDER: Mapping[type[redis.RedisError], tuple[str, str]] = {
    redis.AuthenticationError: ("refuses the name or the password", "check both in CLAUDIA_REDIS_URL"),
    redis.exceptions.NoPermissionError: (
        "does not allow this user to do that",
        "ACL SETUSER NAME ~claudia:* ~LIMITS:* &claudia:* +@all -@admin",
    ),
    redis.exceptions.BusyLoadingError: ("is still loading its data", "wait a moment"),
    redis.ConnectionError: ("does not answer", "check that it runs and can be reached"),
    redis.TimeoutError: ("does not answer in time", "check that it runs and can be reached"),
}


def check_redis(url: str, *, timeout: float = 5.0) -> str:
    """Its version, once it answered and took a value.

    Raises:
        SettingsError: the address cannot be read.
        IntegrationError: it does not answer in time, refuses this user, or is too old.
    """
    place = without_secrets(url)
    try:
        client = redis.Redis.from_url(url, socket_timeout=timeout, socket_connect_timeout=timeout)
    except ValueError as error:
        hint = "redis://HOST:6379/0"
        raise SettingsError(f"the Redis address {place} cannot be read", field="redis_url", hint=hint) from error
    try:
        with client:
            client.set(KEY, b"", px=1_000)
            version = str(client.info("server")["redis_version"])
    except redis.RedisError as error:
        raise _mapped(error, place) from error
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST:
        wanted = ".".join(map(str, OLDEST))
        raise IntegrationError(f"{place} is Redis {version}", "redis", hint=f"use Redis {wanted} or newer")
    return version


def _mapped(error: redis.RedisError, place: str) -> IntegrationError:
    for foreign, (what, cure) in _BORDER.items():
        if isinstance(error, foreign):
            return IntegrationError(f"{place} {what}", "redis", hint=cure)
    if str(error).startswith(("NOAUTH", "WRONGPASS")):
        what, cure = _BORDER[redis.AuthenticationError]
        return IntegrationError(f"{place} {what}", "redis", hint=cure)
    return IntegrationError(f"{place} cannot be used: {type(error).__name__}", "redis")
