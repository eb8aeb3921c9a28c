"""Stores take their time from the clock they are given."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from claudia_core.ports import Clock, Retention, Store
from claudia_core.stores.memory import MemoryStore
from claudia_core.stores.sqlite.store import SqliteStore
from claudia_core.testing.clock import START, FakeClock
from claudia_core.testing.conformance.suite import emit


@pytest.fixture(params=["memory", "sqlite"])
def make(request: pytest.FixtureRequest, path: Path) -> Iterator[Callable[[Clock], Store]]:
    """Makes a store of either kind with a clock, and closes it after the test."""
    opened: list[Store] = []

    def make_store(clock: Clock) -> Store:
        opened.append(MemoryStore(clock=clock) if request.param == "memory" else SqliteStore(path, clock=clock))
        return opened[-1]

    yield make_store
    for store in opened:
        store.close()


def test_events_have_the_time_of_the_clock(make: Callable[[Clock], Store]) -> None:
    """Each commit asks it once, and the log is found by it."""
    clock = FakeClock()
    store = make(clock)
    emit(store, 2)
    clock.move(3_600)
    emit(store, 1)
    hour = timedelta(hours=1)
    assert [event.time for event in store.events(0).events] == [START, START, START + hour]
    assert store.sequence_at(START + hour / 2) == 2


def test_time_in_the_log_never_goes_back(make: Callable[[Clock], Store]) -> None:
    """A clock that was set back does not disturb the order of what was saved."""
    clock = FakeClock()
    store = make(clock)
    emit(store, 1)
    clock._now = START - timedelta(hours=1)
    emit(store, 1)
    assert [event.time for event in store.events(0).events] == [START, START]


def test_retention_goes_by_the_clock(make: Callable[[Clock], Store]) -> None:
    """What is old is old by the store's own time."""
    clock = FakeClock()
    store = make(clock)
    emit(store, 3)
    clock.move(7_200)
    emit(store, 2)
    assert store.prune(Retention(age=timedelta(hours=1))) == 3
    assert store.log_status().pruned_at == clock.now()
