"""The routes: one a path, made from the table of operations."""

from __future__ import annotations

from itertools import groupby
from operator import attrgetter
from typing import Any

from fastapi import FastAPI
from starlette.datastructures import URLPath
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, NoMatchFound
from starlette.types import ASGIApp, Receive, Scope, Send

from claudia_core.api import problems
from claudia_core.api.contract.operations import TABLE
from claudia_core.api.rest import docs
from claudia_core.api.rest.border import Border
from claudia_core.api.rest.endpoints import PREFIX, Endpoint
from claudia_core.app import Claudia
from claudia_core.errors import ClaudiaError

__all__ = ["PREFIX", "Direct", "Directory", "Resource", "mount", "resources"]

ID = 4
"""Which part of a path, split at its slashes, may be an id: `/api/v1/tasks/{id}/start`."""


def mount(app: FastAPI, claudia: Claudia) -> None:
    """Add the operations, their OpenAPI document and its page to an application."""
    app.state.directory = Directory(resources(claudia))
    app.router.routes.insert(0, app.state.directory)
    docs.mount(app)


def resources(claudia: Claudia) -> list[Resource]:
    """One for each path of the table."""
    border = Border(claudia.store)
    by_path = groupby(sorted(TABLE, key=attrgetter("path")), key=attrgetter("path"))
    return [
        Resource(path, {operation.method: Endpoint(claudia, border, operation) for operation in operations})
        for path, operations in by_path
    ]


class Directory(BaseRoute):
    """One route for all resources: each is looked up in one step, where a router would try one after another.

    A path may have an `{id}` as the second part behind the prefix; a path without any comes first, so that it wins.
    """

    include_in_schema = False

    def __init__(self, resources: list[Resource]) -> None:
        self._resources = {resource.path: resource for resource in resources}
        wrong = [path for path in self._resources if "{" in path.replace("/{id}", "", 1)]
        assert not wrong, f"paths with other variables than one id: {wrong}"

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """See `starlette.routing.BaseRoute`."""
        if scope["type"] != "http":
            return Match.NONE, {}
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        resource, found = self._resources.get(path), {}
        if resource is None:
            parts = path.split("/", 5)
            if len(parts) > ID and parts[ID]:
                found["id"], parts[ID] = parts[ID], "{id}"
                resource = self._resources.get("/".join(parts))
        return (Match.NONE, {}) if resource is None else (Match.FULL, {"endpoint": resource, "path_params": found})

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See `starlette.routing.BaseRoute`."""
        await scope["endpoint"](scope, receive, send)

    def url_path_for(self, name: str, /, **path_params: Any) -> URLPath:
        """No resource has a name of its own."""
        raise NoMatchFound(name, path_params)


class Direct:
    """Leads requests for resources to them past all that stands in front of pages, which costs a tenth of a request.

    Resources answer for themselves, whatever happens; anything else is the application's.

    Args:
        app: the application.
        directory: its resources.
        handle: `directory.handle`, or what is wrapped around it.
    """

    def __init__(self, app: ASGIApp, directory: Directory, handle: ASGIApp) -> None:
        self._app = app
        self._directory = directory
        self._handle = handle

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification."""
        match, found = self._directory.matches(scope)
        if match is Match.NONE:
            await self._app(scope, receive, send)
            return
        scope.update(found)
        await self._handle(scope, receive, send)


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
