"""Requests to a hub: the table of what can be asked where, and a connection that asks with patience."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import quote

import httpx2
import orjson

from claudia_core.clients.patience import patiently
from claudia_core.clients.refusals import refusal
from claudia_core.clients.transport import POOL, Address
from claudia_core.errors import HubUnavailable, InvalidValue, StoreClosed
from claudia_core.model.ids import new_id

PREFIX = "/api/v1"

ROUTES: Mapping[str, tuple[str, str]] = {
    "tasks.create": ("POST", "/tasks"),
    "tasks.create_many": ("POST", "/tasks/batch"),
    "tasks.list": ("GET", "/tasks"),
    "tasks.counts": ("GET", "/tasks/counts"),
    "tasks.types": ("GET", "/tasks/types"),
    "tasks.tags": ("GET", "/tasks/tags"),
    "tasks.get": ("GET", "/tasks/{id}"),
    "tasks.children": ("GET", "/tasks/{id}/children"),
    "tasks.result": ("GET", "/tasks/{id}/result"),
    "tasks.start": ("POST", "/tasks/{id}/start"),
    "tasks.progress": ("POST", "/tasks/{id}/progress"),
    "tasks.complete": ("POST", "/tasks/{id}/complete"),
    "tasks.fail": ("POST", "/tasks/{id}/fail"),
    "tasks.cancel": ("POST", "/tasks/{id}/cancel"),
    "tasks.retry": ("POST", "/tasks/{id}/retry"),
    "tasks.rerun": ("POST", "/tasks/{id}/rerun"),
    "filters.list": ("GET", "/filters"),
    "filters.save": ("POST", "/filters"),
    "filters.rename": ("POST", "/filters/{id}/rename"),
    "filters.delete": ("POST", "/filters/{id}/delete"),
    "progress.get": ("GET", "/tasks/{id}/progress"),
    "progress.update": ("POST", "/progress"),
    "events.list": ("GET", "/events"),
    "events.append": ("POST", "/events"),
    "errors.report": ("POST", "/errors"),
    "errors.occurrences": ("GET", "/errors"),
    "errors.get": ("GET", "/errors/{id}"),
    "errors.issues": ("GET", "/issues"),
    "errors.change": ("POST", "/issues/batch"),
    "errors.issue": ("GET", "/issues/{id}"),
    "errors.counts": ("GET", "/issues/{id}/counts"),
    "errors.affected": ("GET", "/issues/{id}/affected"),
    "errors.resolve": ("POST", "/issues/{id}/resolve"),
    "errors.ignore": ("POST", "/issues/{id}/ignore"),
    "errors.reopen": ("POST", "/issues/{id}/reopen"),
    "errors.comments": ("GET", "/issues/{id}/comments"),
    "errors.comment": ("POST", "/issues/{id}/comments"),
    "agents.list": ("GET", "/agents"),
    "agents.get": ("GET", "/agents/{id}"),
    "agents.register": ("POST", "/agents"),
    "agents.heartbeat": ("POST", "/agents/{id}/heartbeat"),
    "agents.pause": ("POST", "/agents/{id}/pause"),
    "agents.resume": ("POST", "/agents/{id}/resume"),
    "agents.drain": ("POST", "/agents/{id}/drain"),
    "agents.stop": ("POST", "/agents/{id}/stop"),
    "queues.list": ("GET", "/queues"),
    "agents.leave": ("POST", "/agents/{id}/leave"),
    "health.get": ("GET", "/health"),
    "health.checks": ("GET", "/health/checks"),
    "health.run": ("POST", "/health/run"),
    "health.history": ("GET", "/health/history"),
    "log.status": ("GET", "/log"),
    "settings.list": ("GET", "/settings"),
    "webhooks.list": ("GET", "/webhooks"),
    "webhooks.get": ("GET", "/webhooks/{id}"),
    "webhooks.create": ("POST", "/webhooks"),
    "webhooks.update": ("POST", "/webhooks/{id}"),
    "webhooks.rotate": ("POST", "/webhooks/{id}/rotate"),
    "webhooks.delete": ("POST", "/webhooks/{id}/delete"),
    "webhooks.test": ("POST", "/webhooks/{id}/test"),
    "webhooks.redrive": ("POST", "/webhooks/{id}/redrive"),
    "deliveries.list": ("GET", "/deliveries"),
    "deliveries.get": ("GET", "/deliveries/{id}"),
    "deliveries.redrive": ("POST", "/deliveries/{id}/redrive"),
    "hooks.list": ("GET", "/hook-sources"),
    "hooks.create": ("POST", "/hook-sources"),
    "hooks.delete": ("POST", "/hook-sources/{id}/delete"),
    "integrations.list": ("GET", "/integrations"),
    "integrations.calls": ("GET", "/integrations/calls"),
    "integrations.debug": ("POST", "/integrations/debug"),
    "channels.list": ("GET", "/channels"),
    "channels.create": ("POST", "/channels"),
    "channels.update": ("POST", "/channels/{id}"),
    "channels.delete": ("POST", "/channels/{id}/delete"),
    "channels.test": ("POST", "/channels/{id}/test"),
    "rules.list": ("GET", "/rules"),
    "rules.create": ("POST", "/rules"),
    "rules.update": ("POST", "/rules/{id}"),
    "rules.delete": ("POST", "/rules/{id}/delete"),
    "rules.offered": ("GET", "/offered-rules"),
    "rules.add_offered": ("POST", "/offered-rules"),
    "dispatches.list": ("GET", "/dispatches"),
    "dispatches.redrive": ("POST", "/dispatches/{id}/redrive"),
    "notices.list": ("GET", "/notices"),
    "notices.acknowledge": ("POST", "/notices/acknowledge"),
    "preferences.get": ("GET", "/preferences"),
    "preferences.set": ("POST", "/preferences"),
    "mail.templates": ("GET", "/mail/templates"),
    "mail.preview": ("GET", "/mail/preview"),
    "mail.test": ("POST", "/mail/test"),
    "suppressions.list": ("GET", "/mail/suppressions"),
    "suppressions.add": ("POST", "/mail/suppressions"),
    "suppressions.remove": ("POST", "/mail/suppressions/remove"),
    "users.list": ("GET", "/users"),
    "users.add": ("POST", "/users"),
    "users.change": ("POST", "/users/{id}"),
    "users.remove": ("POST", "/users/{id}/remove"),
    "keys.list": ("GET", "/keys"),
    "keys.create": ("POST", "/keys"),
    "keys.revoke": ("POST", "/keys/{id}/revoke"),
    "sessions.list": ("GET", "/sessions"),
    "sessions.end": ("POST", "/sessions/{id}/end"),
    "sessions.end_all": ("POST", "/sessions/end"),
    "audit.list": ("GET", "/audit"),
}
"""The hub's operations (`api.contract.operations`, which is above this layer; a test keeps the two equal)."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request, ready to be sent any number of times."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    key: str | None = None

    @property
    def is_repeatable(self) -> bool:
        """Whether the hub does the same thing once, however often it is asked."""
        return self.method == "GET" or self.key is not None

    @property
    def headers(self) -> dict[str, str]:
        """Its own headers. An empty key stands for a change that needs none to be repeated."""
        found = {"accept": "application/json"}
        if self.body is not None:
            found["content-type"] = "application/json"
        return found | ({"idempotency-key": self.key} if self.key else {})


def prepare(name: str, values: Mapping[str, Any], key: str | None = None) -> Request:
    """The request for an operation; values that are None are left out. Changes get a key of their own.

    Args:
        name: the operation, such as `tasks.start`.
        values: the fields of its input.
        key: the Idempotency-Key, or the empty text for a change that can be repeated as it is.

    Raises:
        InvalidValue: a value cannot be part of a request.
    """
    method, template = ROUTES[name]
    rest = {field: value for field, value in values.items() if value is not None}
    path = re.sub(r"{(\w+)}", lambda match: _segment(match[1], rest.pop(match[1], None)), template)
    if method == "GET":
        return Request(method, PREFIX + path, tuple(_query(rest)))
    try:
        body = orjson.dumps(rest)
    except (TypeError, ValueError) as error:
        raise InvalidValue(f"this is not JSON: {error}", hint="use dict, list, str, int, float and bool") from error
    return Request(method, PREFIX + path, body=body, key=new_id() if key is None else key)


def _segment(field: str, value: object) -> str:
    text = str(value)
    if value is None or text in ("", ".", "..") or not text.isprintable():
        raise InvalidValue(f"{field} is {text!r:.80}", field=field)
    return quote(text, safe="")


def _query(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    found = []
    for name, value in values.items():
        each = value if isinstance(value, list | tuple | set | frozenset) else [value]
        found += [(name, _text(item)) for item in each]
    return found


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat() if isinstance(value, datetime) else str(value)


class Connection:
    """Asks one hub, over the connections that all clients share. For use by any thread.

    Args:
        address: where the hub is.
        timeout: seconds within which each request must be answered.
        patience: seconds for which a request that may be repeated is tried again while the hub is away or busy; the
            hub's Retry-After is honoured where it does not ask for more.
    """

    def __init__(self, address: Address, *, timeout: float = 30.0, patience: float = 30.0) -> None:
        self.address = address
        self.patience = patience
        self.is_away = False
        self._timeout = httpx2.Timeout(timeout, connect=min(timeout, 5.0))
        self._client: httpx2.Client | None = POOL.lease(address)
        self._pid = os.getpid()

    def ask(self, name: str, /, *, key: str | None = None, **values: Any) -> dict[str, Any]:
        """Carry out an operation; see `prepare` for the arguments.

        Raises:
            HubUnavailable: the hub could not be reached.
            ClaudiaError: what the hub raised, in the same class.
        """
        return self.send(prepare(name, values, key))

    def send(self, request: Request) -> dict[str, Any]:
        """The answer to a request, asked again where that may help."""
        return patiently(partial(self.send_once, request), self.patience if request.is_repeatable else 0.0)

    def send_once(self, request: Request) -> dict[str, Any]:
        """The answer to a request, asked a single time."""
        response = self._exchange(request)
        if not response.is_success:
            raise refusal(response)
        try:
            found = orjson.loads(response.content)
        except orjson.JSONDecodeError as error:
            raise HubUnavailable(f"{self.address} answers with something else than JSON: no hub?") from error
        if not isinstance(found, dict):
            raise HubUnavailable(f"{self.address} answers with something else than a hub does")
        return found

    def _exchange(self, request: Request) -> httpx2.Response:
        headers = request.headers | self.address.headers
        url = httpx2.URL(self.address.base + request.path)
        query = {"params": list(request.query)} if request.query else {}
        try:
            response = self._pool().request(
                request.method,
                url,
                content=request.body,
                headers=headers,
                timeout=self._timeout,
                **query,  # type: ignore[arg-type]
            )
        except httpx2.TimeoutException as error:
            self.is_away = True
            raise HubUnavailable(f"{self.address} did not answer in time", hint="is the hub running?") from error
        except httpx2.HTTPError as error:
            self.is_away = True
            raise HubUnavailable(f"{self.address} cannot be reached: {error}", hint="is the hub running?") from error
        self.is_away = False
        return response

    def _pool(self) -> httpx2.Client:
        if self._client is None or self._pid != os.getpid():
            raise StoreClosed("this connection to a hub is closed, or another process's", hint="make a new one")
        return self._client

    def close(self) -> None:
        """Give the connections back; closing twice is fine."""
        if self._client is not None and self._pid == os.getpid():
            POOL.give_back(self.address)
        self._client = None
