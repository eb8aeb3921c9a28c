"""Tasks: the only place where they change. Every change and its events are saved in one transaction."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from claudia_core.errors import InvalidValue
from claudia_core.model.looks import tasks_html
from claudia_core.model.task import Status, Task, TaskError
from claudia_core.model.values import MAX_MESSAGE, clean_text, require_count
from claudia_core.ports import Condition, Prefix, Query, Store, Transaction
from claudia_core.services import moves, rollups
from claudia_core.services.moves import Move
from claudia_core.services.new_task import NewTask
from claudia_core.services.progress import advance

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["NewTask", "TaskPage", "Tasks"]


@dataclass(frozen=True, slots=True)
class TaskPage:
    """Some tasks without their content; `next` asks for the rest."""

    tasks: list[Task]
    next: str | None = None

    def _repr_html_(self) -> str:
        more = "<div>… and more: ask for the page after <code>next</code></div>" if self.next else ""
        return tasks_html(self.tasks) + more


class Tasks:
    """Creates, moves, finds and lists tasks."""

    def __init__(self, store: Store) -> None:
        self._store = store

    # --- make ---------------------------------------------------------------------------------------------------

    def create(self, name: str | None = None, *, start: bool = False, **values: Any) -> Task:
        """Make a task, pending, or active with `start`. `values` are the fields of `NewTask`.

        An `id` that exists already gives that task back unchanged, so that a repeated call does no harm.

        Raises:
            InvalidValue, TooLarge: a value breaks a rule; `field` names it.
            TaskNotFound: the parent does not exist.
        """
        return self.create_many([NewTask(name=name, **values)], start=start)[0]

    def create_many(self, news: Iterable[NewTask], *, start: bool = False) -> list[Task]:
        """Make several tasks in one transaction: all or none."""
        checked = [new.checked() for new in news]
        return self._store.write(lambda tx: [moves.create(tx, new, start) for new in checked]).result()

    def create_soon(self, new: NewTask, *, start: bool = False) -> None:
        """Make a task as soon as the store can, without waiting for it: for work that must go on meanwhile."""
        checked = new.checked()
        self._store.post(f"{checked.id}/create", lambda tx: moves.create(tx, checked, start))

    # --- move ---------------------------------------------------------------------------------------------------

    def start(self, id: str, *, agent_id: str | None = None) -> Task:
        """A pending task becomes active.

        Raises:
            TaskNotFound: there is no such task.
            IllegalTransition: it is not pending.
        """
        return self.move(id, moves.starting(agent_id))

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
        text = None if message is None else clean_text(message, MAX_MESSAGE)

        def work(tx: Transaction) -> Task:
            before = moves.load(tx, id)
            task = advance(tx, before, current, total, text)
            if task is not before:
                tx.emit("task:progress", id, {"task_id": id, "current_step": task.progress.current, "message": text})
            return task

        return self._store.write(work).result()

    def complete(self, id: str, result: Any = None) -> Task:
        """An active task becomes completed, with its result (JSON values).

        Raises:
            TaskNotFound: there is no such task.
            IllegalTransition: it is not active.
            InvalidValue, TooLarge: the result is not JSON or too large.
        """
        return self.move(id, moves.completing(result))

    def fail(self, id: str, error: BaseException | TaskError | str, *, result: Any = None) -> Task:
        """A pending or active task becomes failed, and its error is reported.

        Raises:
            TaskNotFound: there is no such task.
            IllegalTransition: it ended before.
        """
        return self.move(id, moves.failing(error, result))

    def cancel(self, id: str, *, reason: str = "") -> Task:
        """A pending or active task becomes cancelled, and with it what is below it, down to tasks that have ended.

        Raises:
            TaskNotFound: there is no such task.
            IllegalTransition: it ended before.
        """
        return self.move(id, moves.cancelling(reason))

    def retry(self, id: str) -> Task:
        """A failed or cancelled task becomes pending again: a new attempt, its progress at zero.

        Raises:
            TaskNotFound: there is no such task.
            IllegalTransition: it neither failed nor was cancelled.
        """
        return self.move(id, moves.retrying())

    def move(self, id: str, move: Move) -> Task:
        """Make one of the changes in `services.moves` and return once it is saved.

        Raises:
            TaskNotFound: there is no such task.
            IllegalTransition: the task's status does not allow it.
        """
        return self._store.write(lambda tx: move(tx, moves.load(tx, id))).result()

    def move_soon(self, id: str, move: Move) -> None:
        """The same as soon as the store can, without waiting for it. A change that turns out illegal is logged."""
        self._store.post(f"{id}/move", lambda tx: move(tx, moves.load(tx, id)))

    # --- find ---------------------------------------------------------------------------------------------------

    def get(self, id: str) -> Task:
        """One task with its payload, result and traceback.

        Raises:
            TaskNotFound: there is no such task.
        """
        with self._store.snapshot() as reader:
            document = reader.get("tasks", id)
            if document is None:
                raise moves.unknown(id)
            return Task.from_document(document, reader.get("contents", id))

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

        Raises:
            InvalidValue: an unknown status or order, or a limit out of range.
            BadCursor: `after` is not the `next` of a page in this order.
        """
        where: dict[str, Condition] = {}
        if status is not None:
            where["status"] = _statuses(status)
        if type is not None:
            where["type"] = str(type) if isinstance(type, str) else [str(item) for item in type]
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
        """Tasks as a DataFrame, one row each, newest first; `filters` as in `list`. Times: UTC, durations: seconds."""
        from claudia_core.services.frames import tasks_frame  # pandas costs half a second: only when asked for

        return tasks_frame(self.list(limit=limit, **filters).tasks)


def _statuses(value: str | Iterable[str]) -> Condition:
    try:
        return Status(value).value if isinstance(value, str) else [Status(item).value for item in value]
    except ValueError as error:
        raise InvalidValue(str(error), field="status", hint=f"use {', '.join(Status)}") from None
