"""Measuring calls where they pass anyway: a middleware for applications that serve, a transport for clients that call.

app.add_middleware(TrackCalls, claudia=claudia, name="billing api")        # the guide's trackApiCall
client = httpx2.Client(transport=MeasuredTransport(claudia))               # each host is an integration
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Protocol

import httpx2

from claudia_core.resilience.integration import Integration
from claudia_core.resilience.integrations import Integrations

type Asgi = MutableMapping[str, Any]
type App = Callable[[Asgi, Callable[[], Awaitable[Any]], Callable[[Any], Awaitable[None]]], Awaitable[None]]

FIRST_ERROR = 400
MOST_HOSTS = 200
"""Hosts that one transport knows apart; further ones count as `other hosts`."""


class HasIntegrations(Protocol):
    """What is told: a hub."""

    @property
    def integrations(self) -> Integrations:
        """See `Claudia.integrations`."""
        ...


def _noted(made: Integration, operation: str, seconds: float, error: str | None) -> None:
    text = None if error is None else made.debugger.excerpt(error)
    made.metrics.ended(seconds, text)
    outcome = "ok" if error is None else "error"
    made.debugger.note(made.name, operation, outcome, seconds, error=text or "")


class TrackCalls:
    """ASGI middleware: counts requests, their latency to the end of the answer, and errors, as one integration.

    Nothing is refused or cut off. A status of `first_error` or more counts as an error, and what is raised.

    Args:
        app: the application.
        claudia: the hub that is told.
        name: what the integration is called.
        first_error: the lowest status that is an error: 400 as in the guide, 500 to leave out what callers did wrong.
    """

    def __init__(self, app: App, claudia: HasIntegrations, name: str, *, first_error: int = FIRST_ERROR) -> None:
        self._app = app
        self._made = claudia.integrations.get(name)
        self._first_error = first_error

    async def __call__(self, scope: Asgi, receive: Any, send: Any) -> None:
        """See the ASGI specification."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, error, started = 500, "", time.perf_counter()

        async def watched(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        self._made.metrics.begun()
        try:
            await self._app(scope, receive, watched)
        except BaseException as raised:
            error = f"{type(raised).__name__}: {raised}"[:500]
            raise
        finally:
            if not error and status >= self._first_error:
                error = f"HTTP {status}"
            operation = f"{scope['method']} {scope.get('path', '')}"[:200]
            _noted(self._made, operation, time.perf_counter() - started, error or None)


class _Measured:
    """Finds the integration of a request: the one that was named, or that of its host."""

    def __init__(self, claudia: HasIntegrations, name: str | None, first_error: int) -> None:
        self._all = claudia.integrations
        self._name = name
        self._first_error = first_error
        self._hosts: set[str] = set()

    def of(self, request: httpx2.Request) -> Integration:
        """Begin a call."""
        name = self._name or self._host(request.url.netloc.decode("ascii", "replace")[:100] or "no host")
        made = self._all.get(name)
        made.metrics.begun()
        return made

    def _host(self, name: str) -> str:
        if name not in self._hosts and len(self._hosts) >= MOST_HOSTS:
            return "other hosts"
        self._hosts.add(name)
        return name

    def end(self, made: Integration, request: httpx2.Request, started: float, outcome: int | BaseException) -> None:
        """The answer's head is there, or an error."""
        seconds, error = time.perf_counter() - started, None
        if isinstance(outcome, BaseException):
            error = f"{type(outcome).__name__}: {outcome}"[:500]
        elif outcome >= self._first_error:
            error = f"HTTP {outcome}"
        _noted(made, f"{request.method} {request.url.path}"[:200], seconds, error)


class MeasuredTransport(httpx2.BaseTransport):
    """A transport that measures each request until the head of its answer; nothing is refused or tried again.

    Args:
        claudia: the hub that is told.
        name: what the integration is called; each host is one where left out.
        inner: what sends; HTTP as usual where left out.
        first_error: the lowest status that is an error.
    """

    def __init__(
        self,
        claudia: HasIntegrations,
        name: str | None = None,
        *,
        inner: httpx2.BaseTransport | None = None,
        first_error: int = FIRST_ERROR,
    ) -> None:
        self._inner = inner or httpx2.HTTPTransport()
        self._measured = _Measured(claudia, name, first_error)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """See httpx2."""
        made, started = self._measured.of(request), time.perf_counter()
        try:
            answer = self._inner.handle_request(request)
        except BaseException as error:
            self._measured.end(made, request, started, error)
            raise
        self._measured.end(made, request, started, answer.status_code)
        return answer

    def close(self) -> None:
        """See httpx2."""
        self._inner.close()


class AsyncMeasuredTransport(httpx2.AsyncBaseTransport):
    """The same for what is awaited."""

    def __init__(
        self,
        claudia: HasIntegrations,
        name: str | None = None,
        *,
        inner: httpx2.AsyncBaseTransport | None = None,
        first_error: int = FIRST_ERROR,
    ) -> None:
        self._inner = inner or httpx2.AsyncHTTPTransport()
        self._measured = _Measured(claudia, name, first_error)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """See httpx2."""
        made, started = self._measured.of(request), time.perf_counter()
        try:
            answer = await self._inner.handle_async_request(request)
        except BaseException as error:
            self._measured.end(made, request, started, error)
            raise
        self._measured.end(made, request, started, answer.status_code)
        return answer

    async def aclose(self) -> None:
        """See httpx2."""
        await self._inner.aclose()
