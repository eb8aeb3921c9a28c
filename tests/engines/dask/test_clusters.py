"""What can be observed besides a client: a cluster of this process, and what is missing."""

import sys

import pytest
from distributed import Client, LocalCluster

from claudia_core import Claudia
from claudia_core.engines.dask.cluster import address_of
from claudia_core.errors import MissingExtra, SettingsError
from claudia_core.model.task import Status
from claudia_core.testing.waiting import eventually
from tests.engines.dask import work

pytestmark = pytest.mark.xdist_group("dask")


def test_a_cluster(claudia: Claudia) -> None:
    """A LocalCluster is observed; when it is closed, what ran in it is lost, and its workers have ended."""
    here = {"host": "127.0.0.1", "protocol": "tcp", "dashboard_address": "127.0.0.1:0"}
    options = {"n_workers": 1, "threads_per_worker": 2, "processes": False, **here}
    with LocalCluster(**options) as cluster, Client(cluster, set_as_default=False) as client:
        observer = claudia.observe(cluster)
        assert client.submit(work.add, 1, 2).result(30) == 3
        eventually(lambda: claudia.tasks.list(name="add", status="completed").tasks, 30.0)
        (worker,) = (agent for agent in claudia.agents.list() if agent.name.startswith("dask worker"))
    eventually(lambda: claudia.agents.get(worker.id).state == "offline", 30.0)
    observer.stop()
    observer.stop()
    assert claudia.tasks.counts()[Status.ACTIVE] == 0


@pytest.mark.parametrize("address", ["", "host", "host:8786", "http://host:8786", "tcp://host", "tcp://"])
def test_what_is_no_address(address: str) -> None:
    """Is refused with a form that would be right."""
    with pytest.raises(SettingsError) as refusal:
        address_of(address)
    assert "tcp://HOST:8786" in str(refusal.value.hint)


def test_addresses() -> None:
    """`dask://` is `tcp://`."""
    assert address_of("dask://host:8786") == ("tcp://host:8786", None)
    assert address_of("tls://host:8786") == ("tls://host:8786", None)


def test_dask_is_not_installed(claudia: Claudia, monkeypatch: pytest.MonkeyPatch) -> None:
    """The line that installs it."""
    monkeypatch.setitem(sys.modules, "claudia_core.engines.dask", None)
    with pytest.raises(MissingExtra, match=r"claudia-core\[dask\]"):
        claudia.observe("tcp://127.0.0.1:8786")
