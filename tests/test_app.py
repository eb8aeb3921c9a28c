"""Claudia: the composition root."""

import gc
import threading
import weakref
from pathlib import Path

import pytest

from claudia_core import Claudia, Status, Task
from claudia_core.address import open_store, store_file
from claudia_core.errors import ClaudiaError, InvalidValue, SettingsError, StoreClosed
from claudia_core.model.report import ErrorReport
from claudia_core.ports import Store
from claudia_core.settings import default_settings
from claudia_core.stores.memory import MemoryStore
from claudia_core.testing.builders import saved_task
from claudia_core.testing.waiting import eventually


def claudia_threads():
    return {thread.name for thread in threading.enumerate() if thread.name.startswith("claudia")}


def test_public_names():
    """`import claudia_core` gives the names that users need, and no others."""
    import claudia_core

    for name in claudia_core.__all__:
        assert getattr(claudia_core, name)
    with pytest.raises(AttributeError, match="Cloudia"):
        claudia_core.Cloudia  # noqa: B018


ADDRESSES = [
    ("memory://", None),
    ("hub.db", "hub.db"),
    ("sqlite:///hub.db", "hub.db"),
    ("sqlite:///a/b/hub.db", "a/b/hub.db"),
    ("sqlite:////tmp/hub.db", "/tmp/hub.db"),
    ("/tmp/hub.db", "/tmp/hub.db"),
]


@pytest.mark.parametrize(("url", "file"), ADDRESSES)
def test_addresses(tmp_path, monkeypatch, url, file):
    """A path, `sqlite:///` with a relative or (four slashes) an absolute path, or memory."""
    monkeypatch.chdir(tmp_path)
    found = store_file(default_settings(database_url=url))
    assert found == (None if file is None else tmp_path / file)


@pytest.mark.parametrize("url", ["mysql://x", "://", "ftp://x/y"])
def test_unknown_addresses(url):
    """The message lists what is known."""
    with pytest.raises(SettingsError, match=r"CLAUDIA_DATABASE_URL has the unknown scheme .*use sqlite:///FILE"):
        open_store(default_settings(database_url=url))


@pytest.mark.parametrize("url", ["", "sqlite://", "sqlite:///", "/"])
def test_addresses_without_a_file(url):
    """Say so."""
    with pytest.raises(InvalidValue, match="names no file"):
        open_store(default_settings(database_url=url))


def test_a_path_object(tmp_path):
    """As good as a text; the folder is made."""
    with Claudia(tmp_path / "new" / "hub.db", display="off") as claudia:
        saved_task(claudia)
    assert Path(tmp_path / "new" / "hub.db").exists()


def test_a_given_store():
    """Is used and closed with the hub."""
    store = MemoryStore()
    assert isinstance(store, Store)
    with Claudia(store=store, settings=default_settings(display="off")) as claudia:
        assert claudia.store is store
        saved_task(claudia)
    with pytest.raises(StoreClosed):
        store.write(lambda tx: None)


def test_closing_leaves_nothing_behind(tmp_path):
    """No thread and no lock; closing twice is fine; another hub opens the file."""
    before = claudia_threads()
    for _ in range(3):
        claudia = Claudia(tmp_path / "hub.db", display="off")
        claudia.on("*", lambda event: None)
        claudia.subscribe("mail", lambda event: None)
        assert claudia.boards.tasks.picture()
        list(claudia.track([1, 2]))
        assert claudia_threads() - before
        claudia.close()
        claudia.close()
        eventually(lambda: claudia_threads() <= before)


def test_a_closed_hub_is_freed(tmp_path):
    """Nothing global holds it."""
    claudia = Claudia(tmp_path / "hub.db", display="off")
    list(claudia.track([1, 2]))
    gone = weakref.ref(claudia)
    claudia.close()
    del claudia
    eventually(lambda: gc.collect() is not None and gone() is None)


def test_after_close_everything_says_so(claudia):
    """A clear error instead of silence."""
    claudia.close()
    for ask in (
        lambda: claudia.tasks.create("x"),
        lambda: claudia.task("x").__enter__(),
        lambda: claudia.errors.report(ErrorReport(type="ValueError")),
    ):
        with pytest.raises(StoreClosed, match="closed"):
            ask()


def test_one_agent_per_hub(claudia):
    """Registered with the first run, not before, and by one thread of many."""
    assert claudia.agents.list() == []
    found, together = [], threading.Barrier(4)

    def ask():
        together.wait(10)
        found.append(claudia.agent_id())

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(set(found)) == 1
    assert len(claudia.agents.list()) == 1


def test_heartbeats(tmp_path):
    """A hub that runs tasks shows that it lives."""
    settings = default_settings(database_url=str(tmp_path / "hub.db"), heartbeat=0.05, lease=0.2, display="off")
    with Claudia(settings=settings) as claudia:
        id = claudia.agent_id()
        first = claudia.agents.get(id).heartbeat_at
        eventually(lambda: claudia.agents.get(id).heartbeat_at > first)


def test_pruning(tmp_path):
    """By the settings: nothing young, everything over the bytes but the newest."""
    with Claudia(tmp_path / "hub.db", display="off") as claudia:
        saved_task(claudia, Status.COMPLETED)
        assert claudia.prune() == 0
    with Claudia(tmp_path / "hub.db", display="off", keep_bytes=1) as claudia:
        assert claudia.prune() == 2
        assert claudia.store.log_status().events == 1


def test_text(tmp_path):
    """Where the store is."""
    with Claudia("memory://", display="off") as claudia:
        assert repr(claudia) == "Claudia('memory://')"


def test_errors_have_stable_codes():
    """Each class one of its own, in snake case."""

    def below(kind):
        return [kind, *(child for sub in kind.__subclasses__() for child in below(sub))]

    kinds = [kind for kind in below(ClaudiaError) if kind.__module__ == "claudia_core.errors"]
    codes = [kind.code for kind in kinds]
    assert len(set(codes)) == len(codes)
    assert all(code.replace("_", "").isalpha() and code.islower() for code in codes)
    assert all(kind.__name__ in (__import__("claudia_core.errors").errors.__doc__) for kind in kinds)


def test_a_task_is_a_value(claudia):
    """What services return cannot be changed."""
    task = saved_task(claudia)
    assert isinstance(task, Task)
    with pytest.raises(AttributeError):
        task.name = "other"
