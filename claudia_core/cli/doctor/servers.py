"""The servers that the settings name besides the store: whether they can be used, in one sentence with the cure."""

from __future__ import annotations

from collections.abc import Callable

from claudia_core.address import redis_address
from claudia_core.cli.doctor.findings import Finding, State
from claudia_core.errors import ClaudiaError, MissingExtra
from claudia_core.settings import Settings


def examine_servers(settings: Settings) -> list[Finding]:
    """Redis and RabbitMQ, where they are set. Each is waited for as long as `connect_timeout`, and no longer."""
    found = []
    if settings.redis_url is not None:
        found.append(_finding("redis", lambda: _redis(settings)))
    if settings.broker_url is not None:
        found.append(_finding("rabbitmq", lambda: _broker(settings)))
    return found


def _finding(name: str, check: Callable[[], str]) -> Finding:
    try:
        return Finding(name, State.GOOD, check())
    except ClaudiaError as error:
        return Finding(name, State.BROKEN, error.message, error.hint or "")


def _redis(settings: Settings) -> str:
    try:
        from claudia_core.caches.redis_check import check_redis
    except ModuleNotFoundError as error:
        raise MissingExtra("Redis needs its driver", hint="pip install 'claudia-core[redis]'") from error
    version = check_redis(redis_address(settings), timeout=settings.connect_timeout)
    return f"Redis {version} answers"


def _broker(settings: Settings) -> str:
    try:
        from claudia_core.integrations.amqp.broker import check_broker
    except ModuleNotFoundError as error:
        raise MissingExtra("RabbitMQ needs its driver", hint="pip install 'claudia-core[rabbitmq]'") from error
    assert settings.broker_url is not None, "it was looked at"
    return f"{check_broker(settings.broker_url.get_secret_value(), timeout=settings.connect_timeout)} answers"
