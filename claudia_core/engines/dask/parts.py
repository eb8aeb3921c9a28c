"""What is counted of a Dask scheduler's tasks: a computation, the tasks of one prefix in it, or a single task.

It runs in the scheduler, where Claudia need not be installed: it needs nothing but Python.
"""

from __future__ import annotations

import os
from typing import Any

WAITING, RUNNING, DONE, FAILED, DROPPED = range(5)
"""The states of a task that count. Dropped: nobody wants it any more, or what it needs failed."""

MOST_ERRORS = 10
"""Errors that are kept of one part, each of another text."""

MOST_WORKERS = 10_000
LONGEST_TEXT = 20_000


class Ids:
    """Makes ids that sort by time: UUIDs of version 7, as the hub makes them."""

    def __init__(self) -> None:
        self._last = 0

    def next(self, now: float) -> str:
        """Another one, which sorts after those before; `now` in seconds."""
        self._last = max(int(now * 1_000) << 12, self._last + 1)
        random = int.from_bytes(os.urandom(8), "big") & 0x3FFF_FFFF_FFFF_FFFF
        value = (self._last >> 12) << 80 | 0x7 << 76 | (self._last & 0xFFF) << 64 | 0x2 << 62 | random
        text = f"{value:032x}"
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


class Part:
    """Counts of tasks by state, since when, on which workers, and with which errors. Times are those of `time.time`."""

    def __init__(self, id: str, name: str, parent: str | None, kind: str, now: float, key: str = "") -> None:
        self.id = id
        self.name = name
        self.parent = parent
        self.kind = kind
        self.key = key
        self.made = now
        self.counts = [0, 0, 0, 0, 0]
        self.began: float | None = None
        self.ended: float | None = None
        self.seconds = 0.0
        self.bytes = 0
        self.type = ""
        self.attempt = 1
        self.worker = ""
        self.workers: set[str] = set()
        self.errors: list[dict[str, str]] = []
        self.reason = ""
        self.steps: list[Any] | None = None
        self.version = 0

    @property
    def total(self) -> int:
        """How many tasks it has."""
        return sum(self.counts)

    @property
    def is_open(self) -> bool:
        """Whether one of them is still to be done."""
        return bool(self.counts[WAITING] or self.counts[RUNNING])

    @property
    def status(self) -> str:
        """In the words of a hub."""
        if self.ended is None:
            return "pending" if self.began is None else "active"
        if self.counts[FAILED]:
            return "failed"
        return "cancelled" if self.counts[DROPPED] else "completed"

    def add(self, number: int = 1) -> None:
        """Tasks that wait."""
        self.counts[WAITING] += number

    def move(self, before: int, after: int, now: float, worker: str) -> None:
        """One of its tasks changed its state."""
        self.counts[before] -= 1
        self.counts[after] += 1
        if after == RUNNING:
            self.began = self.began or now
            self.worker = worker
            if len(self.workers) < MOST_WORKERS:
                self.workers.add(worker)
        elif before == RUNNING and after == WAITING and self.kind == "task":
            self.attempt += 1
        if self.ended is not None and self.is_open:  # its results were lost, or somebody asked for it again
            self.ended = None
            self.attempt += self.kind != "task"

    def close(self, now: float) -> None:
        """All that it has is done."""
        self.ended = now

    def blame(self, text: str, traceback: str, key: str) -> None:
        """One of its tasks failed with this error."""
        if len(self.errors) < MOST_ERRORS and all(error["text"] != text for error in self.errors):
            new = {"text": text[:LONGEST_TEXT], "traceback": traceback[-LONGEST_TEXT:], "key": key}
            self.errors.append(new)

    def told(self) -> dict[str, Any]:
        """As plain values."""
        waiting, running, done, failed, dropped = self.counts
        return {
            "id": self.id, "name": self.name, "parent": self.parent, "kind": self.kind, "key": self.key,
            "status": self.status, "attempt": self.attempt, "made": self.made, "began": self.began, "ended": self.ended,
            "total": self.total, "waiting": waiting, "running": running, "done": done, "failed": failed,
            "dropped": dropped, "seconds": self.seconds, "bytes": self.bytes, "type": self.type, "worker": self.worker,
            "workers": len(self.workers), "errors": self.errors, "reason": self.reason, "steps": self.steps,
            "version": self.version,
        }  # fmt: skip


class Tracked:
    """A task of the scheduler's: its state, and the parts in which it counts."""

    __slots__ = ("parts", "state")

    def __init__(self, parts: tuple[Part, ...]) -> None:
        self.parts = parts
        self.state = WAITING
