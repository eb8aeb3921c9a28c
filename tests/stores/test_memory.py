"""The store in memory keeps the promises of every store: it is their reference."""

from collections.abc import Callable, Iterator

import pytest

from claudia_core.stores.memory import MemoryStore
from claudia_core.testing import conformance


@pytest.fixture
def make_store() -> Iterator[Callable[[], MemoryStore]]:
    """Opens stores and closes them after the test."""
    opened: list[MemoryStore] = []

    def make() -> MemoryStore:
        opened.append(MemoryStore())
        return opened[-1]

    yield make
    for store in opened:
        store.close()


class TestWriting(conformance.StoreWriting):
    """Transactions."""


class TestFinding(conformance.StoreFinding):
    """Finding documents."""


class TestLog(conformance.StoreLog):
    """The log."""


class TestRetention(conformance.StoreRetention):
    """Retention."""


class TestPosts(conformance.StorePosts):
    """Posts."""


class TestSnapshots(conformance.StoreSnapshots):
    """Snapshots."""


class TestClaims(conformance.StoreClaims):
    """Claims."""


class TestClosing(conformance.StoreClosing):
    """Closing."""
