"""An existing Celery app, observed by two lines: a real worker that forks, on a real RabbitMQ, and a hub in a file."""

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from claudia_core.model.task import Status
from claudia_core.testing.servers import rabbitmq_server
from claudia_core.testing.waiting import eventually
from tests.engines.celery.worker import Worker, ended, loaded, working
from tests.servers import require

pytestmark = [pytest.mark.server, pytest.mark.slow, pytest.mark.xdist_group("rabbitmq")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("celery")


@pytest.fixture(scope="module")
def environment(folder: Path) -> Iterator[dict[str, str]]:
    require("RabbitMQ", shutil.which("rabbitmq-server"))
    require("RabbitMQ", "/usr/lib/rabbitmq/bin/rabbitmq-server")
    with rabbitmq_server(folder) as broker:
        yield {"PROJ_BROKER": broker.url, "PROJ_HUB": str(folder / "claudia.db")}


@pytest.fixture(scope="module")
def worker(folder: Path, environment: dict[str, str]) -> Iterator[Worker]:
    with working("forks", folder, environment) as worker:
        yield worker


@pytest.fixture(scope="module")
def proj(environment: dict[str, str], worker: Worker) -> Iterator[ModuleType]:
    with loaded(environment) as proj:
        yield proj


def test_a_task(proj: ModuleType) -> None:
    """A task has Celery's id, its name, arguments without secrets, result, the worker as agent, and how long it ran."""
    task = ended(proj, proj.add.delay(1, 2, password="hunter2").id)
    assert (task.status, task.result, task.type) == (Status.COMPLETED, 3, "tests.engines.celery.proj.add")
    assert task.payload == {"args": [1, 2], "kwargs": {"password": "[scrubbed]"}}
    assert task.tags == ("celery",)
    assert task.labels["celery.queue"] == "proj"
    assert proj.claudia.agents.get(task.agent_id).name == "forks@tests"
    assert task.duration is not None
    assert task.created_at <= task.started_at <= task.finished_at


def test_tasks_are_listed_in_the_order_they_were_sent(proj: ModuleType) -> None:
    """Ids of tasks that an observed app sends sort by time, as those of all tasks of a hub."""
    sent = [proj.nothing.delay().id for _ in range(5)]
    for id in sent:
        ended(proj, id)
    listed = [task.id for task in proj.claudia.tasks.list(order="id", limit=1_000).tasks]
    assert [id for id in listed if id in sent] == sent


def test_an_id_of_ones_own(proj: ModuleType) -> None:
    """A task whose id in Celery is no UUID has one in the hub, and Celery's as a label."""
    proj.add.apply_async((1, 1), task_id="my-own")

    def ask() -> list[Status]:
        found = proj.claudia.tasks.list(limit=1_000).tasks
        return [task.status for task in found if task.labels.get("celery.id") == "my-own"]

    eventually(lambda: ask() == [Status.COMPLETED], 60.0)


def test_a_failure(proj: ModuleType) -> None:
    """A task that raises failed with its traceback, and its error is an issue of the hub."""
    task = ended(proj, proj.fail.delay("seven").id)
    assert task.status is Status.FAILED
    assert (task.error.type, task.error.message) == ("ValueError", "seven is no number")
    assert "in fail" in task.error.traceback
    assert any(issue.type == "ValueError" for issue in proj.claudia.errors.issues().issues)


def test_retries(proj: ModuleType) -> None:
    """A task that Celery retries is one task, with as many attempts as it took."""
    task = ended(proj, proj.flaky.delay(2).id)
    assert (task.status, task.attempt, task.result) == (Status.COMPLETED, 3, "after 2")


def test_retries_that_run_out(proj: ModuleType) -> None:
    """When Celery gives up, the task failed with what it raised at last."""
    task = ended(proj, proj.flaky.delay(9).id)
    assert (task.status, task.attempt, task.error.type) == (Status.FAILED, 4, "ConnectionError")


@pytest.mark.parametrize("way", ["steps", "states"])
def test_progress(proj: ModuleType, way: str) -> None:
    """A task tells how far it is by `current_task().progress` or by Celery's `update_state`."""
    task = ended(proj, getattr(proj, way).delay(4).id)
    assert (task.progress.current, task.progress.total) == (4, 4)
    assert task.progress.message == {"steps": "step 4", "states": "copying"}[way]


def test_the_hub_within_a_task(proj: ModuleType) -> None:
    """What a task tracks with the hub that was opened before the fork is below it."""
    task = ended(proj, proj.loop.delay(10).id)
    assert task.result == 45
    (inner,) = proj.claudia.tasks.children(task.id).tasks
    assert (inner.name, inner.status) == ("inner loop", Status.COMPLETED)


def test_tasks_of_a_task(proj: ModuleType) -> None:
    """Tasks that a task sends are its children; a chain's next one is a child of the one before."""
    top = ended(proj, proj.family.delay().id)

    def ask() -> list[tuple[int, Status]]:
        return [(task.labels.get("celery.group") is not None, task.status) for task in proj.claudia.tasks.below(top.id)]

    done = Status.COMPLETED
    eventually(lambda: sorted(ask()) == [(False, done), (False, done), (True, done), (True, done)], 60.0)
    assert len(proj.claudia.tasks.children(top.id).tasks) == 3


def test_a_task_around(proj: ModuleType) -> None:
    """A task that is sent within a task of the hub is its child."""
    with proj.claudia.task("nightly") as task:
        id = proj.nothing.delay().id
    assert ended(proj, id).parent_id == task.id


def test_a_soft_limit(proj: ModuleType) -> None:
    """A task whose time was up failed."""
    task = ended(proj, proj.slow.delay().id)
    assert (task.status, task.error.type) == (Status.FAILED, "billiard.exceptions.SoftTimeLimitExceeded")


def test_ignored(proj: ModuleType) -> None:
    """A task that tells Celery to ignore it has ended."""
    assert ended(proj, proj.ignored.delay().id).status is Status.COMPLETED


def test_expired(proj: ModuleType) -> None:
    """A task whose time to begin has passed was cancelled, and says why."""
    task = ended(proj, proj.nothing.apply_async(expires=-1).id)
    assert (task.status, task.progress.message) == (Status.CANCELLED, "expired in Celery")


@pytest.mark.parametrize("name", ["wait", "stubborn"])
def test_cancelled_in_the_hub(proj: ModuleType, tmp_path: Path, name: str) -> None:
    """A running task that is cancelled in the hub stops: it is told with its next progress, or by Celery."""
    file = tmp_path / name
    id = getattr(proj, name).delay(str(file)).id
    eventually(file.exists, 60.0)
    proj.claudia.tasks.cancel(id, reason="not needed")
    after = proj.nothing.delay()
    other = proj.nothing.delay()
    assert ended(proj, after.id).status is Status.COMPLETED
    assert ended(proj, other.id).status is Status.COMPLETED
    if name == "stubborn":
        eventually(Path(f"{file}.stopped").exists, 60.0)
    task = proj.claudia.tasks.get(id)
    assert (task.status, task.progress.message) == (Status.CANCELLED, "not needed")


def test_terminated_in_celery(proj: ModuleType, tmp_path: Path) -> None:
    """A running task that is told to stop in Celery, softly, was cancelled: it did not fail."""
    file = tmp_path / "stubborn"
    result = proj.stubborn.delay(str(file))
    eventually(file.exists, 60.0)
    result.revoke(terminate=True, signal="SIGUSR1")
    task = ended(proj, result.id)
    assert (task.status, task.progress.message) == (Status.CANCELLED, "terminated in Celery")


def test_a_process_that_is_killed(proj: ModuleType, tmp_path: Path) -> None:
    """A task whose process is killed failed as lost, as the worker says; the next tasks run in another process."""
    file = tmp_path / "wait"
    id = proj.wait.delay(str(file)).id
    eventually(lambda: file.exists() and file.read_text(), 60.0)
    os.kill(int(file.read_text()), signal.SIGKILL)
    task = ended(proj, id)
    assert (task.status, task.error and task.error.code) == (Status.FAILED, "lost"), task
    assert ended(proj, proj.loop.delay(3).id).result == 3


def test_the_worker_ends(proj: ModuleType, worker: Worker) -> None:
    """A worker that ends in good order is an agent that went offline; what is still sent waits for the next one."""
    agent = next(agent for agent in proj.claudia.agents.list() if agent.name == worker.name)
    assert worker.stop() == 0
    assert proj.claudia.agents.get(agent.id).status == "offline"
    id = proj.nothing.delay().id
    eventually(lambda: any(task.id == id for task in proj.claudia.tasks.list().tasks))
    assert proj.claudia.tasks.get(id).status is Status.PENDING
    proj.claudia.tasks.cancel(id)
    worker.start()
    assert ended(proj, proj.nothing.delay().id).status is Status.COMPLETED
    assert proj.claudia.tasks.get(id).status is Status.CANCELLED
