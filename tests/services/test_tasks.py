"""Tasks: every change and its events are saved in one transaction."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from claudia_core.errors import IllegalTransition, InvalidValue, TaskNotFound, TooLarge
from claudia_core.model import Status, TaskError
from claudia_core.model.times import utc_now
from claudia_core.services.tasks import moves
from claudia_core.services.tasks.service import NewTask
from claudia_core.testing.builders import saved_task

NOBODY = str(uuid.UUID(int=7))


def types_since(claudia, position):
    return [event.type for event in claudia.store.events(position).events]


def test_a_new_task(claudia):
    """Pending, its own root, version 1, with all that was given."""
    deadline = datetime(2030, 1, 1, tzinfo=UTC)
    made = claudia.tasks.create(
        "clean",
        type="data",
        payload={"file": 1},
        tags=["a"],
        labels={"team": "x"},
        deadline=deadline,
        estimated_steps=5,
        attempts=3,
    )
    found = claudia.tasks.get(made.id)
    assert found == made
    assert (found.status, found.root_id, found.parent_id, found.attempt) == (Status.PENDING, found.id, None, 1)
    assert (found.payload, found.deadline, found.progress.total) == ({"file": 1}, deadline, 5)
    assert found.created_at == found.updated_at


def test_a_name_is_not_needed(claudia):
    """The type serves as one."""
    assert claudia.tasks.create(type="data_processing").name == "data_processing"


def test_the_id_makes_creating_repeatable(claudia):
    """The same id again gives the task that is there, and changes nothing."""
    first = claudia.tasks.create("one", id=str(uuid.uuid4()).upper())
    head = claudia.store.head()
    assert claudia.tasks.create("two", id=first.id) == first
    assert claudia.store.head() == head


BAD = [
    ({"name": ""}, "name"),
    ({"type": ""}, "type"),
    ({"type": 3}, "type"),
    ({"unit": "\x00"}, "unit"),
    ({"payload": {1: 2}}, "payload"),
    ({"payload": "x" * 1_000_000}, "payload"),
    ({"parent_id": "x"}, "parent_id"),
    ({"parent_id": NOBODY}, "parent_id"),
    ({"tags": [""]}, "tags"),
    ({"labels": {"a": None}}, "labels.a"),
    ({"deadline": datetime(2030, 1, 1)}, "deadline"),  # noqa: DTZ001 - the mistake under test
    ({"estimated_steps": float("nan")}, "estimated_steps"),
    ({"attempts": 0}, "attempts"),
    ({"attempts": True}, "attempts"),
    ({"id": "x"}, "id"),
]


@pytest.mark.parametrize(("values", "field"), BAD, ids=[f"{n} {field}" for n, (_, field) in enumerate(BAD)])
def test_a_bad_value_is_named_and_nothing_is_written(claudia, values, field):
    """One bad task of several refuses them all."""
    news = [NewTask(name="good"), NewTask(**{"name": "bad", **values})]
    with pytest.raises((InvalidValue, TooLarge, TaskNotFound)) as caught:
        claudia.tasks.create_many(news)
    assert caught.value.field == field
    assert claudia.store.head() == 0
    assert claudia.tasks.counts()[Status.PENDING] == 0


def test_a_life(claudia):
    """From created to completed, with one event for each change and the counts right at every step."""
    task = claudia.tasks.create("clean", estimated_steps=4)
    assert claudia.tasks.counts()[Status.PENDING] == 1
    assert claudia.tasks.start(task.id, agent_id="me").agent_id == "me"
    claudia.tasks.progress(task.id, 2, message="half")
    done = claudia.tasks.complete(task.id, {"rows": 4})
    assert types_since(claudia, 0) == [
        "task:created",
        "task:started",
        "progress:updated",
        "task:progress",
        "task:completed",
    ]
    assert claudia.tasks.get(task.id) == done
    assert (done.result, done.progress.current, done.progress.message) == ({"rows": 4}, 4, "half")
    assert done.duration >= 0
    assert {status: n for status, n in claudia.tasks.counts().items() if n} == {Status.COMPLETED: 1}


def test_events_carry_the_task_without_its_content(claudia):
    """And their subject is the task."""
    task = claudia.tasks.create("clean", payload={"secret": "x"})
    (event,) = claudia.store.events(0).events
    assert event.subject == task.id
    assert event.data == task.to_summary()


@pytest.mark.parametrize("status", Status)
def test_what_is_not_allowed_changes_nothing(claudia, status):
    """An illegal step raises, and leaves neither event nor document."""
    steps = {
        "start": (claudia.tasks.start, {Status.PENDING}),
        "complete": (claudia.tasks.complete, {Status.ACTIVE}),
        "fail": (lambda id: claudia.tasks.fail(id, "no"), {Status.PENDING, Status.ACTIVE}),
        "cancel": (claudia.tasks.cancel, {Status.PENDING, Status.ACTIVE}),
        "retry": (claudia.tasks.retry, {Status.FAILED, Status.CANCELLED}),
    }
    for step, allowed in steps.values():
        if status in allowed:
            continue
        task = saved_task(claudia, status)
        head = claudia.store.head()
        with pytest.raises(IllegalTransition, match=f"is {status} and cannot become"):
            step(task.id)
        assert claudia.store.head() == head
        assert claudia.tasks.get(task.id) == task


def test_unknown_tasks(claudia):
    """Every question and every change says so, naming the id."""
    tasks = claudia.tasks
    for ask in (
        tasks.get,
        tasks.start,
        tasks.complete,
        tasks.cancel,
        tasks.retry,
        lambda id: tasks.fail(id, "no"),
        lambda id: tasks.progress(id, 1),
        lambda id: claudia.progress.report_progress(id, 1),
        claudia.progress.get,
        claudia.progress.create,
        claudia.progress.complete,
    ):
        with pytest.raises(TaskNotFound, match=NOBODY):
            ask(NOBODY)
    assert claudia.store.head() == 0


def test_a_failure_is_reported_once_in_the_same_commit(claudia):
    """The task, its event and its error have one time; the error leads to the task."""
    task = saved_task(claudia, Status.ACTIVE)
    try:
        raise ValueError("no data")
    except ValueError as error:
        failed = claudia.tasks.fail(task.id, error, result={"partial": 1})
    types = types_since(claudia, 2)
    assert sorted(types) == ["error:reported", "issue:opened", "task:failed"]
    times = {event.time for event in claudia.store.events(2).events}
    assert len(times) == 1
    (occurrence,) = claudia.errors.occurrences(task_id=task.id)
    assert (occurrence.type, occurrence.message) == ("ValueError", "no data")
    detail = claudia.errors.occurrence(occurrence.id)
    assert "test_a_failure_is_reported_once" in detail.traceback
    assert claudia.tasks.get(task.id).error.traceback == detail.traceback
    assert detail.exceptions[0]["frames"][0]["code"].strip() == 'raise ValueError("no data")'
    assert (failed.error.code, failed.result) == ("error", {"partial": 1})


def test_the_same_failure_again_is_the_same_issue(claudia):
    """Grouped by type and place, not by message."""
    for message in ("one", "two"):
        claudia.tasks.fail(saved_task(claudia, Status.ACTIVE).id, TaskError("ValueError", message))
    (issue,) = claudia.errors.issues().issues
    assert (issue.count, issue.title) == (2, "two")


@pytest.mark.parametrize("error", ["", "no", TaskError("E", "m\x00", traceback="t\ud800"), KeyError("x")], ids=repr)
def test_errors_of_any_kind(claudia, error):
    """A text, a value or an exception; made safe to store."""
    failed = claudia.tasks.fail(saved_task(claudia).id, error)
    assert claudia.tasks.get(failed.id).error == failed.error


def test_an_error_that_is_none(claudia):
    """Is refused by name."""
    task = saved_task(claudia)
    with pytest.raises(InvalidValue) as caught:
        claudia.tasks.fail(task.id, 5)
    assert caught.value.field == "error"


def test_hostile_exceptions(claudia):
    """An exception whose text cannot be made still fails the task; a huge traceback is shortened."""

    class Hostile(Exception):
        def __str__(self):
            raise RuntimeError("no text")

    failed = claudia.tasks.fail(saved_task(claudia).id, Hostile())
    assert "could not be made: RuntimeError" in failed.error.message
    failed = claudia.tasks.fail(saved_task(claudia).id, ValueError("x" * 200_000))
    assert len(failed.error.message) <= 2_000
    assert len(failed.error.traceback) <= 64_000


def test_cancelling_takes_what_is_below_along(claudia):
    """Pending and active children at any depth; what has ended stays, and what is beside is left alone."""
    root = saved_task(claudia, Status.ACTIVE)
    pending = saved_task(claudia, parent_id=root.id)
    active = saved_task(claudia, Status.ACTIVE, parent_id=root.id)
    done = saved_task(claudia, Status.COMPLETED, parent_id=root.id)
    deep = saved_task(claudia, Status.ACTIVE, parent_id=active.id, payload={"kept": 1})
    beside = saved_task(claudia, Status.ACTIVE)
    head = claudia.store.head()
    claudia.tasks.cancel(root.id, reason="not needed")
    for task in (root, pending, active, deep):
        found = claudia.tasks.get(task.id)
        assert (found.status, found.progress.message) == (Status.CANCELLED, "not needed")
    assert claudia.tasks.get(deep.id).payload == {"kept": 1}
    assert claudia.tasks.get(done.id).status is Status.COMPLETED
    assert claudia.tasks.get(beside.id).status is Status.ACTIVE
    events = claudia.store.events(head).events
    assert [event.type for event in events] == ["task:cancelled"] * 4
    assert len({event.time for event in events}) == 1
    assert claudia.tasks.counts()[Status.CANCELLED] == 4


def test_cancelling_a_thousand_children_is_quick(claudia):
    """The cost grows with their number, not with its square."""
    root = saved_task(claudia, Status.ACTIVE)
    claudia.tasks.create_many(NewTask(name="child", parent_id=root.id) for _ in range(1_000))
    claudia.tasks.cancel(root.id)
    assert claudia.tasks.counts()[Status.CANCELLED] == 1_001


def test_a_retry(claudia):
    """Another attempt from zero; the payload stays, the result, error and agent go."""
    task = claudia.tasks.create("work", payload={"a": 1}, estimated_steps=9, start=True, agent_id="me")
    claudia.tasks.progress(task.id, 5)
    failed = claudia.tasks.fail(task.id, "no", result={"partial": 1})
    again = claudia.tasks.retry(task.id)
    assert (again.status, again.attempt, again.attempts) == (Status.PENDING, 2, 2)
    assert (again.error, again.result, again.agent_id, again.started_at, again.finished_at) == (None,) * 5
    assert (again.progress.current, again.progress.total, again.payload) == (0, 9, {"a": 1})
    assert claudia.tasks.get(task.id) == again
    assert again.version == failed.version + 1
    claudia.tasks.start(task.id)
    assert claudia.tasks.complete(task.id).attempt == 2


def test_children(claudia):
    """Directly below, in the order they were made, page by page; the root is that of the whole tree."""
    root = saved_task(claudia)
    made = [saved_task(claudia, name=f"child {n}", parent_id=root.id) for n in range(5)]
    below = saved_task(claudia, parent_id=made[0].id)
    assert [task.id for task in claudia.tasks.children(root.id).tasks] == [task.id for task in made]
    assert below.root_id == root.id
    page = claudia.tasks.children(root.id, limit=3)
    rest = claudia.tasks.children(root.id, limit=3, after=page.next)
    assert [task.name for task in (*page.tasks, *rest.tasks)] == [f"child {n}" for n in range(5)]
    assert rest.next is None


def test_listing(claudia):
    """By status, type, name prefix, agent and place in the tree; newest first."""
    first = saved_task(claudia, Status.COMPLETED, name="Clean rows", type="data")
    second = saved_task(claudia, Status.FAILED, name="clean columns", type="data")
    third = saved_task(claudia, Status.ACTIVE, name="train", type="ml", parent_id=first.id, agent_id="me")

    def ids(**filters):
        return [task.id for task in claudia.tasks.list(**filters).tasks]

    assert ids() == [third.id, second.id, first.id]
    assert ids(status="failed") == ids(status=Status.FAILED) == [second.id]
    assert ids(status=["failed", Status.ACTIVE]) == [third.id, second.id]
    assert ids(status=[]) == []
    assert ids(type="data") == ids(type=["data", "none"]) == [second.id, first.id]
    assert ids(name="CLEAN ") == [second.id, first.id]
    assert ids(name="clean r") == [first.id]
    assert ids(roots=True) == [second.id, first.id]
    assert ids(parent_id=first.id) == ids(agent_id="me") == [third.id]
    assert ids(order="id") == [first.id, second.id, third.id]
    with pytest.raises(InvalidValue, match="use pending, active, completed, failed, cancelled"):
        claudia.tasks.list(status="done")
    with pytest.raises(InvalidValue):
        claudia.tasks.list(order="payload")
    for limit in (0, -1, 10_001):
        with pytest.raises(InvalidValue, match="limit"):
            claudia.tasks.list(limit=limit)


def test_frame(claudia):
    """One row a task, with types that do not depend on what is in it."""
    empty = claudia.tasks.frame()
    saved_task(claudia, Status.FAILED, name="broken")
    full = claudia.tasks.frame()
    assert list(empty.dtypes) == list(full.dtypes)
    assert len(empty) == 0
    row = full.iloc[0]
    assert (row["name"], row["status"], row["error"]) == ("broken", "failed", "Error: it broke")
    assert str(full["created_at"].dtype) == "datetime64[us, UTC]"
    assert len(claudia.tasks.frame(status="completed")) == 0


def test_soon(claudia):
    """Made and moved without waiting, in order."""
    new = NewTask(name="soon", id=str(uuid.uuid4()))
    claudia.tasks.create_soon(new, start=True)
    from claudia_core.services.tasks.moves import completing

    claudia.tasks.move_soon(new.id, completing({"a": 1}))
    claudia.flush()
    assert (claudia.tasks.get(new.id).status, claudia.tasks.get(new.id).result) == (Status.COMPLETED, {"a": 1})


def test_times_are_utc_and_do_not_go_back(claudia):
    """Every event carries the time of its commit."""
    for _ in range(20):
        saved_task(claudia, Status.COMPLETED)
    times = [event.time for event in claudia.store.events(0).events]
    assert times == sorted(times)
    assert {time.utcoffset() for time in times} == {timedelta(0)}


def test_news_of_another_system(claudia):
    """What another system tells of its tasks may come in any order; a child that was told of first gets its parent."""
    parent, child = NewTask(name="parent").checked(), NewTask(name="child").checked()
    claudia.tasks.note_soon(replace(child, parent_id=parent.id), moves.starting(None))
    claudia.flush()
    assert claudia.tasks.get(child.id).parent_id is None
    claudia.tasks.note_soon(parent)
    claudia.tasks.note_soon(replace(child, parent_id=parent.id))
    claudia.flush()
    (found,) = claudia.tasks.children(parent.id).tasks
    assert (found.id, found.root_id, found.status) == (child.id, parent.id, Status.ACTIVE)


def test_news_of_before(claudia):
    """What is noted late stands with the time when it happened, and no later than the commit."""
    task = NewTask(name="late").checked()
    then = utc_now() - timedelta(seconds=30)
    claudia.tasks.note_soon(task, at=then)
    claudia.tasks.note_soon(task, moves.starting(None), at=then + timedelta(seconds=10))
    claudia.tasks.note_soon(task, moves.completing(None), at=utc_now() + timedelta(days=1))
    claudia.flush()
    found = claudia.tasks.get(task.id)
    assert found.created_at == then
    assert 20 <= found.duration < 3_600
