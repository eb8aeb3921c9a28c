"""Connections for reading, used again: opening one costs as much as twenty short questions."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import apsw

from claudia_core.errors import StoreClosed

MOST_IDLE = 8
"""Most connections kept open while nobody reads."""


class ReaderPool:
    """Lends each caller a connection of its own."""

    def __init__(self, connect: Callable[[], apsw.Connection], name: str) -> None:
        self._connect = connect
        self._name = name
        self._idle: deque[apsw.Connection] = deque()
        self._lock = threading.Condition()
        self._lent = 0
        self._resting = False
        self._closed = False

    @contextmanager
    def lend(self) -> Iterator[apsw.Connection]:
        """A connection for one thread, outside any transaction.

        Raises:
            StoreClosed: the pool was closed.
        """
        connection = self._take()
        try:
            yield connection
        finally:
            self._give_back(connection)

    def close(self) -> None:
        """Close what is idle; what is lent is closed when it comes back."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, deque()
        for connection in idle:
            connection.close()

    def rest(self, timeout: float) -> bool:
        """Close all connections and lend none until `wake`; False, and nothing changed, if one stays lent too long."""
        with self._lock:
            self._resting = True
            if not self._lock.wait_for(lambda: not self._lent, timeout):
                self._resting = False
                self._lock.notify_all()
                return False
            while self._idle:
                self._idle.pop().close()
        return True

    def wake(self) -> None:
        """Lend again."""
        with self._lock:
            self._resting = False
            self._lock.notify_all()

    def _take(self) -> apsw.Connection:
        with self._lock:
            self._lock.wait_for(lambda: not self._resting)
            if self._closed:
                raise StoreClosed(f"the store {self._name} is closed", hint="make a new Claudia()")
            self._lent += 1
            if self._idle:
                return self._idle.pop()
        try:
            return self._connect()
        except BaseException:
            self._returned()
            raise

    def _give_back(self, connection: apsw.Connection) -> None:
        with self._lock:
            fit = not (self._closed or connection.in_transaction or len(self._idle) >= MOST_IDLE)
            if fit:
                self._idle.append(connection)
        if not fit:
            connection.close()  # also ends a transaction that an error left open
        self._returned()

    def _returned(self) -> None:
        with self._lock:
            self._lent -= 1
            if self._resting:
                self._lock.notify_all()
