"""Scripts, styles and fonts of the pages, kept ready: compressed once, and kept by browsers."""

from __future__ import annotations

import gzip
import hashlib
import re
import secrets
import threading
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboards.beat.pulse import forget_busy_events
from dashboards.beat.wire import Direct

BOOT = secrets.token_hex(8)
"""Names this process; sent with each file as the header `claudia-boot`."""

PLACES = re.compile(r"/(?:static|components)/")
VERSIONED = re.compile(rb"^(?:v=)?[\w.]{5,64}$")
YEAR = b"private, max-age=31536000, immutable"
ASK = b"private, no-cache"
TEXT = ("text/", "application/javascript", "application/json", "image/svg")
SMALL = 1_000
MOST_KEPT = 64_000_000
"""Bytes of files that are kept; what comes later is passed on as it is."""


@dataclass(slots=True)
class Asset:
    """One file as it is sent; `packed` comes a moment later, by a thread."""

    body: bytes
    type: bytes
    tag: bytes
    packed: bytes | None = None

    def pack(self) -> None:
        """Compress it, where that is worth it."""
        packed = gzip.compress(self.body, 6, mtime=0)
        if len(packed) < 0.9 * len(self.body):
            self.packed = packed


class Assets:
    """Stands in front of the pages and answers for files that they sent before.

    Panel's server reads a file for each request and gives the browser nothing to keep it by. Here an address with a
    version is kept by browsers for a year, any other is asked for again and answered with 304 while it is the same.
    Files are expected not to change while the process runs.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._kept: dict[str, Asset] = {}
        self._bytes = 0
        self._is_ready = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._is_ready and scope["type"] == "http":
            self._is_ready = True
            forget_busy_events()
        if scope["type"] == "websocket":
            send = Direct.of(scope, send)
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD") or not PLACES.search(scope["path"]):
            await self._app(scope, receive, send)
            return
        asset = self._kept.get(scope["path"])
        if asset is not None:
            await _answer(asset, scope, send)
            return
        taken = _Taken()
        await self._app({**scope, "method": "GET"}, receive, taken)
        asset = taken.asset()
        if asset is None:
            await taken.pass_on(send, head=scope["method"] == "HEAD")
            return
        self._keep(scope["path"], asset)
        await _answer(asset, scope, send)

    def _keep(self, path: str, asset: Asset) -> None:
        if self._bytes + len(asset.body) > MOST_KEPT or path in self._kept:
            return
        self._bytes += len(asset.body)
        self._kept[path] = asset
        if len(asset.body) > SMALL and asset.type.decode().startswith(TEXT):
            threading.Thread(target=asset.pack, name="pack-asset", daemon=True).start()


class _Taken:
    """An answer of the pages, taken whole."""

    def __init__(self) -> None:
        self._start: MutableMapping[str, Any] = {}
        self._parts: list[bytes] = []

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
        elif message["type"] == "http.response.body":
            self._parts.append(message.get("body", b""))

    def asset(self) -> Asset | None:
        """The file; None where the answer is something else."""
        headers = Headers(raw=self._start.get("headers", []))
        if self._start.get("status") != 200 or "set-cookie" in headers or "content-encoding" in headers:
            return None
        body = b"".join(self._parts)
        tag = b'"%s"' % hashlib.blake2b(body, digest_size=12).hexdigest().encode()
        return Asset(body, headers.get("content-type", "application/octet-stream").encode(), tag)

    async def pass_on(self, send: Send, *, head: bool) -> None:
        """Send it as it came."""
        await send(self._start)
        await send({"type": "http.response.body", "body": b"" if head else b"".join(self._parts)})


async def _answer(asset: Asset, scope: Scope, send: Send) -> None:
    asked = Headers(scope=scope)
    keep = YEAR if VERSIONED.match(scope.get("query_string", b"")) else ASK
    headers = [(b"etag", asset.tag), (b"cache-control", keep), (b"vary", b"accept-encoding")]
    headers.append((b"claudia-boot", BOOT.encode()))
    if asset.tag.decode() in asked.get("if-none-match", "").replace("W/", ""):
        await send({"type": "http.response.start", "status": 304, "headers": headers})
        await send({"type": "http.response.body", "body": b""})
        return
    body = asset.body
    if asset.packed is not None and "gzip" in asked.get("accept-encoding", ""):
        body = asset.packed
        headers.append((b"content-encoding", b"gzip"))
    headers += [(b"content-type", asset.type), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
