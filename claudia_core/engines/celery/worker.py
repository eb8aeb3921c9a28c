"""A Celery worker as an agent of the hub: its heartbeat, what is cancelled in the hub, what it forgot."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from celery import states
from celery.worker import state

from claudia_core.capture.joining import spool_folder
from claudia_core.engines.celery import changes
from claudia_core.engines.celery.journal import left_behind
from claudia_core.engines.celery.messages import TAG, celery_id, celery_id_of
from claudia_core.errors import ClaudiaError
from claudia_core.logs import get_logger
from claudia_core.model.event import Event
from claudia_core.model.ids import new_id
from claudia_core.model.task import Status, Task
from claudia_core.model.values import MAX_NAME
from claudia_core.pulse import Duty, Pulse
from claudia_core.services.agents import NewAgent
from claudia_core.services.tasks.failures import failing
from claudia_core.services.tasks.new_task import NewTask

if TYPE_CHECKING:
    from claudia_core.engines.celery.observer import Hub

log = get_logger(__name__)

LOOK = 0.5
"""Seconds between two looks for tasks that were cancelled in the hub."""

MOST = 500
"""Most events of one look."""

BEFORE = 1_000
"""Cancelled tasks that a worker which begins is told of: their messages may still wait for it."""

SOFT = "SIGUSR1"
"""What raises SoftTimeLimitExceeded in a task, so that it can clean up."""


class Worker:
    """Looks after one worker, in its own process, which forks those that run tasks.

    Args:
        app: the Celery app.
        hub: the hub.
        worker: Celery's `WorkController`.
    """

    def __init__(self, app: Any, hub: Hub, worker: Any) -> None:
        self._app = app
        self._hub = hub
        self._name = str(worker.hostname)
        self._forks = "prefork" in str(getattr(worker.pool_cls, "__module__", worker.pool_cls))
        self.agent_id = new_id()
        self._is_known = False
        self._position: int | None = None
        self._suspects: set[str] = set()
        self._pulse = Pulse()

    def begin(self) -> None:
        """Be an agent from now on; a hub that is away hears of it later."""
        hub = self._hub
        hub.work_as(self.agent_id)
        try:
            self._beat()
        except ClaudiaError as error:
            log.warning("the hub is away: it will hear of this worker later", worker=self._name, error=str(error))

    def watch(self) -> None:
        """The pool is there, so threads may begin: heartbeats, and looks for what is cancelled or was forgotten."""
        settings = self._hub.settings
        self._pulse.add(Duty("heartbeat", settings.heartbeat, self._beat))
        self._pulse.add(Duty("reap", settings.heartbeat, self._hub.agents.watch))
        self._pulse.add(Duty("cancelled", LOOK, self._revoke_cancelled))
        self._pulse.add(Duty("forgotten", settings.lease, self._tell_forgotten))

    def end(self) -> None:
        """The worker ends in good order. What it did not finish is lost to it: Celery may give that to another."""
        self.stop()
        for task in self._active():
            self._hub.tasks.move_soon(task.id, changes.ending(failing(changes.lost("its worker was stopped"))))
        try:
            self._hub.flush(self._hub.settings.shutdown_timeout)
            self._hub.agents.leave(self.agent_id)
        except (ClaudiaError, TimeoutError) as error:
            log.warning("the hub was not told that a worker ended", worker=self._name, error=str(error))

    def stop(self) -> None:
        """End the thread."""
        self._pulse.stop()

    def _beat(self) -> None:
        if self._is_known:
            self._hub.agents.heartbeat(self.agent_id)
            return
        lease = self._hub.settings.lease
        host = socket.gethostname()
        new = NewAgent(id=self.agent_id, name=self._name[:MAX_NAME], host=host, pid=os.getpid(), lease=lease)
        self._hub.agents.enrol(new)
        self._is_known = True

    # --- what is cancelled in the hub -----------------------------------------------------------------------------

    def _revoke_cancelled(self) -> None:
        """Revoke, at this worker, what was cancelled in the hub since the last look; each does so for itself."""
        if self._position is None:
            position = self._hub.store.head()
            before = self._hub.tasks.list(status=Status.CANCELLED, tag=TAG, limit=BEFORE).tasks
            self._revoke([celery_id_of(task) for task in before if task.progress.message not in changes.REASONS])
            self._position = position
        while True:
            found = self._hub.store.events(self._position, MOST, ("task:cancelled",))
            self._revoke([celery_id(event.subject, event.data["labels"]) for event in found.events if _is_ours(event)])
            self._position = found.position
            if len(found.events) < MOST:
                return

    def _revoke(self, ids: list[str]) -> None:
        if not ids:
            return
        how: dict[str, Any] = {"terminate": True, "signal": SOFT} if self._forks else {}
        self._app.control.revoke(ids, destination=[self._name], **how)

    # --- what it forgot -------------------------------------------------------------------------------------------

    def _tell_forgotten(self) -> None:
        """End the tasks whose process was killed before it could tell their end, at the second look that finds them."""
        self._tell_left_behind()
        works_on = _active_ids()
        idle = {task.id: task for task in self._active() if celery_id_of(task) not in works_on}
        for task in idle.values():
            if task.id in self._suspects:
                self._hub.tasks.move_soon(task.id, self._end_of(task))
        self._suspects = set(idle)

    def _tell_left_behind(self) -> None:
        """What processes of this machine noted that are gone: this worker's own, and of workers that were killed."""
        folder = journal_folder(self._hub)
        for path, lines in () if folder is None else left_behind(folder):
            for line in lines:
                if line.end != "retry":
                    new = NewTask(id=line.id, name=line.name, type=line.type, tags=(TAG,)).checked()
                    self._hub.tasks.note_soon(new, changes.recovered(line))
            self._hub.flush()
            path.unlink(missing_ok=True)

    def _end_of(self, task: Task) -> Any:
        """How the task ended, as Celery's results say, or that it is lost."""
        if self._app.backend.__class__.__name__ != "DisabledBackend":
            found = self._app.AsyncResult(celery_id_of(task))
            if found.state == states.SUCCESS:
                return changes.completing(None)
        return changes.dropping(self.agent_id, changes.lost("its process stopped without telling how it ended"))

    def _active(self) -> Iterable[Task]:
        return self._hub.tasks.list(status=Status.ACTIVE, agent_id=self.agent_id, limit=MOST).tasks


def journal_folder(hub: Hub) -> Path | None:
    """Where processes note what they run; beside where errors wait, and nowhere for a hub in memory."""
    spool = spool_folder(hub.settings.spool, hub.store.url)
    return None if spool is None else spool.with_name(f"celery-{spool.name}")


def _is_ours(event: Event) -> bool:
    """Whether a cancelled task is Celery's and was not cancelled by Celery itself."""
    return TAG in event.data["tags"] and event.data["progress"]["message"] not in changes.REASONS


def _active_ids() -> set[str]:
    """The tasks that this worker works on; its main thread changes them meanwhile."""
    while True:
        try:
            return {request.id for request in list(state.active_requests)}
        except RuntimeError:  # changed while it was copied
            continue
