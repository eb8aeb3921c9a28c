"""uvicorn's part: protocols that take ready-made bytes without a task switch and let go of dead peers.

uvicorn is told to use them by `UVICORN`. Without it (under another server) all works the same; each message then costs
the whole way through ASGI.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from functools import partial
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

FRAMES = "claudia.frames"
"""ASGI extension of a WebSocket and message: `{"type": FRAMES, "frames": bytes}` writes ready-made frames.

The extension's `write(frames)` does so without waiting, or says False.
"""

LIMIT = "claudia.limit"
"""ASGI message, before the accept: `{"type": LIMIT, "bytes": n}` closes with 1009 when a longer message comes."""

BODY = "claudia.body"
"""ASGI extension of a request: `write(body)` sends more of a body that has begun without waiting, or says False.

What is in the set `at_stop` is called when the server begins to stop.
"""

LINGER = 1.0
"""Seconds that a connection gets to take its last bytes when the server stops."""


class BodyProtocol(H11Protocol):
    """uvicorn's HTTP protocol with the extension above. When the server stops, who does not read is cut off."""

    _at_stop: AbstractSet[Callable[[], None]] = frozenset()

    def handle_events(self) -> None:
        """Offer the extension to each request."""
        before = self.cycle
        super().handle_events()
        if self.cycle is not before and self.scope["http_version"] == "1.1":
            self._at_stop = set()
            offer = {"write": partial(self._write, self.cycle), "at_stop": self._at_stop}
            extensions: dict[str, Any] = self.scope.setdefault("extensions", {})
            extensions[BODY] = offer

    def _write(self, cycle: RequestResponseCycle, body: bytes) -> bool:
        """Write one chunk (RFC 9112, section 7.1) of a response that h11 has begun to write in chunks."""
        is_open = cycle is self.cycle and cycle.response_started and not cycle.response_complete
        if not is_open or self.flow.write_paused or self.transport.is_closing():
            return False
        self.transport.write(b"%x\r\n%b\r\n" % (len(body), body))
        return True

    def shutdown(self) -> None:
        """Tell the request, and wait for its client only for a moment where that does not read."""
        super().shutdown()
        for stop in tuple(self._at_stop):
            stop()
        self.loop.call_later(LINGER, self._cut_off)

    def _cut_off(self) -> None:
        if self.flow.write_paused:
            self.transport.abort()


class FrameProtocol(WebSocketsSansIOProtocol):
    """uvicorn's protocol with the extension above.

    A peer that does not answer a ping in time is cut off, even when it does not take its last bytes.
    """

    def handle_connect(self, event: Request) -> None:
        """Offer the extension."""
        super().handle_connect(event)
        if self.response.status_code == 101:
            self.scope["extensions"][FRAMES] = {"write": self.write_now}

    async def send(self, message: Any) -> None:
        """Take the extension's messages besides those of ASGI."""
        if message["type"] == FRAMES:
            await self._write(message["frames"])
        elif message["type"] == LIMIT:
            self.conn.max_message_size = message["bytes"]
        else:
            await super().send(message)

    async def _write(self, frames: bytes) -> None:
        while not self.write_now(frames):
            if self.disconnected or self.close_sent or self.transport.is_closing():
                raise ClientDisconnected
            await self.writable.wait()

    def write_now(self, frames: bytes) -> bool:
        """Write frames; False when the buffer is full or the connection has ended."""
        if self.disconnected or self.close_sent or not self.writable.is_set() or self.transport.is_closing():
            return False
        self.transport.write(frames)
        return True

    def send_receive_event_to_app(self) -> None:
        """Text that is not UTF-8 ends the connection with 1007, without a traceback in the log."""
        if self.curr_msg_data_type == "text" and not _is_utf8(b"".join(self.frames)):
            self.frames = []
            self.conn.fail(1007, "text is not UTF-8")
            self.handle_parser_exception()
            return
        super().send_receive_event_to_app()

    def send_keepalive_ping(self) -> None:
        """A connection that has been closing since the ping before does not end by itself."""
        if self.transport.is_closing():
            self.transport.abort()
            return
        super().send_keepalive_ping()

    def keepalive_timeout(self) -> None:
        """The peer is gone or does not read: whatever it has not taken goes with it."""
        super().keepalive_timeout()
        self.transport.abort()

    def shutdown(self) -> None:
        """Close, and wait for the peer only for a moment."""
        super().shutdown()
        self.loop.call_later(LINGER, self.transport.abort)


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


UVICORN: dict[str, Any] = {
    "http": BodyProtocol,
    "ws": FrameProtocol,
    "ws_per_message_deflate": False,  # saves a compressor for each socket; frames are shared, so they come plain
    "ws_ping_interval": 20.0,
    "ws_ping_timeout": 20.0,
}
"""Options of `uvicorn.Config` for a server with sockets and streams."""


def drop_dead_peers(listener: socket.socket, seconds: float = 60.0) -> None:
    """Let the kernel end connections whose peer takes nothing for that long: it is gone, or does not read.

    Connections inherit it from their listener. Streams have no ping, so this is what ends those of a dead peer.
    """
    option = getattr(socket, "TCP_USER_TIMEOUT", None)
    if option is not None and listener.family in (socket.AF_INET, socket.AF_INET6):
        listener.setsockopt(socket.IPPROTO_TCP, option, int(seconds * 1000))
