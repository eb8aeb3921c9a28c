"""How things are written: WebSocket messages and frames (RFC 6455), and server-sent events."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from claudia_core.api.realtime.channels import Channel
from claudia_core.api.realtime.entries import Entry
from claudia_core.errors import ClaudiaError
from claudia_core.model.event import Gap, private_to


def text_frame(payload: bytes) -> bytes:
    """One unfragmented, unmasked text frame: RFC 6455, section 5.2."""
    size = len(payload)
    if size < 126:
        return bytes((0x81, size)) + payload
    if size < 65_536:
        return b"\x81\x7e" + size.to_bytes(2) + payload
    return b"\x81\x7f" + size.to_bytes(8) + payload


class SocketView:
    """What a socket shows of the log: one message for each of its channels that an event belongs to.

    Args:
        channels: the channels.
        framed: whether the messages come as frames, or bare.
        reads_all: whether events about one person come by any channel, and not by that person's alone.
    """

    def __init__(self, channels: Iterable[Channel], *, framed: bool, reads_all: bool) -> None:
        self.channels = tuple(channels)
        self.key = (framed, reads_all, frozenset((channel.name, channel.subject) for channel in self.channels))
        self._reads_all = reads_all
        self._finish = text_frame if framed else bytes

    def write(self, entry: Entry) -> list[bytes]:
        """See `entries.View`."""
        hidden = not self._reads_all and private_to(entry.type, entry.subject)
        return [
            self._finish(channel.head + entry.body + entry.tail)
            for channel in self.channels
            if channel.accepts(entry) and (not hidden or channel.is_persons)
        ]


class StreamView:
    """What a stream of server-sent events shows: events in any of `channels`, of any of `types`, about `subject`."""

    def __init__(
        self, channels: tuple[Channel, ...], types: tuple[Channel, ...], subject: str | None, *, reads_all: bool = False
    ) -> None:
        self.key = ("sse", reads_all, frozenset(c.name for c in channels), frozenset(c.name for c in types), subject)
        self._reads_all = reads_all
        self._persons = tuple(channel for channel in channels if channel.is_persons)
        self.channels = channels + types
        self.subject = subject
        self._choices = [choice for choice in (channels, types) if choice]

    def write(self, entry: Entry) -> list[bytes]:
        """See `entries.View`."""
        if self.subject is not None and entry.subject != self.subject:
            return []
        hidden = not self._reads_all and private_to(entry.type, entry.subject)
        if hidden and not any(channel.accepts(entry) for channel in self._persons):
            return []
        if not all(any(channel.accepts(entry) for channel in choice) for choice in self._choices):
            return []
        return [
            b"".join((b"id: ", _cursor(entry), b"\nevent: ", entry.type.encode(), b"\ndata: ", entry.body, b"\n\n"))
        ]


def _cursor(entry: Entry) -> bytes:
    return entry.tail.split(b'"', 4)[3]


def server_sent(event: str, cursor: str, data: dict[str, Any]) -> bytes:
    """A server-sent event that is not from the log."""
    return b"".join((b"id: ", cursor.encode(), b"\nevent: ", event.encode(), b"\ndata: ", orjson.dumps(data), b"\n\n"))


def sign_of_life(cursor: str) -> bytes:
    """A comment that keeps a stream open; its id moves the browser's cursor without an event."""
    return f": still here\nid: {cursor}\n\n".encode()


def gap_document(gap: Gap) -> dict[str, int]:
    """A gap in JSON."""
    return {"first": gap.first, "last": gap.last}


def error_document(error: ClaudiaError) -> dict[str, Any]:
    """An error in JSON, with its stable code."""
    return {
        "type": "error",
        "code": error.code,
        "message": error.message,
        "field": error.field,
        "hint": error.hint,
        "retryable": error.retryable,
    }
