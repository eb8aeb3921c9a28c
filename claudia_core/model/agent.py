"""A process that runs tasks."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from claudia_core.model.times import from_text, to_text


class AgentStatus(StrEnum):
    """Whether an agent is there."""

    ONLINE = "online"
    OFFLINE = "offline"
    LOST = "lost"


class AgentMode(StrEnum):
    """What an agent is asked to do; it takes new tasks only while working."""

    WORKING = "working"
    PAUSED = "paused"
    DRAINING = "draining"
    STOPPING = "stopping"


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals:
    """What an agent tells with a heartbeat.

    `running` tasks it works on now, `memory` of its processes in bytes, tasks that it `completed` and that `failed`
    since it began, and how many ended in the last minute.
    """

    running: int = 0
    memory: int = 0
    completed: int = 0
    failed: int = 0
    per_minute: float = 0.0

    @property
    def ended(self) -> int:
        """How many tasks ended in it since it began."""
        return self.completed + self.failed


MINUTES = 60
"""Minutes of which an agent keeps how many tasks ended in each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """A process that runs tasks, alive as long as it renews its lease (`lease` seconds after each heartbeat).

    `capabilities` are the types of task that it takes from the queues, at most `capacity` at once; without any, it only
    runs what its own program begins. `pace` is how many tasks ended in each minute of the last hour, as its heartbeats
    told, up to the minute `pace_at` (since 1970).
    """

    id: str
    name: str
    host: str
    pid: int
    started_at: datetime
    heartbeat_at: datetime
    status: AgentStatus = AgentStatus.ONLINE
    lease: float = 15.0
    capabilities: tuple[str, ...] = ()
    capacity: int = 0
    mode: AgentMode = AgentMode.WORKING
    vitals: Vitals = Vitals()
    pace: tuple[int, ...] = ()
    pace_at: int = 0

    def last_hour(self, now: datetime) -> tuple[int, ...]:
        """How many tasks ended in each of the last 60 minutes, that of `now` last."""
        return self._pace_at(_minute(now))

    def _pace_at(self, minute: int) -> tuple[int, ...]:
        since = min(MINUTES, max(0, minute - self.pace_at))
        known = (*(0,) * MINUTES, *self.pace, *(0,) * since)
        return known[-MINUTES:]

    @property
    def state(self) -> str:
        """In one word: the mode while it is online, else its status; `online` when it is online and working."""
        is_plain = self.status is not AgentStatus.ONLINE or self.mode is AgentMode.WORKING
        return self.status.value if is_plain else self.mode.value

    @property
    def expires_at(self) -> datetime:
        """When the agent counts as lost unless it sends a heartbeat."""
        return self.heartbeat_at + timedelta(seconds=self.lease)

    def beaten(self, now: datetime, vitals: Vitals | None = None) -> Agent:
        """This agent after a heartbeat."""
        beaten = replace(self, heartbeat_at=now, status=AgentStatus.ONLINE)
        if vitals is None:
            return beaten
        ended = max(0, vitals.ended - self.vitals.ended)
        if not ended and not self.pace:
            return replace(beaten, vitals=vitals)
        minute = max(self.pace_at, _minute(now))
        *before, last = self._pace_at(minute)
        return replace(beaten, vitals=vitals, pace=(*before, last + ended), pace_at=minute)

    def with_status(self, status: AgentStatus) -> Agent:
        """This agent in another status."""
        return replace(self, status=status)

    def to_document(self) -> dict[str, Any]:
        """As plain JSON."""
        return {
            "id": self.id,
            "name": self.name,
            "host": self.host,
            "pid": self.pid,
            "status": self.status.value,
            "lease": self.lease,
            "started_at": to_text(self.started_at),
            "heartbeat_at": to_text(self.heartbeat_at),
            "expires_at": to_text(self.expires_at),
            "capabilities": list(self.capabilities),
            "capacity": self.capacity,
            "mode": self.mode.value,
            "state": self.state,
            **asdict(self.vitals),
            "pace": list(self.pace),
            "pace_at": self.pace_at,
        }

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Agent:
        """The value that `to_document` wrote."""
        return cls(
            id=document["id"],
            name=document["name"],
            host=document["host"],
            pid=document["pid"],
            status=AgentStatus(document["status"]),
            lease=document["lease"],
            started_at=from_text(document["started_at"]),
            heartbeat_at=from_text(document["heartbeat_at"]),
            capabilities=tuple(document.get("capabilities", ())),
            capacity=document.get("capacity", 0),
            mode=AgentMode(document.get("mode", "working")),
            vitals=Vitals(**{name: document.get(name, 0) for name in VITALS}),
            pace=tuple(document.get("pace", ())),
            pace_at=document.get("pace_at", 0),
        )


VITALS = tuple(Vitals.__dataclass_fields__)


def _minute(moment: datetime) -> int:
    return int(moment.timestamp()) // 60
