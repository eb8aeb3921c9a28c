"""The local engine: threads, processes and an event loop, each for the handlers that ask for it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

from claudia_core.engines.hub import Hub
from claudia_core.engines.local.coroutines import CoroutineEngine
from claudia_core.engines.local.processes import ProcessEngine
from claudia_core.engines.local.threads import ThreadEngine
from claudia_core.engines.port import Engine, Job, Report


class LocalEngine:
    """Hands each job to the engine that its handler asks for; an engine is made with its first job."""

    def __init__(self, hub: Hub, report: Report) -> None:
        self._hub = hub
        self._report = report
        self._engines: dict[str, Engine] = {}
        self._lock = threading.Lock()

    def _of(self, job: Job) -> Engine:
        name = job.handler.engine
        with self._lock:
            if name not in self._engines:
                self._engines[name] = KINDS[name](self._hub, self._report)
            return self._engines[name]

    def begin(self, job: Job) -> None:
        """See `Engine`."""
        self._of(job).begin(job)

    def cancel(self, job: Job, reason: str) -> None:
        """See `Engine`."""
        self._of(job).cancel(job, reason)

    def kill(self, job: Job, reason: str) -> bool:
        """See `Engine`."""
        return self._of(job).kill(job, reason)

    def close(self) -> None:
        """See `Engine`."""
        for engine in self._engines.values():
            engine.close()


KINDS: Mapping[str, Callable[[Hub, Report], Engine]] = {
    "thread": ThreadEngine,
    "process": ProcessEngine,
    "asyncio": CoroutineEngine,
}
