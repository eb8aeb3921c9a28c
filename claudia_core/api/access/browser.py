"""The browser's side of a sign-in: the session's cookie, and addresses that lead nowhere else."""

from __future__ import annotations

from functools import partial
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from anyio import to_thread
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import Scope

from claudia_core.api.access.access import Access
from claudia_core.model.identity import Identity

MOST_ADDRESS = 2_000


async def sign_in(request: HTTPConnection, identity: Identity, response: Response) -> None:
    """Begin a session for somebody whose sign-in succeeded, and put its cookie on the response.

    The session's id is new, and what the browser had before ends (no session fixation). `identity.address` should be
    `address_of(request.scope)`.
    """
    access: Access = request.state.access
    agent = request.headers.get("user-agent", "")[:300]
    name = cookie_name(access, request.scope)
    shown = cookies(request.headers, name)
    value = await to_thread.run_sync(partial(access.begin, identity, agent=agent, shown=shown))
    response.set_cookie(
        name,
        value,
        max_age=int(access.lifetime.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )


def sign_out(request: HTTPConnection, response: Response) -> None:
    """Take the cookie from the browser; the session itself is ended by `hub.sessions.end`."""
    name = cookie_name(request.state.access, request.scope)
    response.delete_cookie(name, httponly=True, samesite="lax", secure=request.url.scheme == "https")


def cookie_name(access: Access, scope: Scope) -> str:
    """What the session's cookie is called. Over https no other site, port or path can set one of that name."""
    return f"__Host-{access.cookie_name}" if scope["scheme"] in ("https", "wss") else access.cookie_name


def address_of(scope: Scope) -> str:
    """Where a request came from."""
    client = scope.get("client")
    return str(client[0]) if client else ""


def cookies(headers: Headers, name: str) -> list[str]:
    """The values of all cookies of that name; a browser may send several."""
    found: list[str] = []
    for line in headers.getlist("cookie"):
        for pair in line.split(";"):
            if name not in pair:
                continue
            try:
                morsel = SimpleCookie(pair.strip()).get(name)
            except CookieError:
                continue
            if morsel is not None:
                found.append(morsel.value)
    return found


def token_in_link(scope: Scope) -> str:
    """The token of a link such as `/?token=...`; nothing without one."""
    return next((value for name, value in _query(scope) if name == "token"), "")


def without_token(scope: Scope) -> str:
    """The same address without the token, below this server: `//name` and `/\\name` would lead elsewhere."""
    path = "/" + quote(scope["path"], safe="/:@!$&'()*+,;=~").lstrip("/")
    rest = urlencode([(name, value) for name, value in _query(scope) if name != "token"])
    return f"{path}?{rest}" if rest else path


def local_address(text: str) -> str:
    """`text` if it is an address below this server, else `/`: a sign-in leads nowhere else."""
    is_short = len(text) <= MOST_ADDRESS and text.isascii() and text.isprintable() and "\\" not in text
    if not is_short or not text.startswith("/") or text.startswith("//"):
        return "/"
    try:
        parts = urlsplit(text)
    except ValueError:
        return "/"
    return "/" if parts.scheme or parts.netloc else text


def _query(scope: Scope) -> list[tuple[str, str]]:
    return parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
