"""The MongoDB store keeps the promises of every store, over restarts and across processes."""

from collections.abc import Callable

import pytest

from claudia_core.stores.mongodb.store import MongoStore
from claudia_core.testing import conformance

pytestmark = [pytest.mark.server, pytest.mark.xdist_group("mongodb")]


@pytest.fixture
def make_store(make_mongodb: Callable[..., MongoStore]) -> Callable[[], MongoStore]:
    """Opens the test's store."""
    return make_mongodb


@pytest.fixture
def address(mongodb_address: object) -> object:
    """How another process opens the store."""
    return mongodb_address


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
