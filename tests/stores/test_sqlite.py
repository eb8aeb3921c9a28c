"""The SQLite store keeps the promises of every store, over restarts and across processes."""

from collections.abc import Callable

import pytest

from claudia_core.stores.sqlite.store import SqliteStore
from claudia_core.testing import conformance


@pytest.fixture
def make_store(make_sqlite: Callable[..., SqliteStore]) -> Callable[[], SqliteStore]:
    """Opens the test's store."""
    return make_sqlite


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


class TestReopening(conformance.StoreReopening):
    """Opening again."""


@pytest.mark.slow
class TestProcesses(conformance.StoreProcesses):
    """Several processes."""
