"""Snapshots: documents, rollups and head of one moment."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from claudia_core.ports import Query, Reader, Store, Transaction
from claudia_core.testing.conformance.suite import Suite, saved


def _step(tx: Transaction) -> None:
    """One change after which the document, the count of documents, the rollup and the head are equal."""
    document = tx.get("meta", "counter") or {"id": "counter", "value": 0}
    value = document["value"] + 1
    tx.put("meta", {"id": "counter", "value": value})
    tx.put("tasks", {"id": str(value), "status": "active"})
    tx.increment("steps")
    tx.emit("step", "counter", {"value": value})


def _values(reader: Reader) -> set[int]:
    document = reader.get("meta", "counter")
    assert document is not None
    newest = reader.events(reader.head() - 1).events[-1]
    counted = reader.count(Query("tasks", {"status": "active"}))
    return {document["value"], counted, int(reader.samples(["steps"])[0].value), reader.head(), newest.data["value"]}


@contextmanager
def _stepping(store: Store) -> Iterator[None]:
    """A writer that makes one step after another meanwhile."""
    saved(store, _step)
    stop = threading.Event()

    def run() -> None:
        while not stop.is_set():
            saved(store, _step)

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(30)


class StoreSnapshots(Suite):
    """Promises of `snapshot`."""

    def test_all_of_one_moment(self, store: Store) -> None:
        """While writers go on, everything read in one snapshot belongs together."""
        heads: list[int] = []
        with _stepping(store):
            for _ in range(30):
                with store.snapshot() as reader:
                    values = _values(reader) | _values(reader)
                assert len(values) == 1
                heads += values
        assert heads == sorted(heads)

    def test_does_not_see_later_writes(self, store: Store) -> None:
        """A write that is given while a snapshot is open is not seen in it, and is seen after it."""
        saved(store, _step)
        with store.snapshot() as reader:
            later = store.write(_step)
            assert _values(reader) == {1}
            assert _values(reader) == {1}
        later.result(30)
        with store.snapshot() as reader:
            assert _values(reader) == {2}

    def test_error_inside(self, store: Store) -> None:
        """An exception inside a snapshot reaches the caller and leaves nothing locked."""
        for _ in range(20):
            with pytest.raises(LookupError), store.snapshot() as reader:
                reader.head()
                raise LookupError
        saved(store, _step)
        assert store.head() == 1
