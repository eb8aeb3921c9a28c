"""A delivery: one event on its way to one endpoint, with every attempt."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from claudia_core.errors import InvalidValue
from claudia_core.model.times import from_optional_text, from_text, to_optional_text, to_text

MOST_ATTEMPTS_KEPT = 30
MOST_EXCERPT = 500


class DeliveryStatus(StrEnum):
    """How a delivery stands."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try: `status` is the HTTP answer, None where there was none; `seconds` how long it took."""

    time: datetime
    status: int | None = None
    seconds: float
    error: str = ""
    response: str = ""

    def to_document(self) -> dict[str, Any]:
        """As plain JSON."""
        return {
            "time": to_text(self.time),
            "status": self.status,
            "seconds": round(self.seconds, 6),
            "error": self.error,
            "response": self.response,
        }

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Attempt:
        """The value that `to_document` wrote."""
        return cls(**{**document, "time": from_text(document["time"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One event for one endpoint. Its id is the `webhook-id`: the same in every attempt, so duplicates are known.

    Args:
        body: what is sent, byte for byte the same in every attempt; empty in lists.
        tries: attempts of the present schedule; a redrive begins again.
        next_at: when it is tried next; None when it has ended.
        attempts: the last 30, oldest first.
    """

    id: str
    endpoint_id: str
    event_type: str
    status: DeliveryStatus = DeliveryStatus.PENDING
    body: str = ""
    tries: int = 0
    next_at: datetime | None = None
    created_at: datetime
    finished_at: datetime | None = None
    attempts: tuple[Attempt, ...] = ()

    def with_attempt(self, attempt: Attempt, **values: Any) -> Delivery:
        """This after one more attempt."""
        kept = (*self.attempts, attempt)[-MOST_ATTEMPTS_KEPT:]
        return replace(self, attempts=kept, tries=self.tries + 1, **values)

    def to_public(self) -> dict[str, Any]:
        """As plain JSON, without the body."""
        return {
            "id": self.id,
            "endpoint_id": self.endpoint_id,
            "event_type": self.event_type,
            "status": self.status.value,
            "tries": self.tries,
            "next_at": to_optional_text(self.next_at),
            "created_at": to_text(self.created_at),
            "finished_at": to_optional_text(self.finished_at),
            "attempts": [attempt.to_document() for attempt in self.attempts],
        }

    def to_document(self) -> dict[str, Any]:
        """As the store keeps it."""
        return {**self.to_public(), "body": self.body}

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Delivery:
        """The value that `to_document` wrote."""
        return cls(
            id=document["id"],
            endpoint_id=document["endpoint_id"],
            event_type=document["event_type"],
            status=DeliveryStatus(document["status"]),
            body=document["body"],
            tries=document["tries"],
            next_at=from_optional_text(document["next_at"]),
            created_at=from_text(document["created_at"]),
            finished_at=from_optional_text(document["finished_at"]),
            attempts=tuple(Attempt.from_document(attempt) for attempt in document["attempts"]),
        )


def require_status(value: object) -> DeliveryStatus:
    """`value` as a status.

    Raises:
        InvalidValue: it is none.
    """
    try:
        return DeliveryStatus(str(value))
    except ValueError:
        raise InvalidValue(
            f"status is {value!r:.80}", field="status", hint=f"use {', '.join(DeliveryStatus)}"
        ) from None
