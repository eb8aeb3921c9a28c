"""A MongoDB database that an older Claudia wrote is brought forward when it is opened, and loses nothing."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from bson import json_util
from pymongo import MongoClient
from pymongo.database import Database

from claudia_core import Claudia
from claudia_core.errors import StoreTooNew
from claudia_core.ports import Query
from claudia_core.services.tasks.claims import Claims, Terms
from claudia_core.stores.mongodb.reader import SAMPLES
from claudia_core.stores.mongodb.store import MongoStore
from claudia_core.stores.schema import SCHEMA_VERSION

pytestmark = [pytest.mark.server, pytest.mark.xdist_group("mongodb")]

WRITTEN = Path(__file__).parent / "mongodb_version_1.json"
"""Documents and indexes of a database as version 1 of the schema wrote it: two pending tasks, one active, two ended."""


@pytest.fixture
def database(mongodb_place: str) -> Iterator[Database[dict[str, Any]]]:
    """The test's database with what version 1 wrote."""
    address, _, name = mongodb_place.rpartition("/")
    written = json_util.loads(WRITTEN.read_text())
    with MongoClient[dict[str, Any]](address) as client:
        database = client[name]
        for collection, indexes in written["indexes"].items():
            for keys, is_unique in indexes:
                database[collection].create_index([(field, turn) for field, turn in keys], unique=is_unique)
        for collection, rows in written["documents"].items():
            database[collection].insert_many(rows)
        yield database


def _queues(database: Database[dict[str, Any]]) -> dict[str, str]:
    return {row["body"].split('"name":"')[1].split('"')[0]: row["queue"] for row in database["tasks"].find()}


def _counts(database: Database[dict[str, Any]]) -> dict[str, float]:
    wanted = {"series": {"$regex": "^tasks.(waiting|running)/"}, "value": {"$ne": 0}}
    return {row["series"]: row["value"] for row in database[SAMPLES].find(wanted)}


def test_pending_tasks_stand_in_line(database: Database[dict[str, Any]], mongodb_place: str) -> None:
    """What waits gets a place in its queue and is counted, what runs is counted; agents take it."""
    with closing(Claudia(mongodb_place, display="off")) as hub:
        assert (hub.queues.of("ml").waiting, hub.queues.of("ml").running) == (2, 0)
        assert (hub.queues.of("etl").waiting, hub.queues.of("etl").running) == (0, 1)
        agent = hub.agents.register()
        taken = Claims(hub.store).turn(agent.id, {"ml": Terms()}, 5).taken
        assert sorted(task.name for task in taken) == ["Score", "Train"]
        assert hub.queues.of("ml").waiting == 0
    assert database["meta"].find_one({"_id": "log"}, {"version": 1}) == {"_id": "log", "version": SCHEMA_VERSION}


def test_nothing_else_changes(database: Database[dict[str, Any]], mongodb_place: str) -> None:
    """Documents, counts and the log with its name are as they were; lists find what they found."""
    names = [name for name in database.list_collection_names() if name not in ("meta", SAMPLES)]
    before = {name: {row["_id"]: row["body"] for row in database[name].find() if "body" in row} for name in names}
    log, epoch = list(database["log"].find()), database["meta"].find_one({"_id": "log"})["epoch"]
    with closing(MongoStore(mongodb_place)) as store:
        assert store.epoch == epoch
        assert [event.sequence for event in store.events(0).events] == list(range(1, store.head() + 1))
        pages = {status: store.find(Query("tasks", {"status": status})).documents for status in ("pending", "failed")}
        assert {status: len(found) for status, found in pages.items()} == {"pending": 2, "failed": 1}
        (tagged,) = store.find(Query("tasks", {"tags": "nightly"})).documents
        assert [one["name"] for one in store.find(Query("tasks", {"parent_id": tagged["id"]})).documents] == ["Score"]
    assert list(database["log"].find()) == log
    after = {name: {row["_id"]: row["body"] for row in database[name].find() if "body" in row} for name in names}
    assert after == before


@pytest.mark.parametrize("done", ["nothing", "fields", "places", "counts"])
def test_an_interrupted_step_goes_on(database: Database[dict[str, Any]], mongodb_place: str, done: str) -> None:
    """A process that died at any point of the step left version 1: the next one finishes it, with the same outcome."""
    tasks = database["tasks"]
    if done != "nothing":
        tasks.update_many({}, {"$set": {"queue": "", "watch_at": ""}})
    if done in ("places", "counts"):
        tasks.update_many({"status": "pending"}, {"$set": {"queue": "100"}})
    if done == "counts":
        database[SAMPLES].insert_one({"series": "tasks.waiting/ml", "at": 0, "value": 2.0})
    MongoStore(mongodb_place).close()
    assert _queues(database) == {"Train": "100", "Score": "100", "Load": "", "Clean": "", "Copy": ""}
    assert _counts(database) == {"tasks.waiting/ml": 2.0, "tasks.running/etl": 1.0}


def test_a_step_is_made_once(database: Database[dict[str, Any]], mongodb_place: str) -> None:
    """Opened again, nothing is put in line anew: a pending task that is held back stays where it is."""
    MongoStore(mongodb_place).close()
    database["tasks"].update_many({"status": "pending"}, {"$set": {"queue": ""}})
    MongoStore(mongodb_place).close()
    assert set(_queues(database).values()) == {""}


def test_indexes_are_replaced(database: Database[dict[str, Any]], mongodb_place: str) -> None:
    """Indexes that had an entry for every document give way to those of documents that have a value; others stay."""
    before = database["tasks"].index_information()
    assert "agent_id_1_status_1__id_1" in before
    assert "tags_1__id_1" in before
    MongoStore(mongodb_place).close()
    after = database["tasks"].index_information()
    assert not {"agent_id_1_status_1__id_1", "tags_1__id_1"} & set(after)
    filled = {name: index["partialFilterExpression"] for name, index in after.items() if name.endswith("_filled")}
    assert filled == {
        "agent_id_1_status_1__id_1_filled": {"agent_id": {"$gt": ""}},
        "type_1_queue_1__id_1_filled": {"queue": {"$gt": ""}},
        "watch_at_1__id_1_filled": {"watch_at": {"$gt": ""}},
        "tags_1__id_1_filled": {"tags": {"$gt": ""}},
    }
    assert {name for name in before if name not in after} == {"agent_id_1_status_1__id_1", "tags_1__id_1"}
    MongoStore(mongodb_place).close()
    assert database["tasks"].index_information() == after


def test_a_newer_database_is_not_touched(database: Database[dict[str, Any]], mongodb_place: str) -> None:
    """One of a newer Claudia is refused, and its indexes are left alone."""
    database["meta"].update_one({"_id": "log"}, {"$set": {"version": 99}})
    before = database["tasks"].index_information()
    with pytest.raises(StoreTooNew, match=rf"version 99.*knows {SCHEMA_VERSION}"):
        MongoStore(mongodb_place)
    assert database["tasks"].index_information() == before
