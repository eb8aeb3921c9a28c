"""How far tasks have come: the coalesced path for high rates, the durable one for reports that must count."""

from __future__ import annotations

from claudia_core.errors import TaskNotFound
from claudia_core.model.progress import Progress
from claudia_core.model.task import Task
from claudia_core.model.values import MAX_MESSAGE, clean_text, require_count
from claudia_core.ports import Store, Transaction


class ProgressService:
    """Creates, updates and completes the progress of tasks."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def get(self, task_id: str) -> Progress:
        """The progress of a task.

        Raises:
            TaskNotFound: there is no such task.
        """
        found = self._store.get("tasks", task_id)
        if found is None:
            raise _unknown(task_id)
        return Progress.from_document(found["progress"])

    def create(self, task_id: str, *, total: float | None = None, message: str = "") -> Progress:
        """Set a task's total and first message before it moves.

        Raises:
            TaskNotFound: there is no such task.
            InvalidValue: the total is not a number from 0 on.
        """
        return self.report_progress(task_id, total=total, message=message)

    def update(
        self,
        task_id: str,
        current: float | None = None,
        *,
        total: float | None = None,
        message: str | None = None,
        attempt: int | None = None,
    ) -> None:
        """Note progress soon: returns at once, and of several updates of one task only the last is kept.

        An update that is late, of an earlier attempt, or of a task that ended or does not exist is dropped.

        Raises:
            InvalidValue: a number is negative, not finite or above 2**53.
        """
        current = None if current is None else require_count(current, "current")
        total = None if total is None else require_count(total, "total")
        text = None if message is None else clean_text(message, MAX_MESSAGE)

        def work(tx: Transaction) -> None:
            document = tx.get("tasks", task_id)
            if document is not None and attempt in (None, document["attempt"]):
                advance(tx, Task.from_document(document), current, total, text)

        self._store.post(task_id if attempt is None else f"{task_id}/{attempt}", work)

    def report_progress(
        self,
        task_id: str,
        current: float | None = None,
        *,
        total: float | None = None,
        message: str | None = None,
    ) -> Progress:
        """Note progress and return once it is saved: the bridge for updates from outside.

        Raises:
            TaskNotFound: there is no such task.
            InvalidValue: a number is negative, not finite or above 2**53.
        """
        current = None if current is None else require_count(current, "current")
        total = None if total is None else require_count(total, "total")
        text = None if message is None else clean_text(message, MAX_MESSAGE)

        def work(tx: Transaction) -> Progress:
            return advance(tx, _load(tx, task_id), current, total, text).progress

        return self._store.write(work).result()

    def complete(self, task_id: str) -> Progress:
        """Note that all of a task's total is done; the progress of a task that ended stays as it is.

        Raises:
            TaskNotFound: there is no such task.
        """

        def work(tx: Transaction) -> Progress:
            task = _load(tx, task_id)
            if task.status.is_terminal:
                return task.progress
            done = task.changed(tx.now, progress=task.progress.finished(tx.now))
            _save(tx, done)
            return done.progress

        return self._store.write(work).result()


def advance(tx: Transaction, task: Task, current: float | None, total: float | None, message: str | None) -> Task:
    """Note progress of a task within a transaction; returns this same object where the update is late or too late."""
    if task.status.is_terminal:
        return task
    progress = task.progress.advanced(tx.now, current=current, total=total, message=message, since=task.started_at)
    if progress is task.progress:
        return task
    moved = task.changed(tx.now, progress=progress)
    _save(tx, moved)
    return moved


def _load(tx: Transaction, task_id: str) -> Task:
    document = tx.get("tasks", task_id)
    if document is None:
        raise _unknown(task_id)
    return Task.from_document(document)


def _unknown(task_id: str) -> TaskNotFound:
    return TaskNotFound(f"no task {task_id!r:.80}", field="task_id")


def _save(tx: Transaction, task: Task) -> None:
    tx.put("tasks", task.to_summary())
    data = {"task_id": task.id, "name": task.name, "parent_id": task.parent_id, "version": task.version}
    tx.emit("progress:updated", task.id, {**data, **task.progress.to_document()})
