"""Processes: each job in another process, so that several cores are used, and a job can be killed.

The processes are kept and used again. They are started, not forked: a fork of a process with threads and open files
would be a bad copy. (https://docs.python.org/3/library/multiprocessing.html#contexts-and-start-methods)
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from contextlib import suppress
from multiprocessing.context import SpawnProcess

from claudia_core.engines.hub import Hub
from claudia_core.engines.local.child import BEGUN, CANCEL, ENDED, serve
from claudia_core.engines.local.orders import End, move_of, order_of
from claudia_core.engines.port import Begun, Job, Outcome, Report
from claudia_core.errors import StoreError
from claudia_core.logs import get_logger
from claudia_core.model.task import TaskError
from claudia_core.services.tasks.failures import failing
from claudia_core.services.tasks.moves import Move

log = get_logger(__name__)

STARTING = 120.0
"""Most seconds until a new process is ready."""

LOOK = 0.2
"""Seconds between two looks whether a process that says nothing still lives."""

_spawn = multiprocessing.get_context("spawn")


class Gone(Exception):
    """The process has ended."""


class Child:
    """A process that runs jobs, seen from its agent."""

    def __init__(self) -> None:
        self._pipe, theirs = _spawn.Pipe()
        self.process: SpawnProcess = _spawn.Process(target=serve, args=(theirs,), name="claudia-child", daemon=False)
        self.process.start()
        theirs.close()
        self._sending = threading.Lock()
        self.is_ready = False

    def hear(self, timeout: float | None = None) -> tuple[str, object]:
        """What it says next.

        Raises:
            Gone: it has ended.
            TimeoutError: it said nothing in time.
        """
        until = None if timeout is None else time.monotonic() + timeout
        try:
            while not self._pipe.poll(LOOK):
                # A pipe that the handler's own forks hold stays open: so the process itself is asked, too.
                if not self.process.is_alive() and not self._pipe.poll(0):
                    raise Gone
                if until is not None and time.monotonic() > until:
                    raise TimeoutError
            said: tuple[str, object] = self._pipe.recv()
        except (EOFError, OSError) as error:
            raise Gone from error
        return said

    def tell(self, what: object) -> None:
        """Say something to it. To one that has ended it means nothing."""
        with self._sending, suppress(OSError):
            self._pipe.send(what)

    def kill(self) -> None:
        """End it now, with what it began."""
        with suppress(ProcessLookupError, PermissionError):
            if self.is_ready and self.process.pid:
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.kill()
        self.process.join(5.0)
        with suppress(OSError):
            self._pipe.close()

    def how(self) -> str:
        """How it ended, in words."""
        self.process.join(5.0)
        code = self.process.exitcode
        if code is not None and code < 0:
            name = signal.Signals(-code).name
            return f"its process was killed by {name}" + (", as when memory runs out" if name == "SIGKILL" else "")
        return f"its process exited with code {code}"


class ProcessEngine:
    """Runs functions that other processes can import."""

    def __init__(self, hub: Hub, report: Report) -> None:
        if hub.store.url.startswith("memory:"):
            raise StoreError("a store in memory is not seen by other processes", hint="use a file: Claudia('hub.db')")
        self._hub = hub
        self._report = report
        self._idle: list[Child] = []
        self._busy: dict[str, Child] = {}
        self._asked: dict[str, str | None] = {}
        self._killed: set[str] = set()
        self._lock = threading.Lock()
        self._closed = False

    def begin(self, job: Job) -> None:
        """See `Engine`."""
        self._asked[job.id] = None
        threading.Thread(target=self._drive, args=(job,), name=f"claudia-job-{job.id[-8:]}", daemon=True).start()

    def _drive(self, job: Job) -> None:
        """See one job through, in a thread of this process."""
        try:
            child = self._child_for(job)
        except (OSError, RuntimeError) as error:  # no more processes; or the program's own start would be run again
            self._report(Outcome(job, failing(error, culprit=job.handler.place, again=True)))
            return
        try:
            move = self._see_through(child, job)
        except (Gone, TimeoutError) as error:
            move = self._died(job, child, error)
        with self._lock:
            self._busy.pop(job.id, None)
            self._asked.pop(job.id, None)
            was_killed = job.id in self._killed
            self._killed.discard(job.id)
            is_kept = not was_killed and not self._closed and child.process.is_alive()
            if is_kept:
                self._idle.append(child)
        if not is_kept:
            child.kill()
        if not was_killed:
            self._report(Outcome(job, move))

    def _child_for(self, job: Job) -> Child:
        with self._lock:
            while self._idle:
                child = self._idle.pop()
                if child.process.is_alive():
                    break
                child.kill()
            else:
                child = Child()
            self._busy[job.id] = child
        return child

    def _see_through(self, child: Child, job: Job) -> Move:
        if not child.is_ready:
            child.hear(STARTING)
            child.is_ready = True
        child.tell(order_of(job, self._hub.store.url))
        if self._asked[job.id] is not None:
            child.tell((CANCEL, job.id, self._asked[job.id]))
        while True:
            kind, what = child.hear()
            if kind == BEGUN:
                self._report(Begun(job))
            if kind == ENDED:
                assert isinstance(what, End), "what an end is told with"
                return move_of(what)

    def _died(self, job: Job, child: Child, error: Exception) -> Move:
        how = child.how() if isinstance(error, Gone) else f"its process was not ready after {STARTING:g} seconds"
        return failing(TaskError("ProcessDied", how, code="killed"), culprit=job.handler.place, again=True)

    def cancel(self, job: Job, reason: str) -> None:
        """See `Engine`: the handler's next `progress` raises TaskCancelled."""
        with self._lock:
            if job.id not in self._asked:
                return
            child = self._busy.get(job.id)
            self._asked[job.id] = reason
        if child is not None and child.is_ready:
            child.tell((CANCEL, job.id, reason))

    def kill(self, job: Job, reason: str) -> bool:  # noqa: ARG002 - the agent tells it
        """See `Engine`."""
        with self._lock:
            child = self._busy.get(job.id)
            if child is None:
                return True
            self._killed.add(job.id)
        child.kill()
        return True

    def close(self) -> None:
        """See `Engine`."""
        with self._lock:
            self._closed = True
            children = [*self._idle, *self._busy.values()]
            self._killed.update(self._busy)
            self._idle.clear()
        for child in children:
            child.kill()
