"""Which of an agent's jobs run now, and which of those that it has claimed are next."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterable

from claudia_core.engines.port import Job

type Key = tuple[str, int]


class Slots:
    """At most `capacity` jobs run at once; what an agent claimed ahead stands in line. Thread-safe.

    Whoever ends a job passes its slot on, so what is next begins without a turn of the agent's loop.
    """

    def __init__(self, capacity: int) -> None:
        self._free = capacity
        self._held: set[Key] = set()
        self._line: deque[tuple[Job, float]] = deque()
        self._lock = threading.Lock()

    @property
    def waiting(self) -> int:
        """How many stand in line."""
        return len(self._line)

    @property
    def line(self) -> list[Job]:
        """Those that stand in line, the next one first."""
        with self._lock:
            return [job for job, _ in self._line]

    @property
    def since(self) -> float | None:
        """When the first in line came (`time.monotonic`); None where there is none."""
        with self._lock:
            return self._line[0][1] if self._line else None

    def enter(self, jobs: Iterable[Job]) -> list[Job]:
        """Put jobs in line; returns those that get a slot at once, and are to begin."""
        now = time.monotonic()
        with self._lock:
            self._line.extend((job, now) for job in jobs)
            begun = [self._line.popleft()[0] for _ in range(min(self._free, len(self._line)))]
            self._free -= len(begun)
            self._held.update(map(_key, begun))
        return begun

    def leave(self, job: Job) -> Job | None:
        """A job has ended, or is left to itself: its slot goes to the job returned, which is to begin, or is free.

        Of a job whose slot went before it means nothing.
        """
        with self._lock:
            if _key(job) not in self._held:
                return None
            self._held.remove(_key(job))
            if not self._line:
                self._free += 1
                return None
            following = self._line.popleft()[0]
            self._held.add(_key(following))
        return following

    def drop(self, job: Job) -> bool:
        """Take one out of the line; False where it has begun."""
        with self._lock:
            left = [(other, since) for other, since in self._line if other is not job]
            was_there = len(left) < len(self._line)
            self._line = deque(left)
        return was_there

    def withdraw(self) -> list[Job]:
        """Take all that have not begun out of the line."""
        with self._lock:
            jobs = [job for job, _ in self._line]
            self._line.clear()
        return jobs


def _key(job: Job) -> Key:
    return job.id, job.task.claim
