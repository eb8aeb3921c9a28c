"""The Dask engine: an agent's jobs are tasks of a Dask cluster, whose workers run their handlers.

The agent keeps the claims, the time and the ends; Dask chooses the worker. Dask runs a task again whose worker is gone,
and says nothing of it. That is for the hub's policy to say: so a job asks the plugin in the scheduler before it begins,
which lets it begin once, and tells the agent of workers that are gone.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Any

from claudia_core.engines.dask.changes import lost
from claudia_core.engines.dask.cluster import TROUBLE, DaskUnavailable, connect, install
from claudia_core.engines.dask.plugin import JOBS
from claudia_core.engines.dask.runner import die, run_order, stop
from claudia_core.engines.hub import Hub
from claudia_core.engines.local.orders import End, move_of, order_of
from claudia_core.engines.port import Begun, Job, Outcome, Report
from claudia_core.logs import get_logger
from claudia_core.model.task import TaskError
from claudia_core.services.tasks.failures import failing
from claudia_core.services.tasks.holds import releasing

log = get_logger(__name__)

PAUSE = 1.0
"""Seconds to wait while the scheduler is away."""

WAIT = 0.5
"""Most seconds for which the scheduler is asked for news at once."""


@dataclass(slots=True)
class _Sent:
    """A job that was given to Dask. `worker` has begun it."""

    job: Job
    future: Any = None
    worker: str = ""
    is_cancelled: bool = False


class DaskEngine:
    """Has jobs run by the workers of a Dask cluster; see the module.

    Args:
        what: a `distributed.Client`, a cluster, or an address.
        hub: the hub.
        report: told of jobs.

    Raises:
        SettingsError, DaskUnavailable: the scheduler cannot be reached.
    """

    hands_on = True  # a job's time counts from when a worker begins it

    def __init__(self, what: Any, hub: Hub, report: Report) -> None:
        self._hub = hub
        self._report = report
        self._client = connect(what)
        install(self._client)
        self.address = str(self._client.scheduler.address)
        self._sent: dict[str, _Sent] = {}
        self._killable: list[str] = []
        self._position: dict[str, Any] = {"after": 0, "epoch": ""}
        self._is_closed = False
        self._is_away = False
        self._lock = threading.RLock()
        self._thread = threading.Thread(target=self._run, name="claudia-dask-engine", daemon=True)
        self._thread.start()

    def begin(self, job: Job) -> None:
        """See `Engine`; a job waits while the scheduler is away."""
        sent = self._sent[_name(job)] = _Sent(job)
        if not self._is_away:
            try:
                self._send(_name(job), sent)
            except TROUBLE as error:
                log.warning("a job waits: Dask is away", task=job.id, error=str(error))

    def _send(self, name: str, sent: _Sent) -> None:
        order = order_of(sent.job, self._hub.store.url)
        priority = sent.job.task.priority
        sent.future = self._client.submit(run_order, order, name, key=name, pure=False, priority=priority)
        sent.future.add_done_callback(lambda future: self._on_done(name, future))

    def _on_done(self, name: str, future: Any) -> None:
        """A future is done, in a thread of Dask's."""
        sent = self._sent.get(name)
        if sent is None or sent.future is not future or sent.is_cancelled or self._is_away:
            return
        try:
            end: End | None = future.result()
        except BaseException as error:  # noqa: BLE001 - whatever Dask makes of a job is the end of that job only
            self._end(name, failing(_cause(error), culprit=sent.job.handler.place, again=True))
            return
        self._end(name, failing(lost("its Dask worker is gone"), again=True) if end is None else move_of(end))

    def _end(self, name: str, move: Any) -> None:
        with self._lock:
            sent = self._sent.pop(name, None)
        if sent is not None:
            self._report(Outcome(sent.job, move))

    def cancel(self, job: Job, reason: str) -> None:  # noqa: ARG002 - the agent tells it
        """See `Engine`: what has not begun never does; else the handler's next `progress` raises TaskCancelled."""
        name = _name(job)
        sent = self._sent.get(name)
        if sent is None:
            return
        threading.Thread(target=self._withdraw, args=(name, sent), name="claudia-dask-cancel", daemon=True).start()

    def _withdraw(self, name: str, sent: _Sent) -> None:
        try:
            sent.worker = self._call("claudia_withdraw", job=name) or sent.worker
            if sent.worker:
                self._client.run(stop, name, workers=[sent.worker], wait=False)
            else:
                self._drop(sent)
                self._end(name, releasing())
        except TROUBLE as error:
            log.warning("Dask was not told to stop a job", task=sent.job.id, error=str(error))

    def _drop(self, sent: _Sent) -> None:
        """What Dask makes of it does not count any more."""
        sent.is_cancelled = True
        if sent.future is not None:
            sent.future.cancel()

    def kill(self, job: Job, reason: str) -> bool:  # noqa: ARG002 - the agent tells it
        """See `Engine`: a worker of one thread is killed with the work in it, where its nanny starts another."""
        sent = self._sent.pop(_name(job), None)
        if sent is None:
            return True
        threading.Thread(target=self._kill, args=(_name(job), sent), name="claudia-dask-kill", daemon=True).start()
        return not sent.worker or sent.worker in self._killable

    def _kill(self, name: str, sent: _Sent) -> None:
        try:
            if sent.worker in self._killable:
                self._client.run(die, name, workers=[sent.worker], wait=False)
            self._drop(sent)
        except TROUBLE as error:
            log.warning("a Dask worker could not be killed", worker=sent.worker, error=str(error))

    def close(self) -> None:
        """See `Engine`: what still runs is asked to stop, because the scheduler sees that its client is gone."""
        self._is_closed = True
        if threading.current_thread() is not self._thread:
            self._thread.join(5.0)
        self._client.close(timeout=2.0)

    # --- the thread ---------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._is_closed:
            try:
                if self._client.status != "running":
                    raise OSError("its connection is lost")
                told = self._call("claudia_jobs", **self._position, wait=WAIT)
                if told["is_closing"]:
                    raise OSError("it was closed")
                self._apply(told)
            except TROUBLE as error:
                if not self._is_closed:
                    self._away(error)
            except Exception as error:  # noqa: BLE001 - a thread that ended here would leave jobs open for ever
                log.error("news of jobs could not be had, and are asked for again", error=repr(error))
                time.sleep(PAUSE)

    def _call(self, operation: str, **values: Any) -> Any:
        return self._client.sync(getattr(self._client.scheduler, operation), callback_timeout=10.0, **values)

    def _apply(self, told: dict[str, Any]) -> None:
        self._killable = told["killable"]
        for name, news in told["jobs"].items():
            sent = self._sent.get(name)
            if sent is None:
                continue
            if news["state"] == "begun" and not sent.worker:
                sent.worker = news["worker"]
                self._report(Begun(sent.job))
            elif news["state"] == "lost":
                self._lose(name, sent, f"the Dask worker {news['worker']} that ran it is gone")
        self._position = {"after": told["version"], "epoch": told["epoch"]}

    def _lose(self, name: str, sent: _Sent, what: str) -> None:
        self._drop(sent)
        self._end(name, failing(lost(what), culprit=sent.job.handler.place, again=True))

    def _away(self, error: BaseException) -> None:
        """The scheduler is away. What had begun is lost; the rest is sent again when there is one."""
        log.warning("jobs wait: Dask is away", scheduler=self.address, error=str(error))
        self._is_away = True
        for name, sent in list(self._sent.items()):
            if sent.worker or sent.is_cancelled:
                move = failing(lost(f"the Dask scheduler {self.address} is away"), again=True)
                self._end(name, move)
        while not self._is_closed:
            time.sleep(PAUSE)
            try:
                client = connect(self.address, PAUSE)
                install(client)
            except (DaskUnavailable, *TROUBLE):
                continue
            self._client.close(timeout=1.0)
            self._client, self._position, self._is_away = client, {"after": 0, "epoch": ""}, False
            for name, sent in list(self._sent.items()):
                self._send(name, sent)
            return


def _name(job: Job) -> str:
    return f"{JOBS}{job.id}-{job.task.claim}"


def _cause(error: BaseException) -> BaseException | TaskError:
    """Why a job failed that could not say so itself."""
    kind = type(error).__name__
    if kind in ("KilledWorker", "FutureCancelledError", "CancelledError", "FutureLostError"):
        return lost(f"Dask gave it up: {error!s:.300}")
    return TaskError(kind, f"a Dask worker could not run it: {error!s:.1000}")
