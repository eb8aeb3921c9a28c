"""Forking a process that has a store open.

SQLite knows the locks of its process by heart. A forked child inherits that knowledge but not the locks: a store it
opened on the same file would write without protection, and lose what it acknowledged when the parent closes the file
(https://www.sqlite.org/howtocorrupt.html, section 2.6). So every connection is closed before a fork and opened again
after it; where that cannot be done in time, the child is kept from opening the file.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol
from weakref import WeakSet

from claudia_core.errors import StoreClosed

PATIENCE = 2.0
"""Seconds that a fork waits for readers and for the commit under way."""


class Resting(Protocol):
    """A store that can close its connections for a moment."""

    path: Path

    def rest(self, timeout: float) -> bool:
        """Close all connections and keep others from opening any; False, and nothing changed, if one stays in use."""
        ...

    def wake(self) -> None:
        """Let work go on."""
        ...


class _Forks:
    """The stores of this process, which know when it forks."""

    def __init__(self) -> None:
        self._stores: WeakSet[Resting] = WeakSet()
        self._resting: list[Resting] = []
        self._barred: set[tuple[int, int]] = set()
        os.register_at_fork(before=self._before, after_in_parent=self._in_parent, after_in_child=self._in_child)

    def require_safe(self, path: Path) -> None:
        """Refuse a file whose locks this process believes to have, because its parent had them."""
        if path.exists() and _identity(path) in self._barred:
            message = f"the store {path} was in use by the parent process at the moment of the fork"
            raise StoreClosed(message, hint="fork outside snapshots and writes, or start the process with 'spawn'")

    def watch(self, store: Resting) -> None:
        """Close and open this store's connections around forks, while it exists."""
        self._stores.add(store)

    def _before(self) -> None:
        self._resting = [store for store in list(self._stores) if store.rest(PATIENCE)]

    def _in_parent(self) -> None:
        for store in self._resting:
            store.wake()
        self._resting = []

    def _in_child(self) -> None:
        awake = [store for store in self._stores if store not in self._resting and store.path.exists()]
        self._barred |= {_identity(store.path) for store in awake}
        self._resting = []
        self._stores = WeakSet()


def _identity(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino


forks = _Forks()
"""One for the process, as its forks are."""
