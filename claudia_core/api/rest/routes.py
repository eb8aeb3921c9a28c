"""The routes: one a path, made from the table of operations."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import groupby
from operator import attrgetter

import orjson
from fastapi import FastAPI
from pydantic import BaseModel
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from claudia_core.api import problems
from claudia_core.api.contract.operations import TABLE, Operation
from claudia_core.api.contract.outputs import TaskOut
from claudia_core.api.rest import docs
from claudia_core.api.rest.guarded import Check, GuardedStore, Kept, Once, Replay, etag, once, unchanged
from claudia_core.api.rest.reading import Binding
from claudia_core.app import Claudia
from claudia_core.errors import ClaudiaError, InvalidValue
from claudia_core.model.times import utc_now
from claudia_core.ports import Document

PREFIX = "/api/v1"
MEDIA_TYPE = "application/json"
WORKERS = 64
"""Requests carried out at once: their changes share commits. More wait in line."""

type Answer = tuple[int, bytes, dict[str, str]]


def mount(app: FastAPI, claudia: Claudia) -> None:
    """Add the operations, their OpenAPI document and its page to an application."""
    app.router.routes.extend(routes(claudia))
    docs.mount(app)


def routes(claudia: Claudia) -> list[Route]:
    """One route for each path of the table; fixed paths come before those with ids, so that they win."""
    workers = ThreadPoolExecutor(WORKERS, thread_name_prefix="claudia-api")
    by_path = groupby(sorted(TABLE, key=attrgetter("path")), key=attrgetter("path"))
    resources = [Resource(claudia, workers, path, list(operations)) for path, operations in by_path]
    ordered = sorted(resources, key=lambda resource: ("{" in resource.path, resource.path))
    return [Route(resource.path, resource, include_in_schema=False) for resource in ordered]


class Resource:
    """Everything that can be asked at one path (an ASGI application)."""

    def __init__(self, hub: Claudia, workers: ThreadPoolExecutor, path: str, operations: list[Operation]) -> None:
        self.path = PREFIX + path
        endpoints = {operation.method: Endpoint(hub, workers, operation) for operation in operations}
        if "GET" in endpoints:
            endpoints["HEAD"] = endpoints["GET"]
        self._endpoints = endpoints
        self._allow = ", ".join(sorted([*endpoints, "OPTIONS"]))

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


class Endpoint:
    """Carries out one operation."""

    def __init__(self, hub: Claudia, workers: ThreadPoolExecutor, operation: Operation) -> None:
        self._hub = hub
        self._workers = workers
        self._operation = operation
        self._binding = Binding(operation)
        self._is_task = operation.output is TaskOut
        self._location = location(operation)

    async def __call__(self, scope: Scope, receive: Receive) -> Response:
        """The answer to one request; what goes wrong is raised."""
        headers = Headers(scope=scope)
        content = await self._binding.read(headers, scope["query_string"], receive)
        asked = self._binding.bind(scope["path_params"], content)
        work = self._work(scope, headers, content, asked)
        status, body, extra = await asyncio.get_running_loop().run_in_executor(self._workers, work)
        return Response(body, status, extra, MEDIA_TYPE if body else None)

    def _work(self, scope: Scope, headers: Headers, content: bytes, asked: BaseModel) -> Callable[[], Answer]:
        if self._operation.is_read:
            return partial(self._read, asked, headers.get("if-none-match"))
        tags, key = headers.get("if-match"), headers.get("idempotency-key")
        if tags is None and key is None:
            return partial(self._run, self._hub, asked)
        request = (self._operation.name.encode(), scope["path"].encode(), content, (tags or "").encode())
        return partial(self._run_guarded, asked, tags, None if key is None else once(key, *request))

    def _read(self, asked: BaseModel, tags: str | None) -> Answer:
        answer = self._run(self._hub, asked)
        tag = answer[2].get("etag")
        if tag is None or tags is None or not matches(tags, tag):
            return answer
        return 304, b"", answer[2]

    def _run(self, hub: Claudia, asked: BaseModel) -> Answer:
        document = self._operation.run(hub, asked)
        return self._operation.status, orjson.dumps(document), self._headers(document)

    def _run_guarded(self, asked: BaseModel, tags: str | None, keyed: Once | None) -> Answer:
        """Carry out with checks in the change's own transaction, or give the answer that a key stands for."""
        checks: list[Check] = [] if keyed is None else [keyed.check]
        if tags is not None:
            checks.append(unchanged(self._id_of(asked), tags))
        store = self._hub.store
        try:
            if keyed is not None:
                keyed.look(store, utc_now())
            answer = self._run(self._hub.over(GuardedStore(store, checks)), asked)
        except Replay as replay:
            kept = replay.kept
            return kept.status, kept.body.encode(), {**kept.headers, "idempotency-replayed": "true"}
        if keyed is not None:
            keyed.keep(store, Kept(answer[0], answer[1].decode(), answer[2]))
        return answer

    def _id_of(self, asked: BaseModel) -> str:
        if not (self._is_task and self._binding.path):
            raise InvalidValue("only changes of one task can be made on condition", field="If-Match")
        return str(asked.id)  # type: ignore[attr-defined]  # the path has it

    def _headers(self, document: Document) -> dict[str, str]:
        if not self._is_task:
            return {}
        headers = {"etag": etag(document), "cache-control": "private, no-cache"}
        if self._location is not None:
            headers["location"] = f"{self._location}/{document['id']}"
        return headers


def location(operation: Operation) -> str | None:
    """Where what the operation makes can be read, without its id; None where it cannot."""
    is_readable = any(other.is_read and other.path == operation.path + "/{id}" for other in TABLE)
    return PREFIX + operation.path if is_readable and operation.status == 201 else None


def matches(tags: str, tag: str) -> bool:
    """Whether `If-None-Match` names the entity tag; weak tags count (RFC 9110, section 13.1.2)."""
    wanted = {text.strip().removeprefix("W/") for text in tags.split(",")}
    return "*" in wanted or tag in wanted
