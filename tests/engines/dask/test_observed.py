"""Observing a Dask cluster: a real scheduler that cannot import Claudia, and real workers; some of them are killed."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from distributed import Client

from claudia_core import Claudia
from claudia_core.engines.dask.cluster import DaskUnavailable
from claudia_core.errors import SettingsError
from claudia_core.model.agent import AgentStatus
from claudia_core.model.task import Status, Task
from claudia_core.testing.waiting import eventually
from tests.engines.dask import work
from tests.engines.dask.cluster import Cluster, cluster

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("dask")]

type Find = Callable[..., Task]


@pytest.fixture(scope="module")
def dask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("dask")
    (folder / "claudia_core").mkdir()
    (folder / "claudia_core" / "__init__.py").write_text("raise ImportError('Claudia is not installed here')")
    with cluster(folder) as made:
        made.close()
        made.schedule(PYTHONPATH=str(folder), PYTHONSAFEPATH="1")
        made.work("alice", "--no-nanny")
        made.work("bob", "--no-nanny")
        yield made


@pytest.fixture
def client(dask: Cluster) -> Iterator[Client]:
    with Client(dask.address, set_as_default=False) as client:
        client.wait_for_workers(1, timeout=60)
        yield client


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Claudia]:
    with Claudia(tmp_path / "hub.db", display="off", heartbeat=0.3, lease=1.5) as hub:
        yield hub


@pytest.fixture
def find(hub: Claudia) -> Find:
    """The task of a name once it is as asked; ended unless told otherwise."""

    def find(name: str, status: Status | None = None, timeout: float = 60.0, **filters: object) -> Task:
        def look() -> Task | None:
            found = hub.tasks.list(name=name, limit=500, **filters).tasks
            return next((t for t in found if t.status is status or (status is None and t.status.is_terminal)), None)

        task = eventually(look, timeout)
        assert task is not None
        return hub.tasks.get(task.id)

    return find


def test_one_task(hub: Claudia, client: Client, find: Find) -> None:
    """A task is one of the hub's, with its worker, its time and what it gave - of a scheduler without Claudia."""
    hub.observe(client)
    client.submit(work.add, 1, 2).result(60)
    task = find("add")
    assert (task.status, task.progress.percentage) == (Status.COMPLETED, 100)
    assert (task.type, task.tags, task.result) == ("dask", ("dask",), {"type": "int", "bytes": 28})
    agent = hub.agents.get(task.agent_id)
    assert agent.name.startswith(("dask worker alice", "dask worker bob"))
    assert agent.pid in {worker["pid"] for worker in client.run(work.whoami).values()}


def test_a_map(hub: Claudia, client: Client, find: Find) -> None:
    """A map within a task of the hub is below it, and each of its few tasks is below the map."""
    hub.observe(client)
    with hub.task("nightly") as around:
        client.gather(client.map(work.add, range(5), [1] * 5, pure=False))
    whole = find("add", type="dask")
    assert (whole.parent_id, whole.status, whole.progress.total) == (around.id, Status.COMPLETED, 5)
    eventually(lambda: len(hub.tasks.list(parent_id=whole.id, status="completed").tasks) == 5)


def test_a_large_graph(hub: Claudia, client: Client, find: Find) -> None:
    """A graph of thousands of tasks is a handful of the hub's, with counts of what is done."""
    import dask

    hub.observe(client)
    parts = [dask.delayed(work.add, pure=False)(number, 1) for number in range(2_000)]
    total = client.compute(dask.delayed(work.total)(parts)).result(120)
    assert total == sum(range(2_000)) + 2_000
    whole = find("total", type="dask")
    assert (whole.status, whole.progress.current) == (Status.COMPLETED, whole.progress.total)
    assert whole.progress.total >= 2_001
    below = {task.name: task for task in hub.tasks.children(whole.id).tasks}
    assert below["add"].progress.total == 2_000
    assert len(hub.tasks.list(limit=100).tasks) < 10


def test_live(hub: Claudia, client: Client, find: Find, tmp_path: Path) -> None:
    """What runs is seen while it runs."""
    hub.observe(client)
    future = client.submit(work.wait, str(tmp_path / "file"))
    assert find("wait", Status.ACTIVE).agent_id
    (tmp_path / "file.go").write_text("")
    future.result(60)
    assert find("wait").status is Status.COMPLETED


def test_progress(hub: Claudia, client: Client, find: Find, tmp_path: Path) -> None:
    """A function that tells how far it has come is seen so, while it runs, through the scheduler alone."""
    hub.observe(client)
    futures = client.map(work.steps, [10, 20], [str(tmp_path / "a"), str(tmp_path / "b")])
    eventually((tmp_path / "b").exists, 60.0)

    def told() -> set[tuple[float, float | None, str]]:
        found = hub.tasks.list(name="steps", type="dask.task").tasks
        return {(task.progress.current, task.progress.total, task.progress.message) for task in found}

    eventually(lambda: told() == {(10, 10, "step 10"), (20, 20, "step 20")}, 30.0)
    for name in ("a.go", "b.go"):
        (tmp_path / name).write_text("")
    client.gather(futures)
    assert find("steps", type="dask").progress.total == 2
    assert work.steps(0, str(tmp_path / "a")) == "went on"


def test_a_failure(hub: Claudia, client: Client, find: Find) -> None:
    """An exception fails the task, with traceback and issue; what needed it is cancelled, with that as reason."""
    hub.observe(client)
    bad = client.submit(work.fail, "seven")
    after = client.submit(work.add, bad, 1)
    assert [type(future.exception(60)) for future in (bad, after)] == [ValueError, ValueError]
    task = find("fail")
    assert (task.status, task.error.type, task.error.message) == (Status.FAILED, "ValueError", "seven is no number")
    assert 'work.py", line' in task.error.traceback
    assert "is no number" in task.error.traceback
    (issue,) = hub.errors.issues().issues
    assert (issue.type, issue.culprit) == ("ValueError", "work.fail")
    assert "failed, which it needs" in find("add").progress.message


def test_many_failures(hub: Claudia, client: Client, find: Find) -> None:
    """Of many tasks that fail in a map the hub says how many, and each kind of error is an issue."""
    hub.observe(client)
    futures = client.map(work.fail_some, range(300), pure=False)
    assert sum(future.exception(120) is not None for future in futures) == 60
    task = find("fail_some")
    assert (task.status, task.progress.current, task.progress.total) == (Status.FAILED, 300, 300)
    assert "60 of 300 failed" in task.error.message
    eventually(lambda: {issue.type for issue in hub.errors.issues().issues} == {"ValueError", "KeyError"})


def test_cancelled_in_the_hub(hub: Claudia, client: Client, find: Find, tmp_path: Path) -> None:
    """A task that is cancelled in the hub is cancelled in Dask."""
    hub.observe(client)
    future = client.submit(work.wait, str(tmp_path / "file"), 5.0)
    hub.tasks.cancel(find("wait", Status.ACTIVE).id, reason="not needed")
    eventually(future.cancelled, 30.0)
    assert find("wait").progress.message == "not needed"


def test_released(hub: Claudia, client: Client, find: Find, tmp_path: Path) -> None:
    """A task that its client lets go of is cancelled in the hub."""
    hub.observe(client)
    future = client.submit(work.wait, str(tmp_path / "file"), 5.0)
    find("wait", Status.ACTIVE)
    future.release()
    task = find("wait")
    assert (task.status, task.progress.message) == (Status.CANCELLED, "nobody wants it any more")


def test_the_client_goes_at_once(hub: Claudia, dask: Cluster, find: Find) -> None:
    """What a client did just before it closed is told all the same."""
    with Client(dask.address, set_as_default=False) as client:
        hub.observe(client)
        client.submit(work.add, 20, 22).result(60)
    assert find("add").status is Status.COMPLETED


def test_by_address(hub: Claudia, dask: Cluster, client: Client, find: Find, tmp_path: Path) -> None:
    """Somebody else's work is seen by the address alone, also what ran already; stopping leaves it alone."""
    future = client.submit(work.wait, str(tmp_path / "file"))
    eventually((tmp_path / "file").exists, 60.0)
    observer = hub.observe(dask.address.replace("tcp://", "dask://"))
    find("wait", Status.ACTIVE)
    observer.stop()
    assert find("wait").progress.message == "nobody observes it any more"
    (tmp_path / "file.go").write_text("")
    assert future.result(60) == "went on"


def test_two_observers(hub: Claudia, dask: Cluster, client: Client, find: Find) -> None:
    """Two observers on one store tell one task, once."""
    with Claudia(hub.settings.database_url, display="off") as other:
        hub.observe(client)
        other.observe(dask.address)
        client.submit(work.add, 30, 3).result(60)
        find("add")
        time.sleep(1.0)
        assert len(hub.tasks.list(name="add").tasks) == 1
        assert hub.tasks.list(name="add").tasks[0].attempt == 1


def test_a_worker_that_is_killed(hub: Claudia, dask: Cluster, client: Client, find: Find, tmp_path: Path) -> None:
    """The task of a worker that is killed is begun again by another; the worker is lost."""
    hub.observe(client)
    future = client.submit(work.wait, str(tmp_path / "file"))
    lost = find("wait", Status.ACTIVE)
    eventually((tmp_path / "file").exists, 60.0)
    os.kill(int((tmp_path / "file").read_text()), signal.SIGKILL)
    again = eventually(lambda: (task := find("wait", Status.ACTIVE)).agent_id != lost.agent_id and task, 60.0)
    assert again.attempt == 2
    (tmp_path / "file.go").write_text("")
    assert future.result(60) == "went on"
    assert find("wait").status is Status.COMPLETED
    eventually(lambda: hub.agents.get(lost.agent_id).status is AgentStatus.LOST, 60.0)
    name = "alice" if "alice" in hub.agents.get(lost.agent_id).name else "bob"
    dask.kill(name)
    dask.work(name, "--no-nanny")


def test_a_scheduler_that_is_killed(hub: Claudia, tmp_path: Path, find: Find) -> None:
    """What ran when a scheduler was killed is lost; another one at its address is observed again."""
    with cluster(tmp_path, "carol") as made:
        observer = hub.observe(made.address)
        with Client(made.address, set_as_default=False) as client:
            future = client.submit(work.wait, str(tmp_path / "file"), 5.0)
            find("wait", Status.ACTIVE)
            made.kill("scheduler")
            task = find("wait")
            assert (task.status, task.error.code) == (Status.FAILED, "lost")
            del future
        made.schedule(port=int(made.address.rpartition(":")[2]))
        made.kill("carol")
        made.work("dave", "--no-nanny")
        with Client(made.address, set_as_default=False) as client:
            eventually(lambda: client.submit(work.add, 7, time.monotonic_ns()).result(60) and _seen(hub), 60.0)
        observer.stop()


def _seen(hub: Claudia) -> bool:
    return bool(hub.tasks.list(name="add", status="completed").tasks)


def test_nobody_there(hub: Claudia) -> None:
    """An address at which nobody answers, and one that is none, are told in words."""
    quick = hub.settings.changed(connect_timeout=0.5)
    with Claudia(settings=quick) as other:
        with pytest.raises(DaskUnavailable, match="does not answer") as refusal:
            other.observe("tcp://127.0.0.1:1")
        assert "dask scheduler" in str(refusal.value.hint)
        with pytest.raises(SettingsError, match="no address of a Dask scheduler"):
            other.observe("127.0.0.1")
