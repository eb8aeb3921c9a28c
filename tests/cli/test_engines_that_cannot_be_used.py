"""What the doctor says of Celery and Dask: a sentence with the cure, in time, without a secret."""

import shutil
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from claudia_core.cli.doctor import servers
from claudia_core.cli.doctor.findings import Finding, State
from claudia_core.settings import default_settings
from claudia_core.testing.servers import free_port, redis_server
from tests.engines.dask.cluster import cluster
from tests.servers import require

pytestmark = pytest.mark.server

SECRET = "s3cret-pass"


@pytest.fixture
def silent() -> Iterator[int]:
    """A port that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def finding(**settings: object) -> Finding:
    """The one thing that is found, which came in time and holds no secret."""
    started = time.monotonic()
    (found,) = servers.examine_servers(default_settings(**{"connect_timeout": 1.0, **settings}))
    assert time.monotonic() - started < 15
    assert SECRET not in f"{found.text}{found.cure}"
    return found


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    """Makes a module with a Celery app that has this broker."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.chdir(tmp_path)

    def make(broker: str) -> str:
        name = f"app_{free_port()}"
        text = f"from celery import Celery\napp = Celery('{name}', broker='{broker}', set_as_current=False)\n"
        (tmp_path / f"{name}.py").write_text(text)
        return f"{name}:app"

    return make


def test_dask(silent: int, tmp_path: Path) -> None:
    """Wrong addresses and silence; else the version, and how many workers there are."""
    away = finding(dask_scheduler=f"tcp://127.0.0.1:{free_port()}")
    assert (away.name, away.state, "does not answer" in away.text) == ("dask", State.BROKEN, True)
    assert "`dask scheduler`" in away.cure
    assert "does not answer" in finding(dask_scheduler=f"tcp://127.0.0.1:{silent}").text
    assert "no address of a Dask scheduler" in finding(dask_scheduler="localhost").text
    with cluster(tmp_path) as made:
        good = finding(dask_scheduler=made.address, connect_timeout=10.0)
    assert (good.state, "0 workers" in good.text) == (State.GOOD, True)


def test_celery(silent: int, app, tmp_path: Path) -> None:
    """Wrong brokers, silence and modules that are not there; else whether a worker answers."""
    away = finding(celery_app=app(f"redis://:{SECRET}@127.0.0.1:{free_port()}/0"))
    assert (away.name, away.state, "cannot be used" in away.text) == ("celery", State.BROKEN, True)
    assert "broker_url" in away.cure
    assert "cannot be used" in finding(celery_app=app(f"amqp://me:{SECRET}@127.0.0.1:{free_port()}//")).text
    for broker in (f"amqp://me:{SECRET}@127.0.0.1:{silent}//", f"redis://:{SECRET}@127.0.0.1:{silent}/0"):
        found = finding(celery_app=app(broker))
        assert (found.state, bool(found.cure)) == (State.BROKEN, True)
    assert "cannot be imported" in finding(celery_app="no_such_module:app").text
    require("redis-server", shutil.which("redis-server"))
    with redis_server(tmp_path) as server:
        good = finding(celery_app=app(server.url), connect_timeout=5.0)
    assert (good.state, "no worker does" in good.text) == (State.GOOD, True)


def test_missing_extras(monkeypatch: pytest.MonkeyPatch) -> None:
    """The line that installs them."""
    monkeypatch.setitem(sys.modules, "claudia_core.engines.celery.check", None)
    monkeypatch.setitem(sys.modules, "claudia_core.engines.dask.cluster", None)
    assert "[celery]" in finding(celery_app="a:b").cure
    assert "[dask]" in finding(dask_scheduler="tcp://127.0.0.1:8786").cure
