"""Processes that write one file all the time take turns; nobody who stopped or died in the line holds up the others."""

import fcntl
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from claudia_core.errors import StoreBusy
from claudia_core.stores.sqlite import turns as sqlite_turns
from claudia_core.stores.sqlite.store import SqliteStore
from claudia_core.stores.sqlite.turns import Turns
from claudia_core.testing.conformance.suite import emit

WRITER = """
import sys, time
from pathlib import Path
from claudia_core.stores.sqlite.store import SqliteStore
store = SqliteStore(Path(sys.argv[1]))
store.write(lambda tx: tx.emit("a:b", "s", {})).result(60)
print("ready", flush=True)
sys.stdin.readline()
end, longest, done = time.monotonic() + float(sys.argv[2]), 0.0, 0
while time.monotonic() < end:
    began = time.monotonic()
    store.write(lambda tx: tx.emit("a:b", "s", {})).result(60)
    longest, done = max(longest, time.monotonic() - began), done + 1
print(done, longest, flush=True)
store.close()
"""

STANDING = """
import fcntl, os, sys, time
file = os.open(sys.argv[1], os.O_RDONLY)
fcntl.flock(file, fcntl.LOCK_EX)
print("first", flush=True)
time.sleep(600)
"""


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    """A store that has been written."""
    with closing(SqliteStore(path)) as store:
        emit(store, 1)
        yield store


@pytest.fixture
def standing(path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that is first in line and does not write."""
    path.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-c", STANDING, str(path.parent)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "first\n"
        yield process
        process.kill()


def longest(store: SqliteStore, seconds: float) -> float:
    """The longest time of a commit while one follows the other."""
    end, found = time.monotonic() + seconds, 0.0
    while (began := time.monotonic()) < end:
        emit(store, 1)
        found = max(found, time.monotonic() - began)
    return found


@pytest.mark.slow
def test_busy_writers_share(path: Path) -> None:
    """Of three that write all the time each gets a good part, and none waits for long."""
    command = [sys.executable, "-c", WRITER, str(path), "4"]
    pipe = subprocess.PIPE
    writers = [subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) for _ in range(3)]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    told = [writer.communicate(timeout=60)[0].split() for writer in writers]
    done = [int(line[0]) for line in told]
    assert min(done) / sum(done) > 0.15, done
    assert max(float(line[1]) for line in told) < 1.5, told


def test_who_writes_alone_does_not_wait(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is slept for, and the line is empty afterwards."""
    monkeypatch.setattr(sqlite_turns, "_rest", lambda _: pytest.fail("it waited"))
    emit(store, 20)
    file = os.open(store.path.parent, os.O_RDONLY)
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(file)


def _take_until(turns: Turns, end: float, last: Callable[[], None]) -> None:
    while time.monotonic() < end:
        turns.take(lambda: time.sleep(0.01))
    turns.take(last)


def test_who_waits_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer goes on for a burst while another waits, then not before that one has begun."""
    monkeypatch.setattr(sqlite_turns, "PATIENCE", 30.0)
    monkeypatch.setattr(sqlite_turns, "BURST", 0.5)
    busy, other = Turns(tmp_path, 1.0), Turns(tmp_path, 1.0)
    end = time.monotonic() + 0.6
    while time.monotonic() < end:
        busy.take(lambda: time.sleep(0.01))
    waits, free = threading.Event(), threading.Event()
    order: list[str] = []

    def begin() -> None:  # as SQLite does: another one has the lock, and it asks again and again
        other.wait(0)
        waits.set()
        free.wait(30)
        order.append("other")

    waiting = threading.Thread(target=other.take, args=(begin,))
    waiting.start()
    assert waits.wait(10)
    busy.take(lambda: order.append("burst"))
    end = time.monotonic() + 0.45
    next_turn = threading.Thread(target=_take_until, args=(busy, end, lambda: order.append("busy")))
    next_turn.start()
    time.sleep(0.8)
    assert order == ["burst"]
    free.set()
    next_turn.join(10)
    waiting.join(10)
    assert order == ["burst", "other", "busy"]
    busy.close()
    other.close()


def test_a_process_that_stopped_in_the_line(
    store: SqliteStore, standing: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others wait for it once, and then go on without the line for a while."""
    monkeypatch.setattr(sqlite_turns, "PATIENCE", 0.5)
    monkeypatch.setattr(sqlite_turns, "BURST", 0.05)
    assert longest(store, 0.5) >= 0.5
    assert longest(store, 1.0) < 0.5
    time.sleep(0.1)  # who does not write all the time does not look
    emit(store, 1)


def test_a_process_that_died_in_the_line(
    store: SqliteStore, standing: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system gives its place back at once."""
    monkeypatch.setattr(sqlite_turns, "PATIENCE", 20.0)
    monkeypatch.setattr(sqlite_turns, "BURST", 0.05)
    standing.kill()
    standing.wait()
    assert longest(store, 0.5) < 10


def test_where_there_is_no_line(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a system or file system without such locks, writes go on as SQLite orders them."""

    def refuse(*_: object) -> None:
        raise OSError("not supported")

    monkeypatch.setattr(sqlite_turns, "flock", refuse)
    with closing(SqliteStore(path)) as store, closing(SqliteStore(path)) as other:
        for _ in range(5):
            emit(store, 1)
            emit(other, 1)
        assert store.head() == 10


def test_a_lock_that_stays(path: Path, make_sqlite: Callable[..., SqliteStore]) -> None:
    """A writer that never ends is waited for as long as it is set to, then the write says that the store is busy."""
    store = make_sqlite(busy_timeout=0.3)
    holder = make_sqlite()
    holder._commits.begin()
    started = time.monotonic()
    with pytest.raises(StoreBusy):
        store.write(lambda tx: tx.emit("a:b", "s", {})).result(20)
    assert 0.3 <= time.monotonic() - started < 5
    holder._commits.abort()
    emit(store, 1)
