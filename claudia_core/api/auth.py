"""The guard around the whole server: pages, sockets and API alike pass it, whatever is mounted inside."""

from __future__ import annotations

from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, quote, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from claudia_core.api.origin import LOOPBACK, SAFE_METHODS, is_known_host, is_same_origin
from claudia_core.api.refusals import foreign_host, foreign_origin, sign_in
from claudia_core.api.tokens import COOKIE_SECONDS, Keyring

OPEN_PATHS = frozenset({"/livez"})
STATIC_PATHS = ("/static/", "/components/")
"""Files that are the same for everybody and may be cached."""

HEADERS = {
    "x-content-type-options": "nosniff",
    "content-security-policy": "frame-ancestors 'self'",
    "referrer-policy": "no-referrer",
}


class Guard:
    """Lets a request in when it asks for a known host, comes from no foreign page, and shows the token.

    The token comes as `Authorization: Bearer`, as the cookie, or once in a link (`?token=`), which is answered with the
    cookie and a redirect to the same address without it.

    Args:
        app: what is guarded.
        keyring: knows the token.
        host: a name of this server, allowed besides the loopback ones.
    """

    def __init__(self, app: ASGIApp, keyring: Keyring, *, host: str) -> None:
        self._app = app
        self._keyring = keyring
        self._hosts = LOOPBACK | {host.lower()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification."""
        if scope["type"] == "http":
            await self._http(scope, receive, _with_headers(scope, send))
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        if not is_known_host(headers, self._hosts):
            await foreign_host()(scope, receive, send)
        elif scope["method"] not in SAFE_METHODS and not is_same_origin(headers):
            await foreign_origin()(scope, receive, send)
        elif scope["method"] == "GET" and self._keyring.accepts_token(_token_in_link(scope)):
            await self._welcome(scope)(scope, receive, send)
        elif scope["path"] in OPEN_PATHS or self._shows_token(headers):
            await self._app(scope, receive, send)
        else:
            wrong = bool(_token_in_link(scope)) or "authorization" in headers
            await sign_in(headers, wrong=wrong)(scope, receive, send)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        if is_known_host(headers, self._hosts) and is_same_origin(headers) and self._shows_token(headers):
            await self._app(scope, receive, send)
            return
        await receive()
        await send({"type": "websocket.close", "code": 1008})  # before it is accepted: the client gets a 403

    def _shows_token(self, headers: Headers) -> bool:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self._keyring.accepts_token(token.strip()):
            return True
        return any(self._keyring.accepts_cookie(value) for value in _cookies(headers, self._keyring.cookie_name))

    def _welcome(self, scope: Scope) -> RedirectResponse:
        response = RedirectResponse(_without_token(scope), 303)
        response.set_cookie(
            self._keyring.cookie_name,
            self._keyring.new_cookie(),
            max_age=COOKIE_SECONDS,
            httponly=True,
            samesite="lax",
            secure=scope["scheme"] == "https",
        )
        return response


def _token_in_link(scope: Scope) -> str:
    return next((value for name, value in _query(scope) if name == "token"), "")


def _query(scope: Scope) -> list[tuple[str, str]]:
    return parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)


def _without_token(scope: Scope) -> str:
    """The same address without the token, below this server: `//name` and `/\\name` would lead elsewhere."""
    path = "/" + quote(scope["path"], safe="/:@!$&'()*+,;=~").lstrip("/")
    rest = urlencode([(name, value) for name, value in _query(scope) if name != "token"])
    return f"{path}?{rest}" if rest else path


def _cookies(headers: Headers, name: str) -> list[str]:
    found: list[str] = []
    for line in headers.getlist("cookie"):
        for pair in line.split(";"):
            try:
                morsel = SimpleCookie(pair.strip()).get(name)
            except CookieError:
                continue
            if morsel is not None:
                found.append(morsel.value)
    return found


def _with_headers(scope: Scope, send: Send) -> Send:
    is_static = scope["path"].startswith(STATIC_PATHS)

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(raw=message.setdefault("headers", []))
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            if not (is_static and message["status"] < 400):
                headers.setdefault("cache-control", "no-store")
        await send(message)

    return send_with_headers
