"""Waiting for a task from another program."""

import threading
import time

import pytest

from claudia_core import Claudia, Status
from claudia_core.clients import TaskServiceClient
from claudia_core.errors import HubUnavailable, TaskNotFound, WaitTimeout
from tests.clients.serving import TOKEN


@pytest.fixture
def service(served):
    with TaskServiceClient(served.base, TOKEN, patience=10) as made:
        yield made


ENDS = {
    Status.COMPLETED: lambda hub, id: hub.tasks.complete(id, {"rows": 3}),
    Status.FAILED: lambda hub, id: hub.tasks.fail(id, "row 17 has no date"),
    Status.CANCELLED: lambda hub, id: hub.tasks.cancel(id),
}


@pytest.mark.parametrize("status", ENDS)
def test_every_end_ends_the_wait(served, service, status):
    """Completed, failed or cancelled: the task comes back with what it left."""
    task = service.create_task({"type": "data_processing"}, start=True)
    timer = threading.Timer(0.3, ENDS[status], (served.hub, task.id))
    timer.start()
    ended = service.wait(task.id, timeout=10)
    timer.join()
    assert ended == served.hub.tasks.get(task.id)
    assert ended.status is status


@pytest.mark.parametrize("status", ENDS)
def test_a_task_that_had_ended(served, service, status):
    """Is given back at once."""
    task = served.hub.tasks.create("x", start=True)
    ENDS[status](served.hub, task.id)
    assert service.wait(task.id, timeout=10).status is status
    assert [state.status for state in service.get_task_progress(task.id)] == [status]


def test_each_state_once_and_in_order(served, service):
    """From the present one to the end."""
    task = served.hub.tasks.create("x", estimated_steps=3)
    states = []

    def watch():
        states.extend(service.get_task_progress(task.id, timeout=10))

    thread = threading.Thread(target=watch)
    thread.start()
    time.sleep(0.3)
    served.hub.tasks.start(task.id)
    for n in (1, 2, 3):
        served.hub.progress.report_progress(task.id, n)
    served.hub.tasks.complete(task.id)
    thread.join(10)
    assert [(state.status, state.progress.current) for state in states] == [
        (Status.PENDING, 0),
        (Status.ACTIVE, 0),
        (Status.ACTIVE, 1),
        (Status.ACTIVE, 2),
        (Status.ACTIVE, 3),
        (Status.COMPLETED, 3),
    ]


@pytest.mark.parametrize("id", ["nobody", "a/b", "ü", "a b?c"])
def test_unknown(service, id):
    """Is said at once."""
    started = time.monotonic()
    with pytest.raises(TaskNotFound):
        service.wait(id, timeout=10)
    assert time.monotonic() - started < 5


def test_timeout(service):
    """A task that goes on is not waited for any longer."""
    task = service.create_task(type="x", start=True)
    started = time.monotonic()
    with pytest.raises(WaitTimeout, match=r"within 0\.4 s"):
        service.wait(task.id, timeout=0.4)
    assert 0.4 <= time.monotonic() - started < 5


def test_a_hub_that_never_comes():
    """The patience ends, and so does the time-out, whichever is first."""
    with TaskServiceClient("http://127.0.0.1:9", TOKEN, patience=0.5) as service:
        with pytest.raises(HubUnavailable, match="stayed away"):
            service.wait("x")
        with pytest.raises(WaitTimeout):
            service.wait("x", timeout=0.1)


@pytest.mark.slow
def test_the_hub_is_killed_meanwhile(killable):
    """The wait goes on with the hub that takes its place; states that were known are not told again."""
    with (
        Claudia(killable.base, api_key=TOKEN, display="off") as remote,
        TaskServiceClient(killable.base, TOKEN) as service,
    ):
        task = service.create_task(name="x", start=True)
        states = []
        thread = threading.Thread(target=lambda: states.extend(service.get_task_progress(task.id, timeout=30)))
        thread.start()
        remote.tasks.progress(task.id, 1)
        killable.stop()
        killable.start()
        remote.tasks.progress(task.id, 2)
        remote.tasks.complete(task.id)
        thread.join(30)
        told = [(state.status, state.progress.current) for state in states]
        assert told[-1] == (Status.COMPLETED, 2)
        assert len(set(told)) == len(told)
