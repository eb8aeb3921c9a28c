"""The rules of a task's life."""

from datetime import timedelta

import pytest

from claudia_core.errors import IllegalTransition
from claudia_core.model import Progress, Status, TaskError
from claudia_core.testing.builders import a_task
from claudia_core.testing.clock import START

MAY = {
    (Status.PENDING, Status.ACTIVE),
    (Status.PENDING, Status.FAILED),
    (Status.PENDING, Status.CANCELLED),
    (Status.ACTIVE, Status.COMPLETED),
    (Status.ACTIVE, Status.FAILED),
    (Status.ACTIVE, Status.CANCELLED),
    (Status.ACTIVE, Status.PENDING),
    (Status.FAILED, Status.PENDING),
    (Status.CANCELLED, Status.PENDING),
}


@pytest.mark.parametrize("after", Status)
@pytest.mark.parametrize("before", Status)
def test_every_step_of_the_state_machine(before, after):
    """The steps above are allowed; every other names both statuses and what would be possible."""
    task = a_task(status=before, name="train")
    later = START + timedelta(seconds=1)
    if (before, after) in MAY:
        moved = task.moved(after, later)
        assert (moved.status, moved.updated_at, moved.version) == (after, later, task.version + 1)
        assert task.status is before
        return
    with pytest.raises(IllegalTransition) as caught:
        task.moved(after, later)
    assert f"is {before} and cannot become {after}" in str(caught.value)
    assert "it can become: " in caught.value.hint
    assert caught.value.field == "status"


def test_terminal():
    """Three statuses end a task."""
    assert {status for status in Status if status.is_terminal} == {Status.COMPLETED, Status.FAILED, Status.CANCELLED}


def test_documents_give_the_same_task_back():
    """With and without content."""
    task = a_task(
        status=Status.FAILED,
        payload={"file": "ä", "deep": [1, None, {"x": 1.5}]},
        result=[1],
        error=TaskError("ValueError", "no", "lost", "Traceback..."),
        tags=("a", "b"),
        labels={"team": "data"},
        started_at=START,
        finished_at=START + timedelta(seconds=2),
        deadline=START + timedelta(days=1),
        progress=Progress(3, 10, "on", "rows", 1.5, 4.0, START),
    )
    assert type(task).from_document(task.to_document()) == task
    assert type(task).from_document(task.to_summary(), task.to_content()) == task
    light = type(task).from_document(task.to_summary())
    assert (light.payload, light.result, light.error.traceback) == (None, None, "")
    assert light.error.message == "no"


def test_content_is_left_out_of_summaries():
    """Lists, events and boards stay light."""
    task = a_task(payload={"secret": 1}, error=TaskError("E", "m", traceback="long"))
    assert "secret" not in str(task.to_summary())
    assert "long" not in str(task.to_summary())
    assert a_task().to_content() is None


def test_duration():
    """Seconds from start to finish, where both are known."""
    assert a_task().duration is None
    assert a_task(started_at=START, finished_at=START + timedelta(seconds=2.5)).duration == 2.5


def test_representation():
    """A list of tasks can be read, and shows nothing of their payloads."""
    assert repr([a_task(name="clean", id="t1", payload="secret")]) == "[<Task clean: pending, 0 items; id t1>]"


def test_text():
    """The same each time."""
    assert str(a_task(name="clean", progress=Progress(3, 10))) == "clean: pending, 3/10 items (30%)"
    assert str(a_task(name="clean", error=TaskError("E", "m"))) == "clean: pending, 0 items, E: m"
