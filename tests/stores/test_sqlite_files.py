"""Files that are not a store, or not for us: refused with the value and the cure, and never touched."""

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from claudia_core.app import Claudia
from claudia_core.errors import StoreDamaged, StoreError, StoreForeign, StoreTooNew
from claudia_core.ports import Query
from claudia_core.services.tasks.claims import Claims, Terms
from claudia_core.stores.schema import SCHEMA_VERSION
from claudia_core.stores.sqlite import file as sqlite_file
from claudia_core.stores.sqlite.store import SqliteStore
from claudia_core.testing.conformance.suite import emit, put, task
from tests.stores.child import told

NEXT = SCHEMA_VERSION + 1

OPEN_AS_NOBODY = """
import os, sys
from pathlib import Path
from claudia_core.errors import ClaudiaError
from claudia_core.stores.sqlite.store import SqliteStore
os.setgroups([]); os.setgid(65534); os.setuid(65534)
try:
    SqliteStore(Path(sys.argv[1])).close()
    print("opened")
except ClaudiaError as error:
    print(error.code, error)
"""


def _other_database(path: Path) -> None:
    with closing(sqlite3.connect(path)) as other:
        other.executescript("CREATE TABLE books (title TEXT); INSERT INTO books VALUES ('x');")


def _other_wal_database(path: Path) -> None:
    with closing(sqlite3.connect(path)) as other:
        other.executescript("PRAGMA journal_mode=WAL; CREATE TABLE books (title TEXT);")


def _other_application(path: Path) -> None:
    with closing(sqlite3.connect(path)) as other:
        other.executescript("PRAGMA application_id=7; VACUUM;")


def _other_version(path: Path) -> None:
    with closing(sqlite3.connect(path)) as other:
        other.executescript("PRAGMA user_version=7; VACUUM;")


FOREIGN: dict[str, Callable[[Path], object]] = {
    "text": lambda path: path.write_text("Dear diary,\n" * 1_000),
    "one character": lambda path: path.write_text("x"),
    "a line": lambda path: path.write_text("x" * 511),
    "a page": lambda path: path.write_text("x" * 512),
    "bytes": lambda path: path.write_bytes(os.urandom(8_192)),
    "database": _other_database,
    "wal database": _other_wal_database,
    "application": _other_application,
    "version": _other_version,
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_file_of_another_program(path: Path, kind: str) -> None:
    """A file of another program is refused by name and stays as it is, byte for byte, with nothing beside it."""
    FOREIGN[kind](path)
    before = path.read_bytes()
    with pytest.raises(StoreForeign, match=r"claudia\.db.*name another file"):
        SqliteStore(path)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_empty_file_becomes_a_store(path: Path) -> None:
    """An empty file, as `mktemp` makes it, becomes a store."""
    path.touch()
    with closing(SqliteStore(path)) as store:
        emit(store, 1)
        assert store.head() == 1


def test_folder_and_device(tmp_path: Path) -> None:
    """A folder or a device is refused by name."""
    for place in (tmp_path, Path(os.devnull)):
        with pytest.raises(StoreError, match=str(place)):
            SqliteStore(place)


def test_folder_that_cannot_be_made(tmp_path: Path) -> None:
    """A folder that cannot be made, because a file stands in its place, is named."""
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"file.*folder that may be written"):
        SqliteStore(tmp_path / "file" / "claudia.db")


def test_folders_are_made(tmp_path: Path) -> None:
    """Missing folders are made; the store is for its user's eyes only."""
    path = tmp_path / "a" / "b" / "claudia.db"
    with closing(SqliteStore(path)) as store:
        emit(store, 1)
        for file in path.parent.iterdir():
            assert file.stat().st_mode & 0o077 == 0, file


def test_newer_schema(path: Path) -> None:
    """A file of a newer Claudia is refused with both versions and the cure, and not changed."""
    SqliteStore(path).close()
    with closing(apsw.Connection(str(path))) as sql:
        sql.pragma("user_version", 99)
    before = path.read_bytes()
    with pytest.raises(StoreTooNew, match=rf"version 99.*knows {SCHEMA_VERSION}.*pip install -U"):
        SqliteStore(path)
    assert path.read_bytes() == before


def _add_colour(sql: apsw.Connection) -> None:
    sql.execute("ALTER TABLE tasks ADD COLUMN colour TEXT NOT NULL DEFAULT 'red'")


def _add_colour_and_fail(sql: apsw.Connection) -> None:
    _add_colour(sql)
    sql.execute("DELETE FROM tasks")
    sql.execute("SELECT no_such_function()")


def _schema(path: Path) -> list[object]:
    with closing(apsw.Connection(str(path))) as sql:
        tables = sql.execute("SELECT sql FROM sqlite_schema ORDER BY name").fetchall()
        return [sql.pragma("user_version"), tables, sql.execute("SELECT * FROM tasks").fetchall()]


def _filled(path: Path) -> str:
    with closing(SqliteStore(path)) as store:
        put(store, [task("a")])
        emit(store, 1)
        return store.epoch


def test_migration(path: Path) -> None:
    """An older file is brought forward when it is opened, with its data and its epoch; afterwards it is too new."""
    epoch = _filled(path)
    assert sqlite_file.prepare(path, version=NEXT, migrations={SCHEMA_VERSION: _add_colour}) == epoch
    version, _, rows = _schema(path)
    assert version == NEXT
    assert [row[-1] for row in rows] == ["red"]  # type: ignore[attr-defined]
    with pytest.raises(StoreTooNew):
        SqliteStore(path)


def test_migration_over_several_versions(path: Path) -> None:
    """All steps are taken in order, also by a file that is made new."""
    blue = {SCHEMA_VERSION: _add_colour, NEXT: lambda sql: sql.execute("UPDATE tasks SET colour = 'blue'")}
    steps = {**sqlite_file.MIGRATIONS, **blue}
    _filled(path)
    sqlite_file.prepare(path, version=NEXT + 1, migrations=steps)
    assert [row[-1] for row in _schema(path)[2]] == ["blue"]  # type: ignore[attr-defined]
    fresh = path.with_name("fresh.db")
    sqlite_file.prepare(fresh, version=NEXT + 1, migrations=steps)
    assert _schema(fresh)[0] == NEXT + 1


def test_failing_migration(path: Path) -> None:
    """A migration that fails at any step leaves the file at its version, with all its data; the error says so."""
    _filled(path)
    before = _schema(path)
    steps = {SCHEMA_VERSION: lambda _: None, NEXT: _add_colour_and_fail}
    with pytest.raises(StoreError, match=rf"version {NEXT} to {NEXT + 1}.*still at version {SCHEMA_VERSION}"):
        sqlite_file.prepare(path, version=NEXT + 1, migrations=steps)
    assert _schema(path) == before
    with closing(SqliteStore(path)) as store:
        assert store.get("tasks", "a") == task("a")


def test_made_by_many_at_once(path: Path) -> None:
    """Any number of stores opened at the same moment on no file: one file is made, and all agree."""
    with ThreadPoolExecutor(8) as pool:
        stores = list(pool.map(lambda _: SqliteStore(path), range(8)))
    assert len({store.epoch for store in stores}) == 1
    for store in stores:
        emit(store, 1)
    assert stores[0].head() == 8
    for store in stores:
        store.close()


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that another user may enter."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize(("file", "folder"), [(0o444, 0o777), (0o666, 0o555), (0o400, 0o777), (None, 0o555)])
def test_not_ours_to_write(open_folder: Path, file: int | None, folder: int) -> None:
    """A file or folder that this user may not write is refused by name, with the cure, and nothing is made."""
    path = open_folder / "claudia.db"
    if file is not None:
        SqliteStore(path).close()
        path.chmod(file)
    open_folder.chmod(folder)
    before = sorted(open_folder.iterdir())
    said = told(OPEN_AS_NOBODY, path)
    assert said.startswith("store_read_only")
    assert str(open_folder) in said
    assert "right to write" in said
    assert sorted(open_folder.iterdir()) == before


def _overwrite(path: Path, start: int, length: int) -> None:
    with path.open("r+b") as file:
        file.seek(start)
        file.write(b"\xa5" * length)


def test_damaged_pages(path: Path) -> None:
    """Damage in the data is a clear error that names the cure, for readers and writers; the process lives on."""
    with closing(SqliteStore(path)) as store:
        put(store, [task(str(number), status="x" * 200) for number in range(500)])
    _overwrite(path, 4_096, path.stat().st_size - 4_096)
    with pytest.raises(StoreDamaged, match="restore a backup"), closing(SqliteStore(path)) as store:
        store.find(Query("tasks", limit=1_000))
    with pytest.raises(StoreDamaged, match="restore a backup"), closing(SqliteStore(path)) as store:
        put(store, [task("a")])


def test_damaged_header(path: Path) -> None:
    """A file whose beginning is lost cannot be told from another program's, and is refused as that."""
    SqliteStore(path).close()
    _overwrite(path, 0, 100)
    with pytest.raises(StoreForeign, match=r"claudia\.db"):
        SqliteStore(path)


def _made_by_the_first(path: Path) -> None:
    """A store as version 1 of the schema left it: without queues, with tasks in it."""
    with closing(Claudia(str(path), display="off")) as hub:
        hub.tasks.create("waits", type="a")
        hub.tasks.create("runs", type="a", start=True)
    with closing(apsw.Connection(str(path))) as sql:
        for index, column in (("tasks_type_queue", "queue"), ("tasks_watch_at", "watch_at")):
            sql.execute(f"DROP INDEX {index}")
            sql.execute(f"ALTER TABLE tasks DROP COLUMN {column}")
        sql.execute("DELETE FROM samples WHERE series LIKE 'tasks.waiting/%' OR series LIKE 'tasks.running/%'")
        sql.pragma("user_version", 1)


def test_a_store_without_queues(path: Path) -> None:
    """It gets them, with what waits in line and what waits and runs counted."""
    _made_by_the_first(path)
    with closing(Claudia(str(path), display="off")) as hub:
        queue = hub.queues.of("a")
        assert (queue.waiting, queue.running) == (1, 1)
        agent = hub.agents.register()
        taken = Claims(hub.store).turn(agent.id, {"a": Terms()}, 5).taken
        assert [task.name for task in taken] == ["waits"]
        assert hub.queues.of("a").waiting == 0


def test_indexes_that_carry_nothing(path: Path) -> None:
    """A store as version 2 of the schema left it gets the indexes that a new one has, and keeps its tasks."""
    SqliteStore(path).close()
    made = _schema(path)[1]
    _filled(path)
    with closing(apsw.Connection(str(path))) as sql:
        sql.execute("DROP INDEX tasks_status_duration_key")
        sql.execute("CREATE INDEX tasks_status_duration_key ON tasks (status, duration_key, id)")
        sql.pragma("user_version", 2)
    with closing(SqliteStore(path)) as store:
        assert store.get("tasks", "a") == task("a")
    assert _schema(path)[:2] == [SCHEMA_VERSION, made]


def test_a_collection_that_is_new(path: Path) -> None:
    """A store of the same version that was made before there was a collection gets it, with its indexes."""
    SqliteStore(path).close()
    made = _schema(path)[1]
    _filled(path)
    with closing(apsw.Connection(str(path))) as sql:
        sql.execute("DROP TABLE processes")
    with closing(SqliteStore(path)) as store:
        assert store.get("tasks", "a") == task("a")
        assert store.get("processes", "a") is None
    assert _schema(path)[:2] == [SCHEMA_VERSION, made]
