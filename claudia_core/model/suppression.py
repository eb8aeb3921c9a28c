"""An address that no mail is sent to: its mail came back, or whoever reads it complained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from claudia_core.errors import InvalidValue
from claudia_core.model.times import from_text, to_text


class SuppressionReason(StrEnum):
    """Why nothing is sent."""

    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    MANUAL = "manual"


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppression:
    """An address in lower case, why it gets no mail, what was said about it, and since when."""

    id: str
    reason: SuppressionReason
    note: str = ""
    created_at: datetime

    def to_document(self) -> dict[str, Any]:
        """As plain JSON."""
        return {
            "id": self.id,
            "reason": self.reason.value,
            "note": self.note,
            "created_at": to_text(self.created_at),
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Suppression:
        """The value that `to_document` wrote."""
        reason, at = SuppressionReason(document["reason"]), from_text(document["created_at"])
        return cls(id=document["id"], note=document["note"], reason=reason, created_at=at)


def require_reason(value: object) -> SuppressionReason:
    """`value` as a reason.

    Raises:
        InvalidValue: it is none.
    """
    try:
        return SuppressionReason(str(value))
    except ValueError:
        hint = f"use {', '.join(SuppressionReason)}"
        raise InvalidValue(f"reason is {value!r:.80}", field="reason", hint=hint) from None
