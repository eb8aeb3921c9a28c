"""What can happen to a task, each as it is saved within one transaction: the document, its events and the rollups.

What a `Move` does may run more than once, so all that it needs is checked and made before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property
from itertools import batched
from typing import Any

from claudia_core.capture.scrubbing import process_scrubber
from claudia_core.capture.taken import marks_of, task_failure
from claudia_core.errors import IllegalTransition, StaleClaim, TaskNotFound
from claudia_core.model.ids import new_id
from claudia_core.model.policy import RetryPolicy
from claudia_core.model.progress import Progress
from claudia_core.model.report import ErrorReport
from claudia_core.model.task import Status, Task, TaskError
from claudia_core.model.values import MAX_MESSAGE, MAX_TRACEBACK, clean_text, require_json
from claudia_core.ports import Document, Query, Transaction
from claudia_core.services import durations, rollups
from claudia_core.services.errors import MAX_PLACE, prepare, record
from claudia_core.services.new_task import NewTask


@dataclass(frozen=True)
class Move:
    """A change of one task. Called, it is made within a transaction; `name` and `values` tell it to a hub elsewhere.

    `key` lets a hub that is told twice make the change once. `again` and `code` are those of a failure.
    """

    name: str
    values: Mapping[str, Any]
    make: Callable[[Transaction, Task], Task]
    again: bool = False
    code: str = "error"

    @cached_property
    def key(self) -> str:
        """Names this very change; made when first asked for, because only a hub elsewhere needs it."""
        return new_id()

    def __call__(self, tx: Transaction, task: Task) -> Task:
        """The task after the change, saved with the transaction."""
        return self.make(tx, task)


OPEN = (Status.PENDING.value, Status.ACTIVE.value)

BY_TYPE = {Status.PENDING: rollups.WAITING, Status.ACTIVE: rollups.RUNNING}
"""Running totals by type of the tasks in a status."""


def load(tx: Transaction, id: str) -> Task:
    """A task with its content.

    Raises:
        TaskNotFound: there is no such task.
    """
    document = tx.get("tasks", id)
    if document is None:
        raise unknown(id)
    return with_content(tx, document)


def with_content(tx: Transaction, document: Mapping[str, Any]) -> Task:
    """The task of a document, with its content."""
    return Task.from_document(document, tx.get("contents", document["id"]))


def unknown(id: str) -> TaskNotFound:
    """The error for an id that no task has."""
    return TaskNotFound(f"no task {id!r:.80}", field="id", hint="list the tasks with: claudia tasks")


def create(tx: Transaction, new: NewTask, start: bool = False) -> Task:
    """Make a checked task; one whose id exists is given back unchanged.

    Raises:
        TaskNotFound: the parent does not exist.
    """
    assert new.id is not None, "checked() fills it"
    existing = tx.get("tasks", new.id)
    if existing is not None:
        return with_content(tx, existing)
    task = new.to_task(tx.now, _root_of(tx, new))
    rollups.add(tx, rollups.CREATED)
    tx.increment(rollups.present(task.status))
    tx.increment(rollups.WAITING + task.type)
    tx.increment(rollups.TYPES + task.type)
    for tag in task.tags:
        tx.increment(rollups.TAGS + tag)
    _save(tx, task, "task:created")
    if task.payload is not None:
        _save_content(tx, task)
    return starting(new.agent_id)(tx, task) if start else task


def told_of(tx: Transaction, new: NewTask) -> Task:
    """The task that another system tells of, made where it is not there.

    Such news come in any order: it has no parent before that is known, and gets it then.
    """
    above = None if new.parent_id is None else tx.get("tasks", new.parent_id)
    task = create(tx, new if above is not None else replace(new, parent_id=None))
    if above is None or task.parent_id is not None:
        return task
    below = task.changed(tx.now, parent_id=above["id"], root_id=above["root_id"])
    _save(tx, below, "task:updated")
    return below


def _root_of(tx: Transaction, new: NewTask) -> str:
    if new.parent_id is None:
        return new.id or ""
    parent = tx.get("tasks", new.parent_id)
    if parent is None:
        raise TaskNotFound(f"the parent task {new.parent_id} does not exist", field="parent_id")
    return str(parent["root_id"])


def starting(agent_id: str | None) -> Move:
    """Pending becomes active."""

    def move(tx: Transaction, task: Task) -> Task:
        started = task.moved(Status.ACTIVE, tx.now, started_at=tx.now, agent_id=agent_id or task.agent_id)
        _count(tx, task, started)
        _save(tx, started, "task:started")
        return started

    return Move("start", {"agent_id": agent_id}, move)


def claiming(agent_id: str, attempts: int, policy: RetryPolicy, stall_after: float | None) -> Move:
    """Pending becomes active by an agent that took it from its queue: its claim gets the next number."""

    def move(tx: Transaction, task: Task) -> Task:
        claimed = task.moved(
            Status.ACTIVE,
            tx.now,
            started_at=tx.now,
            agent_id=agent_id,
            claim=task.claim + 1,
            attempts=max(task.attempts, attempts),
            policy=policy,
            stall_after=task.stall_after or stall_after,
            error=None,
        )
        _count(tx, task, claimed)
        _save(tx, claimed, "task:started")
        return claimed

    return Move("start", {"agent_id": agent_id}, move)


def adopting(agent_id: str) -> Move:
    """Active changes hands: who claimed it had it wait for somebody else, who begins it now, on a claim of its own."""

    def move(tx: Transaction, task: Task) -> Task:
        taken = task.changed(tx.now, agent_id=agent_id, claim=task.claim + 1, started_at=tx.now)
        taken = replace(taken, watch_at=taken.next_look(tx.now))
        _save(tx, taken, "task:updated")
        return taken

    return Move("adopt", {"agent_id": agent_id}, move)


def fenced(move: Move, claim: int) -> Move:
    """The same change, refused unless that claim of the task still counts.

    The claim's number is a fencing token: it grows with each claim, so that whoever was taken for lost, and comes back
    while another works on the task, changes nothing. (M. Kleppmann, How to do distributed locking, 2016)
    """

    def make(tx: Transaction, task: Task) -> Task:
        require_claim(task, claim)
        return move(tx, task)

    return replace(move, values={**move.values, "claim": claim}, make=make)


def require_claim(task: Task, claim: int) -> None:
    """Refuse what is said for a claim that does not count any more.

    Raises:
        StaleClaim: the task is not active, or another claim of it counts.
    """
    if task.status is Status.ACTIVE and task.claim == claim:
        return
    now = f"agent {task.agent_id} has claim {task.claim}" if task.status is Status.ACTIVE else f"it is {task.status}"
    raise StaleClaim(
        f"claim {claim} of task {task.id} ({task.name}) does not count any more: {now}",
        field="claim",
        hint="stop working on it",
    )


def completing(result: Any) -> Move:
    """Active becomes completed.

    Raises:
        InvalidValue, TooLarge: the result is not JSON or too large.
    """
    outcome = require_json(result, "result")

    def move(tx: Transaction, task: Task) -> Task:
        return _end(tx, task, Status.COMPLETED, progress=task.progress.finished(tx.now), result=outcome)

    return Move("complete", {"result": outcome}, move)


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
            failed = _end(tx, task, Status.FAILED, progress=stopped, error=cause, result=outcome)
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
    _save(tx, late, "task:overdue")
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
    return _requeue(tx, task, "task:retrying", error=cause, due_at=due_at)


def releasing() -> Move:
    """Active becomes pending: its agent gives it back unfinished. That does not count as one of its attempts."""

    def move(tx: Transaction, task: Task) -> Task:
        return _requeue(tx, task, "task:updated", attempts=task.attempts + 1)

    return Move("release", {}, move)


def _requeue(tx: Transaction, task: Task, event: str, **changes: Any) -> Task:
    before = task.progress
    fresh = {"started_at": None, "agent_id": None, "progress": Progress(total=before.total, unit=before.unit)}
    again = task.moved(Status.PENDING, tx.now, attempt=task.attempt + 1, **fresh, **changes)
    _count(tx, task, again)
    _save(tx, again, event)
    _save_content(tx, again)
    return again


def cancelling(reason: str = "") -> Move:
    """Pending or active becomes cancelled, and with it what is below it, down to tasks that have ended."""
    reason = clean_text(reason, MAX_MESSAGE, "reason")

    def move(tx: Transaction, task: Task) -> Task:
        # Read first, change after: a transaction's reads get slower with each change it holds.
        below = [with_content(tx, document) for document in _open_below(tx, task.id)]
        cancelled = _cancel(tx, task, reason)
        for child in below:
            _cancel(tx, child, reason)
        return cancelled

    return Move("cancel", {"reason": reason}, move)


def and_below(move: Move, reason: str) -> Move:
    """The same change, after which what is below the task is cancelled: for work that was ended from outside."""

    def make(tx: Transaction, task: Task) -> Task:
        below = [with_content(tx, document) for document in _open_below(tx, task.id)]
        after = move(tx, task)
        for child in below:
            _cancel(tx, child, clean_text(reason, MAX_MESSAGE, "reason"))
        return after

    return replace(move, make=make)


def _open_below(tx: Transaction, id: str) -> Iterator[Document]:
    """Tasks below a task that have not ended, level by level."""
    level = [id]
    while level:
        found = [document for ids in batched(level, 500) for document in _open_children(tx, ids)]
        yield from found
        level = [document["id"] for document in found]


def _open_children(tx: Transaction, ids: tuple[str, ...]) -> Iterator[Document]:
    after: str | None = None
    while True:
        page = tx.find(Query("tasks", {"parent_id": ids, "status": OPEN}, "id", after, 10_000))
        yield from page.documents
        after = page.next
        if after is None:
            return


def _cancel(tx: Transaction, task: Task, reason: str) -> Task:
    progress = task.progress.stopped()
    if reason:
        progress = replace(progress, message=reason)
    return _end(tx, task, Status.CANCELLED, progress=progress)


def retrying() -> Move:
    """Failed or cancelled becomes pending: a new attempt, progress at zero. A deadline that has passed is lifted."""
    return Move("retry", {}, _retry)


def _retry(tx: Transaction, task: Task) -> Task:
    if task.status is Status.ACTIVE:  # its claim can be lost, but somebody works on it: no second one may begin
        raise IllegalTransition(
            f"task {task.id} ({task.name}) is active and cannot become pending", field="status", hint="cancel it first"
        )
    before = task.progress
    again = task.moved(
        Status.PENDING,
        tx.now,
        attempt=task.attempt + 1,
        attempts=max(task.attempts, task.attempt + 1),
        error=None,
        result=None,
        started_at=None,
        finished_at=None,
        agent_id=None,
        deadline=task.deadline if task.deadline is not None and task.deadline > tx.now else None,
        overdue_at=None,
        progress=Progress(total=before.total, unit=before.unit),
    )
    _count(tx, task, again)
    _save(tx, again, "task:updated")
    _save_content(tx, again)
    return again


def _end(tx: Transaction, task: Task, status: Status, **changes: Any) -> Task:
    ended = task.moved(status, tx.now, finished_at=tx.now, **changes)
    _count(tx, task, ended)
    rollups.add(tx, rollups.finished(status))
    if ended.duration is not None:
        rollups.add(tx, rollups.DURATION, ended.duration)
        if status is Status.COMPLETED:
            durations.add(tx, ended.duration)
    _save(tx, ended, f"task:{status.value}")
    if ended.result is not None or ended.error is not None:
        _save_content(tx, ended)
    return ended


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


def _count(tx: Transaction, before: Task, after: Task) -> None:
    for task, by in ((before, -1), (after, 1)):
        tx.increment(rollups.present(task.status), by=by)
        if task.status in BY_TYPE:
            tx.increment(BY_TYPE[task.status] + task.type, by=by)


def _save(tx: Transaction, task: Task, event: str) -> None:
    summary = task.to_summary()
    tx.put("tasks", summary)
    tx.emit(event, task.id, summary)


def _save_content(tx: Transaction, task: Task) -> None:
    content = task.to_content()
    if content is None:
        tx.delete("contents", task.id)
    else:
        tx.put("contents", content)
