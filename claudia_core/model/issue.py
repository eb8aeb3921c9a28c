"""Errors: one occurrence, and the issue that groups occurrences with one fingerprint."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from claudia_core.model.times import from_text, to_text
from claudia_core.model.values import JSON


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """One error as it happened."""

    id: str
    issue_id: str
    type: str
    message: str
    time: datetime
    traceback: str = ""
    task_id: str | None = None
    context: dict[str, JSON] = field(default_factory=dict)

    def to_document(self) -> dict[str, Any]:
        """As plain JSON."""
        return {
            "id": self.id,
            "issue_id": self.issue_id,
            "type": self.type,
            "message": self.message,
            "time": to_text(self.time),
            "traceback": self.traceback,
            "task_id": self.task_id,
            "context": self.context,
        }

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Occurrence:
        """The value that `to_document` wrote."""
        return cls(**{**document, "time": from_text(document["time"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """Errors with one fingerprint. `id` is that fingerprint; `culprit` is where the error was raised."""

    id: str
    type: str
    title: str
    culprit: str
    first_seen: datetime
    last_seen: datetime
    count: int = 1
    status: str = "unresolved"

    def seen(self, occurrence: Occurrence) -> Issue:
        """This issue after one more occurrence."""
        return replace(
            self,
            count=self.count + 1,
            title=occurrence.message or self.title,
            last_seen=max(self.last_seen, occurrence.time),
        )

    def to_document(self) -> dict[str, Any]:
        """As plain JSON."""
        return {
            "id": self.id,
            "type": self.type,
            "title": self.title,
            "culprit": self.culprit,
            "first_seen": to_text(self.first_seen),
            "last_seen": to_text(self.last_seen),
            "count": self.count,
            "status": self.status,
        }

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Issue:
        """The value that `to_document` wrote."""
        times = {name: from_text(document[name]) for name in ("first_seen", "last_seen")}
        return cls(**{**document, **times})
