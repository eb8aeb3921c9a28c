"""Webhooks of a hub elsewhere: the same methods as in `services.webhooks`, carried out by requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from claudia_core.clients.http import Connection
from claudia_core.errors import StoreError
from claudia_core.model.delivery import Delivery, DeliveryStatus
from claudia_core.model.times import to_optional_text
from claudia_core.model.webhook import Endpoint
from claudia_core.ports import Store
from claudia_core.services.webhooks.service import DeliveryPage, Webhooks


class RemoteWebhooks(Webhooks):
    """See `services.Webhooks`. Endpoints come without secrets and without values of headers: the hub keeps both."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(cast("Store", None))  # every method that would ask it is below
        self._connection = connection

    def create(self, url: str, events: Sequence[str] = ("*",), **values: Any) -> tuple[Endpoint, str]:
        """See `services.Webhooks`."""
        told = self._connection.ask("webhooks.create", url=url, events=list(events), **values)
        return _endpoint(told), told["secret"]

    def update(self, id: str, **changes: Any) -> Endpoint:
        """See `services.Webhooks`."""
        return _endpoint(self._connection.ask("webhooks.update", id=id, **changes))

    def rotate(self, id: str, *, secret: str | None = None, hours: float = 24.0) -> tuple[Endpoint, str]:
        """See `services.Webhooks`."""
        told = self._connection.ask("webhooks.rotate", id=id, secret=secret, hours=hours)
        return _endpoint(told), told["secret"]

    def delete(self, id: str) -> None:
        """See `services.Webhooks`."""
        self._connection.ask("webhooks.delete", id=id)

    def get(self, id: str) -> Endpoint:
        """See `services.Webhooks`."""
        return _endpoint(self._connection.ask("webhooks.get", id=id))

    def list(self) -> list[Endpoint]:
        """See `services.Webhooks`."""
        return [_endpoint(told) for told in self._connection.ask("webhooks.list")["items"]]

    def deliveries(
        self,
        endpoint_id: str | None = None,
        *,
        status: DeliveryStatus | str | None = None,
        limit: int = 100,
        after: str | None = None,
    ) -> DeliveryPage:
        """See `services.Webhooks`."""
        asked: dict[str, Any] = {
            "endpoint_id": endpoint_id,
            "status": status and str(status),
            "limit": limit,
            "after": after,
        }
        page = self._connection.ask("deliveries.list", **asked)
        return DeliveryPage([Delivery.from_document(told) for told in page["items"]], page["next"])

    def delivery(self, id: str) -> Delivery:
        """See `services.Webhooks`."""
        return Delivery.from_document(self._connection.ask("deliveries.get", id=id))

    def redrive(self, id: str) -> Delivery:
        """See `services.Webhooks`."""
        return Delivery.from_document(self._connection.ask("deliveries.redrive", id=id))

    def redrive_failed(self, endpoint_id: str, since: datetime | None = None) -> int:
        """See `services.Webhooks`."""
        found = self._connection.ask("webhooks.redrive", id=endpoint_id, since=to_optional_text(since))
        return int(found["redriven"])

    def test(self, id: str) -> Delivery:
        """See `services.Webhooks`."""
        return Delivery.from_document(self._connection.ask("webhooks.test", id=id))

    def prune(self, before: datetime) -> int:  # noqa: ARG002 - the same method as there
        """Raises StoreError: the hub does that itself."""
        raise StoreError("a hub elsewhere deletes its old deliveries itself")


def _endpoint(told: Mapping[str, Any]) -> Endpoint:
    return Endpoint.from_document({**told, "headers": dict.fromkeys(told["headers"], ""), "secrets": []})
