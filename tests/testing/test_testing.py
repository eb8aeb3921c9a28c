"""What is shipped for the tests of others."""

import threading

import pytest

from claudia_core.errors import StoreUnavailable
from claudia_core.model import Status
from claudia_core.testing.builders import a_task, an_event, saved_task
from claudia_core.testing.clock import START, FakeClock
from claudia_core.testing.stores import FlakyStore
from claudia_core.testing.waiting import eventually


def test_the_clock_stands_still_until_it_is_moved():
    """Waiting moves it, and takes no time."""
    clock = FakeClock()
    assert clock.now() == clock.now() == START
    clock.move(5)
    event = threading.Event()
    assert clock.wait(event, 3600) is False
    assert (clock.now() - START).total_seconds() == 3605
    event.set()
    assert clock.wait(event, 3600) is True
    assert (clock.now() - START).total_seconds() == 3605
    with pytest.raises(ValueError, match="time does not go back"):
        clock.move(-1)


def test_builders():
    """Everything has a default, and everything can be given."""
    assert a_task(name="x", status=Status.ACTIVE).status is Status.ACTIVE
    assert a_task().id != a_task().id
    event = an_event(3, "x:y", data={"a": 1})
    assert (event.sequence, event.type, event.data) == (3, "x:y", {"a": 1})


@pytest.mark.parametrize("status", Status)
def test_saved_tasks(claudia, status):
    """In the asked status, as the store has it."""
    task = saved_task(claudia, status, name="made")
    assert task.status is status
    assert claudia.tasks.get(task.id) == task


def test_the_fixtures(claudia, claudia_file, tmp_path):
    """One hub in memory and one in a file; neither shows bars nor reads settings from outside."""
    assert claudia.store.url == "memory://"
    assert claudia_file.store.path == tmp_path / "claudia.db"
    assert {claudia.settings.display, claudia_file.settings.display} == {"off"}


def test_the_fixtures_as_a_user_takes_them(pytester, monkeypatch):
    """With the one line that the plugin's documentation gives."""
    pytester.makeconftest('pytest_plugins = ["claudia_core.testing.plugin"]')
    pytester.makepyfile(
        """
        def test_it(claudia, claudia_file):
            for hub in (claudia, claudia_file):
                list(hub.track([1, 2]))
                assert hub.tasks.list().tasks[0].progress.current == 2
        """
    )
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # the other plugins of this project take seconds
    pytester.runpytest_subprocess().assert_outcomes(passed=1)


def test_the_flaky_store():
    """Away on demand."""
    store = FlakyStore()
    store.is_away = True
    with pytest.raises(StoreUnavailable):
        store.write(lambda tx: None).result(10)
    store.is_away = False
    store.write(lambda tx: None).result(10)
    store.close()


def test_eventually():
    """Waits for an answer that is true, and fails with the last one."""
    answers = iter([0, "", 7])
    assert eventually(lambda: next(answers)) == 7
    with pytest.raises(AssertionError, match=r"still None after 0\.01 s"):
        eventually(lambda: None, timeout=0.01)
