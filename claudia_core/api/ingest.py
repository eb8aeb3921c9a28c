"""The Sentry protocol: `POST /api/{project}/envelope/`, where a DSN of `http://API_KEY@HOST:PORT/1` leads.

Open to all: an envelope is let in by its key, which must be an API key (or token) of an operator.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from anyio import to_thread
from fastapi import FastAPI
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from claudia_core.api import problems
from claudia_core.api.access.access import Access
from claudia_core.api.access.browser import address_of
from claudia_core.api.access.confined import require_confinable
from claudia_core.api.rest.reading import read_body
from claudia_core.app import Claudia
from claudia_core.errors import ClaudiaError, Unauthenticated
from claudia_core.integrations.sentry import Item, check_in_of, key_of, opened, parse, report_of
from claudia_core.integrations.sentry.envelope import MOST_SENT
from claudia_core.model.identity import Identity, Scope, acting_as
from claudia_core.model.times import utc_now

PATHS = ("/api/{project:int}/envelope/", "/api/v1/ingest/{project:int}/envelope/")


def mount(app: FastAPI, claudia: Claudia) -> None:
    """Add the routes."""

    async def receive(request: Request) -> Response:
        try:
            body = await read_body(request.headers, request.receive, MOST_SENT)
            return JSONResponse(await to_thread.run_sync(_take, claudia, _Envelope.of(request, body)))
        except ClientDisconnect:
            return Response(status_code=400)
        except ClaudiaError as error:
            return problems.of_error(error, request.url.path)

    for path in PATHS:
        app.router.routes.append(Route(path, receive, methods=["POST"], include_in_schema=False))


@dataclass(frozen=True, slots=True)
class _Envelope:
    """What came, and by whom."""

    access: Access
    address: str
    project: str
    headers: Mapping[str, str]
    query: str
    body: bytes

    @classmethod
    def of(cls, request: Request, body: bytes) -> _Envelope:
        project = str(request.path_params["project"])
        return cls(request.state.access, address_of(request.scope), project, request.headers, request.url.query, body)


def _take(claudia: Claudia, came: _Envelope) -> dict[str, Any]:
    """Save what is known of an envelope's items; the others are ignored, as the protocol asks."""
    header, items = parse(opened(came.body, came.headers.get("content-encoding", "")))
    identity = _sender(came, header)
    with acting_as(identity):
        for item in items:
            TAKEN.get(item.type, _ignore)(claudia, item, identity, came.project)
    return {"id": header.get("event_id")} if isinstance(header.get("event_id"), str) else {}


def _sender(came: _Envelope, header: Mapping[str, Any]) -> Identity:
    key = key_of(came.headers, came.query, header)
    if not key:
        raise Unauthenticated("no key came with the envelope", hint="use a DSN like http://API_KEY@HOST:5006/1")
    identity = came.access.bearer(key, came.address)
    identity.require(Scope.OPERATOR, "errors.report")
    require_confinable("errors.report", identity)
    return identity


def _error(claudia: Claudia, item: Item, identity: Identity, project: str) -> None:
    claudia.errors.quota.take(identity.actor)
    claudia.errors.report(report_of(item.document(), service=identity.name, project=project))


def _check_in(claudia: Claudia, item: Item, identity: Identity, _: str) -> None:
    claudia.errors.quota.take(identity.actor)
    check_in_of(item.document()).apply(claudia.tasks, utc_now())


def _ignore(*_: object) -> None:
    """Sessions, traces, logs and measurements are not kept here."""


TAKEN = {"event": _error, "check_in": _check_in}
