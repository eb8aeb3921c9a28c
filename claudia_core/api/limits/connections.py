"""Connections: how many, and how long one may take to ask for something."""

from __future__ import annotations

import asyncio
import resource
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from claudia_core.logs import get_logger

log = get_logger(__name__)

HEADER_SECONDS = 15.0
"""Seconds in which the head of a request has to come in, on a new connection also to begin."""

HEADER_BYTES = 32_768
"""Most bytes of a request's line and headers together."""

OTHER_FILES = 256
"""Files that the process has open besides its connections."""

FULL_BODY = (
    b'{"type":"/api/docs#too_many_connections","title":"As many connections are open as may be","status":503,'
    b'"code":"too_many_connections"}'
)
FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/problem+json\r\nretry-after: 5\r\n"
    b"connection: close\r\ncontent-length: %d\r\n\r\n%b" % (len(FULL_BODY), FULL_BODY)
)
SLOW = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class Limited(H11Protocol):
    """uvicorn's protocol, which refuses connections beyond `most` and lets go of those that do not ask in time."""

    most = 1_000
    seconds = HEADER_SECONDS
    _patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection, or say that there are too many."""
        super().connection_made(transport)
        if len(self.connections) > self.most:
            transport.write(FULL)
            transport.close()
        else:
            self._wait()

    def data_received(self, data: bytes) -> None:
        """Hear the client."""
        super().data_received(data)
        self._look()

    def on_response_complete(self) -> None:
        """Turn to the next request."""
        super().on_response_complete()
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has gone."""
        self._unwait()
        super().connection_lost(exc)

    def _look(self) -> None:
        """Wait while a head has begun and has not come in whole."""
        if self.conn.their_state is h11.IDLE and self.conn.trailing_data[0]:
            self._wait()
        else:
            self._unwait()

    def _wait(self) -> None:
        if self._patience is None:
            self._patience = self.loop.call_later(self.seconds, self._give_up)

    def _unwait(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _give_up(self) -> None:
        if not self.transport.is_closing():
            self.transport.write(SLOW)
            self.transport.close()


def limited(base: type[H11Protocol], most: int, seconds: float = HEADER_SECONDS) -> type[H11Protocol]:
    """The protocol `base` with these limits."""
    return type("LimitedProtocol", (Limited, base), {"most": most, "seconds": seconds})


def room_for(connections: int) -> int:
    """Make room for that many open files in this process; how many connections there is room for."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return connections
    most = max(10, soft - OTHER_FILES)
    log.warning("fewer connections than set: the system allows fewer open files", connections=most, files=soft)
    return most


def options(base: type[H11Protocol], connections: int) -> dict[str, Any]:
    """Options of `uvicorn.Config`."""
    return {
        "http": limited(base, room_for(connections)),
        "h11_max_incomplete_event_size": HEADER_BYTES,
        "timeout_keep_alive": 15,
    }
