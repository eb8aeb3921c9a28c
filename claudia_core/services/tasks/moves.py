"""What can happen to a task, each as it is saved within one transaction: the document, its events and the rollups.

What a `Move` does may run more than once, so all that it needs is checked and made before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import batched
from typing import Any

from claudia_core.errors import IllegalTransition, TaskNotFound
from claudia_core.model.ids import new_id
from claudia_core.model.progress import Progress
from claudia_core.model.task import Status, Task
from claudia_core.model.values import MAX_MESSAGE, clean_text, require_json
from claudia_core.ports import Document, Query, Transaction
from claudia_core.services import durations, rollups
from claudia_core.services.tasks.new_task import NewTask


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
    save(tx, task, "task:created")
    if task.payload is not None:
        save_content(tx, task)
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
    save(tx, below, "task:updated")
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
        count(tx, task, started)
        save(tx, started, "task:started")
        return started

    return Move("start", {"agent_id": agent_id}, move)


def completing(result: Any) -> Move:
    """Active becomes completed.

    Raises:
        InvalidValue, TooLarge: the result is not JSON or too large.
    """
    outcome = require_json(result, "result")

    def move(tx: Transaction, task: Task) -> Task:
        return end(tx, task, Status.COMPLETED, progress=task.progress.finished(tx.now), result=outcome)

    return Move("complete", {"result": outcome}, move)


def requeue(tx: Transaction, task: Task, event: str, **changes: Any) -> Task:
    """Active becomes pending, for another attempt."""
    before = task.progress
    fresh = {"started_at": None, "agent_id": None, "progress": Progress(total=before.total, unit=before.unit)}
    again = task.moved(Status.PENDING, tx.now, attempt=task.attempt + 1, **fresh, **changes)
    count(tx, task, again)
    save(tx, again, event)
    save_content(tx, again)
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
    return end(tx, task, Status.CANCELLED, progress=progress)


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
    count(tx, task, again)
    save(tx, again, "task:updated")
    save_content(tx, again)
    return again


def end(tx: Transaction, task: Task, status: Status, **changes: Any) -> Task:
    """It ends in `status`: saved, announced and counted."""
    ended = task.moved(status, tx.now, finished_at=tx.now, **changes)
    count(tx, task, ended)
    rollups.add(tx, rollups.finished(status))
    if ended.duration is not None:
        rollups.add(tx, rollups.DURATION, ended.duration)
        if status is Status.COMPLETED:
            durations.add(tx, ended.duration)
    save(tx, ended, f"task:{status.value}")
    if ended.result is not None or ended.error is not None:
        save_content(tx, ended)
    return ended


def count(tx: Transaction, before: Task, after: Task) -> None:
    """Count a change of status into the running totals."""
    for task, by in ((before, -1), (after, 1)):
        tx.increment(rollups.present(task.status), by=by)
        if task.status in BY_TYPE:
            tx.increment(BY_TYPE[task.status] + task.type, by=by)


def save(tx: Transaction, task: Task, event: str) -> None:
    """Save a task and announce it, without its content."""
    summary = task.to_summary()
    tx.put("tasks", summary)
    tx.emit(event, task.id, summary)


def save_content(tx: Transaction, task: Task) -> None:
    """Save its payload, result and traceback."""
    content = task.to_content()
    if content is None:
        tx.delete("contents", task.id)
    else:
        tx.put("contents", content)
