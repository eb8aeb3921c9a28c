"""The jobs of a hub's agents in a Dask scheduler: each begins once, and who asks hears what became of it.

It runs in the scheduler, where Claudia need not be installed: it needs nothing but Python.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

MOST = 100_000
"""Jobs that are remembered, so that none of them begins twice."""

MOST_NEWS = 10_000


class Journal:
    """Which jobs have begun, where, and what became of them that their futures do not tell."""

    def __init__(self) -> None:
        self.version = 0
        self._begun: OrderedDict[str, str] = OrderedDict()  # where each began; empty where it may not begin any more
        self._running: dict[str, str] = {}
        self._news: OrderedDict[str, dict[str, Any]] = OrderedDict()

    def begin(self, job: str, worker: str) -> bool:
        """Whether a job may begin on a worker: once, whatever the scheduler sends again."""
        if job in self._begun:
            return False
        self._mark(job, worker)
        self._running[job] = worker
        self._tell(job, {"state": "begun", "worker": worker})
        return True

    def withdraw(self, job: str) -> str:
        """Let a job that has not begun never begin; else the worker where it has."""
        worker = self._begun.get(job, "")
        if not worker:
            self._mark(job, "")
        return worker

    def end(self, job: str) -> None:
        """A job's work is over, as its future tells."""
        self._running.pop(job, None)
        self._news.pop(job, None)

    def lose(self, worker: str) -> None:
        """A worker is gone, and what it ran."""
        for job in [job for job, at in self._running.items() if at == worker]:
            del self._running[job]
            self._tell(job, {"state": "lost", "worker": worker})

    def news(self, after: int) -> dict[str, dict[str, Any]]:
        """What was told of jobs since a version, the last of each."""
        return {job: told for job, told in self._news.items() if told["version"] > after}

    def _mark(self, job: str, worker: str) -> None:
        self._begun[job] = worker
        if len(self._begun) > MOST:
            self._begun.popitem(last=False)

    def _tell(self, job: str, told: dict[str, Any]) -> None:
        self.version += 1
        self._news.pop(job, None)
        self._news[job] = {**told, "version": self.version}
        if len(self._news) > MOST_NEWS:
            self._news.popitem(last=False)
