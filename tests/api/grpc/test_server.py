"""The server: who may call, health, reflection, limits, stubs that are up to date."""

from __future__ import annotations

import subprocess
import sys
from itertools import islice
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from claudia_core.api.grpc import serve_grpc
from claudia_core.api.grpc.server import Server
from claudia_core.app import Claudia
from claudia_core.errors import MissingExtra, SettingsError
from claudia_core.model.health import Health
from claudia_core.rpc.v1.tasks_pb2 import CreateTaskRequest, ListTasksRequest
from claudia_core.rpc.v1.tasks_pb2_grpc import TaskServiceStub
from tests.api.grpc.conftest import TOKEN, Caller
from tests.api.grpc.refusals import refused

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    "metadata",
    [
        (),
        (("authorization", ""),),
        (("authorization", TOKEN),),
        (("authorization", f"Basic {TOKEN}"),),
        (("authorization", f"Bearer {TOKEN}x"),),
        (("authorization", f"Bearer {TOKEN[:-1]}"),),
    ],
)
def test_strangers_may_not_call(caller: Caller, metadata: Any) -> None:
    """Without the token a call is refused before its request is looked at, streams too."""
    stub = TaskServiceStub(caller.channel)
    for call in (stub.ListTasks, lambda request, **more: next(stub.WatchTask(request, **more))):
        with refused() as why:
            call(ListTasksRequest(), metadata=metadata)
        assert why().status == grpc.StatusCode.UNAUTHENTICATED
        assert why().code in ("unauthenticated", "token_invalid")
    assert "Bearer" in why().hint


def test_scheme_is_told_in_any_case(caller: Caller) -> None:
    """`bearer` is `Bearer`."""
    assert TaskServiceStub(caller.channel).ListTasks(
        ListTasksRequest(), metadata=(("authorization", f"bearer {TOKEN}"),)
    )


def test_scope_of_the_caller_must_include_the_methods(hub: Claudia) -> None:
    """A viewer may read and not write."""
    _, key = hub.keys.create("reads", scope="viewer")
    shown = (("authorization", f"Bearer {key}"),)
    with Server(hub, "127.0.0.1", 0, TOKEN) as server, grpc.insecure_channel(server.address) as channel:
        stub = TaskServiceStub(channel)
        assert not stub.ListTasks(ListTasksRequest(), metadata=shown).items
        with refused() as why:
            stub.CreateTask(CreateTaskRequest(name="x"), metadata=shown)
        assert (why().status, why().code) == (grpc.StatusCode.PERMISSION_DENIED, "access_denied")
    assert not hub.tasks.list().tasks


def test_health_is_open_and_follows_the_hub(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    """A probe without a token learns of each service, and of a hub that is not well."""
    stub = health_pb2_grpc.HealthStub(caller.channel)
    watch = stub.Watch(health_pb2.HealthCheckRequest(service="claudia.v1.TaskService"), timeout=30)
    statuses = (message.status for message in watch)
    assert next(status for status in statuses if status == health_pb2.HealthCheckResponse.SERVING)
    for name in ("", "claudia.v1.TaskService", "claudia.v1.EventService"):
        found = stub.Check(health_pb2.HealthCheckRequest(service=name), timeout=5)
        assert found.status == health_pb2.HealthCheckResponse.SERVING
    with pytest.raises(grpc.RpcError) as caught:
        stub.Check(health_pb2.HealthCheckRequest(service="nothing"), timeout=5)
    assert caught.value.code() == grpc.StatusCode.NOT_FOUND  # type: ignore[attr-defined]
    caller.hub.health.register("broken", lambda: (Health.FAIL, "it is broken"))
    assert next(statuses) == health_pb2.HealthCheckResponse.NOT_SERVING
    watch.cancel()


def test_health_outlives_a_fault(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    """A look that fails counts as not well, and the next one says how it is."""
    report, faults = caller.hub.health.report, [RuntimeError("a defect")]

    def once(**asked: Any) -> Any:
        if faults:
            raise faults.pop()
        return report(**asked)

    stub = health_pb2_grpc.HealthStub(caller.channel)
    statuses = (message.status for message in stub.Watch(health_pb2.HealthCheckRequest(), timeout=30))
    assert next(statuses) == health_pb2.HealthCheckResponse.SERVING
    monkeypatch.setattr(caller.hub.health, "report", once)
    # Each look is told, also one that was made just before the fault.
    assert health_pb2.HealthCheckResponse.NOT_SERVING in islice(statuses, 10)
    assert next(statuses) == health_pb2.HealthCheckResponse.SERVING


def test_reflection_lists_the_services(caller: Caller) -> None:
    """Tools such as grpcurl find services, methods and their messages without the proto files."""
    channel = grpc.intercept_channel(caller.channel, Reflects())
    database = ProtoReflectionDescriptorDatabase(channel)
    services = set(database.get_services())
    assert {"claudia.v1.TaskService", "claudia.v1.EventService", "grpc.health.v1.Health"} <= services
    found = database.FindFileContainingSymbol("claudia.v1.TaskService")
    assert "CreateTask" in [method.name for method in found.service[0].method]


class Reflects(grpc.StreamStreamClientInterceptor):
    """Shows the token to the reflection service."""

    def intercept_stream_stream(self, continuation: Any, details: Any, requests: Any) -> Any:
        return continuation(details._replace(metadata=(("authorization", f"Bearer {TOKEN}"),)), requests)


def test_taken_port_and_foreign_hosts_are_refused(caller: Caller) -> None:
    """A second server says that the port is taken; none binds beyond this machine."""
    with pytest.raises(SettingsError, match="taken"):
        serve_grpc(caller.hub, "127.0.0.1", caller.server.port, TOKEN)
    for host in ("0.0.0.0", "192.168.1.5", "example.com"):
        with pytest.raises(SettingsError, match="this machine only"):
            serve_grpc(caller.hub, host, 0, TOKEN)


def test_stopping_twice_is_fine(hub: Claudia) -> None:
    """`stop()` ends threads and port, also when called again."""
    server = serve_grpc(hub, "127.0.0.1", 0, TOKEN)
    server.stop()
    server.stop()
    serve_grpc(hub, "127.0.0.1", server.port, TOKEN).stop()


def test_core_works_without_grpc() -> None:
    """Where gRPC is not installed, the hub works and its absence is a sentence with the cure."""
    program = """
import sys
sys.modules["grpc"] = None
from claudia_core import Claudia
from claudia_core.api.grpc import serve_grpc
from claudia_core.errors import MissingExtra
with Claudia("memory://") as hub:
    try:
        serve_grpc(hub, "127.0.0.1", 0, "t" * 32)
    except MissingExtra as error:
        print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert "pip install 'claudia-core[grpc]'" in done.stdout
    assert MissingExtra.code == "missing_extra"


def test_stubs_are_what_the_protos_say(tmp_path: Path) -> None:
    """Generating the stubs anew changes nothing: `python scripts/generate_stubs.py` was run after the last edit."""
    command = [sys.executable, str(ROOT / "scripts/generate_stubs.py"), "--out", str(tmp_path)]
    subprocess.run(command, check=True, timeout=60)
    made = {path.name: path.read_text() for path in (tmp_path / "claudia_core/rpc/v1").iterdir()}
    kept = {path.name: path.read_text() for path in (ROOT / "claudia_core/rpc/v1").glob("*_pb2*.py*")}
    assert made == kept
