"""Queues: what waits for agents, type by type, and whether anybody can run it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from claudia_core.model.agent import Agent, AgentMode, AgentStatus
from claudia_core.model.task import LATER, Status, Task
from claudia_core.model.times import from_optional_text, to_optional_text
from claudia_core.ports import Document, Prefix, Query, Reader
from claudia_core.services import rollups

MOST_TYPES = 1_000
MOST_AGENTS = 10_000

SYSTEMS = {"celery": "Celery", "dask": "Dask"}
"""Tags of tasks that wait for the workers of another system, which the hub only observes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """The tasks of one type that have not ended.

    `waiting` are pending, `delayed` of them not due yet; `oldest_at` is when the oldest pending one was made. `agents`
    that are online can run the type, and `capacity` is how many tasks those take at once that take new ones.
    `system` is that whose workers the oldest waits for, where the hub only observes it.
    """

    type: str
    waiting: int = 0
    delayed: int = 0
    running: int = 0
    oldest_at: datetime | None = None
    agents: int = 0
    capacity: int = 0
    system: str = ""

    @property
    def note(self) -> str:
        """Why nothing of it is being taken; empty where there is no reason."""
        if not self.waiting or self.system:
            return ""
        if not self.agents:
            return f"no agent that is online can run {self.type}"
        return "" if self.capacity else f"every agent that can run {self.type} is paused or ends"

    def to_document(self) -> dict[str, Any]:
        """As plain JSON."""
        document = {**asdict(self), "oldest_at": to_optional_text(self.oldest_at), "note": self.note}
        del document["system"]
        return document


class Queues:
    """Tells how much waits, how old it is, and who could run it."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def list(self) -> list[Queue]:
        """Every type that waits, runs, or that an agent which is online can run, in the order of the alphabet."""
        waiting, running = self._totals(rollups.WAITING), self._totals(rollups.RUNNING)
        agents, capacity = self._able()
        types = sorted({*waiting, *running, *agents})
        return [self._queue(type, waiting[type], running[type], agents[type], capacity[type]) for type in types]

    def of(self, type: str) -> Queue:
        """One type's."""
        waiting, running = rollups.WAITING + type, rollups.RUNNING + type
        found = {sample.series: int(sample.value) for sample in self._reader.samples((waiting, running), 0, 1)}
        agents, capacity = self._able()
        return self._queue(type, found.get(waiting, 0), found.get(running, 0), agents[type], capacity[type])

    def why(self, task: Task) -> str:
        """Why a task waits, in words; empty where it does not wait."""
        if task.status is not Status.PENDING:
            return ""
        if task.due_at is not None:
            return f"it is due at {task.due_at:%Y-%m-%d %H:%M:%S} UTC"
        system = _system_of(task.tags)
        if system:
            return f"it waits for a worker of {system}"
        queue = self.of(task.type)
        return queue.note or f"{queue.waiting:,} of {task.type} wait, {queue.running:,} run"

    def _queue(self, type: str, waiting: int, running: int, agents: int, capacity: int) -> Queue:
        oldest = self._oldest(type) if waiting else {}
        delayed = self._reader.count(Query("tasks", {"type": type, "queue": Prefix(LATER)})) if waiting else 0
        return Queue(
            type=type, waiting=waiting, delayed=delayed, running=running,
            oldest_at=from_optional_text(oldest.get("created_at")), agents=agents, capacity=capacity,
            system=_system_of(oldest.get("tags", ())),
        )  # fmt: skip

    def _oldest(self, type: str) -> Document:
        query = Query("tasks", {"status": Status.PENDING.value, "type": type}, "id", limit=1)
        found = self._reader.find(query).documents
        return found[0] if found else {}

    def _totals(self, prefix: str) -> Counter[str]:
        found = self._reader.totals(prefix, MOST_TYPES)
        return Counter({sample.series.removeprefix(prefix): int(sample.value) for sample in found if sample.value > 0})

    def _able(self) -> tuple[Counter[str], Counter[str]]:
        agents, capacity = Counter[str](), Counter[str]()
        for agent in self._online():
            for type in agent.capabilities:
                agents[type] += 1
                capacity[type] += agent.capacity if agent.mode is AgentMode.WORKING else 0
        return agents, capacity

    def _online(self) -> Iterator[Agent]:
        query = Query("agents", {"status": AgentStatus.ONLINE.value}, limit=MOST_AGENTS)
        return map(Agent.from_document, self._reader.find(query).documents)


def _system_of(tags: Iterable[str]) -> str:
    return next((SYSTEMS[tag] for tag in tags if tag in SYSTEMS), "")
