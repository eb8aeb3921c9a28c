"""A task that Celery runs, as a run of this process."""

from __future__ import annotations

from claudia_core.engines.celery import changes
from claudia_core.engines.celery.journal import Journal, Line
from claudia_core.model.task import Status, Task, TaskError
from claudia_core.services.tasks.moves import Move
from claudia_core.services.tasks.new_task import NewTask
from claudia_core.tracking.run import Hub
from claudia_core.tracking.task import TaskBlock


class CeleryRun(TaskBlock):
    """`claudia.current_task()` within a Celery task. It is saved without waiting: the worker does not stop for the hub.

    Args:
        hub: where it is told.
        new: the task.
        retries: how often Celery has tried it before.
        again: whether Celery delivered the task once more.
        journal: where it is noted before the hub has saved it.
    """

    def __init__(
        self, hub: Hub, new: NewTask, *, retries: int = 0, again: bool = False, journal: Journal | None = None
    ) -> None:
        super().__init__(hub, new, show=False)
        self._retries = retries
        self._again = again
        self._journal = journal

    @property
    def attempt(self) -> int:
        """Which attempt of the task this is, counted from 1."""
        return self._retries + 1 if self.saved is None else self.saved.attempt

    def finish(self, status: Status, move: Move) -> None:
        """End the run; soon it is saved."""
        self._end(status, move)

    def retry(self, error: BaseException | TaskError) -> None:
        """End the run; Celery is to run the task again."""
        self._end(Status.FAILED, changes.trying_again(error))
        self._write("retry")
        self.hub.tasks.note_soon(self._new, changes.retrying())  # a hub elsewhere was told of a failure only

    def _save_begin(self) -> None:
        self._write()
        agent_id = self.hub.agent_id()
        begin = changes.beginning(agent_id, retries=self._retries, again=self._again, begun=self._begun)
        self.hub.tasks.note_soon(self._new, begin)

    def _known_attempt(self) -> int | None:
        """Which attempt this is, once the store's thread has seen it begin."""
        return None if self.saved is None else self.saved.attempt

    def _begun(self, task: Task) -> None:
        """The store's thread saved, or is about to save, that this began."""
        self.saved = task
        if task.status is Status.CANCELLED:
            self.stop(task.progress.message)

    def _save_end(self, move: Move) -> None:
        self._write(move.name, str(move.values.get("message", "")))
        if not self.was_cancelled:
            self.hub.tasks.note_soon(self._new, changes.ending(move, self._known_attempt))

    def _write(self, end: str = "", error: str = "") -> None:
        if self._journal is not None:
            new = self._new
            line = Line(self.id, self.name, new.type, self.hub.agent_id(), self.attempt, end, error[:1_000])
            self._journal.note(line)
