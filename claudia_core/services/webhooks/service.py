"""Webhook endpoints: made, changed, their secrets rotated, tested, and their deliveries looked at and sent again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from claudia_core.errors import Conflict, InvalidValue, NotFound
from claudia_core.model.address import host_of, require_url
from claudia_core.model.delivery import Delivery, DeliveryStatus, require_status
from claudia_core.model.event import Event
from claudia_core.model.ids import new_id
from claudia_core.model.times import require_utc, to_text
from claudia_core.model.values import MAX_NAME, require_text
from claudia_core.model.webhook import (
    Endpoint,
    Secret,
    new_secret,
    require_filter,
    require_headers,
    require_patterns,
    require_secret,
)
from claudia_core.ports import Condition, Document, Query, Range, Store, Transaction
from claudia_core.services.pruning import prune
from claudia_core.services.sealing import Safe
from claudia_core.services.webhooks.deliveries import delivery_of

MOST_ENDPOINTS = 1_000
MOST_HOURS = 24 * 30.0
AT_ONCE = 500
"""Deliveries that are sent again, or deleted, in one transaction."""

CHANGEABLE: Mapping[str, Callable[[Any], Any]] = {
    "name": lambda value: require_text(value, "name", MAX_NAME),
    "url": require_url,
    "events": require_patterns,
    "filter": require_filter,
    "headers": require_headers,
    "active": lambda value: _require_flag(value, "active"),
    "ordered": lambda value: _require_flag(value, "ordered"),
}


@dataclass(frozen=True, slots=True)
class DeliveryPage:
    """Some deliveries, the newest first, without their bodies; `next` asks for the rest."""

    deliveries: list[Delivery]
    next: str | None = None


class Webhooks:
    """Changes and finds endpoints and deliveries. Sending is done by `integrations.webhooks`, on a server.

    Args:
        store: where they are.
        safe: seals secrets and the values of headers; without one they are kept as they are.
    """

    def __init__(self, store: Store, safe: Safe | None = None) -> None:
        self._store = store
        self._safe = safe or Safe()

    def create(
        self,
        url: str,
        events: Sequence[str] = ("*",),
        *,
        name: str | None = None,
        filter: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        secret: str | None = None,
        ordered: bool = False,
        active: bool = True,
    ) -> tuple[Endpoint, str]:
        """Tell events to `url` from now on; returns the endpoint and its secret, which is shown this once.

        Raises:
            InvalidValue, TooLarge: a value breaks a rule; `field` names it.
            Conflict: there are 1,000 endpoints already.
        """
        url = require_url(url)
        given: dict[str, Any] = {
            "url": url,
            "events": events,
            "name": host_of(url)[:MAX_NAME] if name is None else name,
            "filter": {} if filter is None else filter,
            "headers": {} if headers is None else headers,
            "ordered": ordered,
            "active": active,
        }
        values = {field: CHANGEABLE[field](value) for field, value in given.items()}
        text = new_secret() if secret is None else require_secret(secret)
        id = new_id()
        values["headers"] = self._sealed(id, values["headers"])
        kept = Secret(self._safe.seal(id, text))

        def work(tx: Transaction) -> Endpoint:
            if len(tx.find(Query("endpoints", limit=MOST_ENDPOINTS)).documents) >= MOST_ENDPOINTS:
                raise Conflict(f"there are {MOST_ENDPOINTS:,} endpoints already", hint="delete one")
            endpoint = Endpoint(id=id, secrets=(kept,), created_at=tx.now, updated_at=tx.now, **values)
            return _save(tx, endpoint, "webhook:created")

        return self._store.write(work).result(), text

    def update(self, id: str, **changes: Any) -> Endpoint:
        """Change some of `name`, `url`, `events`, `filter`, `headers`, `active`, `ordered`.

        `headers` are all of them; one whose value is None keeps the value it has. Turned on again, it is no longer
        counted as failing, and what waits is sent.

        Raises:
            NotFound: there is no such endpoint.
            InvalidValue, TooLarge: a value breaks a rule; `field` names it.
        """
        for field in changes:
            if field not in CHANGEABLE:
                raise InvalidValue(f"an endpoint has no {field!r:.80}", field=field, hint=", ".join(CHANGEABLE))
        kept = self._kept_headers(id, changes.pop("headers")) if "headers" in changes else {}
        values = {field: CHANGEABLE[field](value) for field, value in changes.items()}
        values |= kept
        if values.get("active"):
            values |= {"failing_since": None, "disabled_reason": ""}
        return self._change(id, lambda endpoint, _: replace(endpoint, **values))

    def rotate(self, id: str, *, secret: str | None = None, hours: float = 24.0) -> tuple[Endpoint, str]:
        """Give an endpoint another secret, shown this once. The one before also signs for `hours` more.

        Raises:
            NotFound: there is no such endpoint.
            InvalidValue: the secret is none, or the hours are not 0 to 720.
        """
        if not 0 <= hours <= MOST_HOURS:
            raise InvalidValue(f"hours is {hours!r}", field="hours", hint=f"use a number from 0 to {MOST_HOURS:g}")
        text = new_secret() if secret is None else require_secret(secret)
        sealed = self._safe.seal(id, text)

        def rotated(endpoint: Endpoint, now: datetime) -> Endpoint:
            until = now + timedelta(hours=hours)
            kept = [
                replace(old, until=min(old.until or until, until))
                for old in endpoint.secrets[:4]
                if hours and (old.until is None or now < old.until) and self._safe.open(id, old.text) != text
            ]
            return replace(endpoint, secrets=(Secret(sealed), *kept))

        return self._change(id, rotated), text

    def delete(self, id: str) -> None:
        """Take an endpoint away; what waits for it is not sent.

        Raises:
            NotFound: there is no such endpoint.
        """

        def work(tx: Transaction) -> None:
            endpoint = _endpoint(tx, id)
            tx.delete("endpoints", id)
            tx.emit("webhook:deleted", id, {"name": endpoint.name})

        self._store.write(work).result()
        prune(self._store, Query("deliveries", {"endpoint_id": id}, limit=AT_ONCE))

    def get(self, id: str) -> Endpoint:
        """One endpoint.

        Raises:
            NotFound: there is no such endpoint.
        """
        return _endpoint(self._store, id)

    def list(self) -> list[Endpoint]:
        """All endpoints by name."""
        page = self._store.find(Query("endpoints", order="name_key", limit=MOST_ENDPOINTS))
        return [Endpoint.from_document(document) for document in page.documents]

    def deliveries(
        self,
        endpoint_id: str | None = None,
        *,
        status: DeliveryStatus | str | None = None,
        limit: int = 100,
        after: str | None = None,
    ) -> DeliveryPage:
        """A page of deliveries, the newest first.

        Raises:
            InvalidValue: a status that is none, or a limit out of range.
            BadCursor: `after` is not the `next` of a page.
        """
        where: dict[str, Condition] = {"endpoint_id": endpoint_id} if endpoint_id else {}
        if status is not None:
            where["status"] = require_status(status).value
        page = self._store.find(Query("deliveries", where, "-id", after, limit))
        return DeliveryPage([Delivery.from_document({**found, "body": ""}) for found in page.documents], page.next)

    def delivery(self, id: str) -> Delivery:
        """One delivery with its body.

        Raises:
            NotFound: there is no such delivery, or it was pruned.
        """
        return _delivery(self._store, id)

    def redrive(self, id: str) -> Delivery:
        """Send one delivery again, now, with a whole schedule; one that waits is tried now.

        Raises:
            NotFound: there is no such delivery.
        """

        def work(tx: Transaction) -> Delivery:
            delivery = _again(tx, _delivery(tx, id))
            tx.emit("webhook:queued", delivery.endpoint_id, {"delivery_id": id, "reason": "redrive"})
            return delivery

        return self._store.write(work).result()

    def redrive_failed(self, endpoint_id: str, since: datetime | None = None) -> int:
        """Send again what failed for good, by when it was given up; returns how many.

        Raises:
            NotFound: there is no such endpoint.
            InvalidValue: `since` has no timezone.
        """
        start = "" if since is None else to_text(require_utc(since, "since"))
        failed = Query("deliveries", {"endpoint_id": endpoint_id, "status": "failed"}, "id", limit=AT_ONCE)

        def work(tx: Transaction, after: str | None) -> tuple[int, str | None]:
            _endpoint(tx, endpoint_id)
            page = tx.find(replace(failed, after=after))
            chosen = [found for found in page.documents if (found["finished_at"] or "") >= start]
            for found in chosen:
                _again(tx, Delivery.from_document(found))
            if chosen:
                tx.emit("webhook:queued", endpoint_id, {"deliveries": len(chosen), "reason": "redrive"})
            return len(chosen), page.next

        total, after = 0, None
        while True:
            number, after = self._store.write(lambda tx, after=after: work(tx, after)).result()  # type: ignore[misc]
            total += number
            if after is None:
                return total

    def test(self, id: str) -> Delivery:
        """Send an event `webhook:test` to one endpoint, whatever events it wants.

        Raises:
            NotFound: there is no such endpoint.
            Conflict: it is turned off.
        """
        mark = hashlib.sha256(new_id().encode()).hexdigest()

        def work(tx: Transaction) -> Delivery:
            endpoint = _endpoint(tx, id)
            if not endpoint.active:
                raise Conflict(f"the endpoint {endpoint.name!r} is turned off", hint="turn it on first")
            event = Event(self._store.head(), mark, "webhook:test", id, tx.now, {"message": "A test of this endpoint"})
            delivery = delivery_of(endpoint, event, tx.now)
            tx.put("deliveries", delivery.to_document())
            tx.emit("webhook:queued", id, {"delivery_id": delivery.id, "reason": "test"})
            return delivery

        return self._store.write(work).result()

    def prune(self, before: datetime) -> int:
        """Delete deliveries that ended before a moment; returns how many."""
        ended = Range("0", to_text(require_utc(before, "before")))
        return prune(self._store, Query("deliveries", {"finished_at": ended}, "finished_at", limit=AT_ONCE))

    def _kept_headers(self, id: str, given: Any) -> dict[str, dict[str, str]]:
        """Headers as they are kept; those without a value as they were."""
        old = self.get(id).headers if isinstance(given, Mapping) and None in given.values() else {}
        new = {name: value for name, value in given.items() if not (value is None and name in old)} if old else given
        sealed = self._sealed(id, require_headers(new))
        return {"headers": sealed | {name: old[name] for name in old if given.get(name, "") is None}}

    def _sealed(self, id: str, headers: Mapping[str, str]) -> dict[str, str]:
        return {name: self._safe.seal(id, value) for name, value in headers.items()}

    def _change(self, id: str, change: Callable[[Endpoint, datetime], Endpoint]) -> Endpoint:
        def work(tx: Transaction) -> Endpoint:
            endpoint = replace(change(_endpoint(tx, id), tx.now), updated_at=tx.now)
            return _save(tx, endpoint, "webhook:updated")

        return self._store.write(work).result()


def _save(tx: Transaction, endpoint: Endpoint, type: str) -> Endpoint:
    tx.put("endpoints", endpoint.to_document())
    tx.emit(type, endpoint.id, {"name": endpoint.name, "active": endpoint.active, "events": [*endpoint.events]})
    return endpoint


def _again(tx: Transaction, delivery: Delivery) -> Delivery:
    fresh = replace(delivery, status=DeliveryStatus.PENDING, tries=0, next_at=tx.now, finished_at=None)
    tx.put("deliveries", fresh.to_document())
    return fresh


def _endpoint(store: Store | Transaction, id: str) -> Endpoint:
    return Endpoint.from_document(_found(store.get("endpoints", id), "endpoint", id))


def _delivery(store: Store | Transaction, id: str) -> Delivery:
    return Delivery.from_document(_found(store.get("deliveries", id), "delivery", id))


def _found(document: Document | None, what: str, id: str) -> Document:
    if document is None:
        raise NotFound(f"no {what} {id!r:.80}", field="id")
    return document


def _require_flag(value: object, field: str) -> bool:
    if not isinstance(value, bool):
        raise InvalidValue(f"{field} is {value!r:.80}", field=field, hint="use true or false")
    return value
