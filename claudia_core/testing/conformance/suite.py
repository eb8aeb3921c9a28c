"""What the suites share: the store under test, and short ways to fill it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from claudia_core.ports import Document, Query, Store, Transaction, Work

type MakeStore = Callable[[], Store]


class Suite:
    """Base of the suites."""

    @pytest.fixture
    def store(self, make_store: MakeStore) -> Store:
        """The store under test, empty."""
        return make_store()


def saved[T](store: Store, work: Work[T]) -> T:
    """The result of `work`, once it is saved."""
    return store.write(work).result(30)


def task(id: str, **fields: object) -> Document:
    """A document for the collection `tasks`."""
    return {"id": id, "name": id, **fields}


def put(store: Store, documents: Iterable[Document], collection: str = "tasks") -> None:
    """Save documents in one commit."""
    kept = list(documents)

    def work(tx: Transaction) -> None:
        for document in kept:
            tx.put(collection, document)

    saved(store, work)


def emit(store: Store, count: int, type: str = "task:created", subject: str = "s", **data: object) -> None:
    """Append events in one commit."""

    def work(tx: Transaction) -> None:
        for n in range(count):
            tx.emit(type, subject, {"n": n, **data})

    saved(store, work)


def deleting(id: str) -> Work[None]:
    """A work that removes a task."""
    return lambda tx: tx.delete("tasks", id)


def adding(series: str, *buckets: int, by: float = 1) -> Work[None]:
    """A work that adds to buckets of a rollup."""

    def work(tx: Transaction) -> None:
        for at in buckets:
            tx.increment(series, at, by)

    return work


def ids(store: Store, query: Query) -> list[str]:
    """The ids on one page."""
    return [document["id"] for document in store.find(query).documents]


def in_threads[T](count: int, work: Callable[[int], T]) -> list[T]:
    """What `work(0)` to `work(count - 1)` gave, each in a thread of its own, all begun at the same moment."""
    start = threading.Barrier(count)

    def run(number: int) -> T:
        start.wait(30)
        return work(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


class Blocker:
    """A write that holds the store's writer until it is let go, so that what is queued behind it shares a batch."""

    def __init__(self, store: Store) -> None:
        self._entered = threading.Event()
        self._free = threading.Event()
        self._future: Future[object] = store.write(self._hold)

    def _hold(self, _: object) -> None:
        self._entered.set()
        assert self._free.wait(30), "the test never let go of the writer"

    def __enter__(self) -> None:
        assert self._entered.wait(30), "the writer never began"

    def __exit__(self, *_: object) -> None:
        self._free.set()
        self._future.result(30)
