"""Closing and opening again."""

from __future__ import annotations

import threading

import pytest

from claudia_core.errors import StoreClosed
from claudia_core.ports import Query, Sample, Store
from claudia_core.testing.conformance.suite import MakeStore, Suite, emit, put, saved, task


class StoreClosing(Suite):
    """Promises of `close`."""

    def test_close_twice(self, store: Store) -> None:
        """Closing twice is fine."""
        store.close()
        store.close()

    def test_use_after_close(self, store: Store) -> None:
        """Every use of a closed store is refused with a clear error."""
        emit(store, 1)
        store.close()
        uses = (
            lambda: store.write(lambda _: None),
            lambda: store.post("a", lambda _: None),
            store.flush,
            lambda: store.get("tasks", "a"),
            lambda: store.get_many("tasks", ["a"]),
            lambda: store.find(Query("tasks")),
            lambda: store.count(Query("tasks")),
            lambda: store.samples(["a"]),
            lambda: store.events(0),
            store.head,
            lambda: store.wait(0, 1),
            store.log_status,
            lambda: store.snapshot().__enter__(),
        )
        for use in uses:
            with pytest.raises(StoreClosed):
                use()

    def test_close_saves_what_was_given(self, store: Store) -> None:
        """Writes given before `close` are saved, and their futures resolve."""
        futures = [store.write(lambda tx: tx.emit("a", "x", {})) for _ in range(300)]
        store.close()
        assert all(future.done() and future.exception() is None for future in futures)

    def test_close_ends_a_wait(self, store: Store) -> None:
        """A thread that waits for news does not outlive the store for long."""
        ended: list[object] = []
        thread = threading.Thread(target=lambda: ended.append(_wait(store)))
        thread.start()
        store.close()
        thread.join(10)
        assert not thread.is_alive()

    def test_is_a_store(self, store: Store) -> None:
        """It has all the port's verbs, an epoch, and an address."""
        assert isinstance(store, Store)
        assert store.epoch
        assert ":" not in store.epoch
        assert "://" in store.url


def _wait(store: Store) -> object:
    try:
        return store.wait(0, 60)
    except StoreClosed as error:
        return error


class StoreReopening:
    """What a store keeps that outlives its process."""

    def test_keeps_data_and_epoch(self, make_store: MakeStore) -> None:
        """A store opened again has its documents, rollups, events and epoch, and goes on with the next sequence."""
        first = make_store()
        put(first, [task("a", status="active")])
        emit(first, 3)
        saved(first, lambda tx: tx.increment("things", 60, 2))
        first.post("b", lambda tx: tx.put("tasks", task("b", status="active")))
        first.close()
        again = make_store()
        assert again.epoch == first.epoch
        assert [document["id"] for document in again.find(Query("tasks", {"status": "active"})).documents] == ["b", "a"]
        assert again.samples(["things"]) == [Sample("things", 60, 2)]
        emit(again, 1)
        assert [event.sequence for event in again.events(0).events] == [1, 2, 3, 4]

    def test_two_at_once(self, make_store: MakeStore) -> None:
        """Two stores on one place see each other's writes."""
        first, second = make_store(), make_store()
        emit(first, 1)
        assert second.wait(0, 10) == 1
        emit(second, 1)
        assert first.wait(1, 10) == 2
        assert first.epoch == second.epoch
