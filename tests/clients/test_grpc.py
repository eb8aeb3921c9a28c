"""The gRPC client."""

import threading

import pytest

from claudia_core import Claudia
from claudia_core.errors import AccessDenied, HubUnavailable, IllegalTransition, InvalidValue, TaskNotFound, WaitTimeout
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
    with GrpcClient("127.0.0.1:9", TOKEN) as client, pytest.raises(HubUnavailable):
        client.tasks.GetTask(ByIdRequest(id="x"))
