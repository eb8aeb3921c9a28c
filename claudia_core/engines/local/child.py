"""A process that runs jobs for an agent, one at a time; see `processes`.

It imports the handler's module, so what that makes - the hub, and what it needs - is its own. It ends when its agent
does, however that ends, and takes along what it began.
"""

from __future__ import annotations

import os
import resource
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection

from claudia_core.engines.handled import HandledTask, run
from claudia_core.engines.local.orders import Order, found, told
from claudia_core.engines.port import Job
from claudia_core.model.task import Task
from claudia_core.services.tasks.failures import failing
from claudia_core.services.tasks.moves import Move

READY, BEGUN, ENDED = "ready", "begun", "ended"
CANCEL = "cancel"


def serve(pipe: Connection) -> None:
    """Run what is ordered over the pipe until it is closed."""
    os.setsid()  # Ctrl-C at the agent's terminal is for the agent, and what is begun here can be ended with it
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    worker = _Worker(pipe)
    pipe.send((READY, os.getpid()))
    threading.Thread(target=worker.listen, name="claudia-child", daemon=True).start()
    worker.work()


class _Worker:
    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._pid = os.getpid()
        self._orders: list[Order] = []
        self._ordered = threading.Semaphore(0)
        self._block: HandledTask | None = None
        self._asked: tuple[str, str] | None = None

    def listen(self) -> None:
        """Take what the agent says; end with it."""
        while True:
            try:
                said = self._pipe.recv()
            except (EOFError, OSError):
                _end_all()
            if isinstance(said, Order):
                self._orders.append(said)
                self._ordered.release()
            else:
                self._cancel(*said[1:])

    def _cancel(self, id: str, reason: str) -> None:
        self._asked = (id, reason)
        block = self._block
        if block is not None and block.id == id:
            block.stop(reason)

    def work(self) -> None:
        """Run the orders one after another, in the main thread, where handlers may use signals."""
        while True:
            self._ordered.acquire()
            move = self._run(self._orders.pop(0))
            if os.getpid() != self._pid:  # the handler forked, and this is the copy: it has nothing to say here
                os._exit(0)
            self._pipe.send((ENDED, told(move)))

    def _run(self, order: Order) -> Move:
        try:
            hub, handler = found(order)
        except BaseException as error:  # noqa: BLE001 - whatever importing a module raises is the end of this task
            return failing(error, culprit=f"{order.module}.{order.name}")
        hub.work_as(order.agent_id)
        job = Job(Task.from_document(order.document, order.content), handler)
        self._pipe.send((BEGUN, job.id))
        with _memory(handler.memory):
            move = run(hub, job, self._begun)
        self._block = None
        hub.store.flush()  # what was begun inside must be there before this task's end is
        return move

    def _begun(self, block: HandledTask) -> None:
        self._block = block
        if self._asked is not None and self._asked[0] == block.id:
            block.stop(self._asked[1])


@contextmanager
def _memory(limit: int | None) -> Iterator[None]:
    """Let this process take `limit` bytes more than it has, and no more; asking for more raises MemoryError."""
    if limit is None or not hasattr(resource, "RLIMIT_AS"):
        yield
        return
    import psutil

    before = resource.getrlimit(resource.RLIMIT_AS)
    most = psutil.Process().memory_info().vms + limit
    resource.setrlimit(resource.RLIMIT_AS, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def _end_all() -> None:
    """The agent is gone: end at once, with all that was begun here."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(1)
