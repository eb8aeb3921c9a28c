"""What is killed in the middle of many tasks: a worker with all its processes, and the broker. Nothing is forgotten."""

import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import pytest

from claudia_core.model.task import Status
from claudia_core.testing.servers import Server, rabbitmq_server
from claudia_core.testing.waiting import eventually
from tests.engines.celery.worker import Worker, loaded, working
from tests.servers import require

pytestmark = [pytest.mark.server, pytest.mark.slow, pytest.mark.xdist_group("rabbitmq")]

MANY = 1_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("celery")


@pytest.fixture(scope="module")
def broker(folder: Path) -> Iterator[Server]:
    require("RabbitMQ", shutil.which("rabbitmq-server"))
    require("RabbitMQ", "/usr/lib/rabbitmq/bin/rabbitmq-server")
    with rabbitmq_server(folder) as broker:
        yield broker


@pytest.fixture(scope="module")
def environment(folder: Path, broker: Server) -> dict[str, str]:
    return {"PROJ_BROKER": broker.url, "PROJ_HUB": str(folder / "claudia.db")}


@pytest.fixture(scope="module")
def worker(folder: Path, environment: dict[str, str]) -> Iterator[Worker]:
    with working("forks", folder, environment) as worker:
        yield worker


@pytest.fixture(scope="module")
def proj(environment: dict[str, str], worker: Worker) -> Iterator[ModuleType]:
    with loaded(environment) as proj:
        yield proj


def ends(proj: ModuleType, ids: set[str]) -> Counter[str]:
    """How many of these tasks are in which status; those that failed by the code of their error."""
    tasks = proj.claudia.tasks.list(limit=10_000).tasks
    return Counter(task.error.code if task.error else task.status.value for task in tasks if task.id in ids)


def completed(proj: ModuleType, ids: set[str]) -> Counter[str]:
    """How often the log says of each task that it completed."""
    told: Counter[str] = Counter()
    position = 0
    while True:
        found = proj.claudia.store.events(position, 1_000, ("task:completed",))
        told.update(event.subject for event in found.events if event.subject in ids)
        position = found.position
        if len(found.events) < 1_000:
            return told


@contextmanager
def waiting(proj: ModuleType) -> Iterator[None]:
    """The worker takes nothing meanwhile: else it might be done with the first before the last is sent."""
    proj.app.control.cancel_consumer("proj", reply=True, timeout=10.0)
    yield
    proj.app.control.add_consumer("proj")


def test_a_worker_that_is_killed(proj: ModuleType, worker: Worker) -> None:
    """Killed in the middle of 1,000 tasks: each ends completed, once, or failed as lost, when the next one works."""
    with waiting(proj):
        ids = {proj.pause.delay(0.01).id for _ in range(MANY)}
    eventually(lambda: ends(proj, ids)[Status.COMPLETED] > MANY // 10, 60.0)
    worker.kill()
    before = ends(proj, ids)
    assert before[Status.COMPLETED] < MANY, "it was killed in the middle"
    worker.start()
    eventually(lambda: ends(proj, ids)[Status.COMPLETED] + ends(proj, ids)["lost"] == MANY, 90.0, 0.2)
    after = ends(proj, ids)
    assert after["lost"] <= 4, "only what ran at that moment, in two processes, and what was taken for them"
    assert max(completed(proj, ids).values()) == 1


def test_a_broker_that_is_killed(proj: ModuleType, worker: Worker, broker: Server) -> None:
    """Killed in the middle and started again: all tasks complete, each once, though some may be run twice."""
    ids = {proj.pause.delay(0.1).id for _ in range(200)}
    eventually(lambda: ends(proj, ids)[Status.COMPLETED] > 10, 60.0)
    broker.kill()
    assert ends(proj, ids)[Status.COMPLETED] < 200, "it was killed in the middle"
    broker.start()
    eventually(lambda: ends(proj, ids)[Status.COMPLETED] == 200, 90.0, 0.2)
    assert set(completed(proj, ids).values()) == {1}
