"""What is put into a Dask scheduler: it folds what happens there, answers those who ask, and lets each job begin once.

`Client.register_plugin` sends it by value, so that Claudia need not be installed where the scheduler is. It keeps
nothing on disk, and knows no hub.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from distributed.diagnostics.plugin import SchedulerPlugin

from claudia_core.engines.dask.journal import Journal
from claudia_core.engines.dask.parts import DONE, DROPPED, FAILED, RUNNING, WAITING
from claudia_core.engines.dask.picture import Picture

NAME = "claudia"
JOBS = "claudia-run-"
"""How keys begin that are jobs of a hub's agent; they are the hub's tasks already."""

PARENT = "claudia_parent"
"""The annotation with the hub's task that a computation belongs to."""

LOST = ("handle-worker-cleanup", "check-worker-ttl")
"""How Dask says, in the reason for its removal, that a worker went without a word."""

MOST_GONE = 100
TOPIC = "claudia"
"""Where tasks tell how far they have come; see `progress`."""

LAST_WORD = 0.2
"""Seconds for which a scheduler that closes waits until those who ask have heard its last news."""


class ClaudiaPlugin(SchedulerPlugin):
    """See the module.

    Args:
        each: up to so many tasks of a computation are told one by one.
    """

    name = NAME
    idempotent = True

    def __init__(self, each: int = 50) -> None:
        self._each = each

    async def start(self, scheduler: Any) -> None:
        """See `SchedulerPlugin`: take up what is there already."""
        self.epoch = os.urandom(8).hex()
        self._scheduler = scheduler
        self._picture = Picture(self._each)
        self._changed = asyncio.Event()
        self._workers: dict[str, dict[str, Any]] = {}
        self._members = 0
        self._journal = Journal()
        self._told = asyncio.Event()
        self._gone: OrderedDict[str, bool] = OrderedDict()  # workers by id, and whether they were lost
        self._is_closing = False
        scheduler.handlers |= {
            "claudia_changes": self.changes,
            "claudia_cancel": self.cancel,
            "claudia_begin": self.begin,
            "claudia_withdraw": self.withdraw,
            "claudia_jobs": self.jobs,
        }
        for address in scheduler.workers:
            self.add_worker(scheduler, address)
        open_keys = [key for key, task in scheduler.tasks.items() if task.state in STATES and STATES[task.state] < DONE]
        self._begin("", open_keys, open_keys)
        for key in open_keys:
            self._moved(key, scheduler.tasks[key].state)

    async def before_close(self) -> None:
        """See `SchedulerPlugin`."""
        self._is_closing = True
        self._changed.set()
        self._told.set()
        await asyncio.sleep(LAST_WORD)

    # --- what happens -------------------------------------------------------------------------------------------

    def update_graph(
        self,
        scheduler: Any,  # noqa: ARG002 - it is the same all the time
        *,
        client: str,
        keys: Iterable[Any],
        tasks: Iterable[Any],
        annotations: Mapping[str, Mapping[Any, Any]],
        **_: Any,
    ) -> None:
        """See `SchedulerPlugin`."""
        parents = annotations.get(PARENT, {})
        self._begin(client, tasks, keys, next((str(parent) for parent in parents.values()), None))

    def _begin(self, client: str, keys: Iterable[Any], wanted: Iterable[Any], parent: str | None = None) -> None:
        known = self._scheduler.tasks
        new = {
            key: known[key].prefix.name
            for key in keys
            if known[key].state not in ("memory", "erred") and known[key].run_spec is not None
            if not str(key).startswith(JOBS)
        }
        names = [name for key in wanted if key in new for name in _names(known[key])]
        self._picture.begin(client, new, wanted, time.time(), names=names, parent=parent)
        self._changed.set()

    def transition(self, key: Any, start: str, finish: str, *_: Any, **more: Any) -> None:
        """See `SchedulerPlugin`."""
        picture, state = self._picture, STATES.get(finish)
        before = picture.state(key)
        if before is None:
            if finish in ("memory", "erred") and str(key).startswith(JOBS):
                self._journal.end(key)
                self._count("completed" if finish == "memory" else "failed", more.get("worker"))
            return
        now = time.time()
        if finish == "forgotten":
            picture.forget(key, now)
        elif finish == "erred":
            self._failed(key, now)
        elif state == WAITING and before in (DONE, FAILED, DROPPED):
            picture.again(key, now)
        elif state == DONE and start == "processing":
            self._done(key, now, more)
        elif state is not None:
            self._moved(key, finish)
        elif finish == "released" and before == RUNNING:
            picture.move(key, WAITING, now)
        self._changed.set()

    def _moved(self, key: Any, finish: str) -> None:
        task = self._scheduler.tasks[key]
        worker = task.processing_on
        address = "" if worker is None else worker.address
        self._picture.move(key, STATES[finish], time.time(), self._id_of(address))

    def _done(self, key: Any, now: float, more: Mapping[str, Any]) -> None:
        address = more.get("worker") or ""
        seconds = sum(
            span["stop"] - span["start"] for span in more.get("startstops") or () if span["action"] == "compute"
        )
        facts = {"seconds": seconds, "bytes": more.get("nbytes") or 0, "type": str(more.get("typename") or "")}
        self._picture.move(key, DONE, now, self._id_of(address), **facts)
        self._count("completed", address)

    def _count(self, what: str, address: str | None) -> None:
        if address in self._workers:
            self._workers[address][what] += 1

    def _failed(self, key: Any, now: float) -> None:
        task = self._scheduler.tasks[key]
        blame = task.exception_blame
        if blame is not None and blame is not task:
            self._picture.move(key, DROPPED, now, reason=f"{blame.key} failed, which it needs"[:500])
            return
        text, traceback = task.exception_text or "", task.traceback_text or ""
        if not text:  # the scheduler itself gave up
            text = f"KilledWorker('{task.suspicious} workers died while they ran it')"
        address = next(iter(task.erred_on), "")
        self._picture.move(key, FAILED, now, self._id_of(address), error=text, traceback=traceback)
        self._count("failed", address)

    def _id_of(self, address: str) -> str:
        found = self._workers.get(address)
        return "" if found is None else str(found["id"])

    def add_worker(self, scheduler: Any, worker: str) -> None:
        """See `SchedulerPlugin`."""
        state = scheduler.workers[worker]
        self._workers[worker] = {
            "id": self._picture.ids.next(time.time()), "name": str(state.name), "address": worker, "host": state.host,
            "pid": getattr(state, "pid", 0), "threads": state.nthreads, "nanny": state.nanny, "completed": 0,
            "failed": 0,
        }  # fmt: skip
        self._members += 1
        self._changed.set()

    def remove_worker(self, scheduler: Any, worker: str, *, stimulus_id: str = "", **_: Any) -> None:  # noqa: ARG002
        """See `SchedulerPlugin`."""
        known = self._workers.pop(worker, None)
        if known is not None:
            self._gone[known["id"]] = stimulus_id.startswith(LOST)
            while len(self._gone) > MOST_GONE:
                self._gone.popitem(last=False)
        self._members += 1
        self._changed.set()
        self._journal.lose(worker)
        self._told.set()

    def log_event(self, topic: str, msg: Any) -> None:
        """See `SchedulerPlugin`: a task tells how far it has come."""
        if topic == TOPIC and isinstance(msg, Mapping) and "key" in msg:
            self._picture.step(msg["key"], [msg.get("current"), msg.get("total"), msg.get("message")])
            self._changed.set()

    # --- what is asked ------------------------------------------------------------------------------------------

    async def changes(self, after: int = -1, members: int = -1, epoch: str = "", wait: float = 1.0) -> dict[str, Any]:
        """The parts that changed since version `after`, as soon as there are any; and the workers, if they did."""
        picture = self._picture
        if epoch != self.epoch:
            after, members = -1, -1
        picture.tick(time.time())
        if after == picture.version and members == self._members and not self._is_closing:
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), wait)
            except TimeoutError:
                picture.tick(time.time())
        return {
            "epoch": self.epoch,
            "version": picture.version,
            "members": self._members,
            "is_closing": self._is_closing,
            "parts": picture.changes(after),
            "workers": None if members == self._members else self._told_workers(),
            "gone": dict(self._gone),
        }

    def _told_workers(self) -> list[dict[str, Any]]:
        told = []
        for address, known in self._workers.items():
            state = self._scheduler.workers.get(address)
            if state is not None:
                memory = int(state.metrics.get("memory") or 0)
                told.append({**known, "running": len(state.processing), "memory": memory})
        return told

    async def cancel(self, ids: Iterable[str], reason: str = "") -> int:
        """Cancel what is left of computations, or single tasks; returns how many keys. Running ones go on unheard."""
        number = 0
        for id in ids:
            client, keys = self._picture.wanted(id)
            if client not in self._scheduler.clients:
                continue
            wanted = [key for key in keys if key in self._scheduler.tasks and self._scheduler.tasks[key].who_wants]
            number += len(wanted)
            self._scheduler.stimulus_cancel(
                keys=wanted, client=client, force=True, reason="cancelled in Claudia", msg=reason
            )
        return number

    # --- jobs of agents, see `journal` ----------------------------------------------------------------------------

    async def begin(self, job: str, worker: str) -> bool:
        """Whether a job may begin on this worker."""
        may = self._journal.begin(job, worker)
        self._told.set()
        return may

    async def withdraw(self, job: str) -> str:
        """The worker where a job has begun; without one, it never will."""
        return self._journal.withdraw(job)

    async def jobs(self, after: int = 0, epoch: str = "", wait: float = 1.0) -> dict[str, Any]:
        """What became of jobs since version `after`, as soon as there is anything."""
        journal = self._journal
        if epoch != self.epoch:
            after = 0
        if after == journal.version and not self._is_closing:
            self._told.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._told.wait(), wait)
        return {
            "epoch": self.epoch,
            "version": journal.version,
            "is_closing": self._is_closing,
            "jobs": journal.news(after),
            "killable": [
                address for address, known in self._workers.items() if known["nanny"] and known["threads"] == 1
            ],
        }


def _names(task: Any) -> list[str]:
    """What a wanted task is called; the last step of a collection only gathers what its parts have done."""
    name = task.prefix.name
    if not name.startswith("finalize") or not task.dependencies:
        return [name]
    return [part.prefix.name for part in task.dependencies]


STATES = {"waiting": WAITING, "no-worker": WAITING, "queued": WAITING, "processing": RUNNING, "memory": DONE}
"""What a scheduler's states count as; those that are not here are looked at by themselves."""
