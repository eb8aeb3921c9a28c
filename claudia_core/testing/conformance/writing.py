"""Transactions: all or nothing, in one order, each with its own view."""

from __future__ import annotations

from concurrent.futures import wait
from datetime import datetime

import pytest

from claudia_core.errors import InvalidValue, TooLarge
from claudia_core.ports import Page, Prefix, Query, Sample, Store, Transaction, Work
from claudia_core.testing.conformance.suite import Blocker, Suite, adding, emit, ids, in_threads, put, saved, task

WRONG: dict[str, Work[object]] = {
    "object in a document": lambda tx: tx.put("tasks", {"id": "x", "payload": object()}),
    "broken text": lambda tx: tx.put("tasks", {"id": "x", "name": "\ud800"}),
    "number in a column": lambda tx: tx.put("tasks", {"id": "x", "status": 5}),
    "truth in a column": lambda tx: tx.put("tasks", {"id": "x", "name": True}),
    "no list in a set": lambda tx: tx.put("tasks", {"id": "x", "tags": "nightly"}),
    "numbers in a set": lambda tx: tx.put("tasks", {"id": "x", "tags": ["a", 5]}),
    "no id": lambda tx: tx.put("tasks", {"name": "without an id"}),
    "id of null": lambda tx: tx.put("tasks", {"id": None}),
    "put elsewhere": lambda tx: tx.put("no such collection", {"id": "x"}),
    "get elsewhere": lambda tx: tx.get("no such collection", "x"),
    "prefetch elsewhere": lambda tx: tx.prefetch("no such collection", ["x", "y"]),
    "find by nothing": lambda tx: tx.find(Query("tasks", {"no such column": "x"})),
    "delete elsewhere": lambda tx: tx.delete("no such collection", "x"),
    "object in an event": lambda tx: tx.emit("task:created", "x", {"payload": object()}),
    "broken subject": lambda tx: tx.emit("task:created", "\ud800", {}),
    "no subject": lambda tx: tx.emit("task:created", None, {}),  # type: ignore[arg-type]
    "no type": lambda tx: tx.emit(None, "x", {}),  # type: ignore[arg-type]
    "not a number": lambda tx: tx.increment("things", by=float("nan")),
    "far away": lambda tx: tx.increment("things", at=2**63),
    "no series": lambda tx: tx.increment(None),  # type: ignore[arg-type]
}
"""What no store can save, by what is wrong with it."""


class Refused(Exception):
    """What a work raises in these tests."""


def _all_kinds(tx: Transaction) -> None:
    tx.put("tasks", task("a"))
    tx.delete("tasks", "old")
    tx.increment("things", by=2)
    tx.emit("task:created", "a", {})


def _all_kinds_then_fail(tx: Transaction) -> None:
    _all_kinds(tx)
    raise Refused


class StoreWriting(Suite):
    """Promises of `write` and of the transaction."""

    def test_commit_saves_everything_together(self, store: Store) -> None:
        """Documents, deletions, rollups and events of one work are there once its future resolves."""
        put(store, [task("old")])
        saved(store, _all_kinds)
        assert store.get("tasks", "a") == task("a")
        assert store.get("tasks", "old") is None
        assert store.samples(["things"]) == [Sample("things", 0, 2)]
        assert [event.type for event in store.events(0).events] == ["task:created"]

    def test_failure_leaves_no_trace(self, store: Store) -> None:
        """A work that raises changes nothing, and its exception reaches its caller."""
        put(store, [task("old")])
        with pytest.raises(Refused):
            saved(store, _all_kinds_then_fail)
        assert store.get("tasks", "a") is None
        assert store.get("tasks", "old") is not None
        assert store.samples(["things"]) == []
        assert store.head() == 0

    def test_result_of_work(self, store: Store) -> None:
        """The future gives what the work returned."""
        assert saved(store, lambda _: "answer") == "answer"

    def test_read_your_writes(self, store: Store) -> None:
        """What a resolved future saved is seen by every read that follows."""
        for number in range(50):
            put(store, [task("a", status=str(number))])
            emit(store, 1)
            assert store.get("tasks", "a") == task("a", status=str(number))
            assert ids(store, Query("tasks", {"status": str(number)})) == ["a"]
            assert store.head() == number + 1

    @pytest.mark.parametrize("wrong", WRONG)
    def test_values_that_cannot_be_saved(self, store: Store, wrong: str) -> None:
        """A value that cannot be saved is refused with a clear error; neighbours in the same batch are saved."""
        works = [_putting("before"), WRONG[wrong], _putting("after")]
        with Blocker(store):
            futures = [store.write(work) for work in works]
        assert isinstance(futures[1].exception(30), InvalidValue)
        assert futures[0].exception(30) is futures[2].exception(30) is None
        assert ids(store, Query("tasks", order="id")) == ["after", "before"]

    def test_too_large(self, store: Store) -> None:
        """A document or event over its limit is refused with a clear error."""
        with pytest.raises(TooLarge):
            put(store, [task("x", name="n" * 4_100_000)])
        with pytest.raises(TooLarge):
            emit(store, 1, text="n" * 1_100_000)

    def test_failures_do_not_disturb_neighbours(self, store: Store) -> None:
        """Of many works in one batch exactly those that raise fail; the sequence has no gap."""
        with Blocker(store):
            futures = [store.write(_numbered(number)) for number in range(200)]
        wait(futures, 30)
        failed = [number for number, future in enumerate(futures) if future.exception(0)]
        assert failed == list(range(0, 200, 7))
        events = store.events(0).events
        assert [event.sequence for event in events] == list(range(1, len(events) + 1))
        assert [event.data["n"] for event in events] == [number for number in range(200) if number % 7]

    def test_exit_in_work_is_its_callers(self, store: Store) -> None:
        """Even SystemExit in a work reaches its caller only, and the store goes on."""
        with Blocker(store):
            ending, neighbour = store.write(_exit), store.write(_putting("a"))
        assert isinstance(ending.exception(30), SystemExit)
        assert neighbour.exception(30) is None
        put(store, [task("b")])
        assert ids(store, Query("tasks", order="id")) == ["a", "b"]

    def test_cancelled_future(self, store: Store) -> None:
        """A caller that cancels its future does not disturb the others."""
        with Blocker(store):
            first, second = store.write(_putting("a")), store.write(_putting("b"))
            first.cancel()
        second.result(30)
        assert store.get("tasks", "b") is not None

    def test_transaction_sees_itself(self, store: Store) -> None:
        """get and find inside a work see its own puts and deletions on top of what was saved before."""
        put(store, [task("a", status="old"), task("b", status="old"), task("c", status="old")])

        def work(tx: Transaction) -> None:
            tx.put("tasks", task("a", status="new"))
            tx.delete("tasks", "b")
            tx.put("tasks", task("d", status="old"))
            assert tx.get("tasks", "a") == task("a", status="new")
            assert tx.get("tasks", "b") is None
            assert _found(tx.find(Query("tasks", {"status": "old"}, order="id"))) == ["c", "d"]
            tx.put("tasks", task("b", status="again"))
            assert tx.get("tasks", "b") == task("b", status="again")
            assert _found(tx.find(Query("tasks", {"status": Prefix("a")}))) == ["b"]

        saved(store, work)
        assert ids(store, Query("tasks", {"status": "old"}, order="id")) == ["c", "d"]

    def test_what_is_read_together(self, store: Store) -> None:
        """What a transaction reads together is what it gets: also what is not there, was changed by it, or is large."""
        put(store, [task("a"), task("b"), task("gone"), task("large", message="x" * 10_000)])

        def work(tx: Transaction) -> list[str | None]:
            tx.put("tasks", task("b", message="changed"))
            tx.delete("tasks", "gone")
            tx.prefetch("tasks", ["a", "b", "gone", "large", "never there"])
            tx.prefetch("tasks", [])
            found = [tx.get("tasks", id) for id in ("a", "b", "gone", "large", "never there")]
            return [None if document is None else document.get("message", "") for document in found]

        assert saved(store, work) == ["", "changed", None, "x" * 10_000, None]
        assert saved(store, work) == ["", "changed", None, "x" * 10_000, None]

    def test_transaction_sees_earlier_in_its_batch(self, store: Store) -> None:
        """A work sees what works before it did, also those that share its commit, and not those that failed."""
        with Blocker(store):
            store.write(_putting("a"))
            failed = store.write(_all_kinds_then_fail)
            seen = store.write(lambda tx: _found(tx.find(Query("tasks", order="id"))))
            store.write(_putting("z"))
        assert failed.exception(30) is not None
        assert seen.result(30) == ["a"]

    def test_pages_inside_a_transaction(self, store: Store) -> None:
        """Pages inside a work give every document once and in order, its own changes among them."""
        put(store, [task(f"{number:03}") for number in range(0, 100, 2)])

        def work(tx: Transaction) -> list[str]:
            for number in range(1, 100, 2):
                tx.put("tasks", task(f"{number:03}"))
            tx.delete("tasks", "050")
            return _all_pages(tx, Query("tasks", order="id", limit=7))

        assert saved(store, work) == [f"{number:03}" for number in range(100) if number != 50]

    def test_changes_to_a_copy_change_nothing(self, store: Store) -> None:
        """A document that was read or put may be changed by its owner without changing the store."""
        document = task("a", status="old")
        put(store, [document])
        document["status"] = "changed"
        found = store.get("tasks", "a")
        assert found is not None
        found["status"] = "changed"
        assert store.get("tasks", "a") == task("a", status="old")

    def test_rollups_add_up(self, store: Store) -> None:
        """Increments of one bucket add up over works and commits; buckets are apart."""
        with Blocker(store):
            futures = [store.write(lambda tx: tx.increment("things", 60, 1.5)) for _ in range(10)]
        wait(futures, 30)
        saved(store, adding("things", 60, by=-5))
        saved(store, adding("things", 120))
        assert store.samples(["things"]) == [Sample("things", 60, 10), Sample("things", 120, 1)]

    def test_times_never_go_back(self, store: Store) -> None:
        """`now` is the time of the commit's events, and never before an earlier commit's."""
        times = [saved(store, _emit_and_tell) for _ in range(20)]
        assert times == sorted(times)
        assert [event.time for event in store.events(0).events] == times

    def test_concurrent_writers(self, store: Store) -> None:
        """32 threads: nothing is lost, sequences have no gap, and each thread's works are in its order."""
        in_threads(32, lambda writer: _emit_one_by_one(store, str(writer), 20))
        events = store.events(0, limit=10_000).events
        assert [event.sequence for event in events] == list(range(1, 641))
        for writer in range(32):
            assert [event.data["number"] for event in events if event.subject == str(writer)] == list(range(20))

    def test_concurrent_read_and_change(self, store: Store) -> None:
        """Works that read and then write never lose each other's change."""
        put(store, [{"id": "counter", "value": 0}], "meta")
        in_threads(16, lambda _: [saved(store, _count_up) for _ in range(20)])
        assert store.get("meta", "counter") == {"id": "counter", "value": 320}

    def test_events_keep_the_order_of_works(self, store: Store) -> None:
        """Works of one thread are saved in the order they were given, waited for or not."""
        futures = [store.write(_numbered(number)) for number in range(1, 1000) if number % 7]
        wait(futures, 30)
        numbers = [event.data["n"] for event in store.events(0, limit=10_000).events]
        assert numbers == [number for number in range(1, 1000) if number % 7]


def _putting(id: str) -> Work[None]:
    return lambda tx: tx.put("tasks", task(id))


def _numbered(number: int) -> Work[None]:
    def work(tx: Transaction) -> None:
        tx.emit("task:created", "s", {"n": number})
        if number % 7 == 0:
            raise Refused

    return work


def _emit_one_by_one(store: Store, subject: str, count: int) -> None:
    for number in range(count):
        emit(store, 1, subject=subject, number=number)


def _exit(_: Transaction) -> None:
    raise SystemExit


def _emit_and_tell(tx: Transaction) -> datetime:
    tx.emit("task:created", "s", {})
    return tx.now


def _count_up(tx: Transaction) -> None:
    document = tx.get("meta", "counter")
    assert document is not None
    tx.put("meta", {"id": "counter", "value": document["value"] + 1})


def _found(page: Page) -> list[str]:
    return [document["id"] for document in page.documents]


def _all_pages(tx: Transaction, query: Query) -> list[str]:
    found: list[str] = []
    for _ in range(100):
        page = tx.find(query)
        found += _found(page)
        if page.next is None:
            return found
        query = Query(query.collection, query.where, query.order, page.next, query.limit)
    raise AssertionError("the pages never end")
