"""What can be observed, and an app whose tasks run where they are called."""

import os
from collections.abc import Iterator

import pytest
from celery import Celery

from claudia_core import Claudia
from claudia_core.engines.celery.messages import hub_id
from claudia_core.engines.celery.states import progress_of
from claudia_core.errors import InvalidValue
from claudia_core.model.task import Status


@pytest.fixture
def app() -> Iterator[Celery]:
    app = Celery("here", broker="memory://", set_as_current=False)
    app.conf.task_always_eager = True
    yield app
    app.close()


def nothing() -> None:
    """Does nothing."""


def test_something_else(claudia: Claudia) -> None:
    """What cannot be observed is refused, with what can."""
    with pytest.raises(InvalidValue, match="int cannot be observed") as refusal:
        claudia.observe(3)
    assert "a Celery app, or a Dask client" in str(refusal.value.hint)


def test_eager_tasks(claudia: Claudia, app: Celery) -> None:
    """A task that runs where it is called is told like any other, below the task that is around it."""
    claudia.observe(app)

    @app.task(name="double")
    def double(number: int) -> int:
        claudia.current_task().progress(1, total=2)
        return 2 * number

    with claudia.task("around") as around:
        assert double.delay(4).get() == 8
    claudia.flush()
    (task,) = claudia.tasks.children(around.id).tasks
    assert (task.name, task.status, task.progress.total) == ("double", Status.COMPLETED, 2)
    assert claudia.tasks.get(task.id).result == 8


def test_stopping(claudia: Claudia, app: Celery) -> None:
    """After `stop()` nothing is told any more."""
    observer = claudia.observe(app)
    observer.stop()
    app.task(name="quiet")(nothing).delay()
    claudia.flush()
    assert claudia.tasks.list().tasks == []


def test_another_app(claudia: Claudia, app: Celery) -> None:
    """Of several apps in one process only the observed one is told of."""
    claudia.observe(app)
    other = Celery("other", broker="memory://", set_as_current=False)
    other.conf.task_always_eager = True
    other.task(name="elsewhere")(nothing).delay()
    claudia.flush()
    assert claudia.tasks.list().tasks == []
    other.close()


@pytest.mark.parametrize(
    ("state", "meta", "told"),
    [
        ("PROGRESS", {"current": 3, "total": 10}, (3, 10, None)),
        ("PROGRESS", {"current": -1, "total": "many", "status": "copying"}, (None, None, "copying")),
        ("LOADING", {"current": 1}, (1, None, "LOADING")),
        ("LOADING", None, (None, None, "LOADING")),
    ],
)
def test_states(state: str, meta: object, told: tuple[object, ...]) -> None:
    """What a task says with `update_state` as progress: numbers that are none are left out."""
    assert progress_of(state, meta) == told


def test_ids() -> None:
    """A UUID of Celery's is the hub's id; any other id always gives the same one."""
    own = "0199d3a5-0000-7000-8000-000000000000"
    assert hub_id(own) == own
    assert hub_id("report-7") == hub_id("report-7") != hub_id("report-8")


def test_a_fork(claudia_file: Claudia) -> None:
    """A hub can be opened anew in a forked process, and tells there what runs there."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        claudia_file.reopen()
        with claudia_file.task("in the child"):
            pass
        claudia_file.close()
        os.write(writing, b"done")
        os._exit(0)
    os.close(writing)
    assert os.read(reading, 4) == b"done"
    os.close(reading)
    os.waitpid(child, 0)
    assert [task.name for task in claudia_file.tasks.list().tasks] == ["in the child"]
