"""A hub behind a real gRPC server, and a caller that shows the token."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest

from claudia_core.api.grpc import serve_grpc
from claudia_core.api.grpc.server import Server
from claudia_core.app import Claudia
from claudia_core.rpc.v1.errors_pb2_grpc import ErrorServiceStub
from claudia_core.rpc.v1.events_pb2_grpc import EventServiceStub
from claudia_core.rpc.v1.hub_pb2_grpc import AgentServiceStub, HubServiceStub
from claudia_core.rpc.v1.tasks_pb2_grpc import ProgressServiceStub, TaskServiceStub

TOKEN = "t" * 32
SHOWN = (("authorization", f"Bearer {TOKEN}"),)


class Shows(grpc.UnaryUnaryClientInterceptor, grpc.UnaryStreamClientInterceptor):
    """Adds the token to every call."""

    def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
        return continuation(details._replace(metadata=SHOWN), request)

    intercept_unary_stream = intercept_unary_unary


@dataclass(frozen=True)
class Caller:
    """A server with its hub, and a stub for each service."""

    hub: Claudia
    server: Server
    channel: grpc.Channel
    tasks: Any
    progress: Any
    events: Any
    errors: Any
    agents: Any
    about: Any


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Claudia]:
    with Claudia(tmp_path / "hub.db", durability="normal") as claudia:
        yield claudia


@pytest.fixture
def caller(hub: Claudia) -> Iterator[Caller]:
    with serve_grpc(hub, "127.0.0.1", 0, TOKEN) as server, grpc.insecure_channel(server.address) as plain:
        channel = grpc.intercept_channel(plain, Shows())
        stubs = (TaskServiceStub, ProgressServiceStub, EventServiceStub, ErrorServiceStub, AgentServiceStub)
        yield Caller(hub, server, plain, *(stub(channel) for stub in (*stubs, HubServiceStub)))
