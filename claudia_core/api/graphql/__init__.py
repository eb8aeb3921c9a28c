"""GraphQL at `/graphql`: queries, mutations, subscriptions over graphql-transport-ws, and an explorer page."""

from __future__ import annotations

import threading

from anyio import to_thread
from fastapi import FastAPI
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from claudia_core.app import Claudia

__all__ = ["PATH", "mount"]

PATH = "/graphql"


def mount(app: FastAPI, claudia: Claudia) -> None:
    """Serve GraphQL on `app` at `/graphql`, its explorer page for browsers included."""
    lazy = Lazy(claudia)
    app.router.routes += [
        Route(PATH, lazy, include_in_schema=False),
        Route(f"{PATH}/explorer/{{file}}", lazy, include_in_schema=False),
        WebSocketRoute(PATH, lazy),
    ]


class Lazy:
    """Loads GraphQL with the first request: it is half a second that the server's start need not take."""

    def __init__(self, claudia: Claudia) -> None:
        self._claudia = claudia
        self._lock = threading.Lock()
        self._app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification."""
        app = self._app if self._app is not None else await to_thread.run_sync(self._load)
        await app(scope, receive, send)

    def _load(self) -> ASGIApp:
        with self._lock:
            if self._app is None:
                from claudia_core.api.graphql.router import application

                self._app = application(self._claudia, PATH)
        return self._app
