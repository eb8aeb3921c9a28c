"""Stores on a file, or in a database, of the test's own."""

import importlib.util
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from pymongo import MongoClient

from claudia_core.stores.mongodb.store import MongoStore
from claudia_core.stores.sqlite.store import SqliteStore
from claudia_core.testing.servers import secantus
from claudia_core.testing.worker import Address
from tests.servers import require


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the test's store is."""
    return tmp_path / "claudia.db"


@pytest.fixture
def make_sqlite(path: Path) -> Iterator[Callable[..., SqliteStore]]:
    """Opens the store at `path`, with options, and closes it after the test."""
    opened: list[SqliteStore] = []

    def make(**options: object) -> SqliteStore:
        opened.append(SqliteStore(path, **options))
        return opened[-1]

    yield make
    for store in opened:
        store.close()


@pytest.fixture
def sqlite(make_sqlite: Callable[..., SqliteStore]) -> SqliteStore:
    """A store on a file."""
    return make_sqlite()


@pytest.fixture
def address(path: Path) -> Address:
    """How another process opens the store at `path`."""
    return Address("tests.stores.opening:open_sqlite", str(path))


@pytest.fixture(scope="session")
def mongodb_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A replica set: CLAUDIA_TEST_MONGODB_URI, or a peer of our own."""
    given = os.environ.get("CLAUDIA_TEST_MONGODB_URI")
    if given:
        yield given.rstrip("/")
        return
    found = importlib.util.find_spec("secantus")
    require("SecantusDB", found and found.origin)
    with secantus(tmp_path_factory.mktemp("mongodb")) as server:
        yield server.url


@pytest.fixture
def mongodb_place(mongodb_url: str) -> Iterator[str]:
    """The address of a database of the test's own; a given server is left as it was, one of our own ends anyhow."""
    name = f"claudia_test_{uuid4().hex[:12]}"
    yield f"{mongodb_url}/{name}"
    if "CLAUDIA_TEST_MONGODB_URI" not in os.environ:
        return  # the peer takes minutes to drop a database while others are about
    client = MongoClient(mongodb_url)
    client.drop_database(name)
    client.close()


@pytest.fixture
def make_mongodb(mongodb_place: str) -> Iterator[Callable[..., MongoStore]]:
    """Opens the store in the test's database, with options, and closes it after the test."""
    opened: list[MongoStore] = []

    def make(**options: object) -> MongoStore:
        opened.append(MongoStore(mongodb_place, **options))
        return opened[-1]

    yield make
    for store in opened:
        store.close()


@pytest.fixture
def mongodb_address(mongodb_place: str) -> Address:
    """How another process opens the store in the test's database."""
    return Address("claudia_core.stores.mongodb.store:MongoStore", mongodb_place)
