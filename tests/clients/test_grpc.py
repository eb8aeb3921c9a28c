"""The gRPC client."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from claudia_core import Claudia
from claudia_core.errors import (
    AccessDenied,
    HubUnavailable,
    IllegalTransition,
    InvalidValue,
    StoreBusy,
    TaskNotFound,
    WaitTimeout,
)
from claudia_core.services.tasks.service import Tasks
from tests.clients.serving import TOKEN

pytest.importorskip("grpc", reason="the extra grpc is not installed")

from claudia_core.api.grpc import serve_grpc
from claudia_core.clients.grpc import GrpcClient
from claudia_core.rpc.v1.events_pb2 import WatchRequest
from claudia_core.rpc.v1.tasks_pb2 import CreateTaskRequest
from claudia_core.rpc.v1.types_pb2 import ByIdRequest


@pytest.fixture
def hub(tmp_path):
    with Claudia(tmp_path / "hub.db", display="off", durability="normal") as made:
        yield made


@pytest.fixture
def target(hub):
    with serve_grpc(hub, "127.0.0.1", 0, TOKEN) as server:
        yield server.address


@pytest.fixture
def client(target):
    with GrpcClient(target, TOKEN) as made:
        yield made


def test_calls(hub, client):
    """The services as they are, with the token on every call."""
    task = client.tasks.CreateTask(CreateTaskRequest(name="x", type="y"))
    assert hub.tasks.get(task.id).name == "x"


def test_errors_are_those_of_the_hub(hub, client):
    """The same classes, with field and hint, from calls and from streams."""
    task = hub.tasks.create("x")
    with pytest.raises(TaskNotFound) as caught:
        client.tasks.GetTask(ByIdRequest(id="nobody"))
    assert (caught.value.field, bool(caught.value.hint)) == ("id", True)
    with pytest.raises(IllegalTransition):
        client.tasks.RetryTask(ByIdRequest(id=task.id))
    with pytest.raises(InvalidValue) as caught:
        client.tasks.CreateTask(CreateTaskRequest(name="", type="y"))
    assert caught.value.field == "name"
    with pytest.raises(TaskNotFound):
        next(client.tasks.WatchTask(ByIdRequest(id="nobody")))


def test_streams(hub, client):
    """One task to its end."""
    task = hub.tasks.create("x", start=True)
    timer = threading.Timer(0.3, hub.tasks.cancel, (task.id,))
    timer.start()
    assert [seen.status for seen in client.tasks.WatchTask(ByIdRequest(id=task.id), timeout=10)][-1] == "cancelled"
    timer.join()
    with pytest.raises(WaitTimeout):
        list(client.events.Watch(WatchRequest(), timeout=0.3))


def test_who_may_not_in(target):
    """A wrong token is told so, and a hub that is away, too."""
    with GrpcClient(target, "a-wrong-token-for-this-hub") as client, pytest.raises(AccessDenied):
        client.tasks.GetTask(ByIdRequest(id="x"))
    with GrpcClient("127.0.0.1:9", TOKEN, patience=0.3) as client, pytest.raises(HubUnavailable):
        client.tasks.GetTask(ByIdRequest(id="x"))


def test_a_hub_that_comes_back(hub):
    """A question waits for it; a change is not asked for twice, because its first answer may have been lost."""
    task = hub.tasks.create("x")
    with serve_grpc(hub, "127.0.0.1", 0, TOKEN) as first:
        target = first.address
    with GrpcClient(target, TOKEN, patience=20) as client, ThreadPoolExecutor(1) as worker:
        with pytest.raises(HubUnavailable):
            client.tasks.CreateTask(CreateTaskRequest(name="y"))
        found = worker.submit(client.tasks.GetTask, ByIdRequest(id=task.id))
        time.sleep(0.5)
        with serve_grpc(hub, "127.0.0.1", int(target.rpartition(":")[2]), TOKEN):
            assert found.result(20).name == "x"
    assert len(hub.tasks.list().tasks) == 1


def test_patience_ends(hub, target, monkeypatch):
    """A store that stays busy is told after a while; asked for a change, at once."""
    asked = []

    def busy(*args, **values):
        asked.append(args)
        raise StoreBusy("the store is busy")

    monkeypatch.setattr(Tasks, "get", busy)
    monkeypatch.setattr(Tasks, "create_many", busy)
    with GrpcClient(target, TOKEN, patience=0.5) as client:
        with pytest.raises(StoreBusy):
            client.tasks.CreateTask(CreateTaskRequest(name="y"))
        assert len(asked) == 1
        started = time.monotonic()
        with pytest.raises(StoreBusy):
            client.tasks.GetTask(ByIdRequest(id="x"))
    assert time.monotonic() - started < 5
    assert len(asked) >= 2
