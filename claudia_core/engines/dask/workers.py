"""The workers of a Dask cluster as agents of the hub, alive for as long as the scheduler has them."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from claudia_core.bus import Handler
from claudia_core.engines.dask import changes
from claudia_core.engines.hub import Hub as WorkHub
from claudia_core.errors import ClaudiaError
from claudia_core.logs import get_logger
from claudia_core.model.agent import Vitals
from claudia_core.model.ids import new_id
from claudia_core.model.report import ErrorReport
from claudia_core.model.values import MAX_NAME, clean_text
from claudia_core.services.agents import NewAgent, this_process
from claudia_core.settings import Settings

log = get_logger(__name__)


class Hub(WorkHub, Protocol):
    """What observing a cluster needs from the hub."""

    settings: Settings

    @property
    def errors(self) -> Any:
        """Where errors are reported."""
        ...

    def on(self, pattern: str, handler: Handler) -> Callable[[], None]:
        """Call `handler` after every event that matches."""
        ...

    def watch_agents(self) -> None:
        """Find agents that are lost."""
        ...


class Workers:
    """Enrols workers, keeps them alive, and lets go of those that the scheduler has no more.

    Args:
        hub: the hub.
        address: the scheduler's; the cluster itself is an agent, too, to which computations belong.
    """

    def __init__(self, hub: Hub, address: str) -> None:
        self._hub = hub
        self._known: dict[str, dict[str, Any]] = {}
        self._lost: deque[str] = deque(maxlen=1_000)
        self._ends: dict[str, deque[tuple[float, int]]] = {}
        self._beat_at = 0.0
        lease = hub.settings.lease
        own = this_process(f"dask {address}", lease)
        self._cluster = NewAgent(id=new_id(), name=own.name, host=own.host, pid=own.pid, lease=lease)
        hub.watch_agents()

    @property
    def is_due(self) -> bool:
        """Whether it is time for heartbeats."""
        return time.monotonic() - self._beat_at >= self._hub.settings.heartbeat

    def agent_of(self, worker: str) -> str:
        """The agent of a worker, or that of the cluster."""
        return worker if worker in self._known else self._cluster.id

    def tell(self, workers: Iterable[Mapping[str, Any]], gone: Mapping[str, bool]) -> None:
        """These are the workers now; `gone` are the last that went, and whether they were lost."""
        self._hub.agents.enrol(self._cluster)
        self._hub.agents.heartbeat(self._cluster.id)
        now = {worker["id"]: dict(worker) for worker in workers}
        for id, worker in now.items():
            if id not in self._known:
                self._enrol(worker)
            self._hub.agents.heartbeat(id, self._vitals(worker))
        for id in self._known.keys() - now.keys():
            self._ends.pop(id, None)
            if gone.get(id, True):
                self._lost.append(id)  # found by its lease
            else:
                self._hub.agents.leave(id)
        self._known = now
        self._beat_at = time.monotonic()

    def _enrol(self, worker: Mapping[str, Any]) -> None:
        lease = self._hub.settings.lease
        label, host = f"dask worker {worker['name']}"[:MAX_NAME], worker["host"][:255]
        new = NewAgent(id=worker["id"], name=label, host=host, pid=worker["pid"], lease=lease)
        self._hub.agents.enrol(new)

    def _vitals(self, worker: Mapping[str, Any]) -> Vitals:
        done = worker["completed"] + worker["failed"]
        now = time.monotonic()
        ends = self._ends.setdefault(worker["id"], deque(maxlen=120))
        ends.append((now, done))
        while ends[0][0] < now - 60:
            ends.popleft()
        return Vitals(
            running=worker["running"],
            memory=worker["memory"],
            completed=worker["completed"],
            failed=worker["failed"],
            per_minute=float(done - ends[0][1]),
        )

    def leave(self) -> None:
        """None of them is seen any more."""
        for id in [*self._known, *self._lost, self._cluster.id]:
            try:
                self._hub.agents.leave(id)
            except (ClaudiaError, TimeoutError) as error:
                log.warning("the hub was not told that a worker is not seen any more", agent=id, error=str(error))
        self._known = {}
        self._lost.clear()
        self._beat_at = 0.0
        self._cluster = NewAgent(
            id=new_id(), name=self._cluster.name, host=self._cluster.host, pid=self._cluster.pid,
            lease=self._cluster.lease,
        )  # fmt: skip

    def report(self, error: Mapping[str, str], part: Mapping[str, Any], agent_id: str) -> None:
        """Report an error of a part that has several."""
        cause = changes.error_of(error, {**part, "failed": 1})
        report = ErrorReport(
            type=cause.type,
            message=clean_text(cause.message, 2_000),
            traceback=cause.traceback,
            culprit=changes.place_of(error["traceback"]) or part["name"],
            kind="TASK_FAILURE",
            handled=False,
            task_id=part["id"],
            agent_id=agent_id,
        )
        self._hub.errors.report(report)
