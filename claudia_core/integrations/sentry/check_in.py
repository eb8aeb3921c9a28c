"""Check-ins of jobs that run by a clock: each run is a task.

Source: https://develop.sentry.dev/sdk/telemetry/check-ins/
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from claudia_core.errors import Conflict, InvalidValue, TaskNotFound
from claudia_core.model.task import TaskError
from claudia_core.model.values import clean_text, require_text
from claudia_core.services.tasks.service import Tasks

TYPE = "check-in"
STATES = ("in_progress", "ok", "error")


@dataclass(frozen=True, slots=True)
class CheckIn:
    """A job says that it began, or how it ended.

    `id` is that of the run, `monitor` names the job, `duration` and `longest` are in seconds.
    """

    id: str
    monitor: str
    status: str
    environment: str = ""
    duration: float | None = None
    longest: float | None = None

    def apply(self, tasks: Tasks, now: datetime) -> None:
        """Note it: a run that began is an active task, its end completes or fails it. Told twice it changes nothing."""
        self._begin(tasks, now)
        try:
            if self.status == "ok":
                tasks.complete(self.id, None if self.duration is None else {"seconds": self.duration})
            elif self.status == "error":
                tasks.fail(self.id, TaskError("CheckInFailed", f"{self.monitor} told that it failed"))
        except Conflict:  # its end was told before
            pass

    def _begin(self, tasks: Tasks, now: datetime) -> None:
        try:
            tasks.get(self.id)
        except TaskNotFound:
            labels = {"environment": self.environment} if self.environment else {}
            deadline = None if self.longest is None else now + timedelta(seconds=self.longest)
            tasks.create(self.monitor, start=True, id=self.id, type=TYPE, labels=labels, deadline=deadline)


def check_in_of(item: Mapping[str, Any]) -> CheckIn:
    """The check-in that an item tells.

    Raises:
        InvalidValue: it has no id or monitor, or its status is unknown.
    """
    try:
        id = str(UUID(hex=str(item.get("check_in_id"))))
    except ValueError:
        raise InvalidValue("check_in_id is no UUID", field="check_in_id") from None
    if not UUID(id).int:
        raise InvalidValue("check_in_id is zero: which run is meant cannot be told", field="check_in_id")
    status = item.get("status")
    if status not in STATES:
        raise InvalidValue(f"status is {status!r:.80}", field="status", hint=f"use {', '.join(STATES)}")
    config = item.get("monitor_config")
    minutes = _positive(config.get("max_runtime")) if isinstance(config, dict) else None
    return CheckIn(
        id=id,
        monitor=require_text(item.get("monitor_slug"), "monitor_slug", 200),
        status=str(status),
        environment=clean_text(str(item.get("environment") or ""), 100),
        duration=_positive(item.get("duration")),
        longest=None if minutes is None else min(minutes, 525_600.0) * 60,
    )


def _positive(value: Any) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and 0 <= value < 1e9 else None
