"""A store in trouble: locked, full, forked. Clear errors, nothing half-written, and work goes on afterwards."""

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from claudia_core.errors import StoreBusy, StoreClosed, StoreFull, StoreUnavailable, WaitTimeout
from claudia_core.ports import Query, Transaction
from claudia_core.stores.sqlite.store import SqliteStore
from claudia_core.testing.conformance.suite import emit, ids, put, saved, task
from tests.stores.child import started, told

LOCK = """
import sys, apsw
sql = apsw.Connection(sys.argv[1])
sql.execute(sys.argv[2]).fetchall()
print("locked", flush=True)
sys.stdin.read()
"""


@contextmanager
def _locked(path: Path, how: str = "BEGIN EXCLUSIVE") -> Iterator[None]:
    """Another process holds the file until the block is left."""
    with started(LOCK, path, how) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "locked\n"
        yield


def test_locked_file(path: Path, make_sqlite: Callable[..., SqliteStore]) -> None:
    """A write that another program's lock keeps waiting too long fails, saying so; reads go on; later writes work."""
    store = make_sqlite(busy_timeout=0.05)
    put(store, [task("a")])
    with _locked(path):
        with pytest.raises(StoreBusy, match=r"claudia\.db.*locked by another process.*try again") as caught:
            put(store, [task("b")])
        assert caught.value.retryable
        assert store.get("tasks", "a") == task("a")
    put(store, [task("c")])
    assert ids(store, Query("tasks", order="id")) == ["a", "c"]


def test_waiting_for_a_lock(path: Path, make_sqlite: Callable[..., SqliteStore]) -> None:
    """A lock that is let go in time only delays the write."""
    store = make_sqlite(busy_timeout=60)
    with _locked(path):
        future = store.write(lambda tx: tx.put("tasks", task("a")))
        assert not future.done()
    future.result(60)
    assert store.get("tasks", "a") is not None


def test_posts_survive_a_lock(path: Path, make_sqlite: Callable[..., SqliteStore]) -> None:
    """Posts that meet a lock are kept, newest value, and saved when it is gone; `flush` waits for that."""
    store = make_sqlite(busy_timeout=0.05)
    with _locked(path):
        for value in ("old", "new"):
            store.post("a", lambda tx, value=value: tx.put("tasks", task("a", status=value)))
            with pytest.raises(WaitTimeout):
                store.flush(timeout=0.3)
        assert store.writer.is_failing
        assert store.writer.waiting_posts == 1
    store.flush()
    assert store.get("tasks", "a") == task("a", status="new")
    assert not store.writer.is_failing


def test_opening_a_locked_file(path: Path) -> None:
    """Opening a file that another program holds fails within the busy timeout, saying so."""
    SqliteStore(path).close()
    with _locked(path, "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE"), pytest.raises(StoreBusy, match="locked"):
        SqliteStore(path, busy_timeout=0.1)


def test_closing_while_locked(path: Path, make_sqlite: Callable[..., SqliteStore]) -> None:
    """Closing while another program holds the file ends; what could not be saved is counted, not hidden."""
    store = make_sqlite(busy_timeout=0.05)
    with _locked(path):
        store.post("a", lambda tx: tx.put("tasks", task("a")))
        store.close()
    assert store.writer.dropped_posts == 1


def _fill(tx: Transaction, size: int) -> None:
    for part in range(20):
        tx.put("tasks", task(f"filler {part}", status="x" * (size // 20)))
        tx.emit("filled", "x", {})
    tx.put("meta", {"id": "filled"})


def _fill_up(store: SqliteStore) -> None:
    """Write more than there is room for; nothing of it may stay."""
    with pytest.raises(StoreFull, match=r"claudia\.db.*full.*free some space") as caught:
        saved(store, lambda tx: _fill(tx, 3_000_000))
    assert caught.value.retryable


def _require_nothing_half_written(store: SqliteStore) -> None:
    assert store.get("meta", "filled") is None
    assert store.find(Query("tasks", order="id")).documents == [task("a")]
    assert store.head() == 1


def _posts_wait(store: SqliteStore) -> None:
    text = "y" * 3_000_000
    store.post("p", lambda tx: tx.put("meta", {"id": "p", "text": text}))
    with pytest.raises(WaitTimeout):
        store.flush(timeout=0.3)


def _begin(store: SqliteStore) -> None:
    put(store, [task("a")])
    emit(store, 1)


def test_file_that_may_not_grow(sqlite: SqliteStore) -> None:
    """A file that has reached its size: writes fail cleanly, posts wait, and both go on when it may grow again."""
    _begin(sqlite)
    sqlite._commits.sql.execute("PRAGMA max_page_count = 200")
    _fill_up(sqlite)
    _posts_wait(sqlite)
    _require_nothing_half_written(sqlite)
    sqlite._commits.sql.execute("PRAGMA max_page_count = 100000")
    _require_it_goes_on(sqlite)


def _require_it_goes_on(store: SqliteStore) -> None:
    put(store, [task("b")])
    store.flush()
    assert ids(store, Query("tasks", order="id")) == ["a", "b"]
    assert store.get("meta", "p") is not None


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A disk of eight megabytes."""
    folder = Path(tempfile.mkdtemp())
    command = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)]
    mounted = os.geteuid() == 0 and subprocess.run(command, capture_output=True, check=False).returncode == 0
    if mounted:
        yield folder
        subprocess.run(["umount", str(folder)], check=True)
    folder.rmdir()
    if not mounted:
        pytest.skip("this user may not mount a small disk")


def test_full_disk(small_disk: Path) -> None:
    """A disk that is really full: the same store, unharmed, goes on when there is room again."""
    path = small_disk / "claudia.db"
    with closing(SqliteStore(path)) as store:
        _begin(store)
        ballast = small_disk / "ballast"
        ballast.write_bytes(bytes(5_500_000))
        _fill_up(store)
        _posts_wait(store)
        _require_nothing_half_written(store)
        ballast.unlink()
        _require_it_goes_on(store)
    with closing(SqliteStore(path)) as again:
        assert again.head() == 1


def test_error_that_is_no_stores(sqlite: SqliteStore) -> None:
    """An unexpected failure of a commit reaches those it concerns, and the writer lives on."""
    sqlite._commits.sql.execute(
        "CREATE TEMP TRIGGER no_ghosts BEFORE INSERT ON tasks WHEN new.id = 'ghost' "
        "BEGIN SELECT RAISE(ABORT, 'no ghosts'); END"
    )
    futures = [sqlite.write(lambda tx, id=id: tx.put("tasks", task(id))) for id in ("a", "ghost", "b")]
    assert [future.exception(30) is None for future in futures] == [True, False, True]
    assert not isinstance(futures[1].exception(), StoreUnavailable)
    assert ids(sqlite, Query("tasks", order="id")) == ["a", "b"]


FORK_THEN_CLOSE = """
import os, sys, warnings
from pathlib import Path
from claudia_core.stores.sqlite.store import SqliteStore
warnings.simplefilter("ignore")

def emit(store, subject):
    store.write(lambda tx: tx.emit("a", subject, {})).result(30)

path = Path(sys.argv[1])
store = SqliteStore(path)
emit(store, "parent")
store.head()
opened, closed = os.pipe(), os.pipe()
child = os.fork()
if not child:
    own = SqliteStore(path)
    emit(own, "child")
    os.write(opened[1], b"x")
    os.read(closed[0], 1)
    for _ in range(20):
        emit(own, "child")
    os._exit(0)  # as if killed: nothing is closed
os.read(opened[0], 1)
store.close()
os.write(closed[1], b"x")
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_parent_closes_before_its_child(path: Path) -> None:
    """What a forked child's own store acknowledged is there, also when the parent closed the file meanwhile."""
    assert told(FORK_THEN_CLOSE, path) == "0"
    with closing(SqliteStore(path)) as store:
        assert store.head() == 22


FORK_INSIDE = """
import os, sys, warnings
from pathlib import Path
from claudia_core.errors import StoreClosed
from claudia_core.stores.sqlite.store import SqliteStore
warnings.simplefilter("ignore")
path = Path(sys.argv[1])
store = SqliteStore(path)
with store.snapshot() as reader:
    child = os.fork()
    if not child:
        try:
            SqliteStore(path)
        except StoreClosed as error:
            os._exit(7 if "spawn" in str(error) else 8)
        os._exit(9)
    reader.head()
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
store.write(lambda tx: tx.emit("a", "parent", {})).result(30)
store.close()
"""


def test_fork_inside_a_snapshot(path: Path) -> None:
    """A child forked while the file is in use cannot be made safe, and is kept from opening it; the parent goes on."""
    assert told(FORK_INSIDE, path) == "7"
    with closing(SqliteStore(path)) as store:
        assert store.head() == 1


FORK = """
import os, sys, warnings
from pathlib import Path
from claudia_core.errors import StoreClosed
from claudia_core.stores.sqlite.store import SqliteStore
warnings.simplefilter("ignore")  # the point of the test: people do fork processes that have threads

def emit(store, subject):
    store.write(lambda tx: tx.emit("a", subject, {})).result(30)

def refused(use):
    try:
        use()
    except StoreClosed as error:
        return "parent process" in str(error)

path = Path(sys.argv[1])
store = SqliteStore(path)
emit(store, "parent")
child = os.fork()
if not child:
    uses = (lambda: store.write(print), lambda: store.post("a", print), store.head, store.flush, store.log_status)
    good = all(map(refused, uses))
    store.close()
    own = SqliteStore(path)
    for _ in range(50):
        emit(own, "child")
    good = good and own.head() >= 51
    own.close()
    os._exit(0 if good else 1)
for _ in range(50):
    emit(store, "parent")
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
emit(store, "parent")
store.close()
"""


def test_fork(path: Path) -> None:
    """A forked child is told to open its own store, does so, and both write on without harm."""
    assert told(FORK, path) == "0"
    with closing(SqliteStore(path)) as store:
        events = store.events(0).events
        assert [event.sequence for event in events] == list(range(1, 103))
        assert sum(event.subject == "child" for event in events) == 50
        with store._reader() as reader:
            assert reader.sql.pragma("integrity_check") == "ok"


def test_closed_is_closed(sqlite: SqliteStore) -> None:
    """A closed store names itself when it is used."""
    sqlite.close()
    with pytest.raises(StoreClosed, match=r"claudia\.db"):
        sqlite.head()
