"""What a MongoDB store says about addresses and servers it cannot use: one sentence, the cure, in time, no secret."""

import importlib.util
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pymongo import MongoClient

from claudia_core.address import open_store
from claudia_core.errors import MissingExtra, SettingsError, StoreClosed, StoreError, StoreTooNew, StoreUnavailable
from claudia_core.settings import default_settings
from claudia_core.stores.mongodb import open as mongodb_open
from claudia_core.stores.mongodb.store import MongoStore
from claudia_core.testing.servers import Server, free_port, secantus
from tests.servers import require

pytestmark = pytest.mark.server

SECRET = "s3cret-pass"


@pytest.fixture
def need_secantus() -> None:
    """Skip where the peer is missing."""
    found = importlib.util.find_spec("secantus")
    require("SecantusDB", found and found.origin)


@pytest.fixture
def standalone(need_secantus: None, tmp_path: Path) -> Iterator[Server]:
    """A server that is no replica set."""
    with secantus(tmp_path, "--standalone") as server:
        yield server


def test_a_single_server(standalone: Server) -> None:
    """It is refused with the cure."""
    with pytest.raises(StoreError, match="single server") as caught:
        MongoStore(standalone.url)
    assert "--replSet" in str(caught.value.hint)


def test_nobody_answers() -> None:
    """It takes as long as is set, not longer; the password is not told."""
    started = time.monotonic()
    with pytest.raises(StoreUnavailable, match="does not answer") as caught:
        MongoStore(f"mongodb://me:{SECRET}@127.0.0.1:{free_port()}/x", timeout=0.5)
    assert time.monotonic() - started < 5
    assert SECRET not in f"{caught.value} {caught.value.hint}"


def test_another_replica_set(need_secantus: None, tmp_path: Path) -> None:
    """A server that answers, and is of another set than the address names, is not taken for one that is away."""
    with secantus(tmp_path) as server, pytest.raises(StoreUnavailable, match="not the replica set") as caught:
        MongoStore(f"{server.url}/x?replicaSet=another", timeout=1.0)
    assert "replicaSet" in str(caught.value.hint)


@pytest.mark.parametrize(
    "url",
    [
        f"mongodb://me:{SECRET}@/x",
        f"mongodb://me:{SECRET}@127.0.0.1:port/x",
        f"mongodb://me:{SECRET}/y@127.0.0.1/x",
        "mongodb://127.0.0.1/a b",
        "mongodb://127.0.0.1/x?replicaSet",
    ],
)
def test_an_address_that_is_none(url: str) -> None:
    """It is a setting's error, which shows how an address looks, and not the password."""
    with pytest.raises(SettingsError) as caught:
        MongoStore(url)
    assert caught.value.field == "database_url"
    assert "mongodb://" in str(caught.value.hint)
    assert SECRET not in str(caught.value)


def test_a_wrong_password(need_secantus: None, tmp_path: Path) -> None:
    """The server's refusal is told in one sentence."""
    with secantus(tmp_path, keep=True) as server:
        client: MongoClient[dict[str, object]] = MongoClient(server.url)
        client.admin.command("createUser", "me", pwd=SECRET, roles=["root"])
        client.close()
    with secantus(tmp_path, "--auth", keep=True) as server:
        with MongoClient(server.url.replace("://", f"://me:{SECRET}@")) as good:
            good.admin.command("ping")
        with pytest.raises(StoreError, match="refuses the name or the password") as caught:
            MongoStore(server.url.replace("://", f"://me:not-{SECRET}@"))
        assert SECRET not in str(caught.value)
        store = MongoStore(server.url.replace("://", f"://me:{SECRET}@"))
        assert SECRET not in repr(store) + store.url
        store.close()


def test_a_newer_schema(mongodb_place: str, mongodb_url: str) -> None:
    """A database of a newer Claudia is left alone."""
    MongoStore(mongodb_place).close()
    with MongoClient(mongodb_url) as client:
        meta = client[mongodb_place.rpartition("/")[2]]["meta"]
        meta.update_one({"_id": "log"}, {"$set": {"version": 99}})
    with pytest.raises(StoreTooNew, match="99"):
        MongoStore(mongodb_place)


def test_an_old_server(mongodb_place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that lacks what is needed is named with its version."""
    monkeypatch.setattr(mongodb_open, "OLDEST_SERVER", (99, 0))
    with pytest.raises(StoreError, match=r"is MongoDB \d") as caught:
        MongoStore(mongodb_place)
    assert "99.0" in str(caught.value.hint)


def test_without_the_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra to install is named."""
    for name in [name for name in sys.modules if name.startswith("claudia_core.stores.mongodb")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pymongo", None)
    with pytest.raises(MissingExtra, match="pymongo") as caught:
        open_store(default_settings(database_url="mongodb://127.0.0.1/x"))
    assert "[mongodb]" in str(caught.value.hint)


def test_opened_by_its_address(mongodb_place: str) -> None:
    """A hub's settings choose the store."""
    store = open_store(default_settings(database_url=mongodb_place))
    assert isinstance(store, MongoStore)
    store.close()
    with pytest.raises(StoreClosed):
        store.head()
