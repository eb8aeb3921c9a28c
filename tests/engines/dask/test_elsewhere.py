"""A hub at an address: an observer of Dask tells it over HTTP, and workers of its agent know nothing else of it."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from distributed import Client

from claudia_core import Claudia
from claudia_core.api import server
from claudia_core.engines.choosing import dask_engine
from claudia_core.model.task import Status, Task
from claudia_core.testing.waiting import eventually
from tests.clients.serving import TOKEN, Served, serving
from tests.engines.dask import work
from tests.engines.dask.cluster import Cluster, cluster

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("dask")]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("hub")
    with (
        pytest.MonkeyPatch.context() as patch,
        Claudia(folder / "hub.db", display="off", heartbeat=0.5, lease=3) as hub,
    ):
        patch.setattr(server, "PAGES", "no.pages")
        with serving(hub) as served:
            yield served


@pytest.fixture(scope="module")
def dask(tmp_path_factory: pytest.TempPathFactory, served: Served) -> Iterator[Cluster]:
    """A cluster whose workers reach the hub by its address only."""
    environment = {"CLAUDIA_DATABASE_URL": served.base, "CLAUDIA_TOKEN": TOKEN}
    with cluster(tmp_path_factory.mktemp("dask"), "alice", environment=environment) as made:
        yield made


def ended(served: Served, name: str) -> Task:
    def look() -> Task | None:
        return next((task for task in served.hub.tasks.list(name=name).tasks if task.status.is_terminal), None)

    found = eventually(look, 60.0, 0.05)
    assert found is not None
    return served.hub.tasks.get(found.id)


def test_observing(served: Served, dask: Cluster) -> None:
    """Computations, their parts, failures and workers are told to the hub over HTTP."""
    with (
        Claudia(served.base, api_key=TOKEN, heartbeat=0.5) as there,
        Client(dask.address, set_as_default=False) as client,
    ):
        there.observe(client)
        client.gather(client.map(work.add, range(3), [1] * 3, pure=False))
        client.submit(work.fail, "seven").exception(60)
        failed = ended(served, "fail")
        eventually(lambda: len(served.hub.tasks.list(name="add", status="completed").tasks) == 4, 60.0)
    assert (failed.status, failed.error.message) == (Status.FAILED, "seven is no number")
    assert served.hub.agents.get(failed.agent_id).name == "dask worker alice"
    (whole,) = served.hub.tasks.list(name="add", type="dask").tasks
    assert (whole.progress.current, whole.progress.total) == (3, 3)
    inside = eventually(lambda: served.hub.tasks.children(whole.id).tasks)  # saved a moment after they were told
    assert {task.name for task in inside} == {"add"}


def test_working(served: Served, dask: Cluster) -> None:
    """Workers run the hub's tasks; progress and parts inside come over HTTP, ends by the agent."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLAUDIA_DATABASE_URL", str(Path(served.hub.store.url.removeprefix("sqlite:///"))))
        sys.modules.pop("tests.engines.dask.app", None)
        import tests.engines.dask.app as app

        hub = app.claudia
        try:
            with hub.work(engine=dask_engine(dask.address)):
                task = hub.tasks.create(type="total", payload={"numbers": [1, 2, 3]})
                done = ended(served, "total")
        finally:
            hub.close()
            sys.modules.pop("tests.engines.dask.app", None)
    assert (done.id, done.status, done.result, done.progress.message) == (task.id, Status.COMPLETED, 6, "added")
    inside = eventually(lambda: served.hub.tasks.children(task.id).tasks, 30.0)
    assert [(one.name, one.progress.current) for one in inside] == [("inside", 3)]
