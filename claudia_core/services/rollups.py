"""Names of the rollups that services count into and boards read: running totals and buckets of a minute and an hour."""

from __future__ import annotations

from datetime import datetime
from functools import cache, lru_cache

from claudia_core.model.task import Status
from claudia_core.ports import Transaction

MINUTE = 60
HOUR = 3_600

CREATED = "tasks.created"
DURATION = "tasks.seconds"
ERRORS = "errors"


@cache
def finished(status: Status) -> str:
    """The bucketed series that counts tasks which ended in `status`."""
    return f"tasks.{status.value}"


@cache
def present(status: Status) -> str:
    """The running total of tasks that are in `status` now."""
    return f"tasks.now.{status.value}"


WAITING = "tasks.waiting/"
"""The beginning of the running totals of pending tasks of a type."""

RUNNING = "tasks.running/"
"""The beginning of the running totals of active tasks of a type."""

TYPES = "tasks.type/"
"""The beginning of the running totals of tasks that were made of a type."""

TAGS = "tasks.tag/"
"""The beginning of the running totals of tasks that were made with a tag."""


@lru_cache(maxsize=1_024)
def by_minute(series: str) -> str:
    """The name of a series in buckets of a minute."""
    return f"{series}/minute"


@lru_cache(maxsize=1_024)
def by_hour(series: str) -> str:
    """The name of a series in buckets of an hour."""
    return f"{series}/hour"


def bucket(moment: datetime, width: int) -> int:
    """The start, in Unix seconds, of the bucket of `width` seconds that holds `moment`."""
    seconds = int(moment.timestamp())
    return seconds - seconds % width


def add(tx: Transaction, series: str, by: float = 1) -> None:
    """Count into the buckets of this commit's minute and hour."""
    minute, hour = _now(tx.now)
    tx.increment(by_minute(series), minute, by)
    tx.increment(by_hour(series), hour, by)


@lru_cache(maxsize=16)
def _now(moment: datetime) -> tuple[int, int]:
    """Its minute and its hour; remembered, because all that one commit counts has its time."""
    return bucket(moment, MINUTE), bucket(moment, HOUR)
