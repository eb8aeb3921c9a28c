"""Leases do not depend on anybody's clock being right."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from claudia_core.leased import Leased
from claudia_core.leases import Sighting
from claudia_core.ports import Store
from claudia_core.stores.memory import MemoryStore
from claudia_core.subscriptions import Subscription
from claudia_core.testing.clock import FakeClock
from claudia_core.testing.waiting import eventually


@pytest.fixture
def clock() -> FakeClock:
    """The store's clock, which stands still: as after one that was far ahead."""
    return FakeClock()


@pytest.fixture
def store(clock: FakeClock) -> Iterator[Store]:
    """A store whose time is that."""
    store = MemoryStore(clock=clock)
    yield store
    store.close()


def test_a_lease_that_is_renewed_is_not_over() -> None:
    """Each renewal is a new beat; without one it is over after its own length, by the onlooker's count."""
    now = [0.0]
    seen = Sighting(lambda: now[0])
    lease = {"holder": "a", "until": "2030", "lease": 10.0, "beat": 1}
    assert not seen.is_over(lease)
    now[0] = 9.0
    assert not seen.is_over({**lease, "beat": 2})
    now[0] = 18.0
    assert not seen.is_over({**lease, "beat": 2})
    now[0] = 20.0
    assert seen.is_over({**lease, "beat": 2})
    old = {"holder": "a", "until": "2030"}
    assert not seen.is_over(old)
    now[0] = 1_000.0
    assert not seen.is_over(old), "one of a version without beats ends by its time alone"


def test_the_store_s_time_stands_still(store: Store) -> None:
    """Another process takes over from one that died all the same, and not from one that lives."""
    done: list[str] = []
    first = Leased(store, "work", lambda _: done.append("first") or 0.05, lease=0.4)
    assert first._hold(), "and then its process is gone"
    second = Leased(store, "work", lambda _: done.append("second") or 0.05, lease=0.4)
    third = Leased(store, "work", lambda _: done.append("third") or 0.05, lease=0.4)
    second.start()
    third.start()
    eventually(lambda: len(done) > 40, timeout=20)
    assert len(set(done)) == 1, "who renews keeps it"
    second.stop()
    third.stop()


def test_subscriptions_too(store: Store) -> None:
    """A named subscription passes on from one that died."""
    heard: list[int] = []
    store.write(
        lambda tx: tx.put(
            "subscriptions",
            {
                "id": "mail",
                "epoch": store.epoch,
                "position": 0,
                "holder": "dead",
                "until": (tx.now + timedelta(hours=1)).isoformat(timespec="microseconds"),
                "lease": 0.3,
                "beat": 7,
            },
        )
    ).result(10)
    store.write(lambda tx: tx.emit("a:b", "", {})).result(10)
    subscription = Subscription(store, "mail", lambda event: heard.append(event.sequence), lease=0.3)
    eventually(lambda: heard == [1], timeout=20)
    subscription.stop()


def test_a_clock_that_jumps_ahead(store: Store, clock: FakeClock) -> None:
    """Work that is saved under a guard is not done twice, whoever thinks that the lease is over."""
    saved: list[str] = []

    def round_of(name: str):
        def do(work: Leased) -> float:
            store.write(lambda tx: (work.guard(tx), tx.emit("a:b", name, {}))).result(10)
            saved.append(name)
            return 0.02

        return do

    workers = [Leased(store, "work", round_of(name), lease=0.5) for name in ("one", "two")]
    for worker in workers:
        worker.start()
    for _ in range(5):
        before = len(saved)
        eventually(lambda before=before: len(saved) >= before + 3, timeout=20)
        clock.move(3_600)
    for worker in workers:
        worker.stop()
    assert store.head() == len(saved)
