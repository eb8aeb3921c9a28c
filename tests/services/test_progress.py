"""Progress: the coalesced path and the durable one."""

import pytest

from claudia_core.errors import InvalidValue
from claudia_core.model import Status
from claudia_core.testing.builders import saved_task


@pytest.fixture
def task(claudia):
    """An active task of ten steps."""
    return saved_task(claudia, Status.ACTIVE, estimated_steps=10)


def updates(claudia, task):
    return [event for event in claudia.store.events(0, subject=task.id).events if event.type == "progress:updated"]


def test_update_returns_at_once_and_the_last_wins(claudia, task):
    """Many updates of one task become few events; the last one is never lost."""
    for step in range(1, 1001):
        claudia.progress.update(task.id, step / 100)
    claudia.flush()
    assert claudia.progress.get(task.id).current == 10
    events = updates(claudia, task)
    assert 1 <= len(events) < 1000
    assert events[-1].data["current"] == 10


def test_report_progress_returns_what_is_saved(claudia, task):
    """With total and message; the percentage is derived."""
    progress = claudia.progress.report_progress(task.id, 3, total=12, message="three\x00")
    assert (progress.current, progress.percentage, progress.message) == (3, 25, "three\ufffd")
    assert claudia.progress.get(task.id) == progress
    (event,) = updates(claudia, task)
    assert (event.data["task_id"], event.data["percentage"]) == (task.id, 25)


def test_late_updates_are_dropped(claudia, task):
    """No event, no change."""
    claudia.progress.report_progress(task.id, 5)
    head = claudia.store.head()
    assert claudia.progress.report_progress(task.id, 4, message="late").message == ""
    assert claudia.tasks.progress(task.id, 4).progress.current == 5
    claudia.progress.update(task.id, 3)
    claudia.flush()
    assert claudia.store.head() == head


def test_late_progress_of_an_earlier_attempt_is_dropped(claudia, task):
    """A straggler of attempt 1 does not move attempt 2."""
    claudia.tasks.fail(task.id, "no")
    claudia.tasks.retry(task.id)
    claudia.tasks.start(task.id)
    claudia.progress.update(task.id, 9, attempt=1)
    claudia.flush()
    assert claudia.progress.get(task.id).current == 0
    claudia.progress.update(task.id, 2, attempt=2)
    claudia.flush()
    assert claudia.progress.get(task.id).current == 2


@pytest.mark.parametrize("status", [Status.COMPLETED, Status.FAILED, Status.CANCELLED])
def test_progress_after_the_end_is_dropped(claudia, status):
    """An ended task stays as it ended."""
    task = saved_task(claudia, status)
    head = claudia.store.head()
    claudia.progress.update(task.id, 9)
    claudia.progress.report_progress(task.id, 9)
    claudia.tasks.progress(task.id, 9)
    claudia.progress.complete(task.id)
    claudia.flush()
    assert claudia.store.head() == head


def test_updates_of_unknown_tasks_are_dropped(claudia):
    """The quick path cannot say so; `report_progress` does (see test_tasks)."""
    claudia.progress.update("nobody", 1)
    claudia.flush()
    assert claudia.store.head() == 0


def test_create_and_complete(claudia, task):
    """The total before the task moves, and all of it done without ending the task."""
    assert claudia.progress.create(task.id, total=7, message="ready").total == 7
    assert claudia.progress.complete(task.id).current == 7
    assert claudia.tasks.get(task.id).status is Status.ACTIVE


@pytest.mark.parametrize("path", ["update", "report_progress"])
@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"current": -1}, "current"),
        ({"current": float("nan")}, "current"),
        ({"current": True}, "current"),
        ({"current": "3"}, "current"),
        ({"total": float("inf")}, "total"),
        ({"total": 2**54}, "total"),
        ({"message": 3}, "message"),
    ],
)
def test_absurd_values_are_named_at_once(claudia, task, path, values, field):
    """Also on the path that does not wait."""
    with pytest.raises(InvalidValue) as caught:
        getattr(claudia.progress, path)(task.id, **values)
    assert caught.value.field == field
