"""Failures: what becomes of a task whose work failed, or is late, as it is saved within one transaction."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from claudia_core.capture.scrubbing import process_scrubber
from claudia_core.capture.taken import marks_of, task_failure
from claudia_core.model.ids import new_id
from claudia_core.model.report import ErrorReport
from claudia_core.model.task import Status, Task, TaskError
from claudia_core.model.values import MAX_MESSAGE, MAX_TRACEBACK, clean_text, require_json
from claudia_core.ports import Transaction
from claudia_core.services.errors import MAX_PLACE, prepare, record
from claudia_core.services.tasks import moves
from claudia_core.services.tasks.moves import Move


def failing(
    error: BaseException | ErrorReport | TaskError | str, result: Any = None, *, culprit: str = "", again: bool = False
) -> Move:
    """Pending or active becomes failed, and the error is reported in the same commit.

    `culprit` is where it was raised, such as `module.function`, for an error that brings no traceback of its own. With
    `again`, a claimed task becomes pending instead if its policy and attempts allow it: it is tried again later.

    Raises:
        InvalidValue, TooLarge: the result is not JSON or too large.
    """
    report, code = _report_of(error, culprit)
    new = prepare(report, process_scrubber())
    cause = TaskError(new.report.type, new.report.message, code, new.report.traceback)
    outcome = require_json(result, "result")
    marks = marks_of(error) if isinstance(error, BaseException) else {}
    marks.setdefault("failing", new.id)
    used: set[str] = set()

    def move(tx: Transaction, task: Task) -> Task:
        if code == "deadline" and task.overdue_at is None:
            task = overdue(tx, task)
        stopped = task.progress.stopped()
        if again and _may_retry(tx, task, cause):
            failed = _postpone(tx, task, cause)
        else:
            failed = moves.end(tx, task, Status.FAILED, progress=stopped, error=cause, result=outcome)
        place = new.report.culprit or task.type
        if task.id not in marks:  # one that was captured within the task is the same error
            marks[task.id] = new.id if new.id not in used else new_id()
            used.add(new.id)
        id = marks[task.id]
        record(tx, new.about(id=id, task_id=task.id, agent_id=task.agent_id, culprit=place))
        return failed

    place = new.report.culprit
    told = {"type": cause.type, "message": cause.message, "traceback": cause.traceback, "culprit": place}
    more = {"exceptions": list(new.report.exceptions) or None, "occurrence_id": new.id}
    return Move("fail", {**told, **more, "result": outcome}, move, again, code)


def overdue(tx: Transaction, task: Task) -> Task:
    """Note that a task's deadline has passed; what was heard of its work, and when, stays as it is."""
    late = replace(task, overdue_at=tx.now, version=task.version + 1)
    late = replace(late, watch_at=late.next_look(tx.now))
    moves.save(tx, late, "task:overdue")
    return late


def _may_retry(tx: Transaction, task: Task, cause: TaskError) -> bool:
    if task.policy is None or task.status is not Status.ACTIVE or task.attempt >= task.attempts:
        return False
    if task.deadline is not None and task.deadline <= tx.now:
        return False
    return cause.code != "lost" or task.policy.lost == "retry"


def _postpone(tx: Transaction, task: Task, cause: TaskError) -> Task:
    """Active becomes pending: the next attempt, after the wait that the policy asks for."""
    assert task.policy is not None, "asked before"
    wait = 0.0 if cause.code == "lost" else task.policy.wait(task.attempt)
    due_at = tx.now + timedelta(seconds=wait) if wait else None
    return moves.requeue(tx, task, "task:retrying", error=cause, due_at=due_at)


def _report_of(error: BaseException | ErrorReport | TaskError | str, culprit: str) -> tuple[ErrorReport, str]:
    """The report of what a task fails with, and the code that the task keeps."""
    if isinstance(error, ErrorReport):
        return error, "error"
    if isinstance(error, BaseException):
        report = task_failure(error)
        return replace(report, id=None, culprit=report.culprit or clean_text(culprit, MAX_PLACE, "culprit")), "error"
    if not isinstance(error, TaskError):
        error = TaskError("Error", error)
    report = ErrorReport(
        type=clean_text(error.type, 200, "error"),
        message=clean_text(error.message, MAX_MESSAGE, "error"),
        traceback=clean_text(error.traceback, MAX_TRACEBACK, "error"),
        culprit=clean_text(culprit, MAX_PLACE, "culprit"),
        kind="TASK_FAILURE",
        handled=False,
    )
    return report, error.code
