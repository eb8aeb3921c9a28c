"""Observing a Celery app: each of its tasks is a task of the hub, whoever sends it and whichever worker runs it.

    app = Celery("proj", broker="amqp://...")
    claudia = Claudia("http://hub:5006", api_key="...")
    claudia.observe(app)

The two lines stand where the app is made, so that every process that uses it has them: those that send tasks, workers,
and the processes that workers fork, in which the hub is opened anew. What cannot be told never stops a task.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Mapping
from typing import Any, Protocol

from claudia_core.engines.celery import changes
from claudia_core.engines.celery.endings import Bare, cause, was_revoked, was_terminated
from claudia_core.engines.celery.journal import Journal
from claudia_core.engines.celery.messages import Describer, hub_id
from claudia_core.engines.celery.new_ids import make_ids_sort
from claudia_core.engines.celery.run import CeleryRun
from claudia_core.engines.celery.runner import NAME, Runner
from claudia_core.engines.celery.signals import Signals
from claudia_core.engines.celery.states import on_update_state, progress_of
from claudia_core.engines.celery.worker import Worker, journal_folder
from claudia_core.engines.handlers import Handlers
from claudia_core.errors import ClaudiaError
from claudia_core.logs import get_logger
from claudia_core.model.task import Status, TaskError
from claudia_core.model.times import utc_now
from claudia_core.ports import Store
from claudia_core.services.agents import Agents
from claudia_core.services.tasks.failures import failing
from claudia_core.services.tasks.moves import Move, cancelling
from claudia_core.services.tasks.new_task import NewTask
from claudia_core.settings import Settings
from claudia_core.tracking.run import Hub as RunHub
from claudia_core.tracking.run import current_run

log = get_logger(__name__)

PAUSE = 10.0
"""Seconds between two tries to open a hub that could not be opened."""


class Hub(RunHub, Protocol):
    """What observing needs from the hub."""

    store: Store
    handlers: Handlers
    agents: Agents
    settings: Settings

    @property
    def errors(self) -> Any:
        """Its scrubber takes secrets out of arguments."""
        ...

    @property
    def is_of_this_process(self) -> bool:
        """False in a process that was forked since."""
        ...

    def reopen(self) -> None:
        """Open it anew in a forked process."""
        ...

    def work_as(self, agent_id: str) -> None:
        """Tasks run here belong to an agent that somebody else keeps alive."""
        ...

    def flush(self, timeout: float = 30.0) -> None:
        """Wait until everything is saved."""
        ...

    def close(self) -> None:
        """Save what waits, let go of everything."""
        ...


class CeleryObserver:
    """Tells a hub what a Celery app does in this process.

    Args:
        app: the `celery.Celery`.
        hub: where it is told.
    """

    def __init__(self, app: Any, hub: Hub) -> None:
        self.app = app
        self._hub = hub
        self._sending = threading.local()
        self._runs: dict[tuple[str, int], CeleryRun] = {}  # by Celery's id and how often it was tried before
        self._worker: Worker | None = None
        self._agent_id: str | None = None
        self._worker_limit: float | None = None
        self._try_at = 0.0
        self._journal: Journal | None = None
        self._is_forked = False
        self._describer = Describer(hub.errors.scrubber)
        self._signals = Signals(self)
        make_ids_sort()
        self._runner = Runner(hub, lambda: self._is_forked)
        app.task(name=NAME, ignore_result=True)(self.run)
        self._forget_states = on_update_state(app, self._on_state)

    def stop(self) -> None:
        """Observe no more."""
        self._signals.disconnect()
        self._forget_states()
        if self._worker is not None:
            self._worker.stop()

    # --- the sending side -----------------------------------------------------------------------------------------

    def sending(self, headers: Mapping[str, Any]) -> None:
        """A message is about to be sent by this thread: a worker may begin its task before that returns."""
        self._sending.began = utc_now()
        retries = headers.get("retries") or 0
        run = self._runs.get((str(headers.get("id")), retries - 1))
        if run is not None and run.is_open:
            run.retry(sys.exception() or TaskError("Retry", "Celery runs it again"))

    def sent(self, name: str, headers: Mapping[str, Any], body: Any, queue: str) -> None:
        """A message was sent: its task waits."""
        if headers.get("retries") or name == NAME or not self._is_open():  # a retry is known by what its run told
            return
        parent = current_run(self._hub)
        new = self._describer.sent(name, headers, body, queue, None if parent is None else parent.id)
        if new is not None:
            self._hub.tasks.note_soon(new.checked(), at=getattr(self._sending, "began", None))

    # --- the running side, in whichever process runs the task -----------------------------------------------------

    def begun(self, task: Any, args: Any, kwargs: Any) -> None:
        """A task begins in this thread."""
        request = task.request
        if not self._is_open() or task.name == NAME:
            return
        parent = current_run(self._hub) if request.is_eager else None
        new = self._describer.taken(task, request, args, kwargs, None if parent is None else parent.id)
        again = bool((request.delivery_info or {}).get("redelivered"))
        journal = None if request.is_eager else self._journal_of_worker()
        run = CeleryRun(self._hub, new, retries=request.retries or 0, again=again, journal=journal)
        self._runs[_key(request)] = run
        run.begin()

    def succeeded(self, task: Any, result: Any) -> None:
        """The task of this thread is done."""
        run = self._runs.get(_key(task.request))
        if run is not None:
            outcome = None if task.ignore_result else self._describer.plain(result)
            run.finish(Status.COMPLETED, changes.completing(outcome))

    def failed(self, task: Any, id: str, error: BaseException, args: Any, kwargs: Any) -> None:
        """A task failed in this thread, or its process was lost, as the worker says."""
        run = self._runs.get(_key(task.request))
        if task.name == NAME:
            if self._agent_id is not None:
                self._hub.tasks.move_soon(hub_id(id), changes.dropping(self._agent_id, cause(error)))
        elif run is None or not run.is_open:  # its process is gone, or a retry could not be sent
            self._tell(task, task.request_stack.top or Bare(id), changes.ending(failing(cause(error))), args, kwargs)
        elif was_terminated(error, task.request, self._soft_limit(task), run.seconds):
            run.finish(Status.CANCELLED, cancelling(changes.TERMINATED))
        else:
            run.finish(Status.FAILED, failing(error))

    def retried(self, request: Any, reason: Any) -> None:
        """A task is to be done again, which is told already; only now Celery says why."""
        run, error = self._runs.get(_key(request)), getattr(reason, "exc", None)
        if run is not None and isinstance(error, BaseException):
            self._hub.errors.capture(error, task_id=run.id, level="warning", kind="celery_retry")

    def left(self, request: Any, state: str) -> None:
        """A task's run is over; most have ended before."""
        run = self._runs.pop(_key(request), None)
        if run is None or not run.is_open:
            return
        if state == "IGNORED":
            run.finish(Status.COMPLETED, changes.completing(None))
        else:
            run.finish(Status.CANCELLED, cancelling(f"{(state or 'left').lower()} in Celery"))

    def run(self, task_id: str, claim: int) -> None:
        """Run a task of the hub, which an agent sent here; see `engine`."""
        if self._is_open():
            self._runner.run(task_id, claim)

    # --- the worker's own process ---------------------------------------------------------------------------------

    def worker_began(self, worker: Any) -> None:
        """This process is a worker: it will fork the processes that run tasks, or run them itself."""
        if self._is_open():
            self._worker = Worker(self.app, self._hub, worker)
            self._agent_id, self._worker_limit = self._worker.agent_id, worker.soft_time_limit
            self._worker.begin()

    def worker_ready(self) -> None:
        """It takes tasks from now on."""
        if self._worker is not None:
            self._worker.watch()

    def worker_ended(self) -> None:
        """It took its last task."""
        if self._worker is not None:
            self._worker.end()
            self._worker = None
            self._close_journal()

    def process_ended(self) -> None:
        """A forked process is about to end."""
        if self._hub.is_of_this_process:
            self._close_journal()
            self._hub.close()

    def revoked(self, task: Any, request: Any, terminated: bool, expired: bool) -> None:
        """A task was revoked, or expired, as the worker says."""
        if terminated and not was_revoked(request.id):
            move = failing(changes.lost("its process was killed"))
        else:
            move = cancelling(changes.EXPIRED if expired else changes.TERMINATED if terminated else changes.REVOKED)
        self._tell(task, request, changes.ending(move), request.args, request.kwargs)

    def unknown(self, name: str, id: str, error: BaseException) -> None:
        """A worker was sent a task that its app does not have."""
        if self._is_open():
            cause = TaskError("NotRegistered", f"no worker of this app has the task {name}: {error}"[:2_000])
            self._hub.tasks.note_soon(NewTask(id=hub_id(id), name=name[:200]).checked(), changes.ending(failing(cause)))

    def _soft_limit(self, task: Any) -> float | None:
        limit: float | None = task.soft_time_limit or self._worker_limit or self.app.conf.task_soft_time_limit
        return limit

    def _journal_of_worker(self) -> Journal | None:
        """Where this process of a worker notes what it runs; None where there is no place for it."""
        if self._journal is None and self._agent_id is not None:
            folder = journal_folder(self._hub)
            self._journal = None if folder is None else Journal(folder, self._hub.flush)
        return self._journal

    def _close_journal(self) -> None:
        """Take this process's notes away once they are saved; else they stay, and are told later."""
        journal, self._journal = self._journal, None
        if journal is not None:
            try:
                self._hub.flush(self._hub.settings.shutdown_timeout)
            except ClaudiaError as error:
                log.warning("what was noted on disk is told later", error=str(error))
            else:
                journal.close()

    # --- in common ------------------------------------------------------------------------------------------------

    def _on_state(self, id: str, retries: int, state: str, meta: Any) -> None:
        """A task told its state itself."""
        current, total, message = progress_of(state, meta)
        run = self._runs.get((id, retries))
        if run is not None:
            run.progress(current, total=total, message=message)
        elif self._is_open():
            self._hub.progress.update(hub_id(id), current, total=total, message=message)

    def _tell(self, task: Any, request: Any, move: Move, args: Any, kwargs: Any) -> None:
        if self._is_open():
            self._hub.tasks.note_soon(self._describer.taken(task, request, args, kwargs).checked(), move)

    def _is_open(self) -> bool:
        """Whether the hub can be told; in a forked process it is opened first."""
        if self._hub.is_of_this_process:
            return True
        if time.monotonic() < self._try_at:
            return False
        try:
            self._hub.reopen()
        except ClaudiaError as error:
            self._try_at = time.monotonic() + PAUSE
            log.warning("a worker's process cannot tell its tasks", pid=os.getpid(), error=str(error))
            return False
        self._runs.clear()
        self._journal = None
        self._is_forked = self._worker is not None
        self._worker = None  # it is the parent's, but the tasks that run here are its tasks
        if self._agent_id is not None:
            self._hub.work_as(self._agent_id)
        return True


def _key(request: Any) -> tuple[str, int]:
    return str(request.id), request.retries or 0
