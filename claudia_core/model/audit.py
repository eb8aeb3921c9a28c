"""An entry of the audit log: who did what, when, from where."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from claudia_core.model.times import from_text, to_text


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One change. `actor` is `user:ID`, `key:ID`, `token` or `local:NAME`; `action` an operation, `subject` its object.

    `details` never holds secrets or content.
    """

    id: str
    time: datetime
    actor: str
    actor_name: str
    via: str
    address: str
    action: str
    subject: str = ""
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def about(self) -> str:
        """What people call the subject: its name where one was noted, else its id."""
        return str(self.details.get("name") or self.subject)

    def to_document(self) -> dict[str, Any]:
        """As plain JSON."""
        return {
            "id": self.id,
            "time": to_text(self.time),
            "actor": self.actor,
            "actor_name": self.actor_name,
            "via": self.via,
            "address": self.address,
            "action": self.action,
            "subject": self.subject,
            "details": self.details,
        }

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> AuditEntry:
        """The value that `to_document` wrote."""
        return cls(**{**document, "time": from_text(document["time"])})
