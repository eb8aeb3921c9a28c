"""The HTTP and WebSocket side of GraphQL."""

from __future__ import annotations

from json import JSONDecodeError
from pathlib import Path
from typing import Any

import orjson
from cross_web import HTTPException
from fastapi import FastAPI
from fastapi.responses import HTMLResponse, JSONResponse, Response
from starlette.requests import Request
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket
from strawberry.fastapi import GraphQLRouter
from strawberry.http.exceptions import WebSocketDisconnected
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler

from claudia_core.api.graphql.context import Context
from claudia_core.api.graphql.limits import MAX_BYTES, MAX_OPERATIONS
from claudia_core.api.graphql.refusals import of_error
from claudia_core.api.graphql.schema import schema
from claudia_core.api.graphql.wake import Wake
from claudia_core.app import Claudia
from claudia_core.errors import TooLarge
from claudia_core.logs import get_logger

log = get_logger(__name__)

EXPLORER = Path(__file__).with_name("explorer")
POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'"
CODES = {413: "too_large"}


def application(claudia: Claudia, path: str) -> FastAPI:
    """Everything below `path`: GraphQL over HTTP and sockets, and its explorer page with its files."""
    wake = Wake(claudia)
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    router = Router(
        schema(),
        path=path,
        context_getter=lambda: Context(claudia, wake),
        subscription_protocols=[GRAPHQL_TRANSPORT_WS_PROTOCOL],
    )
    app.mount(f"{path}/explorer", StaticFiles(directory=EXPLORER))
    app.include_router(router)
    return app


class Socket(BaseGraphQLTransportWSHandler[Context, None]):
    """strawberry's socket, to which a client that goes away is no error."""

    async def handle_subscribe(self, message: Any) -> None:
        """Begin an operation, unless too many are under way: each looks at the log at every change."""
        if not isinstance(message["id"], str):
            await self.handle_invalid_message("id is not a text")
        elif len(self.operations) >= MAX_OPERATIONS and message["id"] not in self.operations:
            error = TooLarge(f"over the limit of {MAX_OPERATIONS} operations on one socket", hint="end some first")
            await self.send_message({"id": message["id"], "type": "error", "payload": [of_error(error).formatted]})
        else:
            await super().handle_subscribe(message)

    async def handle_task_exception(self, error: Exception) -> None:
        """Log what is not the client's going away."""
        if not isinstance(error, WebSocketDisconnected):
            log.error("a subscription failed", exc_info=error)


class Router(GraphQLRouter[Context, None]):
    """strawberry's router with bounded bodies, and errors always in GraphQL's form."""

    graphql_transport_ws_handler_class = Socket

    async def run(self, request: Any, context: Any = None, root_value: Any = None) -> Any:
        """See strawberry."""
        if isinstance(request, WebSocket):
            return await super().run(request, context, root_value)
        try:
            await _read(request)
            return await super().run(request, context, root_value)
        except HTTPException as error:
            return _refusal(error)

    def decode_json(self, data: str | bytes) -> object:
        """Refuses NaN, invalid UTF-8, bodies nested too deeply and what is no object as malformed."""
        found: object = orjson.loads(data)
        if not isinstance(found, dict):
            raise JSONDecodeError("not an object", "", 0)
        return found

    def encode_json(self, data: object) -> str:
        """Text, because sockets would send bytes as binary messages."""
        return orjson.dumps(data).decode()

    async def render_graphql_ide(self, request: Request) -> HTMLResponse:  # noqa: ARG002 - the same for everybody
        """The explorer page."""
        text = (EXPLORER / "index.html").read_text(encoding="utf-8")
        return HTMLResponse(text, headers={"content-security-policy": f"{POLICY}; frame-ancestors 'self'"})


async def _read(request: Request) -> None:
    """Read the body, up to its limit; later readers get it from the request."""
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MAX_BYTES:
            raise HTTPException(413, f"the body is over the limit of {MAX_BYTES:,} bytes")
        chunks.append(chunk)
    request._body = b"".join(chunks)


def _refusal(error: HTTPException) -> Response:
    extensions = {"code": CODES.get(error.status_code, "invalid_value")}
    return JSONResponse({"errors": [{"message": error.reason, "extensions": extensions}]}, error.status_code)
