"""The guard around the whole server: pages, sockets and API alike pass it, whatever is mounted inside."""

from __future__ import annotations

from anyio import to_thread
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from claudia_core.api import problems
from claudia_core.api.access.access import Access
from claudia_core.api.access.browser import address_of, cookie_name, cookies, sign_in, token_in_link, without_token
from claudia_core.api.access.confined import is_open
from claudia_core.api.access.presence import Presence
from claudia_core.api.access.rules import OPEN, Need, Rules
from claudia_core.api.origin import LOOPBACK, SAFE_METHODS, is_foreign_load, is_known_host, is_same_origin
from claudia_core.api.refusals import ask_to_sign_in, forbidden, foreign_host, foreign_origin
from claudia_core.errors import ClaudiaError, TokenExpired, TokenInvalid, Unauthenticated
from claudia_core.model.identity import ANONYMOUS, Identity, enter, leave

DENIAL = "websocket.http.response"
"""ASGI's extension by which a socket is refused with an answer of HTTP."""

SIGNED_OUT = 1008
"""How a socket closes whose owner may not be here any more."""


class Guard:
    """Lets a request in when it asks for a known host, comes from no foreign page, and its caller may go there.

    Who calls is known by `Authorization: Bearer` (the server's token, an API key, an access token), by the cookie of a
    session, or once by a link (`?token=`), which is answered with the cookie and a redirect to the same address without
    it. Inside, it is `scope["state"]["identity"]` and `model.identity.current()`.

    Args:
        app: what is guarded.
        access: knows the callers.
        rules: what each address takes.
        host: a name of this server, allowed besides the loopback ones.
        public: the name that people open, where a proxy has another.
    """

    def __init__(self, app: ASGIApp, access: Access, rules: Rules, *, host: str, public: str = "") -> None:
        self._app = app
        self._access = access
        self._rules = rules
        self._presence = Presence(access)
        self._hosts = LOOPBACK | {host.lower(), public.lower() or "localhost"}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification."""
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        if not is_known_host(headers, self._hosts):
            await foreign_host()(scope, receive, send)
        elif is_foreign_load(headers) or (scope["method"] not in SAFE_METHODS and not is_same_origin(headers)):
            await foreign_origin()(scope, receive, send)
        else:
            await self._known_origin(scope, headers, receive, send)

    async def _known_origin(self, scope: Scope, headers: Headers, receive: Receive, send: Send) -> None:
        linked = token_in_link(scope) if scope["method"] == "GET" and b"token=" in scope["query_string"] else ""
        try:
            if linked and self._access.accepts_token(linked):
                await (await self._welcome(scope))(scope, receive, send)
                return
            identity, wrong = await self._identify(scope, headers)
        except ClaudiaError as error:  # the store is away
            await problems.of_error(error, scope["path"])(scope, receive, send)
            return
        need = self._rules.need(scope["path"])
        if identity.is_confined and not is_open(scope["path"]):
            await forbidden(headers, scope, identity, "of all projects")(scope, receive, send)
        elif need.scope is OPEN or identity.may(need.scope):
            await self._inside(scope, identity, receive, send)
        else:
            response = await self._refusal(scope, headers, identity, need, wrong or _wrong_link(linked))
            await response(scope, receive, send)

    async def _inside(self, scope: Scope, identity: Identity, receive: Receive, send: Send) -> None:
        scope.setdefault("state", {}).update(identity=identity, access=self._access)
        entered = enter(identity)
        try:
            if scope["path"] in self._rules.streams or scope["path"].startswith("/events/"):
                await self._presence.host(identity, self._app(scope, receive, send))
            else:
                await self._app(scope, receive, send)
        finally:
            leave(entered)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        if is_known_host(headers, self._hosts) and is_same_origin(headers):
            try:
                identity, _ = await self._identify(scope, headers)
            except ClaudiaError as error:  # the store is away
                await _refuse_socket(error, scope, receive, send)
                return
            need = self._rules.need(scope["path"]).scope
            is_kept_out = identity.is_confined and not is_open(scope["path"])
            if need is not OPEN and identity.may(need) and not is_kept_out:
                await self._socket(scope, identity, receive, send)
                return
        await receive()
        await send({"type": "websocket.close", "code": 1008})  # before it is accepted: the client gets a 403

    async def _socket(self, scope: Scope, identity: Identity, receive: Receive, send: Send) -> None:
        scope.setdefault("state", {}).update(identity=identity, access=self._access)
        entered = enter(identity)
        try:
            if not await self._presence.host(identity, self._app(scope, receive, send)):
                await send({"type": "websocket.close", "code": SIGNED_OUT, "reason": "signed out"})
        finally:
            leave(entered)

    async def _identify(self, scope: Scope, headers: Headers) -> tuple[Identity, Unauthenticated | None]:
        """Who calls, and what was wrong with what they showed."""
        address = address_of(scope)
        scheme, _, shown = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            shown = shown.strip()
            known = self._access.known(shown, address)
            if known is not None:
                return known, None
            try:
                return await to_thread.run_sync(self._access.bearer, shown, address), None
            except Unauthenticated as error:
                return ANONYMOUS, error
        return await self._by_cookie(scope, headers, address)

    async def _by_cookie(self, scope: Scope, headers: Headers, address: str) -> tuple[Identity, Unauthenticated | None]:
        wrong: Unauthenticated | None = None
        for value in cookies(headers, cookie_name(self._access, scope)):
            known = self._access.known(f"cookie {value}", address)
            if known is not None:
                return known, None
            try:
                return await to_thread.run_sync(self._access.cookie, value, address), None
            except TokenExpired as error:
                wrong = error
            except Unauthenticated:
                continue
        return ANONYMOUS, wrong

    async def _welcome(self, scope: Scope) -> Response:
        request = HTTPConnection(scope)
        request.state.access = self._access
        response = RedirectResponse(without_token(scope), 303)
        await sign_in(request, self._access.by_token(address_of(scope)), response)
        return response

    async def _refusal(
        self, scope: Scope, headers: Headers, identity: Identity, need: Need, wrong: Unauthenticated | None
    ) -> Response:
        if identity is not ANONYMOUS:
            return forbidden(headers, scope, identity, need.scope)
        ways = await to_thread.run_sync(self._access.ways)
        return ask_to_sign_in(headers, scope, ways, wrong)


async def _refuse_socket(error: ClaudiaError, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer what asks for a socket with the error's status, where the server can; else it is closed."""
    await receive()
    if DENIAL in scope.get("extensions", {}):
        await problems.of_error(error, scope["path"])(scope, receive, send)
    else:
        await send({"type": "websocket.close", "code": 1013})


def _wrong_link(linked: str) -> Unauthenticated | None:
    return TokenInvalid("that token is not right") if linked else None
