"""A middleware for ASGI applications: what a request raises is captured with the request, and raised on.

app = ErrorMiddleware(app, claudia)                 # or Starlette: Middleware(ErrorMiddleware, claudia=claudia)
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any

from claudia_core.capture.scope import scope as error_scope

if TYPE_CHECKING:
    from claudia_core.capture.capturing import HasErrors

type Asgi = MutableMapping[str, Any]
type App = Callable[[Asgi, Callable[[], Awaitable[Any]], Callable[[Any], Awaitable[None]]], Awaitable[None]]

MOST_HEADERS = 50
LONGEST = 2_000


class ErrorMiddleware:
    """Captures what the application raises, with method, URL, query, headers, client and user; bodies are not read.

    Each request has breadcrumbs of its own. The user is what a framework has put into `scope["user"]`. Secrets in
    headers and queries are taken out before anything is kept.

    Args:
        app: the application.
        claudia: the hub that is told.
        find_user: makes an object that tells whom a request is from; by default the id and name of `scope["user"]`.
    """

    def __init__(self, app: App, claudia: HasErrors, *, find_user: Callable[[Asgi], Any] | None = None) -> None:
        self._app = app
        self._errors = claudia.errors
        self._find_user = find_user or user_of

    async def __call__(self, scope: Asgi, receive: Any, send: Any) -> None:
        """See the ASGI specification."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        with error_scope(request=request_of(scope), fresh=True):
            try:
                await self._app(scope, receive, send)
            except Exception as error:
                self._errors.capture(error, kind="request", handled=False, user=self._user(scope))
                raise

    def _user(self, scope: Asgi) -> dict[str, Any]:
        try:
            found = self._find_user(scope)
        except Exception as error:  # noqa: BLE001 - an error must not get lost because its user cannot be told
            return {"unknown": repr(error)[:200]}
        return found if isinstance(found, dict) else {}


def request_of(scope: Asgi) -> dict[str, Any]:
    """What a request was, as plain values."""
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope.get("headers", [])]
    known = {name.lower(): value for name, value in headers[:MOST_HEADERS]}
    query = bytes(scope.get("query_string", b"")).decode("latin-1")[:LONGEST]
    server = scope.get("server") or ("", None)
    host = known.get("host") or (server[0] if server[1] is None else f"{server[0]}:{server[1]}")
    path = f"{scope.get('root_path', '')}{scope.get('path', '')}"[:LONGEST]
    client = scope.get("client")
    return {
        "method": scope.get("method", scope["type"].upper()),
        "url": f"{scope.get('scheme', 'http')}://{host}{path}{'?' if query else ''}{query}",
        "query": query,
        "headers": {name: value[:LONGEST] for name, value in known.items()},
        "client": client[0] if client else "",
    }


def user_of(scope: Asgi) -> dict[str, Any]:
    """The user whom a framework's authentication has found, as starlette's does."""
    user = scope.get("user")
    if user is None or not getattr(user, "is_authenticated", True):
        return {}
    names = {"id": ("id", "identity", "pk"), "name": ("display_name", "username", "name")}
    found: dict[str, Any] = {}
    for key, candidates in names.items():
        for candidate in candidates:
            value = getattr(user, candidate, None)
            if isinstance(value, str | int) and value != "":
                found[key] = value
                break
    return found
