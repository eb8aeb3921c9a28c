"""The routes: one a path, made from the table of operations."""

from __future__ import annotations

from itertools import groupby
from operator import attrgetter

from fastapi import FastAPI
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from claudia_core.api import problems
from claudia_core.api.contract.operations import TABLE
from claudia_core.api.rest import docs
from claudia_core.api.rest.border import Border
from claudia_core.api.rest.endpoints import PREFIX, Endpoint
from claudia_core.app import Claudia
from claudia_core.errors import ClaudiaError

__all__ = ["PREFIX", "Resource", "mount", "routes"]


def mount(app: FastAPI, claudia: Claudia) -> None:
    """Add the operations, their OpenAPI document and its page to an application."""
    app.router.routes.extend(routes(claudia))
    docs.mount(app)


def routes(claudia: Claudia) -> list[Route]:
    """One route for each path of the table; fixed paths come before those with ids, so that they win."""
    border = Border(claudia.store)
    by_path = groupby(sorted(TABLE, key=attrgetter("path")), key=attrgetter("path"))
    resources = [
        Resource(path, {operation.method: Endpoint(claudia, border, operation) for operation in operations})
        for path, operations in by_path
    ]
    ordered = sorted(resources, key=lambda resource: ("{" in resource.path, resource.path))
    return [Route(resource.path, resource, include_in_schema=False) for resource in ordered]


class Resource:
    """Everything that can be asked at one path, by method (an ASGI application)."""

    def __init__(self, path: str, endpoints: dict[str, Endpoint]) -> None:
        self.path = PREFIX + path
        self._endpoints = {**endpoints, "HEAD": endpoints["GET"]} if "GET" in endpoints else endpoints
        self._allow = ", ".join(sorted([*self._endpoints, "OPTIONS"]))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification."""
        scope["claudia.route"] = self.path
        try:
            response = await self._respond(scope, receive)
        except ClientDisconnect:
            return
        except ClaudiaError as error:
            response = problems.of_error(error, scope["path"])
        except Exception as error:  # noqa: BLE001 - the border: a bug is logged, and answered without its traceback
            response = problems.of_bug(error, scope["path"])
        if scope["method"] == "HEAD":
            response.body = b""
        await response(scope, receive, send)

    async def _respond(self, scope: Scope, receive: Receive) -> Response:
        endpoint = self._endpoints.get(scope["method"])
        if endpoint is not None:
            return await endpoint(scope, receive)
        allow = {"allow": self._allow}
        if scope["method"] == "OPTIONS":
            return Response(None, 204, allow)
        detail = f"use one of: {self._allow}"
        return problems.problem("method_not_allowed", detail, path=scope["path"], headers=allow)
