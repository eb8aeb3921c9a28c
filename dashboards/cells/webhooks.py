"""Webhooks as rows of cells: pure functions without panel, whose output `theme/live.js` draws as text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import urlencode

import orjson

from claudia_core.model.delivery import Attempt, Delivery, DeliveryStatus
from claudia_core.model.source import Source
from claudia_core.model.times import to_optional_text, to_text
from claudia_core.model.webhook import Endpoint
from claudia_core.resilience.metrics import Figures
from dashboards import units
from dashboards.cells.integrations import service_href
from dashboards.cells.tasks import Row, fact, json_text, shorten

STATUSES: Mapping[DeliveryStatus, tuple[str, str]] = {
    DeliveryStatus.PENDING: ("…", "pending"),
    DeliveryStatus.DELIVERED: ("✔", "completed"),
    DeliveryStatus.FAILED: ("✖", "failed"),
}
HOOKS = "/api/v1/hooks/"


def webhooks_href(**where: str) -> str:
    """An address of the integrations page, relative to any page."""
    return "./integrations?" + urlencode({"view": "webhooks", **where})


def endpoint_state(endpoint: Endpoint) -> Row:
    """The cell of an endpoint's state: mark and word."""
    if endpoint.disabled_reason:
        return {"word": "given up", "mark": "✖", "tone": "failed"}
    if not endpoint.active:
        return {"word": "off", "mark": "⊘", "tone": "pending"}
    if endpoint.failing_since is not None:
        return {"word": "failing", "mark": "▲", "tone": "cancelled"}
    return {"word": "on", "mark": "✔", "tone": "completed"}


def endpoint_row(endpoint: Endpoint, waiting: int, most: int) -> Row:
    """An endpoint as a row; `waiting` deliveries of at most `most` that were counted."""
    return {
        "id": endpoint.id,
        "name": {
            "text": endpoint.name,
            "href": webhooks_href(endpoint=endpoint.id),
            "key": endpoint.id,
            "hint": endpoint.disabled_reason or endpoint.url,
        },
        "status": endpoint_state(endpoint),
        "events": list(endpoint.events)[:5],
        "waiting": f"{units.number(waiting)}{'+' if waiting >= most else ''}" if waiting else None,
        "failing": to_optional_text(endpoint.failing_since),
    }


def endpoint_facts(endpoint: Endpoint, waiting: str | None, circuit: Row | None) -> list[Row]:
    """What there is to know about an endpoint; secrets and values of headers are not shown."""
    facts = (
        fact("State", "status", endpoint_state(endpoint)),
        fact("Because", "text", endpoint.disabled_reason),
        fact("Failing since", "when", to_optional_text(endpoint.failing_since)),
        fact("Circuit", "status", circuit),
        fact("Waiting", "text", waiting),
        fact("Address", "text", endpoint.url),
        fact("Events", "tags", list(endpoint.events)),
        fact("Filter", "text", json_text(endpoint.filter) if endpoint.filter else None),
        fact("Headers", "tags", sorted(endpoint.headers)),
        fact("Order", "text", "strictly in order" if endpoint.ordered else "as they come"),
        fact("Secrets", "text", f"{units.plural(len(endpoint.secrets), 'secret')}, the newest signs"),
        fact("Made", "when", to_text(endpoint.created_at)),
        fact("Changed", "when", to_text(endpoint.updated_at)),
        fact("Id", "id", endpoint.id),
    )
    return [row for row in facts if row is not None]


def delivery_status(delivery: Delivery) -> Row:
    """The cell of a delivery's status; one that waits after a failed try says that it is tried again."""
    mark, tone = STATUSES[delivery.status]
    again = delivery.status is DeliveryStatus.PENDING and delivery.tries > 0
    return {"word": "retrying", "mark": "↻", "tone": "cancelled"} if again else {
        "word": delivery.status.value, "mark": mark, "tone": tone,
    }  # fmt: skip


def answer(attempt: Attempt) -> str:
    """What an attempt came to, in words: `HTTP 500 in 12 ms`, or what went wrong."""
    if attempt.status is not None:
        return f"HTTP {attempt.status} in {units.quick(attempt.seconds)}"
    return attempt.error or f"no answer in {units.quick(attempt.seconds)}"


def delivery_row(delivery: Delivery, names: Mapping[str, str]) -> Row:
    """A delivery as a row of the list; `names` are those of endpoints."""
    last = delivery.attempts[-1] if delivery.attempts else None
    return {
        "id": delivery.id,
        "name": {
            "text": delivery.event_type,
            "href": webhooks_href(delivery=delivery.id),
            "key": delivery.id,
            "hint": f"to {names.get(delivery.endpoint_id, 'an endpoint that was deleted')}",
        },
        "status": delivery_status(delivery),
        "answer": None if last is None else answer(last),
        "tries": units.number(delivery.tries) if delivery.tries else None,
        "next": to_optional_text(delivery.next_at),
        "at": to_text(delivery.created_at),
    }


def delivery_facts(delivery: Delivery, name: str | None) -> list[Row]:
    """What there is to know about a delivery apart from its body."""
    to = {"text": name or "an endpoint that was deleted", "key": delivery.endpoint_id, "href": None}
    to |= {"href": webhooks_href(endpoint=delivery.endpoint_id)} if name else {}
    facts = (
        fact("Status", "status", delivery_status(delivery)),
        fact("Event", "text", delivery.event_type),
        fact("To", "link", to),
        fact("Tries", "text", f"{delivery.tries} of the present schedule" if delivery.tries else None),
        fact("Next try", "when", to_optional_text(delivery.next_at)),
        fact("Queued", "when", to_text(delivery.created_at)),
        fact("Ended", "when", to_optional_text(delivery.finished_at)),
        fact("webhook-id", "id", delivery.id),
    )
    return [row for row in facts if row is not None]


def attempt_rows(attempts: Sequence[Attempt]) -> list[Row]:
    """Attempts as rows, the newest first."""
    return [
        {
            "id": str(at),
            "status": _outcome(attempt),
            "at": to_text(attempt.time),
            "took": units.quick(attempt.seconds),
            "says": attempt.error or attempt.response or None,
        }
        for at, attempt in reversed([*enumerate(attempts)])
    ]


def _outcome(attempt: Attempt) -> Row:
    if attempt.status is None:
        return {"word": "no answer", "mark": "✖", "tone": "failed"}
    well = 200 <= attempt.status < 300
    return {"word": f"HTTP {attempt.status}", "mark": "✔" if well else "✖", "tone": "completed" if well else "failed"}


def delivery_blocks(delivery: Delivery) -> list[Row]:
    """What is sent, and what came back last, as blocks of code."""
    last = next((one for one in reversed(delivery.attempts) if one.response), None)
    body = json_text(orjson.loads(delivery.body)) if delivery.body else ""
    blocks = (("What is sent, indented here", body), ("Last answer, its beginning", last.response if last else ""))
    return [{"id": label, "label": label, "value": shorten(text)} for label, text in blocks if text]


def source_rows(sources: Iterable[Source], figures: Mapping[str, Figures]) -> list[Row]:
    """Sources of webhooks as rows; `figures` are those of their messages, by the name of the service."""
    return [_source_row(source, figures.get(service_of(source))) for source in sources]


def service_of(source: Source) -> str:
    """The name by which a source's messages are measured."""
    return f"hook {source.id}"


def _source_row(source: Source, told: Figures | None) -> Row:
    service = service_of(source)
    return {
        "id": source.id,
        "name": {
            "text": source.id,
            "href": service_href(service) if told else None,
            "key": service if told else None,
            "hint": f"posts to {HOOKS}{source.id}",
        },
        "scheme": source.scheme.value,
        "messages": units.number(told.successes + told.errors) if told else None,
        "errors": units.number(told.errors) if told and told.errors else None,
        "failed": to_optional_text(told.last_error_at) if told else None,
        "event": source.event,
        "subject": source.subject or None,
        "at": to_text(source.created_at),
    }
