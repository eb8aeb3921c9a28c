"""A process that runs tasks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from claudia_core.model.times import from_text, to_text


class AgentStatus(StrEnum):
    """Whether an agent is there."""

    ONLINE = "online"
    OFFLINE = "offline"
    LOST = "lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """A process that runs tasks, alive as long as it renews its lease (`lease` seconds after each heartbeat)."""

    id: str
    name: str
    host: str
    pid: int
    started_at: datetime
    heartbeat_at: datetime
    status: AgentStatus = AgentStatus.ONLINE
    lease: float = 15.0

    @property
    def expires_at(self) -> datetime:
        """When the agent counts as lost unless it sends a heartbeat."""
        return self.heartbeat_at + timedelta(seconds=self.lease)

    def beaten(self, now: datetime) -> Agent:
        """This agent after a heartbeat."""
        return replace(self, heartbeat_at=now, status=AgentStatus.ONLINE)

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
        )
