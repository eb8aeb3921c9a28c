"""Posts: writes that nobody waits for."""

from __future__ import annotations

import threading

import pytest

from claudia_core.errors import WaitTimeout
from claudia_core.ports import Query, Store, Transaction, Work
from claudia_core.testing.conformance.suite import Blocker, Suite, adding, ids, in_threads, put, saved, task


def _setting(id: str, status: str) -> Work[object]:
    def work(tx: Transaction) -> None:
        tx.put("tasks", task(id, status=status))
        tx.emit("task:progress", id, {"status": status})

    return work


def _refuse(_: Transaction) -> None:
    raise LookupError("no such task")


def _post_many(store: Store, key: str, count: int) -> None:
    for number in range(count):
        store.post(key, _setting(key, f"{number:04}"))


class StorePosts(Suite):
    """Promises of `post` and `flush`."""

    def test_flush_saves(self, store: Store) -> None:
        """After `flush` everything that was posted or written before is saved."""
        for number in range(500):
            store.post(f"{number:03}", _setting(f"{number:03}", "x"))
        store.write(_setting("w", "x"))
        store.flush()
        assert store.count(Query("tasks", {"status": "x"})) == 501

    def test_saved_without_flush(self, store: Store) -> None:
        """A post is saved soon by itself."""
        store.post("a", _setting("a", "x"))
        assert store.wait(0, timeout=20) == 1

    def test_last_value_wins(self, store: Store) -> None:
        """Of posts with one key that wait, only the newest is run; other keys are their own."""
        with Blocker(store):
            for number in range(100):
                store.post("a", _setting("a", str(number)))
                store.post("b", _setting("b", str(-number)))
        store.flush()
        assert [(event.subject, event.data["status"]) for event in store.events(0).events] == [
            ("a", "99"),
            ("b", "-99"),
        ]

    def test_later_write_runs_after(self, store: Store) -> None:
        """A write is never overtaken by a post that the same thread made before it."""
        for number in range(200):
            store.post("a", _setting("a", f"posted {number}"))
            saved(store, _setting("a", f"written {number}"))
            assert store.get("tasks", "a") == task("a", status=f"written {number}")
        store.flush()
        assert store.get("tasks", "a") == task("a", status="written 199")

    def test_post_after_a_write_is_a_new_one(self, store: Store) -> None:
        """A post made after a write that was saved runs after it."""
        saved(store, _setting("a", "written"))
        store.post("a", _setting("a", "posted"))
        store.flush()
        assert store.get("tasks", "a") == task("a", status="posted")

    def test_each_post_runs_once(self, store: Store) -> None:
        """However posts and commits meet, none that is saved is saved twice."""
        for number in range(2_000):
            store.post("a", adding("ran", number))
        store.flush()
        assert {sample.value for sample in store.samples(["ran"])} == {1}

    def test_last_post_is_kept_under_load(self, store: Store) -> None:
        """Many threads posting: the last post of every key is saved, and values come in order."""
        in_threads(8, lambda key: _post_many(store, str(key), 500))
        store.flush()
        assert ids(store, Query("tasks", {"status": "0499"}, "id")) == list("01234567")
        for key in "01234567":
            values = [event.data["status"] for event in store.events(0, 10_000, (), key).events]
            assert values == sorted(set(values))

    def test_a_post_that_fails(self, store: Store) -> None:
        """A post that raises is dropped alone; neighbours are saved."""
        with Blocker(store):
            store.post("a", _setting("a", "x"))
            store.post("b", _refuse)
            store.post("c", _setting("c", "x"))
        store.flush()
        assert ids(store, Query("tasks", order="id")) == ["a", "c"]

    def test_flush_gives_up(self, store: Store) -> None:
        """`flush` raises when not all is saved in time; what waits is saved later all the same."""
        with Blocker(store):
            store.post("a", _setting("a", "x"))
            with pytest.raises(WaitTimeout):
                store.flush(timeout=0.05)
        store.flush()
        assert store.get("tasks", "a") is not None

    def test_close_saves_posts(self, store: Store) -> None:
        """Closing runs what waits: every key's last post is run before `close` returns."""
        ran = threading.Event()
        store.post("a", lambda _: ran.set())
        store.close()
        assert ran.is_set()

    def test_flush_of_nothing(self, store: Store) -> None:
        """`flush` with nothing waiting returns and changes nothing."""
        put(store, [task("a")])
        store.flush()
        assert store.head() == 0
