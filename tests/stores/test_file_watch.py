"""A file that is watched tells of every write, and costs nothing while there is none."""

import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from claudia_core.stores.sqlite import watch as sqlite_watch
from claudia_core.stores.sqlite.store import SqliteStore
from claudia_core.stores.sqlite.watch import FileWatch
from claudia_core.testing.waiting import eventually

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="files are watched on Linux only")


class Count:
    def __init__(self) -> None:
        self.calls = 0
        self.called = threading.Event()

    def __call__(self) -> None:
        self.calls += 1
        self.called.set()


@pytest.fixture
def count() -> Count:
    return Count()


@pytest.fixture
def watch(tmp_path: Path, count: Count) -> Iterator[FileWatch]:
    watch = FileWatch(tmp_path / "a.db-wal", count)
    yield watch
    watch.stop()


@pytest.mark.usefixtures("watch")
def test_every_write_is_told_though_the_file_comes_and_goes(tmp_path: Path, count: Count) -> None:
    file = tmp_path / "a.db-wal"
    for _ in range(3):
        for _ in range(3):
            count.called.clear()
            with file.open("ab") as out:
                out.write(b"x")
            assert count.called.wait(5)
        file.unlink()


@pytest.mark.usefixtures("watch")
def test_other_files_of_the_folder_are_not_told_of(tmp_path: Path, count: Count) -> None:
    (tmp_path / "b.db-wal").write_bytes(b"x")
    (tmp_path / "a.db").write_bytes(b"x")
    (tmp_path / "a.db-wal").write_bytes(b"x")
    assert count.called.wait(5)
    time.sleep(0.1)
    assert count.calls <= 2  # made and written


def test_a_watch_that_ended_leaves_no_thread_and_no_file_open(tmp_path: Path, count: Count) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(20):
        watch = FileWatch(tmp_path / "a.db-wal", count)
        watch.stop()
        watch.stop()
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    assert not [thread for thread in threading.enumerate() if thread.name == "claudia-file-watch"]


def test_a_folder_that_is_not_there_cannot_be_watched(tmp_path: Path, count: Count) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        FileWatch(tmp_path / "nowhere" / "a.db-wal", count)


def test_a_store_does_without_a_watch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise OSError(24, "no more watches")

    monkeypatch.setattr(sqlite_watch, "_watch", refuse)
    ours, theirs = SqliteStore(tmp_path / "a.db"), SqliteStore(tmp_path / "a.db")
    try:
        head = ours.wait(0, 0.0)
        threading.Timer(0.1, lambda: theirs.write(lambda tx: tx.emit("x:y", "s", {})).result()).start()
        assert ours.wait(head, 10.0) == head + 1
    finally:
        ours.close()
        theirs.close()


def test_waiting_for_another_process_takes_hardly_any_processor_time(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "a.db")
    try:
        store.wait(0, 0.5)
        looks = 0
        before = store.head

        def head() -> int:
            nonlocal looks
            looks += 1
            return before()

        store.head = head  # type: ignore[method-assign]
        eventually(lambda: store.wait(0, 1.0) == 0)
        assert looks <= 5
    finally:
        store.close()
