"""Collections of one's own in MongoDB."""

import importlib.util
import sys
import time
from collections.abc import Iterator

import pytest

from claudia_core import stores
from claudia_core.app import Claudia
from claudia_core.errors import InvalidValue, MissingExtra, SettingsError, StoreClosed, StoreError, StoreUnavailable
from claudia_core.integrations.mongodb import OWN, MongoDBService
from claudia_core.settings import default_settings
from claudia_core.testing.servers import Server, free_port, secantus
from tests.servers import require

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A MongoDB peer."""
    found = importlib.util.find_spec("secantus")
    require("SecantusDB", found and found.origin)
    with secantus(tmp_path_factory.mktemp("mongodb")) as server:
        yield server


def test_documents_have_their_times(server: Server) -> None:
    """Both at the beginning, a new one with each change; what is given is not touched."""
    with MongoDBService(f"{server.url}/shop") as shop:
        given = {"total": 12, "lines": [1]}
        id = shop.insert_one("orders", given)
        assert given == {"total": 12, "lines": [1]}
        first = shop.find_one("orders", {"_id": id})
        assert first is not None
        assert first["created_at"] == first["updated_at"]
        time.sleep(0.01)
        assert shop.update_one("orders", {"_id": id}, {"total": 13}).modified_count == 1
        shop.update_one("orders", {"_id": id}, {"$push": {"lines": 2}, "$set": {"paid": True}})
        second = shop.find_one("orders", {"_id": id})
        assert second is not None
        assert (second["total"], second["lines"], second["paid"]) == (13, [1, 2], True)
        assert second["updated_at"] > second["created_at"] == first["created_at"]
        assert shop.update_one("orders", {"_id": "new"}, {"total": 1}, upsert=True).upserted_id == "new"
        assert "created_at" in (shop.find_one("orders", {"_id": "new"}) or {})
        assert shop.find_one("orders", {"_id": "none"}) is None
        with pytest.raises(InvalidValue, match="mixes"):
            shop.update_one("orders", {}, {"$set": {"a": 1}, "b": 2})
    assert not shop.is_connected
    with pytest.raises(StoreClosed, match="not connected"):
        shop.collection("orders")
    shop.connect()
    assert shop.collection("orders").count_documents({}) == 2
    shop.disconnect()
    shop.disconnect()


def test_on_the_hubs_client(server: Server) -> None:
    """The hub's connection is used and stays open; the hub's own collections are out of reach."""
    settings = default_settings(database_url=f"{server.url}/hub", display="off")
    with Claudia(settings=settings) as claudia:
        id = claudia.mongodb.insert_one("models", {"name": "a"})
        claudia.mongodb.disconnect()
        claudia.tasks.create(name="still there")
        for name in OWN:
            with pytest.raises(InvalidValue, match="own"):
                MongoDBService(f"{server.url}/hub").collection(name)
    with MongoDBService(server.url, "hub") as other:
        assert (other.find_one("models", {"_id": id}) or {})["name"] == "a"


def test_every_collection_of_a_store_is_out_of_reach(server: Server) -> None:
    """Whatever a hub makes is known to be the hub's."""
    with Claudia(settings=default_settings(database_url=f"{server.url}/made", display="off")) as claudia:
        claudia.tasks.create(name="one")
        claudia.flush()
        made = set(claudia.store.client.get_database("made").list_collection_names())
    assert made <= OWN


def test_a_hub_on_a_file(claudia: Claudia) -> None:
    """It has no MongoDB, and says what to do."""
    with pytest.raises(StoreError, match="is no MongoDB"):
        _ = claudia.mongodb


def test_what_cannot_be_reached() -> None:
    """One sentence in time, without the password."""
    started = time.monotonic()
    with pytest.raises(StoreUnavailable) as caught:
        MongoDBService(f"mongodb://me:s3cret@127.0.0.1:{free_port()}/x", timeout=0.3).connect()
    assert time.monotonic() - started < 5
    assert "s3cret" not in str(caught.value)
    with pytest.raises(SettingsError) as refused:
        MongoDBService("mongodb://me:s3cret@/x").connect()
    assert "s3cret" not in str(refused.value)


def test_without_the_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra to install is named."""
    for name in [name for name in sys.modules if name.startswith("claudia_core.stores.mongodb")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr(stores, "mongodb")
    monkeypatch.setitem(sys.modules, "pymongo", None)
    with pytest.raises(MissingExtra) as caught:
        MongoDBService("mongodb://127.0.0.1/x")
    assert "[mongodb]" in str(caught.value.hint)
