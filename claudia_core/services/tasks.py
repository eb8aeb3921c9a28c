"""Tasks: the only place where they change. Every change and its events are saved in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from claudia_core.errors import InvalidValue, TaskNotFound
from claudia_core.model.ids import new_id, require_id
from claudia_core.model.progress import Progress
from claudia_core.model.task import Status, Task, TaskError
from claudia_core.model.times import require_utc
from claudia_core.model.values import (
    JSON,
    MAX_MESSAGE,
    MAX_NAME,
    clean_text,
    require_count,
    require_json,
    require_labels,
    require_tags,
    require_text,
)
from claudia_core.ports import Condition, Prefix, Query, Store, Transaction
from claudia_core.services import rollups
from claudia_core.services.errors import Errors, culprit, task_error
from claudia_core.services.progress import advance

if TYPE_CHECKING:
    import pandas as pd

MAX_DEPTH = 50
"""Most levels of tasks below a task."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTask:
    """What a task is made from; checked by `checked`, so that a bad value is refused before anything is written."""

    name: str | None = None
    type: str = "task"
    payload: JSON = None
    parent_id: str | None = None
    tags: Iterable[str] = ()
    labels: Mapping[str, str] | None = None
    deadline: datetime | None = None
    estimated_steps: float | None = None
    unit: str = "items"
    attempts: int = 1
    id: str | None = None
    agent_id: str | None = None

    def checked(self) -> NewTask:
        """This with every value checked and in its plain form.

        Raises:
            InvalidValue, TooLarge: a value breaks a rule; `field` names it.
        """
        if isinstance(self.attempts, bool) or not isinstance(self.attempts, int) or not 1 <= self.attempts <= 1_000:
            raise InvalidValue(f"attempts is {self.attempts!r:.80}", field="attempts", hint="use 1 to 1000")
        steps = self.estimated_steps
        return replace(
            self,
            name=require_text(self.name if self.name is not None else self.type, "name", MAX_NAME),
            type=require_text(self.type, "type", 100),
            payload=require_json(self.payload, "payload"),
            parent_id=None if self.parent_id is None else require_id(self.parent_id, "parent_id"),
            tags=require_tags(self.tags),
            labels=require_labels(self.labels or {}),
            deadline=None if self.deadline is None else require_utc(self.deadline, "deadline"),
            estimated_steps=None if steps is None else require_count(steps, "estimated_steps"),
            unit=require_text(self.unit, "unit", 50),
            id=new_id() if self.id is None else require_id(self.id),
        )

    def to_task(self, now: datetime, root_id: str) -> Task:
        """The pending task."""
        assert self.name is not None and self.id is not None, "checked() fills both"
        return Task(
            id=self.id,
            name=self.name,
            type=self.type,
            payload=self.payload,
            parent_id=self.parent_id,
            root_id=root_id,
            tags=tuple(self.tags),
            labels=self.labels or {},
            created_at=now,
            updated_at=now,
            deadline=self.deadline,
            attempts=self.attempts,
            progress=Progress(total=self.estimated_steps, unit=self.unit),
        )


@dataclass(frozen=True, slots=True)
class TaskPage:
    """Some tasks without their content; `next` asks for the rest."""

    tasks: list[Task]
    next: str | None = None


class Tasks:
    """Creates, moves, finds and lists tasks."""

    def __init__(self, store: Store, errors: Errors) -> None:
        self._store = store
        self._errors = errors

    # --- make ---------------------------------------------------------------------------------------------------

    def create(self, name: str | None = None, *, start: bool = False, **values: Any) -> Task:
        """Make a task, pending, or active with `start`. `values` are the fields of `NewTask`.

        An `id` that exists already gives that task back unchanged, so that a repeated call does no harm.

        Raises:
            InvalidValue, TooLarge: a value breaks a rule.
            TaskNotFound: the parent does not exist.
        """
        return self.create_many([NewTask(name=name, **values)], start=start)[0]

    def create_many(self, news: Iterable[NewTask], *, start: bool = False) -> list[Task]:
        """Make several tasks in one transaction: all or none."""
        checked = [new.checked() for new in news]
        return self._store.write(lambda tx: [self._create(tx, new, start) for new in checked]).result()

    def _create(self, tx: Transaction, new: NewTask, start: bool) -> Task:
        assert new.id is not None, "checked() fills it"
        existing = tx.get("tasks", new.id)
        if existing is not None:
            return _load(existing, tx.get("contents", new.id))
        task = new.to_task(tx.now, self._root_of(tx, new))
        rollups.add(tx, rollups.CREATED)
        tx.increment(rollups.present(task.status))
        _save(tx, task, "task:created")
        if task.payload is not None:
            _save_content(tx, task)
        return self._start(tx, task, new.agent_id) if start else task

    def _root_of(self, tx: Transaction, new: NewTask) -> str:
        if new.parent_id is None:
            return new.id or ""
        parent = tx.get("tasks", new.parent_id)
        if parent is None:
            raise TaskNotFound(f"the parent task {new.parent_id} does not exist", field="parent_id")
        return str(parent["root_id"])

    # --- move ---------------------------------------------------------------------------------------------------

    def start(self, id: str, *, agent_id: str | None = None) -> Task:
        """A pending task becomes active.

        Raises:
            TaskNotFound: there is no such task.
            IllegalTransition: it is not pending.
        """
        return self._move(id, lambda tx, task: self._start(tx, task, agent_id))

    def progress(
        self, id: str, current: float | None = None, *, total: float | None = None, message: str | None = None
    ) -> Task:
        """Note progress and return once it is saved. Lower than before is late, and dropped.

        Raises:
            TaskNotFound: there is no such task.
            InvalidValue: a number is negative, not finite or above 2**53.
        """
        current = None if current is None else require_count(current, "current")
        total = None if total is None else require_count(total, "total")

        def work(tx: Transaction) -> Task:
            task = advance(tx, id, current, total, message, None)
            if task is None:
                raise _unknown(id)
            tx.emit("task:progress", id, {"task_id": id, "current_step": task.progress.current, "message": message})
            return task

        return self._store.write(work).result()

    def complete(self, id: str, result: Any = None) -> Task:
        """An active task becomes completed, with its result (JSON values).

        Raises:
            TaskNotFound: there is no such task.
            IllegalTransition: it is not active.
            InvalidValue, TooLarge: the result is not JSON or too large.
        """
        outcome = require_json(result, "result")

        def move(tx: Transaction, task: Task) -> Task:
            progress = task.progress.finished(tx.now)
            return self._end(tx, task, Status.COMPLETED, progress=progress, result=outcome)

        return self._move(id, move)

    def fail(self, id: str, error: BaseException | TaskError | str, *, result: Any = None) -> Task:
        """A pending or active task becomes failed, and its error is reported.

        Raises:
            TaskNotFound: there is no such task.
            IllegalTransition: it ended before.
        """
        cause, place = _cause(error)
        outcome = require_json(result, "result")
        return self._move(id, lambda tx, task: self.fail_in(tx, task, cause, place, result=outcome))

    def fail_in(self, tx: Transaction, task: Task, cause: TaskError, place: str = "", **changes: Any) -> Task:
        """Fail a task within a transaction: its error is reported in the same commit."""
        failed = self._end(tx, task, Status.FAILED, progress=task.progress.stopped(), error=cause, **changes)
        self._errors.record(tx, cause, place or task.type, task_id=task.id, context={"kind": "TASK_FAILURE"})
        return failed

    def cancel(self, id: str, *, reason: str = "") -> Task:
        """A pending or active task becomes cancelled, and with it everything below it that has not ended.

        Raises:
            TaskNotFound: there is no such task.
            IllegalTransition: it ended before.
        """
        reason = clean_text(reason, MAX_MESSAGE)
        return self._move(id, lambda tx, task: self._cancel(tx, task, reason, 0))

    def _cancel(self, tx: Transaction, task: Task, reason: str, depth: int) -> Task:
        progress = task.progress.stopped()
        if reason:
            progress = replace(progress, message=reason)
        cancelled = self._end(tx, task, Status.CANCELLED, progress=progress)
        for status in (Status.PENDING, Status.ACTIVE):
            below = tx.find(Query("tasks", {"parent_id": task.id, "status": status.value}, limit=10_000))
            for document in below.documents if depth < MAX_DEPTH else ():
                self._cancel(tx, _load(document, tx.get("contents", document["id"])), reason, depth + 1)
        return cancelled

    def retry(self, id: str) -> Task:
        """A failed or cancelled task becomes pending again: a new attempt, its progress at zero.

        Raises:
            TaskNotFound: there is no such task.
            IllegalTransition: it neither failed nor was cancelled.
        """

        def move(tx: Transaction, task: Task) -> Task:
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
                progress=Progress(total=before.total, unit=before.unit),
            )
            _count(tx, task, again)
            _save(tx, again, "task:updated")
            _save_content(tx, again)
            return again

        return self._move(id, move)

    def _move(self, id: str, move: Callable[[Transaction, Task], Task]) -> Task:
        def work(tx: Transaction) -> Task:
            document = tx.get("tasks", id)
            if document is None:
                raise _unknown(id)
            return move(tx, _load(document, tx.get("contents", id)))

        return self._store.write(work).result()

    def _start(self, tx: Transaction, task: Task, agent_id: str | None) -> Task:
        started = task.moved(Status.ACTIVE, tx.now, started_at=tx.now, agent_id=agent_id or task.agent_id)
        _count(tx, task, started)
        _save(tx, started, "task:started")
        return started

    def _end(self, tx: Transaction, task: Task, status: Status, **changes: Any) -> Task:
        ended = task.moved(status, tx.now, finished_at=tx.now, **changes)
        _count(tx, task, ended)
        rollups.add(tx, rollups.finished(status))
        if ended.duration is not None:
            rollups.add(tx, rollups.DURATION, ended.duration)
        _save(tx, ended, f"task:{status.value}")
        if ended.result is not None or ended.error is not None:
            _save_content(tx, ended)
        return ended

    # --- find ---------------------------------------------------------------------------------------------------

    def get(self, id: str) -> Task:
        """One task with its payload, result and traceback.

        Raises:
            TaskNotFound: there is no such task.
        """
        with self._store.snapshot() as reader:
            document = reader.get("tasks", id)
            if document is None:
                raise _unknown(id)
            return _load(document, reader.get("contents", id))

    def list(
        self,
        *,
        status: Status | str | Iterable[str] | None = None,
        type: str | Iterable[str] | None = None,
        name: str | None = None,
        parent_id: str | None = None,
        roots: bool = False,
        agent_id: str | None = None,
        order: str | None = None,
        limit: int = 100,
        after: str | None = None,
    ) -> TaskPage:
        """A page of tasks without their content.

        Args:
            status: one status, or several.
            type: one type, or several.
            name: what the name begins with; case does not matter. Such a page is ordered by name.
            parent_id: only children of this task.
            roots: only tasks without a parent.
            agent_id: only tasks of this agent.
            order: `id` (time of making), `name_key` or `updated_at`; a leading `-` turns it round. Newest first
                by default.
            limit: most tasks of the page, 1 to 10,000.
            after: the `next` of the page before.
        """
        where: dict[str, Condition] = {}
        if status is not None:
            where["status"] = _texts(status)
        if type is not None:
            where["type"] = _texts(type)
        if name:
            where["name_key"] = Prefix(name.casefold())
        if parent_id is not None or roots:
            where["parent_id"] = None if roots else parent_id
        if agent_id is not None:
            where["agent_id"] = agent_id
        order = order or ("name_key" if name else "-id")
        page = self._store.find(Query("tasks", where, order, after, limit))
        return TaskPage([Task.from_document(document) for document in page.documents], page.next)

    def children(self, id: str, *, limit: int = 1_000, after: str | None = None) -> TaskPage:
        """The tasks directly below a task, in the order they were made, without their content."""
        return self.list(parent_id=id, order="id", limit=limit, after=after)

    def counts(self) -> dict[Status, int]:
        """How many tasks are in each status now; costs the same with any number of tasks."""
        found = {sample.series: sample.value for sample in self._store.samples(map(rollups.present, Status), 0, 1)}
        return {status: int(found.get(rollups.present(status), 0)) for status in Status}

    def frame(self, *, limit: int = 10_000, **filters: Any) -> pd.DataFrame:
        """Tasks as a DataFrame, one row each, newest first; `filters` as in `list`. Times are UTC, durations seconds."""
        from claudia_core.services.frames import tasks_frame  # pandas costs half a second: only when asked for

        return tasks_frame(self.list(limit=limit, **filters).tasks)


def _texts(value: str | Iterable[str]) -> Condition:
    return str(value) if isinstance(value, str) else [str(item) for item in value]


def _cause(error: BaseException | TaskError | str) -> tuple[TaskError, str]:
    if isinstance(error, BaseException):
        return task_error(error), culprit(error.__traceback__)
    if isinstance(error, TaskError):
        return replace(error, message=clean_text(error.message, MAX_MESSAGE)), ""
    return TaskError("Error", clean_text(error, MAX_MESSAGE)), ""


def _unknown(id: str) -> TaskNotFound:
    return TaskNotFound(f"no task {id!r:.80}", field="id", hint="list the tasks with: claudia tasks")


def _load(document: Mapping[str, Any], content: Mapping[str, Any] | None) -> Task:
    return Task.from_document(document, content)


def _count(tx: Transaction, before: Task, after: Task) -> None:
    tx.increment(rollups.present(before.status), by=-1)
    tx.increment(rollups.present(after.status))


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
