"""Work that may hang: done on a thread of its own, and left to itself when it takes too long."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue

PATIENCE = 2.0
MOST_LEFT = 5
"""Threads that may hang; with as many, nothing is tried any more that could."""


class Patient:
    """Calls functions one after the other on a thread. One that hangs costs a thread, and nobody's time but this."""

    def __init__(self, name: str, patience: float = PATIENCE) -> None:
        self._name = name
        self._patience = patience
        self._tasks: SimpleQueue[tuple[Callable[[], object], Future[object]] | None] | None = None
        self.left = 0

    @property
    def is_worn_out(self) -> bool:
        """Whether too many calls hang."""
        return self.left >= MOST_LEFT

    def call[T](self, work: Callable[[], T]) -> T:
        """What `work()` gives.

        Raises:
            TimeoutError: it takes too long, or too many calls hang already.
        """
        if self.is_worn_out:
            raise TimeoutError("too many calls hang")
        if self._tasks is None:
            self._tasks = SimpleQueue()
            threading.Thread(target=_run, args=(self._tasks,), name=self._name, daemon=True).start()
        done: Future[T] = Future()
        self._tasks.put((work, done))  # type: ignore[arg-type]  # its outcome is a T
        try:
            return done.result(self._patience)
        except TimeoutError:
            if done.done():
                raise
            self._tasks.put(None)  # should it ever come back, it finds that it may go
            self._tasks = None
            self.left += 1
            raise

    def stop(self) -> None:
        """Let the thread end."""
        if self._tasks is not None:
            self._tasks.put(None)
            self._tasks = None


def _run(tasks: SimpleQueue[tuple[Callable[[], object], Future[object]] | None]) -> None:
    while (task := tasks.get()) is not None:
        work, done = task
        try:
            done.set_result(work())
        except BaseException as error:  # noqa: BLE001 - it is the caller's
            done.set_exception(error)
        del task, work, done  # an exception must not live until the next one comes
