"""Events as they go over the wire: encoded once, shared by all who read them."""

from __future__ import annotations

import threading
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import orjson

from claudia_core.model.event import Event, Gap
from claudia_core.model.times import to_text


class Entry(NamedTuple):
    """An event of the log: `body` is its CloudEvent in JSON, `tail` the end of a socket's message about it."""

    sequence: int
    type: str
    subject: str
    body: bytes
    tail: bytes


def entry_of(event: Event) -> Entry:
    """The event, encoded."""
    end = {"cursor": str(event.cursor), "timestamp": to_text(event.time)}
    tail = b"," + orjson.dumps(end)[1:]
    return Entry(event.sequence, event.type, event.subject, orjson.dumps(event.to_cloudevent()), tail)


class View(Protocol):
    """What a reader wants to see of the log; readers with equal keys see the same bytes."""

    @property
    def key(self) -> Hashable:
        """Equal for views that write the same."""
        ...

    def write(self, entry: Entry) -> list[bytes]:
        """What this view shows of an event: nothing, or one part for each channel."""
        ...


@dataclass(frozen=True, slots=True)
class Batch:
    """A stretch of the log as one view shows it: read on from `position`; `gap` says what was lost before it.

    `data` is all parts in one.
    """

    parts: list[bytes]
    position: int
    gap: Gap | None = None
    data: bytes = b""


def batch_of(view: View, entries: Iterable[Entry], end: int, most: int, gap: Gap | None = None) -> Batch:
    """The entries up to sequence `end`, but no more than `most` bytes and the last part."""
    parts: list[bytes] = []
    size = 0
    for entry in entries:
        if entry.sequence > end:
            break
        new = view.write(entry)
        if new:
            parts += new
            size += sum(map(len, new))
            if size >= most:
                end = entry.sequence
                break
    return Batch(parts, end, gap, b"".join(parts))


class Window:
    """The newest entries of the log without a hole, bounded by number and bytes; for use by several threads."""

    def __init__(self, most_events: int, most_bytes: int) -> None:
        self.head = 0
        self._entries: list[Entry] = []
        self._bytes = 0
        self._most = (most_events, most_bytes)
        self._lock = threading.Lock()

    def begin(self, head: int) -> None:
        """Start empty, at the log's head."""
        with self._lock:
            self._entries, self._bytes, self.head = [], 0, head

    def add(self, entries: list[Entry], head: int) -> None:
        """Take the next entries, up to the log's new head; those before a hole are let go."""
        with self._lock:
            if (entries[0].sequence if entries else head + 1) != self.head + 1:
                self._entries, self._bytes = [], 0
            self._entries += entries
            self._bytes += sum(len(entry.body) for entry in entries)
            self.head = head
            self._trim()

    def _trim(self) -> None:
        events, size = self._most
        drop = max(0, len(self._entries) - events)
        freed = sum(len(entry.body) for entry in self._entries[:drop])
        while drop < len(self._entries) and self._bytes - freed > size:
            freed += len(self._entries[drop].body)
            drop += 1
        del self._entries[:drop]
        self._bytes -= freed

    def after(self, position: int, most: int) -> list[Entry] | None:
        """The entries behind `position`, at most `most`; None when they are not all here."""
        with self._lock:
            first = self.head - len(self._entries) + 1
            if position + 1 < first:
                return None
            start = position + 1 - first
            return self._entries[start : start + most]

    @property
    def bytes(self) -> int:
        """How many bytes of events it holds."""
        return self._bytes
