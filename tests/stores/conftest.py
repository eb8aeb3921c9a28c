"""Stores on a file of the test's own."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from claudia_core.stores.sqlite import SqliteStore
from claudia_core.testing.worker import Address


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
