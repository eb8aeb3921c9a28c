"""The servers that the settings name besides the store: whether they can be used, in one sentence with the cure."""

from __future__ import annotations

from collections.abc import Callable

from claudia_core.address import redis_address
from claudia_core.cli.doctor.findings import Finding, State
from claudia_core.engines.choosing import app_of
from claudia_core.errors import ClaudiaError, MissingExtra
from claudia_core.settings import Settings


def examine_servers(settings: Settings) -> list[Finding]:
    """Redis, RabbitMQ, a Celery app's broker and a Dask scheduler, where they are set.

    Each is waited for as long as `connect_timeout`, and no longer.
    """
    found = []
    if settings.redis_url is not None:
        found.append(_finding("redis", lambda: _redis(settings)))
    if settings.broker_url is not None:
        found.append(_finding("rabbitmq", lambda: _broker(settings)))
    if settings.celery_app is not None:
        found.append(_finding("celery", lambda: _celery(settings)))
    if settings.dask_scheduler is not None:
        found.append(_finding("dask", lambda: _dask(settings)))
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


def _celery(settings: Settings) -> str:
    try:
        from claudia_core.engines.celery.check import check_app
    except ModuleNotFoundError as error:
        raise MissingExtra("CLAUDIA_CELERY_APP needs Celery", hint="pip install 'claudia-core[celery]'") from error
    assert settings.celery_app is not None, "it was looked at"
    return check_app(app_of(settings.celery_app), settings.connect_timeout)


def _dask(settings: Settings) -> str:
    try:
        from claudia_core.engines.dask.cluster import check_scheduler
    except ModuleNotFoundError as error:
        raise MissingExtra("CLAUDIA_DASK_SCHEDULER needs Dask", hint="pip install 'claudia-core[dask]'") from error
    assert settings.dask_scheduler is not None, "it was looked at"
    return check_scheduler(settings.dask_scheduler, settings.connect_timeout)
