"""`/health`: every check of the hub in one document, for load balancers and monitors; a browser gets the page there."""

from __future__ import annotations

from functools import partial
from typing import Any

from fastapi import FastAPI
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from claudia_core.api.contract.outputs import HealthOut
from claudia_core.api.refusals import is_browser
from claudia_core.app import Claudia
from claudia_core.model.health import Health

PATH = "/health"
MEDIA_TYPE = "application/health+json"
DESCRIBED = {"schema": {"$ref": "#/components/schemas/HealthOut"}}


def mount(app: FastAPI, claudia: Claudia) -> None:
    """Add the route."""

    def health() -> JSONResponse:
        """Every check: 200, or 503 where one fails. A browser, which asks for `text/html`, gets the page of health."""
        return document(claudia)

    described: dict[int | str, dict[str, Any]] = {
        200: {"description": HealthOut.__doc__, "content": {MEDIA_TYPE: DESCRIBED}},
        503: {"description": "A check fails.", "content": {MEDIA_TYPE: DESCRIBED}},
    }
    app.add_api_route(
        PATH,
        health,
        response_class=JSONResponse,
        responses=described,
        tags=["health"],
        summary="Health of everything",
        operation_id="health",
    )


def document(claudia: Claudia) -> JSONResponse:
    """All checks, as a monitor reads them."""
    report = claudia.health.report(max_age=1.0)
    status = 503 if report.status is Health.FAIL else 200
    return JSONResponse({"serviceId": "claudia", **report.to_document()}, status, media_type=MEDIA_TYPE)


class BesidePage:
    """Middleware in front of the pages, one of which has the same address: only browsers get that one."""

    def __init__(self, app: ASGIApp, claudia: Claudia) -> None:
        self._app = app
        self._document = partial(document, claudia)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification."""
        if not _is_monitor(scope):
            await self._app(scope, receive, send)
            return
        response = await run_in_threadpool(self._document)
        if scope["method"] == "HEAD":
            response.body = b""
        await response(scope, receive, send)


def _is_monitor(scope: Scope) -> bool:
    if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
        return False
    return scope["path"].removeprefix(scope.get("root_path", "")) == PATH and not is_browser(Headers(scope=scope))
