"""uvicorn's part: a WebSocket protocol that takes ready-made frames and lets go of dead peers, and how to set it up.

Without it (under another server) all works the same; each message then becomes a frame by itself.
"""

from __future__ import annotations

import socket
from typing import Any

from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

FRAMES = "claudia.frames"
"""ASGI extension and message: `{"type": FRAMES, "frames": bytes}` writes ready-made frames."""

LIMIT = "claudia.limit"
"""ASGI message, before the accept: `{"type": LIMIT, "bytes": n}` closes with 1009 when a longer message comes."""

LINGER = 1.0
"""Seconds that a socket gets to take its last bytes when the server stops."""


class FrameProtocol(WebSocketsSansIOProtocol):
    """uvicorn's protocol with the extension above.

    A peer that does not answer a ping in time is cut off, even when it does not take its last bytes.
    """

    def handle_connect(self, event: Request) -> None:
        """Offer the extension."""
        super().handle_connect(event)
        if self.response.status_code == 101:
            self.scope["extensions"][FRAMES] = {}

    async def send(self, message: Any) -> None:
        """Take the extension's messages besides those of ASGI."""
        if message["type"] == FRAMES:
            await self._write(message["frames"])
        elif message["type"] == LIMIT:
            self.conn.max_message_size = message["bytes"]
        else:
            await super().send(message)

    async def _write(self, frames: bytes) -> None:
        await self.writable.wait()
        if self.disconnected or self.close_sent or self.transport.is_closing():
            raise ClientDisconnected
        self.transport.write(frames)

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
    "ws": FrameProtocol,
    "ws_per_message_deflate": False,  # saves a compressor for each socket; frames are shared, so they come plain
    "ws_ping_interval": 20.0,
    "ws_ping_timeout": 20.0,
    "timeout_graceful_shutdown": 2,  # for streams whose client does not read: uvicorn waits for ever by default
}
"""Options of `uvicorn.Config` for a server with sockets and streams."""


def drop_dead_peers(listener: socket.socket, seconds: float = 60.0) -> None:
    """Let the kernel end connections whose peer takes nothing for that long: it is gone, or does not read.

    Connections inherit it from their listener. Streams have no ping, so this is what ends those of a dead peer.
    """
    option = getattr(socket, "TCP_USER_TIMEOUT", None)
    if option is not None and listener.family in (socket.AF_INET, socket.AF_INET6):
        listener.setsockopt(socket.IPPROTO_TCP, option, int(seconds * 1000))
