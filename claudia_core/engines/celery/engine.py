"""The Celery engine: an agent's jobs are messages to the workers of a Celery app, which run their handlers.

A message holds the task's id and claim, and nothing else. The worker that takes it makes a claim of its own
(`holds.adopting`), so that a message which comes twice, late, or after the task was given to somebody else begins
nothing; from then on the task is the worker's, whose lease decides whether it is lost. So it does no harm to send a
message again, and that is done where none of the workers has taken one for a while: brokers forget, too.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Any

from kombu.exceptions import OperationalError

from claudia_core.engines.celery.runner import NAME
from claudia_core.engines.hub import Hub
from claudia_core.engines.port import Job, Outcome, Report
from claudia_core.errors import StoreClosed, StoreError
from claudia_core.logs import get_logger
from claudia_core.model.task import Status
from claudia_core.services.tasks.holds import releasing

log = get_logger(__name__)

LOOK = 0.1
"""Seconds between two looks at what waits for a worker."""

PAUSE = 1.0
"""Seconds to wait while the broker or the store is away."""

LONGEST = 600.0
"""Most seconds until a message that nobody took is sent again."""


@dataclass(slots=True)
class _Waiting:
    """A job that no worker has begun yet, and when its message is sent (`time.monotonic`)."""

    job: Job
    rest: float
    due: float = 0.0


class CeleryEngine:
    """Sends jobs to the workers of a Celery app; see the module.

    Args:
        app: the `celery.Celery` whose workers have the same handlers, because they import the same module.
        hub: the hub.
        report: told of a job when a worker has begun it.
        again: seconds after which a message that nobody took is sent again; each time twice as many.
    """

    hands_on = True

    def __init__(self, app: Any, hub: Hub, report: Report, *, again: float = 15.0) -> None:
        self._app = app
        self._hub = hub
        self._report = report
        self._again = again
        self._waiting: dict[str, _Waiting] = {}
        self._changed = threading.Event()
        self._is_closed = False
        self._is_away = False
        self._thread = threading.Thread(target=self._run, name="claudia-celery-engine", daemon=True)
        self._thread.start()

    def begin(self, job: Job) -> None:
        """See `Engine`."""
        self._waiting[job.id] = _Waiting(job, self._again)
        self._changed.set()

    def cancel(self, job: Job, reason: str) -> None:  # noqa: ARG002 - a worker reads it in the hub
        """See `Engine`: a message that still waits begins nothing then. Who has begun it learns of it from the hub."""
        if self._waiting.pop(job.id, None) is not None:
            self._report(Outcome(job, releasing()))

    def kill(self, job: Job, reason: str) -> bool:  # noqa: ARG002 - nothing of it runs here
        """See `Engine`."""
        self._waiting.pop(job.id, None)
        return True

    def close(self) -> None:
        """See `Engine`."""
        self._is_closed = True
        self._changed.set()
        if threading.current_thread() is not self._thread:
            self._thread.join(10.0)

    # --- the thread ------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._is_closed:
            self._changed.wait(LOOK if self._waiting else None)
            self._changed.clear()
            try:
                self._send()
                self._look()
                self._is_away = False
            except StoreClosed:
                return
            except (StoreError, OperationalError, OSError) as error:
                if not self._is_away:
                    log.warning("jobs wait: the broker or the store is away", error=str(error))
                self._is_away = True
                time.sleep(PAUSE)

    def _send(self) -> None:
        now = time.monotonic()
        due = [waiting for waiting in list(self._waiting.values()) if waiting.due <= now]
        for waiting in due:
            task = waiting.job.task
            self._app.send_task(NAME, (task.id, task.claim), task_id=task.id, ignore_result=True)
            waiting.due, waiting.rest = now + waiting.rest, min(LONGEST, 2 * waiting.rest)

    def _look(self) -> None:
        """Tell the agent of what is not its own any more: a worker has begun it, or it ended."""
        ids = list(self._waiting)
        found = self._hub.store.get_many("tasks", ids) if ids else {}
        for id in ids:
            document, waiting = found.get(id), self._waiting.get(id)
            if waiting is None:
                continue
            claim = waiting.job.task.claim
            if document is None or document["status"] != Status.ACTIVE or document["claim"] != claim:
                self._waiting.pop(id, None)
                self._report(Outcome(waiting.job, None))
