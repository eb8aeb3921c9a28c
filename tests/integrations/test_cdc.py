"""Changes of a MongoDB collection: each is told once, in order, over restarts, and seen whole when lost."""

import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.collection import Collection

from claudia_core.app import Claudia
from claudia_core.errors import InvalidValue, StoreError, StoreUnavailable
from claudia_core.integrations.sync import cdc
from claudia_core.integrations.sync.cdc import CollectionSync
from claudia_core.model.health import Health
from claudia_core.settings import default_settings
from claudia_core.testing.servers import Server, free_port, secantus
from claudia_core.testing.waiting import eventually
from tests.servers import require

pytestmark = pytest.mark.server

type Row = dict[str, Any]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A MongoDB peer."""
    found = importlib.util.find_spec("secantus")
    require("SecantusDB", found and found.origin)
    with secantus(tmp_path_factory.mktemp("mongodb"), "--enable-test-commands") as server:
        yield server


@pytest.fixture
def orders(server: Server, request: pytest.FixtureRequest) -> Iterator[Collection[Row]]:
    """A collection of the test's own, with one document."""
    with MongoClient[Row](server.url) as client:
        rows = client["shop"][request.node.name]
        rows.insert_one({"_id": 1, "total": 1})
        yield rows


@pytest.fixture
def follow(claudia: Claudia, orders: Collection[Row]) -> Iterator[Callable[..., CollectionSync]]:
    """Followers of it on the hub's store, ended after the test."""
    made: list[CollectionSync] = []

    def make(**options: Any) -> CollectionSync:
        made.append(CollectionSync(claudia.store, "orders", orders, **{"lease": 1.0, **options}))
        return made[-1]

    yield make
    for one in made:
        one.stop()


def told(claudia: Claudia) -> list[tuple[str, str]]:
    """What was told, in order."""
    return [(event.type.partition(":")[2], event.subject) for event in claudia.store.events(0, 10_000).events]


def settled(claudia: Claudia, *wanted: tuple[str, str]) -> None:
    """Wait until exactly this was told."""
    eventually(lambda: len(told(claudia)) >= len(wanted), timeout=20)
    assert told(claudia) == list(wanted)


FIRST = (("inserted", "1"), ("resynced", "orders"))


def test_each_change_in_order(claudia: Claudia, orders: Collection[Row], follow: Callable[..., CollectionSync]) -> None:
    """What is there at first, then what happens: with the whole document after it."""
    made = follow()
    settled(claudia, *FIRST)
    orders.insert_one({"_id": 2, "total": 5})
    orders.update_one({"_id": 1}, {"$inc": {"total": 1}})
    orders.replace_one({"_id": 2}, {"total": 6})
    orders.delete_one({"_id": 1})
    settled(claudia, *FIRST, ("inserted", "2"), ("updated", "1"), ("updated", "2"), ("deleted", "1"))
    updated = claudia.store.events(3, 1).events[0]
    assert updated.data == {"key": "1", "document": {"_id": 1, "total": 2}}
    assert made.health() == (Health.PASS, "")


def test_over_restarts(claudia: Claudia, orders: Collection[Row], follow: Callable[..., CollectionSync]) -> None:
    """It goes on at its place: what happened meanwhile is told, nothing is read whole, nothing comes twice."""
    first = follow()
    settled(claudia, *FIRST)
    orders.insert_one({"_id": 2})
    settled(claudia, *FIRST, ("inserted", "2"))
    first.stop()
    orders.insert_one({"_id": 3})
    orders.delete_one({"_id": 2})
    follow()
    settled(claudia, *FIRST, ("inserted", "2"), ("inserted", "3"), ("deleted", "2"))


def test_a_place_that_is_lost(
    claudia: Claudia, server: Server, orders: Collection[Row], follow: Callable[..., CollectionSync]
) -> None:
    """The server no longer knows it: the collection is read whole, and only what differs is told."""
    first = follow()
    settled(claudia, *FIRST)
    first.stop()
    orders.insert_one({"_id": 2})
    orders.update_one({"_id": 1}, {"$set": {"total": 7}})
    orders.insert_one({"_id": 3})
    orders.delete_one({"_id": 3})
    with MongoClient[Row](server.url) as client:
        lost = {"failCommands": ["aggregate"], "errorCode": 286, "errorLabels": ["NonResumableChangeStreamError"]}
        client.admin.command({"configureFailPoint": "failCommand", "mode": {"times": 1}, "data": lost})
    second = follow()
    settled(claudia, *FIRST, ("updated", "1"), ("inserted", "2"), ("resynced", "orders"))
    event = claudia.store.events(4, 1).events[0]
    assert (event.data["inserted"], event.data["updated"]) == (1, 1)
    assert "286" in event.data["reason"]
    orders.delete_one({"_id": 2})
    eventually(lambda: told(claudia)[-1] == ("deleted", "2"), timeout=20)
    assert second.health()[0] is Health.PASS


def test_a_collection_that_is_dropped(
    claudia: Claudia, orders: Collection[Row], follow: Callable[..., CollectionSync]
) -> None:
    """All of it is gone, and what comes in its place is told."""
    follow()
    settled(claudia, *FIRST)
    orders.drop()
    eventually(lambda: ("deleted", "1") in told(claudia), timeout=20)
    orders.insert_one({"_id": 9})
    eventually(lambda: ("inserted", "9") in told(claudia), timeout=20)


def test_what_is_there_at_first_may_be_known(
    claudia: Claudia, orders: Collection[Row], follow: Callable[..., CollectionSync]
) -> None:
    """With `initial=False` only changes are told."""
    follow(initial=False)
    eventually(lambda: told(claudia) == [("resynced", "orders")], timeout=20)
    orders.update_one({"_id": 1}, {"$set": {"total": 2}})
    settled(claudia, ("resynced", "orders"), ("updated", "1"))


def test_a_server_that_is_killed(tmp_path: Path, claudia: Claudia, monkeypatch: pytest.MonkeyPatch) -> None:
    """While it is away the health says so; then all changes are told once."""
    monkeypatch.setattr(cdc, "AWAIT_MS", 100)
    with secantus(tmp_path, "--sync-on-commit", keep=True) as server:
        made = claudia.sync_collection("orders", url=f"{server.url}/shop", lease=1.0)
        with MongoClient[Row](server.url) as client:
            client["shop"]["orders"].insert_many([{"_id": n} for n in range(3)])
            eventually(lambda: told(claudia).count(("inserted", "2")) == 1, timeout=20)
            server.kill()
            eventually(lambda: made.health()[0] is Health.WARN, timeout=40)
            server.start()
            client["shop"]["orders"].insert_many([{"_id": n} for n in range(3, 6)])
            eventually(lambda: ("inserted", "5") in told(claudia), timeout=60)
        found = [one for one in told(claudia) if one[0] != "resynced"]
        assert sorted(found) == [("inserted", str(n)) for n in range(6)]
        eventually(lambda: made.health()[0] is Health.PASS, timeout=20)


def test_a_hub_of_its_own(server: Server, orders: Collection[Row]) -> None:
    """A hub on MongoDB follows collections of its own database by name; those of the hub itself are out of reach."""
    settings = default_settings(database_url=f"{server.url}/follows", display="off")
    with Claudia(settings=settings) as claudia:
        claudia.sync_collection("models")
        claudia.mongodb.insert_one("models", {"_id": "a"})
        eventually(lambda: ("inserted", "a") in told(claudia), timeout=20)
        with pytest.raises(InvalidValue, match="own"):
            claudia.sync_collection("tasks")


def test_what_cannot_be_followed(claudia: Claudia) -> None:
    """A hub on a file needs an address; one where nobody answers is refused in time."""
    with pytest.raises(StoreError, match="is no MongoDB"):
        claudia.sync_collection("orders")
    with pytest.raises(StoreUnavailable):
        claudia.sync_collection("orders", url=f"mongodb://127.0.0.1:{free_port()}/x?serverSelectionTimeoutMS=300")
