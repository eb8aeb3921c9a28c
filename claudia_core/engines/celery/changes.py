"""Changes of tasks that Celery runs.

Celery tells late, twice, or out of order: its messages are delivered at least once, and several processes tell of one
task. So a change that does not fit any more leaves the task as it is, instead of raising.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from claudia_core.engines.celery.journal import Line
from claudia_core.model.policy import RetryPolicy
from claudia_core.model.task import Status, Task, TaskError
from claudia_core.ports import Transaction
from claudia_core.services.tasks import failures, holds, moves
from claudia_core.services.tasks.moves import Move

REVOKED, EXPIRED, TERMINATED = "revoked in Celery", "expired in Celery", "terminated in Celery"
REASONS = frozenset({REVOKED, EXPIRED, TERMINATED})
"""Why a task was cancelled, where Celery is who did it."""


def beginning(agent_id: str | None, *, retries: int, again: bool, begun: Callable[[Task], None]) -> Move:
    """A worker begins the task.

    Args:
        agent_id: the worker.
        retries: how often Celery has tried it before; news of the last retry may come later, from another process.
        again: whether Celery delivered it once more, so that an end which the hub knows does not count.
        begun: called with the task as it is then. One that completed stays so: its second run is not told.
    """
    start = moves.starting(agent_id)

    def make(tx: Transaction, task: Task) -> Task:
        is_retry = task.attempt <= retries
        if task.status is Status.ACTIVE:
            # Else its worker went, and nobody noticed.
            away = holds.releasing() if is_retry else failures.failing(lost())
            task = away(tx, task)
        if task.status in (Status.FAILED, Status.CANCELLED) and (again or is_retry or task.error == lost()):
            task = moves.retrying()(tx, task)
        if task.status is Status.PENDING:
            task = start(tx, task)
        begun(task)
        return task

    return replace(start, make=make)


def ending(move: Move, attempt: Callable[[], int | None] = lambda: None) -> Move:
    """The same change, unless the task has ended, or is at another attempt by now."""

    def is_late(task: Task) -> bool:
        return task.status.is_terminal or attempt() not in (None, task.attempt)

    return _unless(move, is_late)


def completing(result: Any) -> Move:
    """A worker completed the task, unless it ended otherwise."""
    return _unless(moves.completing(result), lambda task: task.status is not Status.ACTIVE)


def trying_again(error: BaseException | TaskError) -> Move:
    """The task is tried again, as Celery says, after this error."""
    fail = failures.failing(error, again=True)

    def make(tx: Transaction, task: Task) -> Task:
        if task.status is not Status.ACTIVE:
            return task
        most = max(task.attempts, task.attempt + 1)
        return fail.make(tx, replace(task, policy=RetryPolicy(delay=0), attempts=most))

    return replace(fail, make=make)


def dropping(agent_id: str, error: BaseException | TaskError) -> Move:
    """A worker's process is gone, and with it a task of the hub that was this agent's; its policy says what follows."""
    fail = failures.failing(error, again=True)
    return _unless(fail, lambda task: task.status is not Status.ACTIVE or task.agent_id != agent_id)


def retrying() -> Move:
    """For a hub elsewhere, which was told of a failure only: the task is to be done again."""
    return replace(moves.retrying(), make=lambda tx, task: task)  # noqa: ARG005 - `trying_again` has done it here


def recovered(line: Line) -> Move:
    """What a process that is gone had noted of a task, and nobody was told: how it ended, or that it is lost.

    What happened to the task since, by whoever works on it now, stays.
    """
    if line.end == "complete":
        end = moves.completing(None)
    elif line.end == "cancel":
        end = moves.cancelling(TERMINATED)
    else:
        end = failures.failing(TaskError("Error", line.error) if line.end else lost())

    def is_late(task: Task) -> bool:
        is_other = task.status is Status.ACTIVE and task.agent_id != line.agent_id
        return task.status.is_terminal or is_other or task.attempt > line.attempt

    def make(tx: Transaction, task: Task) -> Task:
        if is_late(task):
            return task
        if task.status is Status.PENDING and line.end == "complete":
            task = moves.starting(line.agent_id)(tx, task)
        return end.make(tx, task)

    return replace(end, make=make)


def lost(what: str = "its worker stopped without finishing it") -> TaskError:
    """What a task fails with whose worker is gone."""
    return TaskError("WorkerLost", what, code="lost")


def _unless(move: Move, is_late: Callable[[Task], bool]) -> Move:
    def make(tx: Transaction, task: Task) -> Task:
        return task if is_late(task) else move.make(tx, task)

    return replace(move, make=make)
