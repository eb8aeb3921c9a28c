"""Tasks of the hub that Dask workers run: a real scheduler, real workers with nannies, and a hub in a file."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import psutil
import pytest

from claudia_core import Claudia
from claudia_core.engines.choosing import dask_engine
from claudia_core.engines.working import Working
from claudia_core.errors import InvalidValue, SettingsError
from claudia_core.model.task import Status, Task
from claudia_core.testing.waiting import eventually
from tests.engines.agents import agent as agent_process
from tests.engines.dask.cluster import Cluster

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("dask")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("dask")


@pytest.fixture(scope="module")
def cluster(folder: Path) -> Iterator[Cluster]:
    made = Cluster(folder, CLAUDIA_DATABASE_URL=str(folder / "claudia.db"))
    made.schedule()
    made.work("alice")
    made.work("bob")
    yield made
    made.close()


@pytest.fixture(scope="module")
def app(folder: Path) -> Iterator[ModuleType]:
    """The handlers in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLAUDIA_DATABASE_URL", str(folder / "claudia.db"))
        sys.modules.pop("tests.engines.dask.app", None)
        import tests.engines.dask.app as app

        yield app
        app.claudia.close()
        sys.modules.pop("tests.engines.dask.app", None)


@pytest.fixture(scope="module")
def hub(app: ModuleType) -> Claudia:
    return app.claudia


@pytest.fixture(scope="module")
def agent(hub: Claudia, cluster: Cluster) -> Iterator[Working]:
    with hub.work(engine=dask_engine(cluster.address), capacity=4) as agent:
        yield agent


def ended(hub: Claudia, id: str, timeout: float = 60.0) -> Task:
    found = eventually(lambda: (task := hub.tasks.get(id)).status.is_terminal and task, timeout, 0.02)
    assert found
    return found


def done(hub: Claudia, type: str, **payload: object) -> Task:
    return ended(hub, hub.tasks.create(type=type, payload=payload).id)


def test_a_task(hub: Claudia, agent: Working) -> None:
    """A task of the hub is run by the handler of its type in a Dask worker; loops inside are its parts."""
    task = done(hub, "total", numbers=[1, 2, 3])
    assert (task.status, task.result, task.progress.message) == (Status.COMPLETED, 6, "added")
    (inside,) = hub.tasks.children(task.id).tasks
    assert (inside.name, inside.status, inside.progress.current) == ("inside", Status.COMPLETED, 3)
    assert task.agent_id == agent.agent_id


def test_a_coroutine(hub: Claudia, agent: Working) -> None:
    """A handler may be a coroutine function."""
    assert done(hub, "doubled", number=4).result == 8


def test_many(hub: Claudia, agent: Working) -> None:
    """More tasks than the agent has room for are all run, each once."""
    ids = [hub.tasks.create(type="doubled", payload={"number": n}).id for n in range(100)]
    for number, id in enumerate(ids):
        task = ended(hub, id)
        assert (task.result, task.attempt) == (2 * number, 1)


def test_a_bad_payload(hub: Claudia, agent: Working) -> None:
    """A payload that the handler does not take fails that task, with the field."""
    task = done(hub, "total", numbers="many")
    assert (task.status, task.error.code) == (Status.FAILED, "payload")
    assert "numbers" in task.error.message


def test_retries(hub: Claudia, agent: Working) -> None:
    """A handler's retries are kept; the last error has its traceback."""
    assert done(hub, "flop", times=2).result == 3
    task = done(hub, "flop", times=9)
    assert (task.status, task.attempt, task.error.type) == (Status.FAILED, 3, "ConnectionError")
    assert "in flop" in task.error.traceback


def test_a_large_result(hub: Claudia, agent: Working) -> None:
    """A result over the limit of the store is in a file."""
    task = done(hub, "large")
    assert task.result["bytes"] > 2_000_000
    assert hub.result(task) == "x" * 2_000_000


def test_a_time_out(hub: Claudia, agent: Working, tmp_path: Path) -> None:
    """Work that takes too long and does not listen is killed with its worker, whose nanny starts another."""
    file = tmp_path / "pid"
    task = done(hub, "hang", file=str(file))
    assert (task.status, task.error.code) == (Status.FAILED, "timeout")
    eventually(lambda: not Path(f"/proc/{file.read_text()}").exists(), 30.0)
    assert done(hub, "total", numbers=[1]).result == 1


def test_cancelled(hub: Claudia, agent: Working, tmp_path: Path) -> None:
    """A task that is cancelled in the hub stops in its worker, and no worker is killed for it."""
    file = tmp_path / "listen"
    task = hub.tasks.create(type="listen", payload={"file": str(file)})
    eventually(file.exists, 60.0)
    hub.tasks.cancel(task.id, reason="not needed")
    eventually(Path(f"{file}.stopped").exists, 30.0)
    assert ended(hub, task.id).progress.message == "not needed"
    eventually(lambda: task.id not in agent.running, 30.0)
    os.kill(int(file.read_text()), 0)


def test_a_worker_that_is_killed(hub: Claudia, agent: Working, tmp_path: Path) -> None:
    """A task whose worker is killed is tried again, as its policy says."""
    task = done(hub, "fragile", file=str(tmp_path / "killed"))
    assert (task.status, task.result) == (Status.COMPLETED, 2)


def test_never_twice(hub: Claudia, agent: Working, tmp_path: Path) -> None:
    """Work that must not be begun twice is not, though Dask runs again what a worker that died had."""
    file = tmp_path / "lines"
    task = done(hub, "once", file=str(file))
    assert (task.status, task.error.code, task.attempt) == (Status.FAILED, "lost", 1)
    assert "is gone" in task.error.message
    time.sleep(2.0)
    assert file.read_text() == "begun\n"


def test_the_agent_stops(hub: Claudia, agent: Working, cluster: Cluster, tmp_path: Path) -> None:
    """An agent that stops asks what runs to stop, and gives it back; another one goes on with it."""
    file = tmp_path / "listen"
    task = hub.tasks.create(type="listen", payload={"file": str(file)})
    eventually(file.exists, 60.0)
    agent.stop(60.0)
    assert hub.tasks.get(task.id).status is Status.PENDING
    eventually(Path(f"{file}.stopped").exists, 30.0)
    hub.tasks.cancel(task.id)


def test_the_agent_stops_in_the_middle(hub: Claudia, cluster: Cluster) -> None:
    """However it is with what ends just when it is asked to stop, the agent does not wait for its grace."""
    tasks = [hub.tasks.create(type="doubled", payload={"number": number}) for number in range(60)]
    with hub.work(engine=dask_engine(cluster.address), capacity=8) as agent:
        eventually(lambda: hub.tasks.get(tasks[10].id).status is Status.COMPLETED, 60.0)
        started = time.monotonic()
        agent.stop(60.0)
        assert time.monotonic() - started < 5
    assert {hub.tasks.get(task.id).status for task in tasks} <= {Status.COMPLETED, Status.PENDING}
    with hub.work(engine=dask_engine(cluster.address), capacity=8):
        assert [ended(hub, task.id).result for task in tasks] == [2 * number for number in range(60)]


def test_a_kill_in_the_middle(hub: Claudia, cluster: Cluster, tmp_path: Path) -> None:
    """Workers that are killed in the middle of 200 tasks leave each of them completed, once."""
    file = tmp_path / "lines"
    ids = [hub.tasks.create(type="note", payload={"file": str(file), "seconds": 0.02}).id for _ in range(200)]
    with hub.work(engine=dask_engine(cluster.address), capacity=8):
        for number in (20, 60, 100):
            eventually(lambda number=number: file.exists() and len(file.read_text().split()) >= number, 60.0)
            assert _kill_one(cluster)
        tasks = [ended(hub, id, 120.0) for id in ids]
    assert {task.status for task in tasks} == {Status.COMPLETED}
    assert set(file.read_text().split()) == set(ids)


def _kill_one(cluster: Cluster) -> int:
    """Kill the process of a worker, below its nanny, as soon as there is one."""
    nanny = psutil.Process(cluster.pid("alice"))

    def worker() -> int | None:
        found = [one.pid for one in nanny.children() if "spawn_main" in " ".join(one.cmdline())]
        return found[0] if found else None

    pid = eventually(worker, 30.0)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    return pid


def test_an_agent_that_is_killed(hub: Claudia, cluster: Cluster, folder: Path, tmp_path: Path) -> None:
    """The work of an agent that is killed is asked to stop in its worker; the task is lost by the lease."""
    file = tmp_path / "listen"
    engine = cluster.address.replace("tcp://", "dask://")
    with agent_process(folder / "claudia.db", "--engine", engine, app="tests.engines.dask.app") as process:
        task = hub.tasks.create(type="listen", payload={"file": str(file)})
        eventually(file.exists, 60.0)
        process.kill()
        eventually(Path(f"{file}.stopped").exists, 30.0)
        hub.watch_agents()
        lost = ended(hub, task.id)
    assert (lost.status, lost.error.code) == (Status.FAILED, "lost")


def test_a_scheduler_that_is_killed(hub: Claudia, tmp_path: Path, folder: Path) -> None:
    """What ran when the scheduler was killed is tried again; what waits is done by the next one at its address."""
    made = Cluster(tmp_path, CLAUDIA_DATABASE_URL=str(folder / "claudia.db"))
    try:
        made.schedule()
        made.work("carol", "--no-nanny")
        with hub.work(engine=dask_engine(made.address), capacity=2) as agent:
            assert done(hub, "total", numbers=[1]).result == 1
            made.kill("scheduler")
            made.kill("carol")
            ids = [hub.tasks.create(type="total", payload={"numbers": [n]}).id for n in range(3)]
            eventually(lambda: len(agent.running) == 2, 60.0)
            made.schedule(port=int(made.address.rpartition(":")[2]))
            made.work("carol", "--no-nanny")
            assert [ended(hub, id, 90.0).result for id in ids] == [0, 1, 2]
    finally:
        made.close()


def test_what_is_no_engine(hub: Claudia, folder: Path) -> None:
    """An engine that there is not, and two at once, are refused in words."""
    from claudia_core.engines.choosing import engine_options, named_engine

    with pytest.raises(InvalidValue, match="no engine 'spark'") as refusal:
        named_engine("spark", hub.settings)
    assert "dask://HOST:8786" in str(refusal.value.hint)
    with pytest.raises(SettingsError, match="are both set"):
        engine_options(hub.settings.changed(celery_app="a:b", dask_scheduler="tcp://127.0.0.1:1"))
    command = [sys.executable, "-m", "claudia_core", "agent", "--app", "tests.engines.dask.app"]
    environment = {**os.environ, "CLAUDIA_DATABASE_URL": str(folder / "claudia.db"), "CLAUDIA_CONNECT_TIMEOUT": "0.5"}
    command += ["--engine", "dask://127.0.0.1:1"]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode != 0
    assert "tcp://127.0.0.1:1 does not answer" in ran.stderr + ran.stdout
    assert "Traceback" not in ran.stderr
