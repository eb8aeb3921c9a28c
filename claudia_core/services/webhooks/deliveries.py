"""Deliveries as they are queued and as they end: what `integrations.webhooks` changes while it sends."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import orjson

from claudia_core.model.delivery import Attempt, Delivery, DeliveryStatus
from claudia_core.model.event import Event
from claudia_core.model.times import to_text
from claudia_core.model.webhook import Endpoint
from claudia_core.ports import Query, Reader, Transaction

MOST_BODY = 256_000
"""Bytes of a body; an event with more is told without its data."""

PATIENCE = timedelta(days=5)
"""How long an endpoint may fail without a success before it is turned off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of an attempt.

    `next_at` is when to try again, None for never; `was_failing` that the endpoint is known to have failed before;
    `gone` that the receiver wants nothing any more.
    """

    attempt: Attempt
    is_success: bool
    next_at: datetime | None = None
    was_failing: bool = True
    gone: bool = False


def delivery_of(endpoint: Endpoint, event: Event, now: datetime) -> Delivery:
    """An event for an endpoint. Its id follows from both: made twice, it is the same delivery. Ids sort by event."""
    mark = hashlib.sha256(f"{event.epoch}:{event.sequence}:{endpoint.id}".encode()).hexdigest()[:20]
    return Delivery(
        id=f"msg_{event.sequence:015d}_{mark}",
        endpoint_id=endpoint.id,
        event_type=event.type,
        body=body_of(event),
        next_at=now,
        created_at=now,
    )


def body_of(event: Event) -> str:
    """What is sent: the CloudEvent, with the `timestamp` of Standard Webhooks; `dataomitted` where it is too large."""
    told = event.to_cloudevent() | {"timestamp": to_text(event.time)}
    text = orjson.dumps(told)
    if len(text) > MOST_BODY:
        text = orjson.dumps(told | {"data": None, "dataomitted": True})
    return text.decode()


def queue(tx: Transaction, endpoints: Sequence[Endpoint], events: Iterable[Event]) -> set[str]:
    """Put events on their way to the endpoints that want them, and are still there; returns the ids of those."""
    waited_for: set[str] = set()
    there = [endpoint for endpoint in endpoints if tx.get("endpoints", endpoint.id) is not None]
    for event in events:
        for endpoint in there:
            if endpoint.wants(event):
                delivery = delivery_of(endpoint, event, tx.now)
                if tx.get("deliveries", delivery.id) is None:
                    tx.put("deliveries", delivery.to_document())
                waited_for.add(endpoint.id)
    return waited_for


def waiting(store: Reader, endpoint: Endpoint, limit: int) -> list[Delivery]:
    """The next deliveries of an endpoint: by when they are due, or in order of their events for an ordered one."""
    order = "id" if endpoint.ordered else "next_at"
    where = {"endpoint_id": endpoint.id, "status": DeliveryStatus.PENDING.value}
    page = store.find(Query("deliveries", where, order, limit=limit))
    return [Delivery.from_document(document) for document in page.documents]


def settle(tx: Transaction, id: str, outcome: Outcome) -> None:
    """Save what became of an attempt, with its event; nothing where the delivery is gone or has ended otherwise."""
    found = tx.get("deliveries", id)
    if found is None or found["status"] != DeliveryStatus.PENDING:
        return
    delivery = Delivery.from_document(found)
    if outcome.is_success:
        _succeed(tx, delivery, outcome)
        return
    if outcome.next_at is not None:
        tx.put("deliveries", delivery.with_attempt(outcome.attempt, next_at=outcome.next_at).to_document())
    else:
        _give_up(tx, delivery, outcome.attempt)
    _note_failure(tx, delivery.endpoint_id, outcome)


def _succeed(tx: Transaction, delivery: Delivery, outcome: Outcome) -> None:
    done = delivery.with_attempt(outcome.attempt, status=DeliveryStatus.DELIVERED, next_at=None, finished_at=tx.now)
    tx.put("deliveries", done.to_document())
    tx.emit("webhook:delivered", delivery.endpoint_id, {"delivery_id": delivery.id, "tries": done.tries})
    if not outcome.was_failing:
        return
    found = tx.get("endpoints", delivery.endpoint_id)
    if found is not None and found["failing_since"] is not None:
        tx.put("endpoints", {**found, "failing_since": None})


def _give_up(tx: Transaction, delivery: Delivery, attempt: Attempt) -> None:
    failed = delivery.with_attempt(attempt, status=DeliveryStatus.FAILED, next_at=None, finished_at=tx.now)
    tx.put("deliveries", failed.to_document())
    told = {"delivery_id": delivery.id, "event_type": delivery.event_type, "tries": failed.tries}
    tx.emit("webhook:failed", delivery.endpoint_id, {**told, "status": attempt.status, "error": attempt.error})


def _note_failure(tx: Transaction, endpoint_id: str, outcome: Outcome) -> None:
    """Since when the endpoint fails; where that is too long, or it is gone, turn it off and say so."""
    found = tx.get("endpoints", endpoint_id)
    if found is None:
        return
    endpoint = Endpoint.from_document(found)
    since = endpoint.failing_since or tx.now
    reason = ""
    if outcome.gone:
        reason = "the receiver answered 410: it wants nothing any more"
    elif tx.now - since >= PATIENCE:
        reason = f"nothing could be delivered for {PATIENCE.days} days"
    if reason and endpoint.active:
        off = replace(endpoint, failing_since=since, active=False, disabled_reason=reason, updated_at=tx.now)
        tx.put("endpoints", off.to_document())
        tx.emit("webhook:disabled", endpoint_id, {"name": endpoint.name, "reason": reason})
    elif endpoint.failing_since is None:
        tx.put("endpoints", replace(endpoint, failing_since=since).to_document())
