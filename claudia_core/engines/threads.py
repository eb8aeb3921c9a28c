"""Threads: each job in one of this process. It can be asked to stop, and not be made to."""

from __future__ import annotations

import threading

from claudia_core.engines.handled import HandledTask, run
from claudia_core.engines.hub import Hub
from claudia_core.engines.port import Job, Outcome, Report


class ThreadEngine:
    """Runs plain functions, each in a thread of its own."""

    def __init__(self, hub: Hub, report: Report) -> None:
        self._hub = hub
        self._report = report
        self._blocks: dict[str, HandledTask] = {}

    def begin(self, job: Job) -> None:
        """See `Engine`."""
        threading.Thread(target=self._run, args=(job,), name=f"claudia-job-{job.id[-8:]}", daemon=True).start()

    def _run(self, job: Job) -> None:
        try:
            move = run(self._hub, job, lambda block: self._blocks.__setitem__(job.id, block))
        finally:
            self._blocks.pop(job.id, None)
        self._report(Outcome(job, move))

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
