"""How a task of Celery's ended, where Celery leaves that open."""

from __future__ import annotations

from typing import Any

from celery.exceptions import SoftTimeLimitExceeded, TimeLimitExceeded, WorkerLostError
from celery.worker import state

from claudia_core.engines.celery import changes
from claudia_core.model.task import TaskError

EARLY = 0.95
"""A soft limit of time may be told this part of it after the task began."""


class Bare:
    """As much as a worker knows of a task whose process is gone."""

    parent_id = group = shadow = delivery_info = None

    def __init__(self, id: str) -> None:
        self.id = id


def cause(error: BaseException) -> BaseException | TaskError:
    """Why a task failed whose process cannot say so."""
    if isinstance(error, WorkerLostError):
        return changes.lost(str(error))
    if isinstance(error, TimeLimitExceeded):
        return TaskError("TimeLimitExceeded", f"it took longer than {error.args[0]} seconds", code="timeout")
    return error


def was_terminated(error: BaseException, request: Any, limit: float | None, seconds: float) -> bool:
    """Whether a task was told to stop, rather than that its time is up: Celery raises the same in it for both."""
    if not isinstance(error, SoftTimeLimitExceeded):
        return False
    own = (request.timelimit or (None, None))[1]
    limit = own or limit
    return not limit or seconds < EARLY * limit


def was_revoked(id: str) -> bool:
    """Whether somebody asked this worker to end that task.

    When a process is killed that was once told to stop another task, Celery says that its present task was terminated.
    """
    return id in state.revoked
