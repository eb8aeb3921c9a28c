"""What one client, and all together, may ask of a process."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes are in bytes, times in seconds.

    A client's own buffer holds at most `batch_bytes` and one event more, besides the 64 kB that the transport takes
    before it says stop; what it has not read yet stays in the log. All clients share one window of the newest events.

    Args:
        connections: most sockets and streams open at once in this process.
        subscriptions: most channels of one socket.
        message_bytes: longest message that a client may send.
        batch_bytes: about how much is written to a client at once.
        window_events: newest events kept in memory for all clients; older ones are read from the store.
        window_bytes: most bytes of them.
        heartbeat: seconds between signs of life on a stream.
        retry: seconds after which a browser should reconnect to a stream.
    """

    connections: int = 2_000
    subscriptions: int = 100
    message_bytes: int = 16_384
    batch_bytes: int = 65_536
    window_events: int = 4_096
    window_bytes: int = 8_000_000
    heartbeat: float = 15.0
    retry: float = 3.0
