"""Lateness: deadlines that pass and news that stop, for each task by itself."""

from datetime import timedelta

import pytest

from claudia_core.app import Claudia
from claudia_core.model import Status
from claudia_core.model.times import utc_now
from claudia_core.services.tasks.lateness import Lateness
from claudia_core.settings import default_settings
from claudia_core.stores.memory import MemoryStore
from claudia_core.testing.clock import FakeClock
from claudia_core.testing.waiting import eventually


@pytest.fixture
def clock(monkeypatch):
    clock = FakeClock()
    monkeypatch.setattr("claudia_core.services.tasks.lateness.utc_now", clock.now)
    return clock


@pytest.fixture
def hub(clock):
    with Claudia(store=MemoryStore(clock=clock), settings=default_settings(display="off")) as hub:
        yield hub


def events(hub, *types):
    return [(event.type, event.data["name"]) for event in hub.events.list(types=types).events]


def test_a_task_that_nobody_began_in_time(hub, clock):
    """It fails, once, and says why; one without a deadline waits on."""
    task = hub.tasks.create("late", deadline=clock.now() + timedelta(seconds=10))
    other = hub.tasks.create("patient")
    assert Lateness(hub.store).look() == 0
    clock.move(10)
    assert Lateness(hub.store).look() == 1
    found = hub.tasks.get(task.id)
    assert (found.status, found.error.code, found.overdue_at) == (Status.FAILED, "deadline", clock.now())
    assert hub.tasks.get(other.id).status is Status.PENDING
    assert Lateness(hub.store).look() == 0
    assert events(hub, "task:overdue", "task:failed") == [("task:overdue", "late"), ("task:failed", "late")]


def test_work_that_is_only_watched_goes_on(hub, clock):
    """It is marked, with an event, once; its end is as it would have been."""
    task = hub.tasks.create("loop", deadline=clock.now() + timedelta(seconds=10), start=True)
    clock.move(11)
    Lateness(hub.store).look()
    Lateness(hub.store).look()
    assert hub.tasks.get(task.id).status is Status.ACTIVE
    assert hub.tasks.complete(task.id).overdue_at is not None
    assert events(hub, "task:overdue") == [("task:overdue", "loop")]


def test_silence(hub, clock):
    """No news for as long as the task allows: it is marked until there are some; each stall is told once."""
    task = hub.tasks.create("quiet", stall_after=5, start=True)
    for _ in range(4):  # news in time
        clock.move(4)
        hub.tasks.progress(task.id, _ + 1)
        Lateness(hub.store).look()
    assert events(hub, "task:stalled") == []
    clock.move(5)
    for _ in range(3):
        Lateness(hub.store).look()
        clock.move(3)
    assert hub.tasks.get(task.id).stalled_at is not None
    hub.tasks.progress(task.id, 9)
    assert hub.tasks.get(task.id).stalled_at is None
    for _ in range(3):
        clock.move(5)
        Lateness(hub.store).look()
    assert events(hub, "task:stalled") == [("task:stalled", "quiet")] * 2
    hub.tasks.complete(task.id)
    clock.move(100)
    assert Lateness(hub.store).look() == 0


def test_each_by_itself(hub, clock):
    """A hundred at once, each with its own patience; what waits is not silent."""
    for number in range(100):
        hub.tasks.create(f"t{number:02}", stall_after=number + 1, start=True)
    hub.tasks.create("pending", stall_after=1)
    clock.move(50)
    Lateness(hub.store).look()
    assert [name for _, name in events(hub, "task:stalled")] == [f"t{number:02}" for number in range(50)]


def test_a_retry_lifts_a_deadline_that_has_passed(hub, clock):
    """Who asks for it again wants it done; one that is still ahead stays."""
    late = hub.tasks.create("late", deadline=clock.now() + timedelta(seconds=10))
    soon = hub.tasks.create("soon", deadline=clock.now() + timedelta(seconds=99))
    hub.tasks.cancel(soon.id)
    clock.move(10)
    Lateness(hub.store).look()
    again = hub.tasks.retry(late.id)
    assert (again.status, again.deadline, again.overdue_at) == (Status.PENDING, None, None)
    assert hub.tasks.retry(soon.id).deadline == soon.deadline


def test_a_process_that_runs_tasks_looks(claudia):
    """Without being asked to."""
    with claudia.task("block", deadline=utc_now()) as task:
        eventually(lambda: claudia.tasks.get(task.id).overdue_at, 30)
