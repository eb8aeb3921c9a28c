"""Threads: each job in one of this process. It can be asked to stop, and not be made to."""

from __future__ import annotations

import threading
from contextvars import Context
from queue import SimpleQueue

from claudia_core.engines.handled import HandledTask, run
from claudia_core.engines.hub import Hub
from claudia_core.engines.port import Job, Outcome, Report


class _Mine(threading.local):
    """What a thread of the engine knows of itself: whether it tells an end, and the job that it was given meanwhile."""

    is_telling = False
    following: Job | None = None


class ThreadEngine:
    """Runs plain functions in threads that are kept and used again, each job in a context of its own.

    A job that begins when another's end is told, and by its thread, runs there next: that needs no other thread's turn.
    """

    def __init__(self, hub: Hub, report: Report) -> None:
        self._hub = hub
        self._report = report
        self._blocks: dict[str, HandledTask] = {}
        self._given = SimpleQueue[Job | None]()
        self._idle = 0
        self._is_closed = False
        self._lock = threading.Lock()
        self._mine = _Mine()

    def begin(self, job: Job) -> None:
        """See `Engine`."""
        if self._mine.is_telling and self._mine.following is None:
            self._mine.following = job
            return
        with self._lock:
            is_new = not self._idle
            self._idle -= not is_new
        if is_new:
            threading.Thread(target=self._serve, args=(job,), name="claudia-job", daemon=True).start()
        else:
            self._given.put(job)

    def _serve(self, job: Job | None) -> None:
        """Run one job after the other, until the engine is closed."""
        while job is not None:
            following = self._run(job)
            if following is None:
                with self._lock:
                    if self._is_closed:
                        return
                    self._idle += 1
                following = self._given.get()
            job = following

    def _run(self, job: Job) -> Job | None:
        try:
            move = Context().run(run, self._hub, job, lambda block: self._blocks.__setitem__(job.id, block))
        finally:
            self._blocks.pop(job.id, None)
        self._mine.is_telling = True
        try:
            self._report(Outcome(job, move))
        finally:
            self._mine.is_telling = False
        following, self._mine.following = self._mine.following, None
        return following

    def cancel(self, job: Job, reason: str) -> None:
        """See `Engine`: the handler's next `progress` raises TaskCancelled."""
        block = self._blocks.get(job.id)
        if block is not None:
            block.stop(reason)

    def kill(self, job: Job, reason: str) -> bool:  # noqa: ARG002 - a thread cannot be ended from outside
        """See `Engine`."""
        return False

    def close(self) -> None:
        """See `Engine`: what still runs ends with the process."""
        with self._lock:
            self._is_closed = True
            idle, self._idle = self._idle, 0
        for _ in range(idle):
            self._given.put(None)
