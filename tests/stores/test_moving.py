"""`claudia migrate`: a hub with its log in another store, every value of it, or nothing."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import apsw
import pytest
from pymongo import MongoClient
from pymongo.errors import OperationFailure

from claudia_core.app import Claudia
from claudia_core.errors import Conflict, NotFound, StoreBusy, StoreDamaged, StoreError
from claudia_core.ports import Query, Retention, Store
from claudia_core.services.replay.service import replay
from claudia_core.settings import default_settings
from claudia_core.stores.mongodb.move import mongodb_source, mongodb_target
from claudia_core.stores.mongodb.open import without_secrets
from claudia_core.stores.moving import PARTS, Part, digest_of, move
from claudia_core.stores.sqlite.move import sqlite_source, sqlite_target
from claudia_core.subscriptions import Subscription
from claudia_core.testing.waiting import eventually
from tests.cli.program import run


@dataclass
class Place:
    """Somewhere a store may be."""

    url: str

    @property
    def is_file(self) -> bool:
        return "://" not in self.url

    @property
    def shown(self) -> str:
        return f"sqlite:///{self.url}" if self.is_file else without_secrets(self.url)

    def source(self, to: "Place", *, live: bool = False) -> AbstractContextManager[Any]:
        if self.is_file:
            return sqlite_source(Path(self.url), to.shown, live=live)
        return mongodb_source(self.url, to.shown, quiet=0.0, live=live)

    def target(self) -> AbstractContextManager[Any]:
        return sqlite_target(Path(self.url)) if self.is_file else mongodb_target(self.url)

    def open(self) -> Claudia:
        return Claudia(settings=default_settings(database_url=self.url, display="off"))

    def parts(self, to: "Place") -> list[Part]:
        with self.source(to) as source:
            return [digest_of(source, name) for name in PARTS]


@pytest.fixture
def places(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Place, Place]]:
    """Where from and where to."""
    made: list[str] = []

    def place(kind: str, name: str) -> Place:
        if kind == "sqlite":
            return Place(str(tmp_path / f"{name}.db"))
        url = request.getfixturevalue("mongodb_url")
        made.append(f"claudia_move_{uuid4().hex[:12]}")
        return Place(f"{url}/{made[-1]}")

    kinds = getattr(request, "param", ("sqlite", "sqlite"))
    yield place(kinds[0], "from"), place(kinds[1], "to")
    for name in made if "CLAUDIA_TEST_MONGODB_URI" in os.environ else ():  # one of our own ends anyhow
        with MongoClient(request.getfixturevalue("mongodb_url")) as client:
            client.drop_database(name)


WAYS = [
    ("sqlite", "sqlite"),
    pytest.param(("sqlite", "mongodb"), marks=pytest.mark.server),
    pytest.param(("mongodb", "sqlite"), marks=pytest.mark.server),
    pytest.param(("mongodb", "mongodb"), marks=pytest.mark.server),
]
ways = pytest.mark.parametrize("places", WAYS, indirect=True, ids=lambda kinds: f"{kinds[0]}-{kinds[1]}")
across = pytest.mark.parametrize("places", WAYS[1:3], indirect=True, ids=lambda kinds: f"{kinds[0]}-{kinds[1]}")


def fill(place: Place, tasks: int = 20) -> None:
    """A hub in which something of every kind has happened, and whose oldest events are gone."""
    with place.open() as claudia:
        for n in range(tasks):
            task = claudia.tasks.create(name=f"täsk {n} 🛰", tags=["Ünï", "a/b"] if n % 2 else ["a"], payload={"n": n})
            claudia.tasks.start(task.id)
            if n % 3 == 0:
                claudia.tasks.complete(task.id, {"n": n})
            elif n % 3 == 1:
                claudia.tasks.fail(task.id, ValueError("bröken"))
        claudia.users.add("ada", "a-long-password-for-tests", scope="admin")
        claudia.store.write(lambda tx: [tx.emit("big:one", "s", {"text": "x" * 900_000}) for _ in range(3)]).result()
        claudia.store.prune(Retention(events=50))


def moved(first: Place, second: Place, *, keep_source: bool = False) -> list[Part]:
    with first.source(second) as source:
        return move(source, second.target(), keep_source=keep_source)


def log_of(store: Store) -> list[tuple[Any, ...]]:
    return [(e.sequence, e.type, e.subject, e.time, e.data) for e in store.events(0, 10_000).events]


@ways
def test_all_of_it_is_there(places: tuple[Place, Place]) -> None:
    """Documents, counts, and the log with its sequences and times; the hub goes on in the new place."""
    first, second = places
    fill(first)
    with first.open() as claudia:
        claudia.flush()
        before = log_of(claudia.store), claudia.tasks.counts(), claudia.tasks.tags(), claudia.store.epoch
        found = claudia.tasks.list(tag="Ünï").tasks
        head = claudia.store.head()
    parts = moved(first, second)
    assert {part.name: part.number for part in parts}["events"] == 50
    assert second.parts(first) == parts
    with second.open() as claudia:
        after = log_of(claudia.store), claudia.tasks.counts(), claudia.tasks.tags(), claudia.store.epoch
        assert after == before
        assert claudia.tasks.list(tag="Ünï").tasks == found
        assert claudia.users.can_sign_in()
        task = claudia.tasks.create(name="goes on")
        assert claudia.store.head() == head + 1
        assert claudia.tasks.cancel(task.id)
        assert claudia.store.log_status().oldest == head - 49
        assert len(claudia.store.find(Query("tasks", {"tags": "a/b"}, limit=100)).documents) == 10


@ways
def test_who_followed_goes_on(places: tuple[Place, Place]) -> None:
    """The log's name goes with it: a cursor is good in the new place, once; in the old place it is foreign."""
    first, second = places
    heard: list[int] = []
    with first.open() as claudia:
        subscription = Subscription(claudia.store, "mail", lambda event: heard.append(event.sequence), from_start=True)
        claudia.tasks.create(name="one")
        eventually(lambda: heard == [1])
        subscription.stop()
        claudia.tasks.create(name="two")
        epoch = claudia.store.epoch
    moved(first, second)
    with second.open() as claudia:
        assert claudia.store.epoch == epoch
        subscription = Subscription(claudia.store, "mail", lambda event: heard.append(event.sequence))
        eventually(lambda: heard == [1, 2])
        subscription.stop()
    with first.open() as claudia:
        assert claudia.store.epoch != epoch
        assert len(claudia.tasks.list().tasks) == 2, "the source is kept"


def test_a_copy_has_a_name_of_its_own(places: tuple[Place, Place]) -> None:
    """With --copy the source stays as it is, and cursors of it are foreign to the copy."""
    first, second = places
    fill(first, 3)
    with first.open() as claudia:
        epoch = claudia.store.epoch
    moved(first, second, keep_source=True)
    with first.open() as claudia, second.open() as other:
        assert claudia.store.epoch == epoch != other.store.epoch
        assert log_of(claudia.store) == log_of(other.store)


@across
def test_a_target_that_holds_something_is_refused(places: tuple[Place, Place]) -> None:
    """Nothing in it is touched, and the source stays as it was."""
    first, second = places
    fill(first, 3)
    fill(second, 2)
    before = first.parts(second), second.parts(first)
    with pytest.raises(Conflict, match=r"exists already|not empty"):
        moved(first, second)
    assert (first.parts(second), second.parts(first)) == before


@across
def test_a_source_that_is_written_meanwhile(places: tuple[Place, Place], monkeypatch: pytest.MonkeyPatch) -> None:
    """It is refused in the end, both keep their names, and nothing is left at the target; the next try works."""
    first, second = places
    fill(first, 3)
    with first.open() as claudia:
        epoch = claudia.store.epoch

    def write(name: str, count: int) -> None:
        if name == "events":
            with first.open() as claudia:
                claudia.tasks.create(name="late")

    with pytest.raises(Conflict, match="written to meanwhile"), first.source(second) as source:
        move(source, second.target(), keep_source=False, progress=write)
    with first.open() as claudia:
        assert claudia.store.epoch == epoch
    moved(first, second)
    with second.open() as claudia:
        assert claudia.store.epoch == epoch
        assert len(claudia.tasks.list().tasks) == 4


@across
def test_a_copy_that_differs_is_refused(places: tuple[Place, Place]) -> None:
    """Whatever goes wrong on the way is found by the digests; nothing is left of it."""
    first, second = places
    fill(first, 3)

    class Lossy:
        """Loses one letter of one task."""

        def __enter__(self) -> Any:
            self.inside = second.target()
            target = self.inside.__enter__()
            put = target.put_documents
            target.put_documents = lambda name, rows: put(
                name, [row._replace(body=row.body.replace("täsk 1", "täsk 7")) for row in rows]
            )
            return target

        def __exit__(self, *error: Any) -> None:
            self.inside.__exit__(*error)

    with pytest.raises(StoreDamaged, match="tasks"), first.source(second) as source:
        move(source, Lossy(), keep_source=False)
    moved(first, second)


def test_a_file_in_use(places: tuple[Place, Place]) -> None:
    """A hub at work is not moved from under its programs."""
    first, second = places
    with first.open(), pytest.raises(StoreBusy, match="in use"):
        moved(first, second)
    with pytest.raises(NotFound, match="no store"):
        moved(second, first)


@ways
def test_a_hub_at_work_is_copied(places: tuple[Place, Place]) -> None:
    """The copy is how it stood at one moment, which the log tells exactly; the hub goes on, and is left as it is."""
    first, second = places
    fill(first, 6)
    stop = threading.Event()

    def work(hub: Claudia) -> None:
        while not stop.is_set():
            hub.tasks.fail(hub.tasks.create(name="meanwhile", start=True).id, ValueError("no"))

    with first.open() as hub:
        epoch, worker = hub.store.epoch, threading.Thread(target=work, args=(hub,))
        worker.start()
        before = hub.store.head()
        try:
            with first.source(second, live=True) as source:
                begun = hub.store.head()
                eventually(lambda: hub.store.head() > begun + 10, 30)  # it does not see these
                parts = move(source, second.target(), keep_source=True)
        finally:
            stop.set()
            worker.join()
        ended = hub.store.head()
        assert hub.store.epoch == epoch
        saved = log_of(hub.store)
    with second.open() as copy:
        head = copy.store.head()
        assert before <= head <= begun < ended
        assert log_of(copy.store) == [event for event in saved if event[0] <= head]
        assert sum(part.number for part in parts if part.name == "events") == len(log_of(copy.store))
        assert [one.wrong for one in replay(copy.store, mend=False)] == [0, 0, 0, 0]
        assert copy.store.epoch != epoch


@pytest.mark.server
@pytest.mark.parametrize("places", [("mongodb", "sqlite")], indirect=True, ids=["mongodb-sqlite"])
def test_a_moment_that_is_gone(places: tuple[Place, Place], monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that no longer knows how a hub at work stood is told as that, with the cure; nothing is left."""
    first, second = places
    fill(first, 3)

    def forget(name: str, count: int) -> None:
        if name == "tasks":
            source.session.abort_transaction()
            source.session.start_transaction()
            raise OperationFailure("Transaction was aborted: it exceeded its lifetime", 290)

    with (
        pytest.raises(StoreBusy, match="longer than the server keeps") as caught,
        first.source(second, live=True) as source,
    ):
        move(source, second.target(), keep_source=True, progress=forget)
    assert "transactionLifetimeLimitSeconds" in str(caught.value.hint)
    assert not Path(second.url).exists()


@pytest.mark.parametrize("places", [("sqlite", "sqlite")], indirect=True)
def test_an_older_file_at_work_is_not_copied(places: tuple[Place, Place]) -> None:
    """It would have to be brought forward under the programs that use it: they are to be stopped first."""
    first, second = places
    fill(first, 2)
    with closing(apsw.Connection(first.url)) as sql:
        sql.execute("PRAGMA user_version = 1")
        with pytest.raises(StoreBusy, match="in use"), first.source(second, live=True):
            pass
        assert sql.pragma("user_version") == 1
    with first.source(second, live=True) as source:
        assert not source.live


KILLED = """
import os, signal, sys
from pathlib import Path
from tests.stores.test_moving import Place
from claudia_core.stores.moving import move
first, second = Place(sys.argv[1]), Place(sys.argv[2])
when = sys.argv[3]
def die(name, count):
    if name == when:
        os.kill(os.getpid(), signal.SIGKILL)
with first.source(second) as source:
    target = second.target()
    if when == "named":
        give_up = source.give_up_name
        source.give_up_name = lambda to: (give_up(to), os.kill(os.getpid(), signal.SIGKILL))
    move(source, target, keep_source=False, progress=die)
"""


@pytest.mark.server
@pytest.mark.parametrize(
    ("places", "when"),
    [
        (("sqlite", "sqlite"), "events"),
        (("sqlite", "mongodb"), "tasks"),
        (("mongodb", "sqlite"), "named"),
        (("mongodb", "mongodb"), "named"),
    ],
    indirect=["places"],
    ids=["sqlite-sqlite", "sqlite-mongodb", "mongodb-sqlite", "mongodb-mongodb"],
)
def test_killed_in_the_middle(places: tuple[Place, Place], when: str) -> None:
    """What is left cannot be opened as a hub; the next run begins anew, and the log keeps its name all the same."""
    first, second = places
    fill(first, 3)
    with first.open() as claudia:
        epoch, log = claudia.store.epoch, log_of(claudia.store)
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", KILLED, first.url, second.url, when]
    killed = subprocess.run(command, check=False, cwd=root, timeout=60)
    assert killed.returncode == -signal.SIGKILL
    if second.is_file:
        assert not Path(second.url).exists()
    else:
        with pytest.raises(StoreError, match="part of a hub"):
            second.open()
    moved(first, second)
    with second.open() as claudia:
        assert claudia.store.epoch == epoch
        assert log_of(claudia.store) == log
    if second.is_file:
        assert [path.name for path in Path(second.url).parent.glob("*.partial*")] == []


def test_the_command(tmp_path: Path) -> None:
    """It tells what was copied; what cannot be done is a sentence."""
    fill(Place(str(tmp_path / "from.db")), 3)
    shown = run(tmp_path, "migrate", "from.db", "sqlite:///to.db")
    assert shown.returncode == 0, shown.stderr
    assert "Copied and checked. Start the hub with: claudia serve --database " in shown.stdout
    assert "tasks                      3" in shown.stdout
    assert run(tmp_path, "tasks", "--database", "to.db").returncode == 0
    for source, target, words in (
        ("from.db", "to.db", "exists already"),
        ("none.db", "new.db", "no store"),
        ("to.db", "./to.db", "itself"),
        ("to.db", "memory://", "cannot be copied"),
        ("to.db", "ftp://x", "unknown scheme"),
    ):
        shown = run(tmp_path, "migrate", source, target)
        assert (shown.returncode, words in shown.stderr) == (2, True), shown.stderr
    with sqlite3.connect(tmp_path / "foreign.db") as foreign:
        foreign.execute("CREATE TABLE mine (x)")
    foreign.close()
    assert "another program" in run(tmp_path, "migrate", "foreign.db", "new.db").stderr


@pytest.mark.server
def test_the_command_waits_for_signs_of_life(mongodb_place: str, tmp_path: Path) -> None:
    """A MongoDB is watched for longer than the pause between two heartbeats before its log is renamed."""
    fill(Place(mongodb_place), 2)
    started = time.monotonic()
    shown = run(tmp_path, "migrate", mongodb_place, "to.db")
    assert shown.returncode == 0, shown.stderr
    assert time.monotonic() - started > 5
