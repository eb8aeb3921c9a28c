"""A MongoDB store whose server crashes, hangs, refuses or answers twice loses nothing that it acknowledged."""

import importlib.util
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from claudia_core.errors import StoreUnavailable
from claudia_core.stores.mongodb.store import MongoStore
from claudia_core.testing.conformance.suite import emit, saved
from claudia_core.testing.servers import Server, secantus
from tests.servers import require

pytestmark = [pytest.mark.server, pytest.mark.slow]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server that keeps its data over a crash, and makes faults on demand."""
    found = importlib.util.find_spec("secantus")
    require("SecantusDB", found and found.origin)
    with secantus(tmp_path, "--sync-on-commit", "--enable-test-commands", keep=True) as server:
        yield server


@pytest.fixture
def store(server: Server) -> Iterator[MongoStore]:
    """A store on it that gives up soon."""
    store = MongoStore(f"{server.url}/faults", timeout=2.0, patience=20.0)
    yield store
    store.close()


def fail(server: Server, commands: list[str], times: int, **data: Any) -> None:
    """The next `times` of these commands fail."""
    with MongoClient(server.url) as client:
        client.admin.command(
            {
                "configureFailPoint": "failCommand",
                "mode": {"times": times},
                "data": {"failCommands": commands, **data},
            }
        )


def counted(store: MongoStore) -> list[int]:
    """The numbers of all events, in order."""
    return [event.data["n"] for event in store.events(0, 10_000).events]


def test_a_crash_while_writing(server: Server, store: MongoStore) -> None:
    """Killed and started again several times: what was acknowledged is there once, in order, and writing goes on."""
    acknowledged: list[int] = []
    failed: list[int] = []
    stop = threading.Event()

    def write() -> None:
        for n in range(100_000):
            if stop.is_set():
                return
            try:
                saved(store, lambda tx, n=n: tx.emit("a:b", "s", {"n": n}))
                acknowledged.append(n)
            except StoreUnavailable:
                failed.append(n)

    writer = threading.Thread(target=write)
    writer.start()
    for _ in range(3):
        time.sleep(0.7)
        server.kill()
        time.sleep(0.3)
        server.start()
        before = len(acknowledged)
        until = time.monotonic() + 40
        while len(acknowledged) == before and time.monotonic() < until:
            time.sleep(0.05)
        assert len(acknowledged) > before, "it goes on by itself"
    stop.set()
    writer.join(60)
    there = counted(store)
    assert there == sorted(set(there)), "once, and in order"
    assert set(acknowledged) <= set(there)
    assert set(there) - set(acknowledged) <= set(failed)
    assert store.head() == len(there)


def test_a_hung_server(server: Server, store: MongoStore) -> None:
    """A write waits no longer than it is set to, and the store is itself again when the server is."""
    emit(store, 1)
    server.freeze()
    try:
        started = time.monotonic()
        with pytest.raises(StoreUnavailable):
            store.write(lambda tx: tx.emit("a:b", "s", {"n": 1})).result(60)
        assert time.monotonic() - started < 30
    finally:
        server.thaw()
    emit(store, 1)
    assert store.head() >= 2


@pytest.mark.parametrize("command", ["update", "insert"])
def test_a_commit_that_meets_another(server: Server, store: MongoStore, command: str) -> None:
    """It is made again by itself."""
    fail(server, [command], 1, errorCode=112, errorLabels=["TransientTransactionError"])
    emit(store, 3)
    assert counted(store) == [0, 1, 2]


def test_a_primary_that_steps_down(server: Server, store: MongoStore) -> None:
    """What is written meanwhile waits for the election, or says that it could not be saved; then all goes on."""
    emit(store, 1)
    with MongoClient(server.url) as client, suppress(PyMongoError):
        client.admin.command("replSetStepDown", 2, force=True)
    told = 0
    for _ in range(20):
        try:
            emit(store, 1)
            told += 1
        except StoreUnavailable:
            time.sleep(0.5)
        if told == 3:
            break
    assert told == 3
    assert len(counted(store)) == store.head() >= 4


def test_a_slow_server(server: Server, store: MongoStore) -> None:
    """What is written meanwhile waits, shares commits, and is there in order."""
    emit(store, 1)
    server.freeze()
    try:
        slow = [store.write(lambda tx, n=n: tx.emit("a:b", "s", {"n": n})) for n in range(1, 200)]
        time.sleep(1.5)  # less than the store waits for
    finally:
        server.thaw()
    for future in slow:
        future.result(60)
    assert counted(store) == list(range(200))
    with MongoClient(server.url) as client:
        assert client["faults"]["meta"].find_one({"_id": "chain"})["n"] < 100


def test_an_answer_that_is_lost(server: Server, store: MongoStore) -> None:
    """The connection breaks at the commit: the batch is saved once, not twice."""
    emit(store, 1)
    fail(server, ["commitTransaction"], 1, closeConnection=True)
    emit(store, 2)
    fail(server, ["commitTransaction"], 2, errorCode=91, errorLabels=["UnknownTransactionCommitResult"])
    emit(store, 1)
    assert counted(store) == [0, 0, 1, 0]


def test_two_writers_share(server: Server) -> None:
    """Neither starves."""
    stores = [MongoStore(f"{server.url}/share") for _ in range(2)]
    done = [0, 0]
    until = time.monotonic() + 3.0

    def write(which: int) -> None:
        while time.monotonic() < until:
            saved(stores[which], lambda tx: tx.emit("a:b", str(which), {}))
            done[which] += 1

    threads = [threading.Thread(target=write, args=(which,)) for which in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert min(done) >= 0.25 * sum(done), done
    assert stores[0].head() == sum(done)
    for store in stores:
        store.close()
