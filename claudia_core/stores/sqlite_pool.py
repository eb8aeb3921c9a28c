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
        self._lock = threading.Lock()
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

    def _take(self) -> apsw.Connection:
        with self._lock:
            if self._closed:
                raise StoreClosed(f"the store {self._name} is closed", hint="make a new Claudia()")
            if self._idle:
                return self._idle.pop()
        return self._connect()

    def _give_back(self, connection: apsw.Connection) -> None:
        if not connection.in_transaction:
            with self._lock:
                if not self._closed and len(self._idle) < MOST_IDLE:
                    self._idle.append(connection)
                    return
        connection.close()  # also ends a transaction that an error left open
