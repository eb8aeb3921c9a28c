"""Where async meets sync: small changes run inside the writer's own transaction, everything else on worker threads."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any
from weakref import WeakKeyDictionary

from claudia_core.ports import Document, Page, Query, Store, Transaction, Work

WORKERS = 64
"""Calls carried out at once: their changes share commits. More wait in line."""


class Border:
    """Carries work out of the event loop and its outcome back in."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._workers = ThreadPoolExecutor(WORKERS, thread_name_prefix="claudia-api")
        self._landings: WeakKeyDictionary[asyncio.AbstractEventLoop, Landing] = WeakKeyDictionary()

    async def call[T](self, work: Callable[[], T]) -> T:
        """What `work()` gives, called on a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._workers, work)

    async def write[T](self, work: Work[T]) -> T:
        """What `work` gives, once its commit is durable. No thread waits for it, but `work` itself must not wait."""
        loop = asyncio.get_running_loop()
        landing = self._landings.get(loop)
        if landing is None:
            landing = self._landings[loop] = Landing()
        waiter: asyncio.Future[T] = loop.create_future()
        self._store.write(work).add_done_callback(lambda done: landing.land(waiter, done))
        return await waiter


class Landing:
    """Brings outcomes from the writer's thread to one event loop: one wake-up for all of a commit."""

    def __init__(self) -> None:
        self._landed: deque[tuple[asyncio.Future[Any], Future[Any]]] = deque()
        self._is_called = False

    def land(self, waiter: asyncio.Future[Any], done: Future[Any]) -> None:
        """Hand over one outcome, from any thread."""
        self._landed.append((waiter, done))
        if not self._is_called:
            self._is_called = True
            try:
                waiter.get_loop().call_soon_threadsafe(self._settle)
            except RuntimeError:  # the server has ended: the change is saved all the same
                return

    def _settle(self) -> None:
        self._is_called = False  # before the look: what lands from now on calls again
        while self._landed:
            waiter, done = self._landed.popleft()
            if waiter.done():
                continue
            error = done.exception()
            if error is None:
                waiter.set_result(done.result())
            else:
                waiter.set_exception(error)


class JoinedStore:
    """A store as seen from inside a transaction: writes happen in it at once, reads see it."""

    def __init__(self, store: Store, tx: Transaction) -> None:
        self._store = store
        self._tx = tx

    def write[T](self, work: Work[T]) -> Future[T]:
        """See `ports.Store.write`; what `work` raises comes at once."""
        done: Future[T] = Future()
        done.set_result(work(self._tx))
        return done

    def get(self, collection: str, id: str) -> Document | None:
        """See `ports.Reader.get`."""
        return self._tx.get(collection, id)

    def find(self, query: Query) -> Page:
        """See `ports.Reader.find`."""
        return self._tx.find(query)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)
