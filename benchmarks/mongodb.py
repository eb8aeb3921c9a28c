"""The MongoDB store against raw unordered bulk writes on the same server, and two processes that share it."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import orjson
from pymongo import InsertOne, MongoClient, ReplaceOne
from pymongo.write_concern import WriteConcern

from benchmarks.figure import Figure, percentile
from claudia_core.ports import Transaction
from claudia_core.stores.mongodb import MongoStore
from claudia_core.stores.schema import COLLECTIONS, column_values
from claudia_core.testing.servers import secantus

EVENTS = 100
ROUNDS = 40
SHARE_SECONDS = 6.0

WRITER = """
import sys, time
from claudia_core.stores.mongodb import MongoStore
store = MongoStore(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
end, done, slowest = time.perf_counter() + float(sys.argv[2]), 0, []
while time.perf_counter() < end:
    began = time.perf_counter()
    store.write(lambda tx: [tx.emit("a:b", "s", {"n": n}) for n in range(10)]).result(60)
    slowest.append(time.perf_counter() - began)
    done += 1
print(done, sorted(slowest)[int(len(slowest) * 0.99)], flush=True)
store.close()
"""

WATCHER = """
import sys, time
from claudia_core.stores.mongodb import MongoStore
store = MongoStore(sys.argv[1])
at = store.head()
store.wait(at, 0.0)
time.sleep(1.5)
print("ready", flush=True)
for _ in range(int(sys.argv[2])):
    at = store.wait(at, 20.0)
    print(time.time(), flush=True)
store.close()
"""


def run() -> Iterator[Figure]:
    """Ratios to the raw limit of the same server."""
    given = os.environ.get("CLAUDIA_TEST_MONGODB_URI", "").rstrip("/")
    if not given and importlib.util.find_spec("secantus") is None:
        print("  no MongoDB: set CLAUDIA_TEST_MONGODB_URI, or pip install secantusdb")
        return
    if given:
        yield from measured(given)
        return
    with tempfile.TemporaryDirectory() as folder, secantus(Path(folder)) as server:
        yield from measured(server.url)


def measured(url: str) -> Iterator[Figure]:
    """All figures on one server."""
    name = f"claudia_bench_{os.getpid()}"
    try:
        raws, indexed, ours = [], [], []
        store = MongoStore(f"{url}/{name}")
        for _ in range(3):
            raws.append(raw_limit(url, name))
            indexed.append(raw_limit(url, name, indexes=True))
            ours.append(commits(store))
        raw, own = max(raws), max(ours)
        words = f"raw {raw:,.0f} events/s"
        yield Figure(f"{EVENTS} events and documents a commit", own / raw, "of raw", 0.5, at_most=False, raw=words)
        like = max(indexed)
        words = f"raw with the store's indexes {like:,.0f} events/s"
        yield Figure("the same to raw writes into collections with its indexes", own / like, "of raw", raw=words)
        yield from shared(f"{url}/{name}_share")
        yield from visible(store, f"{url}/{name}")
        store.close()
    finally:
        with MongoClient[dict[str, object]](url) as client:
            client.drop_database(name)
            client.drop_database(f"{name}_share")


def raw_limit(url: str, name: str, *, indexes: bool = False) -> float:
    """Events a second, each with its document, by unordered bulk writes of the driver.

    With `indexes` the documents have the columns of a task and go into a collection indexed as the store's is.
    """
    kind = COLLECTIONS["tasks"]
    names = ("indexed_tasks", "indexed_events") if indexes else ("raw_tasks", "raw_events")
    with MongoClient[dict[str, object]](url) as client:
        database = client.get_database(f"{name}", write_concern=WriteConcern(w="majority", j=True))
        if indexes:
            for index in kind.indexes:
                database[names[0]].create_index([*((column, 1) for column in index), ("_id", 1)])
            database[names[1]].create_index([("t", 1)])
            database[names[1]].create_index([("s", 1)])
        started = time.perf_counter()
        for turn in range(ROUNDS):
            tasks, events = [], []
            for n in range(EVENTS):
                body = orjson.dumps(document(turn, n)).decode()
                row = {"status": "active", "body": body}
                if indexes:
                    row |= dict(zip(kind.columns, column_values(kind, document(turn, n)), strict=True))
                tasks.append(ReplaceOne({"_id": f"{turn}-{n}"}, row, upsert=True))
                events.append(InsertOne({"t": "task:created", "s": f"{turn}-{n}", "d": '{"n":1}'}))
            database[names[0]].bulk_write(tasks, ordered=False)
            database[names[1]].bulk_write(events, ordered=False)
        return ROUNDS * EVENTS / (time.perf_counter() - started)


def commits(store: MongoStore) -> float:
    """The same through the store, one commit at a time."""

    def work(tx: Transaction, turn: int) -> None:
        for n in range(EVENTS):
            tx.put("tasks", document(turn, n))
            tx.emit("task:created", f"{turn}-{n}", {"n": 1})

    started = time.perf_counter()
    for turn in range(ROUNDS):
        store.write(lambda tx, turn=turn: work(tx, turn)).result(60)
    return ROUNDS * EVENTS / (time.perf_counter() - started)


def document(turn: int, n: int) -> dict[str, object]:
    """A task as it may be."""
    return {"id": f"{turn}-{n}", "name": f"task {n}", "status": "active", "type": "bench", "updated_at": "2026"}


def shared(url: str) -> Iterator[Figure]:
    """Two processes that write all the time."""
    MongoStore(url).close()
    command = [sys.executable, "-c", WRITER, url, str(SHARE_SECONDS)]
    pipe = subprocess.PIPE
    writers = [subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) for _ in range(2)]
    for writer in writers:
        assert writer.stdout is not None
        writer.stdout.readline()
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    told = [writer.communicate(timeout=120)[0].split() for writer in writers]
    done = [int(line[0]) for line in told]
    yield Figure("smaller share of two writers", 100 * min(done) / sum(done), "%", 40.0, at_most=False)
    yield Figure("p99 of a commit of theirs", 1000 * max(float(line[1]) for line in told), "ms", 500.0)


def visible(store: MongoStore, url: str) -> Iterator[Figure]:
    """How soon another process sees a commit."""
    count = 60
    with subprocess.Popen(
        [sys.executable, "-c", WATCHER, url, str(count)], stdout=subprocess.PIPE, text=True
    ) as watcher:
        assert watcher.stdout is not None
        watcher.stdout.readline()
        ways = []
        for n in range(count):
            store.write(lambda tx, n=n: tx.emit("a:b", "s", {"n": n})).result(60)
            saved = time.time()
            ways.append(float(watcher.stdout.readline()) - saved)
            time.sleep(0.05)
    yield Figure("visible in a second process, p50", 1000 * percentile(ways, 50), "ms", 20.0)
