"""How far tasks have come: the coalesced path for high rates, the durable one for reports that must count."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from claudia_core.errors import TaskNotFound
from claudia_core.model.progress import Progress
from claudia_core.model.task import Task
from claudia_core.model.values import MAX_MESSAGE, clean_text, require_count
from claudia_core.ports import Document, Store, Transaction


@dataclass(frozen=True, slots=True)
class ProgressUpdate:
    """How far a task has come; None leaves a value as it is, or takes any attempt."""

    task_id: str
    current: float | None = None
    total: float | None = None
    message: str | None = None
    attempt: int | None = None

    @property
    def key(self) -> str:
        """Of several waiting updates with one key only the last counts."""
        return self.task_id if self.attempt is None else f"{self.task_id}/{self.attempt}"

    def checked(self) -> ProgressUpdate:
        """This with every value in its plain form.

        Raises:
            InvalidValue: a number is negative, not finite or above 2**53.
        """
        return replace(
            self,
            current=None if self.current is None else require_count(self.current, "current"),
            total=None if self.total is None else require_count(self.total, "total"),
            message=None if self.message is None else clean_text(self.message, MAX_MESSAGE),
        )


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
        checked = ProgressUpdate(task_id, current, total, message, attempt).checked()
        self._store.post(checked.key, lambda tx: _note(tx, checked))

    def report_many(self, updates: Iterable[ProgressUpdate]) -> int:
        """Note the progress of several tasks in one transaction; returns how many moved once that is saved.

        As with `update`, one that is late, of an earlier attempt, or of a task that ended or does not exist is dropped.

        Raises:
            InvalidValue: a number is negative, not finite or above 2**53.
        """
        checked = [update.checked() for update in updates]
        return self._store.write(lambda tx: sum(_note(tx, update) for update in checked)).result()

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


def _note(tx: Transaction, update: ProgressUpdate) -> bool:
    document = tx.get("tasks", update.task_id)
    if document is None or update.attempt not in (None, document["attempt"]):
        return False
    task = Task.from_document(document)
    return advance(tx, task, update.current, update.total, update.message) is not task


def advance(tx: Transaction, task: Task, current: float | None, total: float | None, message: str | None) -> Task:
    """Note progress of a task within a transaction; returns this same object where the update is late or too late."""
    if task.status.is_terminal:
        return task
    progress = task.progress.advanced(tx.now, current=current, total=total, message=message, since=task.started_at)
    if progress is task.progress:
        return task
    moved = task.changed(tx.now, progress=progress, stalled_at=None)
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


def after(row: Document, data: Document) -> Document:
    """A task's document as it is after `progress:updated` with that data."""
    progress = {key: data[key] for key in row["progress"]}
    moved = {**row, "progress": progress, "version": data["version"], "updated_at": data["updated_at"]}
    if row.get("stall_after") is None:
        return moved
    return Task.from_document({**moved, "stalled_at": None}).to_summary()  # there are news
