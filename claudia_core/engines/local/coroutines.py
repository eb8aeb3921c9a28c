"""Coroutines: all jobs on one event loop, in a thread of this process."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

from claudia_core.engines.handled import HandledTask, run_async
from claudia_core.engines.hub import Hub
from claudia_core.engines.port import Job, Outcome, Report


class CoroutineEngine:
    """Runs coroutine functions. Asking one to stop cancels it; one that blocks the loop holds up the others."""

    def __init__(self, hub: Hub, report: Report) -> None:
        self._hub = hub
        self._report = report
        self._loop = asyncio.new_event_loop()
        self._jobs: dict[str, tuple[asyncio.Task[None], HandledTask]] = {}
        self._thread = threading.Thread(target=self._loop.run_forever, name="claudia-coroutines", daemon=True)
        self._thread.start()

    def begin(self, job: Job) -> None:
        """See `Engine`."""
        asyncio.run_coroutine_threadsafe(self._run(job), self._loop)

    async def _run(self, job: Job) -> None:
        task = asyncio.current_task()
        assert task is not None, "a coroutine that runs has its task"
        try:
            move = await run_async(self._hub, job, lambda block: self._jobs.__setitem__(job.id, (task, block)))
        finally:
            self._jobs.pop(job.id, None)
        self._report(Outcome(job, move))

    def cancel(self, job: Job, reason: str) -> None:
        """See `Engine`: its present `await` raises CancelledError."""

        def change(task: asyncio.Task[None], block: HandledTask) -> None:
            block.stop(reason)
            task.cancel()

        self._on_loop(job, change)

    def kill(self, job: Job, reason: str) -> bool:  # noqa: ARG002 - it was given its reason before
        """See `Engine`: it is cancelled once more, which a coroutine can refuse."""
        self._on_loop(job, lambda task, _: task.cancel())
        return False

    def _on_loop(self, job: Job, change: Callable[[asyncio.Task[None], HandledTask], object]) -> None:
        def make() -> None:
            if job.id in self._jobs:
                change(*self._jobs[job.id])

        self._loop.call_soon_threadsafe(make)

    def close(self) -> None:
        """See `Engine`: what still runs is cancelled, and given a moment to end."""
        done = asyncio.run_coroutine_threadsafe(self._end(), self._loop)
        try:
            done.result(2.0)
        except TimeoutError:  # a coroutine blocks the loop: it ends with the process
            return
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(2.0)
        if not self._thread.is_alive():
            self._loop.close()

    async def _end(self) -> None:
        left = [task for task, _ in self._jobs.values()]
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left, timeout=1.0)
        await self._loop.shutdown_asyncgens()
