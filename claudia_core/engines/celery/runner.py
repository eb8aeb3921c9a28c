"""Tasks of the hub in a Celery worker: the message, the claim, the handler, its time, and its end."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

from claudia_core.engines.handled import HandledTask, run, run_async
from claudia_core.engines.handlers import Handlers
from claudia_core.engines.port import Job
from claudia_core.engines.running import Running, too_long
from claudia_core.errors import StaleClaim, StoreUnavailable, TaskNotFound
from claudia_core.logs import get_logger
from claudia_core.model.task import Task, TaskError
from claudia_core.services.tasks.failures import failing
from claudia_core.services.tasks.holds import adopting, fenced
from claudia_core.services.tasks.moves import Move
from claudia_core.tracking import run as runs

log = get_logger(__name__)

NAME = "claudia.run"
"""The Celery task that runs a handler."""

LOOK = 0.1
"""Seconds between two looks whether a handler's time is over."""


class Hub(runs.Hub, Protocol):
    """What running a handler needs from the hub."""

    handlers: Handlers


class Runner:
    """Runs the handlers of a hub in this process.

    Args:
        hub: the hub.
        may_kill: whether work that does not stop may be ended with this process: another one takes its place.
    """

    def __init__(self, hub: Hub, may_kill: Callable[[], bool]) -> None:
        self._hub = hub
        self._may_kill = may_kill

    def run(self, task_id: str, claim: int) -> None:
        """Run a task if that claim of it still counts."""
        try:
            task = self._hub.tasks.move(task_id, fenced(adopting(self._hub.agent_id()), claim))
        except (StaleClaim, TaskNotFound) as refusal:
            log.info("a message came for a task that is somebody else's by now", task=task_id, error=str(refusal))
            return
        handler = self._hub.handlers.get(task.type)
        if handler is None:
            told = f"the Celery worker that took it has no handler for {task.type}: it imports another module"
            self._save(task, failing(TaskError("NoHandler", told), again=True))
            return
        job = Job(task, handler)
        keeper = Keeper(job, self._die if self._may_kill() else None)
        with keeper:
            if handler.engine == "asyncio":
                move = asyncio.run(run_async(self._hub, job, keeper.watch))
            else:
                move = run(self._hub, job, keeper.watch)
        keeper.running.end(move)
        self._save(task, keeper.running.settlement().move)

    def _save(self, task: Task, move: Move) -> None:
        end = fenced(move, task.claim)
        try:
            self._hub.tasks.move(task.id, end)
        except StaleClaim as refusal:
            log.info("an end was not saved: the claim does not count any more", task=task.id, error=str(refusal))
        except StoreUnavailable as error:
            log.warning("the store is away: an end is saved when it is back", task=task.id, error=str(error))
            self._hub.tasks.move_soon(task.id, end)

    def _die(self, running: Running) -> None:
        """End this process with the work in it that does not stop."""
        reason = running.reason or "it did not stop when it was asked to"
        running.end(failing(TaskError("Killed", reason, code="killed"), culprit=running.job.handler.place))
        self._save(running.job.task, running.settlement().move)
        os.kill(os.getpid(), signal.SIGKILL)


class Keeper:
    """Keeps the time of one job in a thread: asks the work to stop when it is over, and ends it after its grace."""

    def __init__(self, job: Job, die: Callable[[Running], None] | None) -> None:
        self.running = Running(job)
        self.running.start()
        self._die = die
        self._over = threading.Event()
        self._block: HandledTask | None = None
        self._thread = threading.Thread(target=self._keep, name="claudia-keeper", daemon=True)

    def watch(self, block: HandledTask) -> None:
        """The work begins."""
        self._block = block
        self.running.begin()
        self._thread.start()

    def __enter__(self) -> None:
        """Nothing: the time begins with the work."""

    def __exit__(self, *_: Any) -> None:
        self._over.set()

    def _keep(self) -> None:
        running, block = self.running, self._block
        assert block is not None, "it was given before the thread began"
        while not self._over.wait(LOOK):
            now = time.monotonic()
            if not running.is_asked and block.was_cancelled:
                running.ask(now, "it was cancelled and did not stop", None)
            look = running.next_look()
            if look is None or look > now:
                continue
            if not running.is_asked:
                running.ask(now, "its time is over", too_long(running.job))
                block.stop(running.reason)
            elif self._die is not None:
                self._die(running)
            else:
                return
