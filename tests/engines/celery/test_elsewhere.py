"""A Celery app whose hub is elsewhere, at an address: a worker of threads, on a real Redis with results."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from claudia_core import Claudia
from claudia_core.api import server
from claudia_core.model.task import Status
from claudia_core.testing.servers import redis_server
from claudia_core.testing.waiting import eventually
from tests.clients.serving import TOKEN, serving
from tests.engines.celery.worker import Worker, ended, loaded, working
from tests.servers import require

pytestmark = [pytest.mark.server, pytest.mark.slow, pytest.mark.xdist_group("redis")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("celery")


@pytest.fixture(scope="module")
def environment(folder: Path) -> Iterator[dict[str, str]]:
    require("Redis", shutil.which("redis-server"))
    with (
        pytest.MonkeyPatch.context() as patch,
        redis_server(folder) as broker,
        Claudia(folder / "hub.db", display="off") as hub,
    ):
        patch.setattr(server, "PAGES", "no.pages")
        with serving(hub) as served:
            yield {
                "PROJ_BROKER": broker.url,
                "PROJ_BACKEND": f"{broker.url[:-1]}1",
                "PROJ_HUB": served.base,
                "PROJ_TOKEN": TOKEN,
                "CLAUDIA_SPOOL": str(folder / "spool"),
            }


@pytest.fixture(scope="module")
def worker(folder: Path, environment: dict[str, str]) -> Iterator[Worker]:
    with working("threads", folder, environment, "--pool", "threads") as worker:
        yield worker


@pytest.fixture(scope="module")
def proj(environment: dict[str, str], worker: Worker) -> Iterator[ModuleType]:
    with loaded(environment) as proj:
        yield proj


def test_a_task(proj: ModuleType) -> None:
    """A task is told to the hub over HTTP, by who sends it and by who runs it."""
    task = ended(proj, proj.add.delay(1, 2, password="hunter2").id)
    assert (task.status, task.result) == (Status.COMPLETED, 3)
    assert task.payload == {"args": [1, 2], "kwargs": {"password": "[scrubbed]"}}
    assert proj.claudia.agents.get(task.agent_id).name == "threads@tests"


def test_failure_and_retries(proj: ModuleType) -> None:
    """So are failures and retries."""
    failed = proj.fail.delay("seven").id
    task = ended(proj, failed)
    assert (task.status, task.error.message) == (Status.FAILED, "seven is no number")
    id = proj.flaky.delay(1).id
    eventually(lambda: proj.claudia.tasks.list(status=Status.COMPLETED, limit=5).tasks[0].id == id, 60.0, 0.1)
    assert proj.claudia.tasks.get(id).attempt == 2


def test_progress(proj: ModuleType) -> None:
    """And progress."""
    task = ended(proj, proj.states.delay(4).id)
    assert (task.progress.current, task.progress.total) == (4, 4)


def test_cancelled_in_the_hub(proj: ModuleType, tmp_path: Path) -> None:
    """In a pool of threads, a task that is cancelled learns of it with its next progress."""
    file = tmp_path / "wait"
    id = proj.wait.delay(str(file)).id
    eventually(file.exists, 60.0)
    proj.claudia.tasks.cancel(id, reason="not needed")
    result = proj.app.AsyncResult(id)
    eventually(lambda: result.state in ("FAILURE", "REVOKED"), 30.0, 0.1)
    assert proj.claudia.tasks.get(id).status is Status.CANCELLED
    result.forget()
