"""Tasks: the only place where they change. Every change and its events are saved in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any

from claudia_core.errors import ClaudiaError
from claudia_core.model.looks import tasks_html
from claudia_core.model.task import Status, Task, TaskError
from claudia_core.model.times import utc_now
from claudia_core.model.values import MAX_MESSAGE, clean_text, require_count
from claudia_core.ports import Query, Store, Transaction
from claudia_core.services import rollups
from claudia_core.services.dated import Dated
from claudia_core.services.tasks import failures, holds, moves
from claudia_core.services.tasks.listing import Listing
from claudia_core.services.tasks.moves import Move
from claudia_core.services.tasks.new_task import NewTask
from claudia_core.services.tasks.progress import advance

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["RERUN_OF", "NewTask", "TaskPage", "Tasks"]

TOGETHER = 20
"""Tasks whose children are looked for by one question."""

RERUN_OF = "rerun_of"
"""The label of a task that was made by `Tasks.rerun`: the id of the one it is like."""


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
        self._notes = count()  # so that no note takes the place of another one that waits

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

        def work(tx: Transaction) -> list[Task]:
            tx.prefetch("tasks", [new.id for new in checked if new.id is not None])
            return [moves.create(tx, new, start) for new in checked]

        return self._store.write(work).result()

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
        self,
        id: str,
        current: float | None = None,
        *,
        total: float | None = None,
        message: str | None = None,
        claim: int | None = None,
    ) -> Task:
        """Note progress and return once it is saved. Lower than before is late, and dropped.

        Raises:
            TaskNotFound: there is no such task.
            StaleClaim: the `claim` that was given does not count any more.
            InvalidValue: a number is negative, not finite or above 2**53.
        """
        current = None if current is None else require_count(current, "current")
        total = None if total is None else require_count(total, "total")
        text = None if message is None else clean_text(message, MAX_MESSAGE)

        def work(tx: Transaction) -> Task:
            before = moves.load(tx, id)
            if claim is not None:
                holds.require_claim(before, claim)
            task = advance(tx, before, current, total, text)
            if task is not before:
                tx.emit("task:progress", id, {"task_id": id, "current_step": task.progress.current, "message": text})
            return task

        return self._store.write(work).result()

    def complete(self, id: str, result: Any = None, *, claim: int | None = None) -> Task:
        """An active task becomes completed, with its result (JSON values).

        Raises:
            TaskNotFound: there is no such task.
            StaleClaim: the `claim` that was given does not count any more.
            IllegalTransition: it is not active.
            InvalidValue, TooLarge: the result is not JSON or too large.
        """
        return self.move(id, _fenced(moves.completing(result), claim))

    def fail(
        self, id: str, error: BaseException | TaskError | str, *, result: Any = None, claim: int | None = None
    ) -> Task:
        """A pending or active task becomes failed, and its error is reported.

        Raises:
            TaskNotFound: there is no such task.
            StaleClaim: the `claim` that was given does not count any more.
            IllegalTransition: it ended before.
        """
        return self.move(id, _fenced(failures.failing(error, result), claim))

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

    def rerun(self, id: str, **changes: Any) -> Task:
        """Make a new pending task like this one, whatever became of it; its label `rerun_of` tells where it is from.

        It has the name, type, payload, tags, labels, unit, total and attempts of the original, and no parent.
        `changes` are fields of `NewTask` that are to be others, such as `payload`.

        Raises:
            TaskNotFound: there is no such task.
            InvalidValue, TooLarge: a value breaks a rule; `field` names it.
        """
        before = self.get(id)
        like = {
            "name": before.name, "type": before.type, "payload": before.payload, "tags": before.tags,
            "labels": before.labels, "unit": before.progress.unit, "estimated_steps": before.progress.total,
            "attempts": before.attempts, "priority": before.priority, "stall_after": before.stall_after,
        }  # fmt: skip
        values = {**like, **changes}
        values["labels"] = {**(values["labels"] or {}), RERUN_OF: id}
        return self.create(**values)

    def move_each(self, ids: Iterable[str], move: Callable[[], Move]) -> dict[str, Task | ClaudiaError]:
        """Make a change of several tasks, each by itself: the task as it is then, or why it was refused, by id."""
        waiting = {id: self._store.write(partial(_moved, id, move())) for id in dict.fromkeys(ids)}
        return {id: _outcome(future) for id, future in waiting.items()}

    def move(self, id: str, move: Move) -> Task:
        """Make one of the changes in `services.moves` and return once it is saved.

        Raises:
            TaskNotFound: there is no such task.
            IllegalTransition: the task's status does not allow it.
        """
        return self._store.write(partial(_moved, id, move)).result()

    def move_soon(self, id: str, move: Move) -> None:
        """The same as soon as the store can, without waiting for it. A change that turns out illegal is logged."""
        self._store.post(f"{id}/{move.key}", lambda tx: move(tx, moves.load(tx, id)))

    def note_soon(self, new: NewTask, move: Move | None = None, *, at: datetime | None = None) -> None:
        """Note what happened to a task elsewhere, `at` that time or now, as soon as the store can.

        A task that is not there is made first; it gets its parent as soon as that is known, too. `new` is checked: it
        is given with each change, and to check it each time would cost more than all the rest.
        """
        moment = utc_now() if at is None else at

        def work(tx: Transaction) -> Task:
            then = Dated(tx, moment)
            task = moves.told_of(then, new)
            return task if move is None else move(then, task)

        self._store.post(f"{new.id}/note/{next(self._notes)}", work)

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

    def below(self, id: str, *, limit: int = 500) -> list[Task]:
        """All tasks below a task, level by level, without their content; at most `limit`."""
        found: list[Task] = []
        level = [id]
        while level and len(found) < limit:
            some, level = level[:TOGETHER], level[TOGETHER:]
            rest = limit - len(found)
            page = self._store.find(Query("tasks", {"parent_id": some}, "id", limit=min(rest, 10_000)))
            found += [Task.from_document(document) for document in page.documents]
            level += [document["id"] for document in page.documents]
        return found

    def list(
        self,
        *,
        status: Status | str | Iterable[str] | None = None,
        type: str | Iterable[str] | None = None,
        name: str | None = None,
        tag: str | None = None,
        parent_id: str | None = None,
        roots: bool = False,
        agent_id: str | None = None,
        since: datetime | None = None,
        order: str | None = None,
        limit: int = 100,
        after: str | None = None,
    ) -> TaskPage:
        """A page of tasks without their content.

        Args:
            status: one status, or several.
            type: one type, or several.
            name: what the name begins with; case does not matter. Such a page is ordered by name by default.
            tag: only tasks with this tag.
            parent_id: only children of this task.
            roots: only tasks without a parent.
            agent_id: only tasks of this agent.
            since: only tasks that something happened to since then.
            order: `id` (time of making), `updated_at`, `started_at`, `finished_at`, `duration` (of those that ended),
                `name`, `status` or `type`; a leading `-` turns it round. Newest first by default. What a task does
                not have yet comes first, or last with `-`.
            limit: most tasks of the page, 1 to 10,000.
            after: the `next` of the page before.

        Raises:
            InvalidValue: an unknown status or order, or a limit out of range.
            BadCursor: `after` is not the `next` of a page in this order.
        """
        listing = Listing(
            status=status, type=type, name=name, tag=tag, parent_id=parent_id, roots=roots, agent_id=agent_id,
            since=since, order=order, limit=limit, after=after,
        )  # fmt: skip
        page = self._store.find(listing.query())
        return TaskPage([Task.from_document(document) for document in page.documents], page.next)

    def children(self, id: str, *, limit: int = 1_000, after: str | None = None) -> TaskPage:
        """The tasks directly below a task, in the order they were made, without their content."""
        return self.list(parent_id=id, order="id", limit=limit, after=after)

    def counts(self) -> dict[Status, int]:
        """How many tasks are in each status now; costs the same with any number of tasks."""
        found = {sample.series: sample.value for sample in self._store.samples(map(rollups.present, Status), 0, 1)}
        return {status: int(found.get(rollups.present(status), 0)) for status in Status}

    def types(self, prefix: str = "", *, limit: int = 200) -> dict[str, int]:
        """The types of task there are that begin with `prefix`, each with how many tasks were made of it.

        In the order of the alphabet; costs the same with any number of tasks.
        """
        return self._series(rollups.TYPES, prefix, limit)

    def tags(self, prefix: str = "", *, limit: int = 200) -> dict[str, int]:
        """The same for tags."""
        return self._series(rollups.TAGS, prefix, limit)

    def _series(self, series: str, prefix: str, limit: int) -> dict[str, int]:
        found = self._store.totals(series + prefix, limit)
        return {sample.series.removeprefix(series): int(sample.value) for sample in found}

    def frame(self, *, limit: int = 10_000, **filters: Any) -> pd.DataFrame:
        """Tasks as a DataFrame, one row each, newest first; `filters` as in `list`. Times: UTC, durations: seconds."""
        from claudia_core.services.tasks.frames import tasks_frame  # pandas costs half a second: only when asked for

        return tasks_frame(self.list(limit=limit, **filters).tasks)


def _fenced(move: Move, claim: int | None) -> Move:
    return move if claim is None else holds.fenced(move, claim)


def _moved(id: str, move: Move, tx: Transaction) -> Task:
    return move(tx, moves.load(tx, id))


def _outcome(future: Future[Task]) -> Task | ClaudiaError:
    try:
        return future.result()
    except ClaudiaError as error:
        return error
