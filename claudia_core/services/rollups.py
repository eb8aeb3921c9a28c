"""Names of the rollups that services count into and boards read: running totals and buckets of a minute and an hour."""

from __future__ import annotations

from datetime import datetime

from claudia_core.model.task import Status
from claudia_core.ports import Transaction

MINUTE = 60
HOUR = 3_600

CREATED = "tasks.created"
DURATION = "tasks.seconds"
ERRORS = "errors"


def finished(status: Status) -> str:
    """The bucketed series that counts tasks which ended in `status`."""
    return f"tasks.{status.value}"


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


def by_minute(series: str) -> str:
    """The name of a series in buckets of a minute."""
    return f"{series}/minute"


def by_hour(series: str) -> str:
    """The name of a series in buckets of an hour."""
    return f"{series}/hour"


def bucket(moment: datetime, width: int) -> int:
    """The start, in Unix seconds, of the bucket of `width` seconds that holds `moment`."""
    seconds = int(moment.timestamp())
    return seconds - seconds % width


def add(tx: Transaction, series: str, by: float = 1) -> None:
    """Count into the buckets of this commit's minute and hour."""
    seconds = int(tx.now.timestamp())
    tx.increment(by_minute(series), seconds - seconds % MINUTE, by)
    tx.increment(by_hour(series), seconds - seconds % HOUR, by)
