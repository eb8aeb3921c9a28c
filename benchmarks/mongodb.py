"""The MongoDB store against raw unordered bulk writes on the same server, and two processes that share it."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
from pymongo import IndexModel, InsertOne, MongoClient, ReplaceOne
from pymongo.write_concern import WriteConcern

from benchmarks.figure import Figure, median, percentile
from benchmarks.writers import shared
from claudia_core.ports import Transaction
from claudia_core.stores.mongodb.indexes import indexes_of
from claudia_core.stores.mongodb.open import Client
from claudia_core.stores.mongodb.store import MongoStore
from claudia_core.stores.schema import COLLECTIONS, column_values
from claudia_core.testing.servers import secantus

EVENTS = 100
COMMITS = 10
ROUNDS = 5
TASKS = COLLECTIONS["tasks"]

WATCHER = """
import sys, time
from claudia_core.stores.mongodb.store import MongoStore
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
        with closing(MongoStore(f"{url}/{name}")) as store, MongoClient[dict[str, object]](url) as client:
            yield from compared(store, client, name)
            yield from shared("mongodb", f"{url}/{name}_share")
            yield from visible(store, f"{url}/{name}")
    finally:
        with MongoClient[dict[str, object]](url) as client:
            client.drop_database(name)
            client.drop_database(f"{name}_share")


class Raw:
    """The same events, each with its document, by unordered bulk writes of the driver.

    With `indexes` the documents have the columns of a task, and go into a collection indexed as the store's is.
    """

    def __init__(self, client: Client, name: str, *, indexes: bool = False, inserts: bool = False) -> None:
        database = client.get_database(name, write_concern=WriteConcern(w="majority", j=True))
        names = ("indexed", "indexed_events") if indexes else ("raw", "raw_events")
        self._documents, self._events = database[names[0]], database[names[1]]
        self._columns = indexes
        self._inserts = inserts
        if indexes:
            self._documents.create_indexes(list(indexes_of(COLLECTIONS["tasks"])))
            self._events.create_indexes([IndexModel("t"), IndexModel("s")])

    def save(self, documents: Sequence[dict[str, Any]]) -> None:
        """Write what a commit of the store writes."""
        events = [InsertOne({"t": "task:updated", "s": one["id"], "d": '{"n":1}'}) for one in documents]
        self._documents.bulk_write([self._write(one) for one in documents], ordered=False)
        self._events.bulk_write(events, ordered=False)

    def _write(self, document: dict[str, Any]) -> InsertOne[dict[str, Any]] | ReplaceOne[dict[str, Any]]:
        row = {"status": document["status"], "body": orjson.dumps(document).decode()}
        if self._columns:
            row |= dict(zip(TASKS.columns, column_values(TASKS, document), strict=True))
        if self._inserts:
            return InsertOne({"_id": document["id"], **row})
        return ReplaceOne({"_id": document["id"]}, row, upsert=True)


class RawEvents(Raw):
    """The events alone."""

    def save(self, documents: Sequence[dict[str, Any]]) -> None:
        """Write the events of a commit of the store."""
        data = '{"n":1}'
        self._events.bulk_write(
            [InsertOne({"t": "step:done", "s": one["id"], "d": data}) for one in documents], ordered=False
        )


class Ours:
    """By the store, one commit at a time."""

    def __init__(self, store: MongoStore) -> None:
        self._store = store

    def save(self, documents: Sequence[dict[str, Any]]) -> None:
        """Write one commit."""
        self._store.write(lambda tx: self._work(tx, documents)).result(60)

    def _work(self, tx: Transaction, documents: Sequence[dict[str, Any]]) -> None:
        for document in documents:
            tx.put("tasks", document)
            tx.emit("task:updated", document["id"], {"n": 1})


class OurEvents(Ours):
    """The events alone, as `claudia.events.append` writes them."""

    def _work(self, tx: Transaction, documents: Sequence[dict[str, Any]]) -> None:
        for document in documents:
            tx.emit("step:done", document["id"], {"n": 1})


def compared(store: MongoStore, client: Client, name: str) -> Iterator[Figure]:
    """Rates of the store and of the driver, who take turns; the middle of all rounds counts.

    Every document is new, or differs from what was there: a server that is told what it knows does nothing.
    """
    ways: dict[str, Raw | Ours] = {
        "raw": Raw(client, name),
        "indexed": Raw(client, name, indexes=True),
        "ours": Ours(store),
    }
    rates: dict[tuple[str, str], list[float]] = defaultdict(list)
    for number in range(ROUNDS):
        for way, by in ways.items():
            rates[way, "made"].append(rate(by, number, 0))
            rates[way, "changed"].append(rate(by, number, 1))
        rates["raw", "events"].append(rate(RawEvents(client, name), number, 0))
        rates["ours", "events"].append(rate(OurEvents(store), number, 0))
        rates["raw", "inserted"].append(rate(Raw(client, name, inserts=True), ROUNDS + number, 0))
    found = {key: median(values) for key, values in rates.items()}
    own, raw = found["ours", "events"], found["raw", "events"]
    words = f"raw {raw:,.0f} events/s, ours {own:,.0f}"
    yield Figure(f"{EVENTS} events a commit, without documents", own / raw, "of raw", 0.5, at_most=False, raw=words)
    for kind, what in (("made", "new"), ("changed", "changed")):
        own, raw, like = (found[way, kind] for way in ("ours", "raw", "indexed"))
        words = f"raw {raw:,.0f} events/s, ours {own:,.0f}"
        aim = 0.5 if kind == "made" else None
        yield Figure(
            f"{EVENTS} events and {what} documents a commit", own / raw, "of raw", aim, at_most=False, raw=words
        )
        words = f"raw with the store's indexes {like:,.0f} events/s"
        yield Figure("the same to raw writes into collections with its indexes", own / like, "of raw", raw=words)
    raw = found["raw", "inserted"]
    words = f"raw {raw:,.0f} events/s; an insert that finds its id refuses"
    yield Figure("new documents to raw inserts instead of upserts", found["ours", "made"] / raw, "of raw", raw=words)


def rate(way: Raw | Ours, number: int, version: int) -> float:
    """Events a second of some commits in a round, each with `EVENTS` documents in this version."""
    commits = [[document(number, turn, n, version) for n in range(EVENTS)] for turn in range(COMMITS)]
    started = time.perf_counter()
    for documents in commits:
        way.save(documents)
    return COMMITS * EVENTS / (time.perf_counter() - started)


def document(number: int, turn: int, n: int, version: int) -> dict[str, Any]:
    """A task as it may be: when it is changed, its progress and the time of the change are."""
    at = f"2026-11-26T10:{turn:02d}:00.{n:06d}+0{version}:00"
    return {
        "id": f"{number}-{turn}-{n}",
        "name": f"task {n}",
        "status": "active",
        "type": "bench",
        "updated_at": at,
        "current": version,
    }


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
