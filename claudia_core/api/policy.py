"""What browsers are told with every answer: what a page may load and do, who may frame it, what is not to be kept."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

STATIC_PATHS = ("/static/", "/components/")
"""Files that are the same for everybody and may be cached."""

type Header = tuple[bytes, bytes]

FIXED: tuple[Header, ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),  # with no-referrer, browsers send forms with `Origin: null`
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (
        b"permissions-policy",
        b"accelerometer=(), autoplay=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), magnetometer=(), "
        b"microphone=(), midi=(), payment=(), publickey-credentials-get=(), screen-wake-lock=(), serial=(), usb=(), "
        b"xr-spatial-tracking=(), clipboard-write=(self)",
    ),
)
ONLY_HTTPS: Header = (b"strict-transport-security", b"max-age=31536000")
PRIVATE: Header = (b"cache-control", b"no-store")
CSP = b"content-security-policy"

PAGE = (
    "default-src 'none'; "
    "script-src 'self' 'nonce-{nonce}' 'unsafe-eval'; "  # Bokeh compiles the code of CustomJS, which its server sends
    "style-src 'self' 'unsafe-inline'; "  # Bokeh and Material UI write style elements and attributes
    "img-src 'self' data:; font-src 'self'; connect-src 'self'; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors {ancestors}"
)
DATA = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""For what is no page: opened by itself it may do nothing."""

SCRIPT = re.compile(rb"<script(?=[\s>])", re.IGNORECASE)
LONGEST = 1_000_000
"""Most bytes of a page: they are a frame for what comes by the socket."""


class Policy:
    """Middleware around everything. Pages that bring no policy of their own get one, with a nonce for their scripts.

    The nonce goes to the scripts that are in the page as it leaves the server. Nothing that people wrote is in there:
    it comes later by the page's socket, and a script in it has no nonce and does not run.

    Args:
        app: what is wrapped.
        ancestors: who may show pages in a frame, as in CSP's `frame-ancestors`.
    """

    def __init__(self, app: ASGIApp, *, ancestors: str = "'self'") -> None:
        self._app = app
        self._ancestors = ancestors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        await self._app(scope, receive, _Answer(scope, send, self._ancestors))


class _Answer:
    """One answer on its way out; a page is held back until it is whole."""

    def __init__(self, scope: Scope, send: Send, ancestors: str) -> None:
        self._scope = scope
        self._send = send
        self._ancestors = ancestors
        self._start: Message | None = None
        self._page = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            await self._begin(message)
        elif self._start is not None and message["type"] == "http.response.body":
            await self._gather(self._start, message)
        else:
            await self._send(message)

    async def _begin(self, message: Message) -> None:
        headers: list[Header] = list(message.get("headers", ()))
        names = {name.lower() for name, _ in headers}
        headers.extend(self._added(names, message["status"]))
        message["headers"] = headers
        if CSP in names:
            await self._send(message)
        elif _is_page(headers):
            self._start = message
        else:
            headers.append((CSP, DATA.encode()))
            await self._send(message)

    def _added(self, names: set[bytes], status: int) -> Iterable[Header]:
        yield from (header for header in FIXED if header[0] not in names)
        if self._scope["scheme"] == "https":
            yield ONLY_HTTPS
        is_static = status < 400 and self._scope["path"].startswith(STATIC_PATHS)
        if b"cache-control" not in names and not is_static:
            yield PRIVATE

    async def _gather(self, start: Message, message: Message) -> None:
        self._page += message.get("body", b"")
        if message.get("more_body", False) and len(self._page) <= LONGEST:
            return
        if len(self._page) > LONGEST:
            raise RuntimeError(f"a page of more than {LONGEST:,} bytes")
        nonce = secrets.token_urlsafe(16)
        policy = PAGE.format(nonce=nonce, ancestors=self._ancestors)
        body = SCRIPT.sub(b'<script nonce="%b"' % nonce.encode(), self._page)
        headers = [header for header in start["headers"] if header[0].lower() != b"content-length"]
        length = [] if self._scope["method"] == "HEAD" else [(b"content-length", str(len(body)).encode())]
        self._start = None
        await self._send({**start, "headers": [*headers, *length, (CSP, policy.encode())]})
        await self._send({"type": "http.response.body", "body": body})


def _is_page(headers: Iterable[Header]) -> bool:
    is_html = is_packed = False
    for name, value in headers:
        lower = name.lower()
        is_html = is_html or (lower == b"content-type" and value.startswith(b"text/html"))
        is_packed = is_packed or lower == b"content-encoding"
    return is_html and not is_packed
