"""Jobs of a hub's agent in a Dask worker: may it begin, the handler, and its end.

The worker imports the handler's module, so what that makes - the hub, and what it needs - is its own.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from typing import Any

from distributed import get_worker
from distributed.utils import sync

from claudia_core.engines.handled import HandledTask, run, run_async
from claudia_core.engines.local.orders import End, Order, found, told
from claudia_core.engines.port import Job
from claudia_core.model.task import Task
from claudia_core.services.tasks.failures import failing
from claudia_core.services.tasks.moves import Move

LOOK = 0.2
"""Seconds between two looks whether the scheduler still wants a job."""

GONE = (None, "cancelled", "released", "forgotten", "error", "memory")
"""States of a worker's task that nobody wants any more."""

CLOSING = ("closing", "closed", "failed")


def run_order(order: Order, job: str) -> End | None:
    """Run a job here; None where it began elsewhere before, or may not begin any more."""
    worker = get_worker()
    if not _ask(worker, "claudia_begin", job=job, worker=worker.address):
        return None
    return told(_run(order, job, worker))


def _run(order: Order, name: str, worker: Any) -> Move:
    try:
        hub, handler = found(order, elsewhere=True)
    except BaseException as error:  # noqa: BLE001 - whatever importing a module raises is the end of this task
        return failing(error, culprit=f"{order.module}.{order.name}")
    hub.work_as(order.agent_id)
    job = Job(Task.from_document(order.document, order.content), handler)
    with _Watch(worker, name) as watch:
        if handler.engine == "asyncio":
            move = asyncio.run(run_async(hub, job, watch.begin))
        else:
            move = run(hub, job, watch.begin)
    hub.store.flush()  # what was begun inside must be there before this task's end is
    return move


class _Watch:
    """Asks the work to stop when its agent says so, or the scheduler does not want it: then its agent is gone."""

    def __init__(self, worker: Any, name: str) -> None:
        self._worker = worker
        self._name = name
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, name="claudia-dask-watch", daemon=True)
        self._block: HandledTask | None = None

    def begin(self, block: HandledTask) -> None:
        """The work begins."""
        self._block = block
        self._thread.start()

    def __enter__(self) -> _Watch:
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        _unwanted(self._worker).discard(self._name)

    def _look(self) -> None:
        assert self._block is not None, "it was given before the thread began"
        while not self._over.wait(LOOK):
            if self._name in _unwanted(self._worker) or self._is_gone():
                self._block.stop("it is not wanted any more")
                return

    def _is_gone(self) -> bool:
        task = self._worker.state.tasks.get(self._name)
        return (None if task is None else str(task.state)) in GONE or self._worker.status.name in CLOSING


def _unwanted(worker: Any) -> set[str]:
    """The jobs of a worker that were asked to stop."""
    jobs: set[str] = worker.__dict__.setdefault("claudia_unwanted", set())
    return jobs


async def stop(job: str, dask_worker: Any = None) -> None:
    """Ask a job of this worker to stop; its future tells what became of it."""
    _unwanted(dask_worker).add(job)


def _ask(here: Any, operation: str, **values: Any) -> Any:
    return sync(here.loop, getattr(here.scheduler, operation), callback_timeout=30.0, **values)


async def die(job: str, dask_worker: Any = None) -> None:
    """End this worker with a job in it that does not stop; its nanny starts another. Nobody can wait for it."""
    task = dask_worker.state.tasks.get(job)
    if task is not None and task.state in ("executing", "cancelled", "resumed"):
        os.kill(os.getpid(), signal.SIGKILL)
