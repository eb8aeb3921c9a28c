"""Tasks of the hub that Celery workers run: a real worker that forks, on a real Redis, and a hub in a file."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from claudia_core.engines.celery.engine import CeleryEngine
from claudia_core.engines.choosing import celery_engine
from claudia_core.engines.working import Working
from claudia_core.errors import StaleClaim
from claudia_core.model.agent import AgentStatus
from claudia_core.model.task import Status, Task
from claudia_core.services.tasks.claims import Claims, Terms
from claudia_core.testing.servers import Server, redis_server
from claudia_core.testing.waiting import eventually
from tests.engines.celery.worker import Worker, ended, loaded, working
from tests.servers import require

pytestmark = [pytest.mark.server, pytest.mark.slow, pytest.mark.xdist_group("redis")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("celery")


@pytest.fixture(scope="module")
def broker(folder: Path) -> Iterator[Server]:
    require("Redis", shutil.which("redis-server"))
    with redis_server(folder) as broker:
        yield broker


@pytest.fixture(scope="module")
def environment(folder: Path, broker: Server) -> dict[str, str]:
    return {"PROJ_BROKER": broker.url, "PROJ_HUB": str(folder / "claudia.db")}


@pytest.fixture(scope="module")
def worker(folder: Path, environment: dict[str, str]) -> Iterator[Worker]:
    with working("runs", folder, environment) as worker:
        yield worker


@pytest.fixture(scope="module")
def proj(environment: dict[str, str], worker: Worker) -> Iterator[ModuleType]:
    with loaded(environment) as proj:
        yield proj


@pytest.fixture(scope="module")
def agent(proj: ModuleType) -> Iterator[Working]:
    """What sends the hub's tasks to the workers."""
    with proj.claudia.work(engine=celery_engine(proj.app), capacity=50) as agent:
        yield agent


def done(proj: ModuleType, type: str, **payload: object) -> Task:
    return ended(proj, proj.claudia.tasks.create(type=type, payload=payload).id)


def test_a_task(proj: ModuleType, agent: Working) -> None:
    """A task of the hub is run by the handler of its type in a worker, which is then its agent."""
    task = done(proj, "total", numbers=[1, 2, 3])
    assert (task.status, task.result, task.progress.message) == (Status.COMPLETED, 6, "added")
    assert proj.claudia.agents.get(task.agent_id).name == "runs@tests"


def test_a_coroutine(proj: ModuleType, agent: Working) -> None:
    """A handler may be a coroutine function."""
    assert done(proj, "doubled", number=4).result == 8


def test_many(proj: ModuleType, agent: Working) -> None:
    """More tasks than may wait at once are all run, each once."""
    ids = [proj.claudia.tasks.create(type="total", payload={"numbers": [n]}).id for n in range(200)]
    for number, id in enumerate(ids):
        task = ended(proj, id)
        assert (task.result, task.attempt) == (number, 1)


def test_a_bad_payload(proj: ModuleType, agent: Working) -> None:
    """A payload that the handler does not take fails that task, with the field."""
    task = done(proj, "total", numbers="many")
    assert (task.status, task.error.code) == (Status.FAILED, "payload")
    assert "numbers" in task.error.message


def test_retries(proj: ModuleType, agent: Working) -> None:
    """A handler's retries are kept: each is a new message."""
    assert done(proj, "flop", times=2).result == 3
    task = done(proj, "flop", times=9)
    assert (task.status, task.attempt, task.error.type) == (Status.FAILED, 3, "ConnectionError")


def test_a_time_out(proj: ModuleType, agent: Working) -> None:
    """Work that takes too long and does not listen is killed with its process; the worker goes on."""
    task = done(proj, "hang")
    assert (task.status, task.error.code) == (Status.FAILED, "timeout")
    assert done(proj, "total", numbers=[1]).result == 1


def test_cancelled(proj: ModuleType, agent: Working, tmp_path: Path) -> None:
    """A task that is cancelled in the hub stops in its worker."""
    file = tmp_path / "listen"
    task = proj.claudia.tasks.create(type="listen", payload={"file": str(file)})
    eventually(file.exists, 60.0)
    proj.claudia.tasks.cancel(task.id, reason="not needed")
    eventually(Path(f"{file}.stopped").exists, 60.0)
    assert ended(proj, task.id).status is Status.CANCELLED


def test_a_process_that_is_killed(proj: ModuleType, agent: Working, tmp_path: Path) -> None:
    """A task whose process is killed is tried again, as its policy says."""
    task = done(proj, "fragile", file=str(tmp_path / "killed"))
    assert (task.status, task.result) == (Status.COMPLETED, 2)


def test_a_message_that_comes_twice(proj: ModuleType, agent: Working) -> None:
    """A message for a claim that does not count any more begins nothing."""
    task = done(proj, "total", numbers=[1])
    proj.app.send_task("claudia.run", (task.id, 1), ignore_result=True)
    assert done(proj, "total", numbers=[2]).result == 2
    assert proj.claudia.tasks.get(task.id).version == task.version


def test_a_worker_that_is_killed(proj: ModuleType, agent: Working, worker: Worker, tmp_path: Path) -> None:
    """The task of a worker that is lost is failed or retried by its lease, and not by the broker's time-outs."""
    file = tmp_path / "listen"
    task = proj.claudia.tasks.create(type="listen", payload={"file": str(file)})
    eventually(file.exists, 60.0)
    adopted = proj.claudia.tasks.get(task.id)
    worker.kill()
    lost = ended(proj, task.id)
    assert (lost.status, lost.error.code) == (Status.FAILED, "lost")
    assert proj.claudia.agents.get(adopted.agent_id).status is AgentStatus.LOST
    worker.start()
    assert done(proj, "total", numbers=[1]).result == 1


def test_a_broker_that_is_killed(proj: ModuleType, agent: Working, broker: Server) -> None:
    """Tasks wait while the broker is away, and are sent again where it forgot their messages."""
    broker.kill()
    ids = [proj.claudia.tasks.create(type="total", payload={"numbers": [n]}).id for n in range(5)]
    eventually(lambda: len(agent.running) == 5, 60.0)
    broker.start()
    for number, id in enumerate(ids):
        assert ended(proj, id, 90.0).result == number


def test_the_agent_stops(proj: ModuleType, agent: Working, worker: Worker, tmp_path: Path) -> None:
    """An agent that stops takes back what no worker has begun, and leaves to the workers what they have."""
    worker.kill()
    task = proj.claudia.tasks.create(type="total", payload={"numbers": [1]})
    eventually(lambda: agent.running == [task.id], 60.0)
    agent.stop()
    assert proj.claudia.tasks.get(task.id).status is Status.PENDING
    worker.start()
    with proj.claudia.work(engine=celery_engine(proj.app)):
        assert ended(proj, task.id).result == 1


def test_a_message_that_is_forgotten(proj: ModuleType, worker: Worker) -> None:
    """What a broker forgot is sent again, and nothing else is needed to have it done."""
    worker.kill()
    with proj.claudia.work(engine=lambda hub, report: CeleryEngine(proj.app, hub, report, again=0.5)):
        task = proj.claudia.tasks.create(type="total", payload={"numbers": [1]})
        eventually(proj.app.control.purge, 60.0)
        worker.start()
        assert ended(proj, task.id).result == 1


def test_a_lost_claim_changes_nothing(proj: ModuleType) -> None:
    """Who had a task wait, and has it no more, cannot end it: the worker's claim is another."""
    from claudia_core.services.tasks.holds import adopting, fenced
    from claudia_core.services.tasks.moves import completing

    hub = proj.claudia
    task = hub.tasks.create(type="by hand")
    mine = hub.agents.register().id
    (claimed,) = Claims(hub.store).turn(mine, {"by hand": Terms()}, 1).taken
    hub.tasks.move(task.id, fenced(adopting("the worker"), claimed.claim))
    with pytest.raises(StaleClaim):
        hub.tasks.move(task.id, fenced(completing(None), claimed.claim))
    hub.tasks.cancel(task.id)
