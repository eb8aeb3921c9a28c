"""Retention: what goes, what stays, and how readers hear of it."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest

from claudia_core.model.event import Gap
from claudia_core.ports import Retention, Store
from claudia_core.testing.conformance.suite import Suite, emit, put, task


class StoreRetention(Suite):
    """Promises of `prune`."""

    def test_by_count(self, store: Store) -> None:
        """Only the newest events stay, with their sequences."""
        emit(store, 10)
        assert store.prune(Retention(events=3)) == 7
        assert [event.sequence for event in store.events(7).events] == [8, 9, 10]
        assert (store.log_status().oldest, store.head()) == (8, 10)

    def test_by_age(self, store: Store) -> None:
        """Events of that age or older go; younger ones stay."""
        emit(store, 3)
        assert store.prune(Retention(age=timedelta(hours=1))) == 0
        assert store.prune(Retention(age=timedelta())) == 2
        assert store.log_status().events == 1

    def test_by_size(self, store: Store) -> None:
        """About as many bytes of data as asked for stay."""
        for _ in range(10):
            emit(store, 10, text="x" * 1_000)
        assert 70 <= store.prune(Retention(bytes=20_000)) <= 90
        assert store.prune(Retention(bytes=10_000_000)) == 0

    @pytest.mark.parametrize(
        "retention", [Retention(events=0), Retention(events=-5), Retention(age=timedelta()), Retention(bytes=0)]
    )
    def test_head_stays(self, store: Store, retention: Retention) -> None:
        """The newest event is kept whatever retention says, and sequences go on behind it."""
        emit(store, 5)
        assert store.prune(retention) == 4
        assert (store.head(), store.log_status().oldest) == (5, 5)
        emit(store, 1)
        assert store.head() == 6

    @pytest.mark.parametrize(
        "retention", [Retention(), Retention(events=1), Retention(age=timedelta()), Retention(bytes=1)]
    )
    def test_empty_log(self, store: Store, retention: Retention) -> None:
        """There is nothing to delete in an empty log."""
        assert store.prune(retention) == 0
        assert store.head() == 0

    def test_nothing_asked(self, store: Store) -> None:
        """A retention without limits keeps all."""
        emit(store, 5)
        assert store.prune(Retention()) == 0
        assert store.log_status().events == 5

    def test_gap_notice(self, store: Store) -> None:
        """A reader that is behind what is kept is told exactly what it missed; one that is not hears nothing."""
        emit(store, 10)
        store.prune(Retention(events=4))
        assert store.events(2).gap == Gap(3, 6)
        assert store.events(0, 1).gap == Gap(1, 6)
        assert [event.sequence for event in store.events(2).events] == [7, 8, 9, 10]
        assert store.events(6).gap is None
        assert store.events(8).gap is None
        assert store.events(10).gap is None

    def test_gap_notice_with_a_filter(self, store: Store) -> None:
        """The notice comes also when the filter leaves nothing, for what is gone may have matched."""
        emit(store, 10, "a")
        store.prune(Retention(events=4))
        part = store.events(2, 100, ("b",))
        assert (part.events, part.gap, part.position) == ([], Gap(3, 6), 10)

    def test_is_observable(self, store: Store) -> None:
        """The status tells when the log was pruned last and how many events went."""
        emit(store, 10)
        store.prune(Retention(events=4))
        status = store.log_status()
        assert status.pruned_events == 6
        assert status.pruned_at is not None
        assert abs(datetime.now(UTC) - status.pruned_at) < timedelta(minutes=1)

    def test_documents_stay(self, store: Store) -> None:
        """Retention is about the log: documents stay."""
        put(store, [task("a")])
        emit(store, 10)
        store.prune(Retention(events=1))
        assert store.get("tasks", "a") == task("a")

    def test_sequence_at_after_pruning(self, store: Store) -> None:
        """Moments before what is kept have no sequence."""
        emit(store, 5)
        moment = store.events(0).events[0].time
        emit(store, 5)
        later = store.events(5).events[0].time
        store.prune(Retention(events=2))
        assert store.sequence_at(moment) == (10 if moment == later else 0)
        assert store.sequence_at(later) == 10

    def test_while_writing(self, store: Store) -> None:
        """Writers go on while the log is pruned, and nothing that should stay is lost."""
        done = threading.Event()
        thread = threading.Thread(target=_fill, args=(store, done))
        thread.start()
        while not done.is_set():
            store.prune(Retention(events=100))
        thread.join()
        store.prune(Retention(events=100))
        assert [event.sequence for event in store.events(1900).events] == list(range(1901, 2001))


def _fill(store: Store, done: threading.Event) -> None:
    for _ in range(50):
        emit(store, 40)
    done.set()
