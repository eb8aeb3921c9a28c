"""Backup and restore."""

import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from claudia_core.errors import StoreBusy, StoreDamaged, StoreError, StoreForeign, StoreTooNew
from claudia_core.stores.sqlite.archive import restore
from claudia_core.stores.sqlite.store import SqliteStore
from claudia_core.testing.conformance.suite import emit, put, saved, task
from claudia_core.testing.worker import Address, step


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """Where backups go."""
    return tmp_path / "kept.db"


@pytest.fixture
def backup(sqlite: SqliteStore, kept: Path) -> Path:
    """A backup of a store with a task and three events, which goes on afterwards and is closed."""
    put(sqlite, [task("a")])
    emit(sqlite, 3)
    sqlite.backup(kept)
    put(sqlite, [task("later")])
    emit(sqlite, 2)
    sqlite.close()
    return kept


def test_backup_while_writing(sqlite: SqliteStore, kept: Path) -> None:
    """Writers go on during a backup; the copy is the state of one moment, whole."""
    stop = threading.Event()
    writer = threading.Thread(target=_write_until, args=(sqlite, stop))
    writer.start()
    sqlite.wait(50, 30)
    sqlite.backup(kept)
    head = sqlite.head()
    sqlite.wait(head + 50, 30)
    stop.set()
    writer.join()
    with closing(SqliteStore(kept)) as copy:
        assert 50 <= copy.head() <= head
        assert copy.samples(["steps"])[0].value == copy.head()
        assert copy.get("tasks", f"w-{copy.head() - 1}") is not None
        assert copy.get("tasks", f"w-{copy.head()}") is None


def _write_until(store: SqliteStore, stop: threading.Event) -> None:
    number = 0
    while not stop.is_set():
        saved(store, step("w", number))
        number += 1


def test_backup_is_one_private_file(backup: Path) -> None:
    """A backup is one file, for its user's eyes only."""
    assert list(backup.parent.glob("kept*")) == [backup]
    assert backup.stat().st_mode & 0o077 == 0


def test_backup_over_a_file(sqlite: SqliteStore, kept: Path) -> None:
    """A file that exists is never replaced by a backup."""
    kept.write_text("mine")
    with pytest.raises(StoreError, match=r"kept\.db exists already.*new file"):
        sqlite.backup(kept)
    assert kept.read_text() == "mine"


def test_backup_to_nowhere(sqlite: SqliteStore, tmp_path: Path) -> None:
    """A backup into a folder that is not there names it and the cure."""
    with pytest.raises(StoreError, match=r"nowhere.*another folder"):
        sqlite.backup(tmp_path / "nowhere" / "kept.db")


def test_restore(backup: Path, path: Path, make_sqlite: Callable[..., SqliteStore]) -> None:
    """A restored store has the backup's data under a new epoch; what it replaced is kept beside it."""
    restore(backup, path)
    store = make_sqlite()
    with closing(SqliteStore(path.with_name("claudia.db.old"))) as old, closing(SqliteStore(backup)) as original:
        assert (store.head(), old.head()) == (3, 5)
        assert store.get("tasks", "a") == task("a")
        assert store.get("tasks", "later") is None
        assert old.get("tasks", "later") is not None
        assert store.epoch not in (old.epoch, original.epoch)
        assert {event.epoch for event in store.events(0).events} == {store.epoch}
    emit(store, 1)
    assert store.head() == 4


def test_restore_twice(backup: Path, path: Path) -> None:
    """Restoring again keeps what was moved aside before."""
    for _ in range(3):
        restore(backup, path)
    names = {file.name for file in path.parent.glob("*old*")}
    assert names == {"claudia.db.old", "claudia.db.old2", "claudia.db.old3"}


def test_restore_to_a_new_place(backup: Path, tmp_path: Path) -> None:
    """A backup can be restored where no store is."""
    restore(backup, tmp_path / "new.db")
    with closing(SqliteStore(tmp_path / "new.db")) as store:
        assert store.head() == 3


def _require_refused(error: type[StoreError], match: str, source: Path, path: Path) -> None:
    """The restore is refused, and nothing has changed in the folder."""
    before = {file.name: file.stat().st_size for file in path.parent.iterdir() if not file.name.endswith("-shm")}
    with pytest.raises(error, match=match):
        restore(source, path)
    after = {file.name: file.stat().st_size for file in path.parent.iterdir() if not file.name.endswith("-shm")}
    assert after == before


def test_restore_while_in_use_here(backup: Path, path: Path, make_sqlite: Callable[..., SqliteStore]) -> None:
    """A store that this process has open is not replaced."""
    store = make_sqlite()
    _require_refused(StoreBusy, r"claudia\.db is in use.*stop the hub", backup, path)
    emit(store, 1)
    assert store.head() == 6


def test_restore_while_in_use_elsewhere(backup: Path, path: Path, address: Address) -> None:
    """A store that another process has open is not replaced, and that process goes on."""
    with address.worker("w", threads=1, writes=1_000_000) as worker:
        assert worker.stdout is not None
        worker.stdout.readline()
        with pytest.raises(StoreBusy, match="in use"):
            restore(backup, path)
        worker.stdout.readline()
        assert worker.poll() is None
    assert not [*path.parent.glob("*old*"), *path.parent.glob("*partial*")]


def test_restore_of_nothing(backup: Path, path: Path) -> None:
    """A backup that is not there is named."""
    _require_refused(StoreError, r"no backup .*missing\.db", backup.with_name("missing.db"), path)


def test_restore_of_no_backup(backup: Path, path: Path) -> None:
    """A text, an empty file and a database of another program are refused, and the store stays."""
    other = backup.with_name("other.db")
    for content in (b"", b"Dear diary,\n" * 1_000):
        other.write_bytes(content)
        _require_refused(StoreForeign, r"other\.db", other, path)
    other.unlink()
    with closing(apsw.Connection(str(other))) as sql:
        sql.execute("CREATE TABLE books (title)")
    _require_refused(StoreForeign, r"other\.db is not a backup", other, path)


def test_restore_of_a_newer_backup(backup: Path, path: Path) -> None:
    """A backup made by a newer Claudia is refused."""
    with closing(apsw.Connection(str(backup))) as sql:
        sql.pragma("user_version", 99)
    _require_refused(StoreTooNew, "version 99", backup, path)


def test_restore_of_a_damaged_backup(backup: Path, path: Path) -> None:
    """A damaged backup does not replace a store."""
    with backup.open("r+b") as file:
        file.seek(4_096)
        file.write(b"\xa5" * (backup.stat().st_size - 4_096))
    _require_refused(StoreDamaged, r"kept\.db.*damaged", backup, path)


def test_restore_over_another_programs_file(backup: Path, tmp_path: Path) -> None:
    """A file of another program is not moved aside."""
    other = tmp_path / "other.db"
    with closing(apsw.Connection(str(other))) as sql:
        sql.execute("CREATE TABLE books (title)")
    _require_refused(StoreForeign, r"other\.db.*another program", backup, other)


def test_restore_over_a_damaged_store(backup: Path, path: Path, make_sqlite: Callable[..., SqliteStore]) -> None:
    """A store whose data are damaged can be replaced: that is what backups are for."""
    with path.open("r+b") as file:
        file.seek(4_096)
        file.write(b"\xa5" * (path.stat().st_size - 4_096))
    restore(backup, path)
    assert make_sqlite().head() == 3
