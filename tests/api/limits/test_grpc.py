"""Calls by gRPC are counted like requests."""

import grpc
import pytest

from claudia_core import Claudia
from claudia_core.settings import default_settings


def test_a_key_that_calls_too_often():
    """RESOURCE_EXHAUSTED with when to come back; the server's own token is not limited."""
    from claudia_core.api.grpc import serve_grpc
    from claudia_core.rpc.v1.tasks_pb2 import ListTasksRequest
    from claudia_core.rpc.v1.tasks_pb2_grpc import TaskServiceStub

    token = "t" * 32
    settings = default_settings(database_url="memory://", display="off", rate_limit="3/minute")
    with Claudia(settings=settings) as hub, serve_grpc(hub, "127.0.0.1", 0, token) as server:
        key = hub.keys.create("one")[1]
        with grpc.insecure_channel(server.address) as channel:
            tasks = TaskServiceStub(channel)
            shown = [("authorization", f"Bearer {key}")]
            for _ in range(3):
                tasks.ListTasks(ListTasksRequest(), metadata=shown, timeout=10)
            with pytest.raises(grpc.RpcError) as caught:
                tasks.ListTasks(ListTasksRequest(), metadata=shown, timeout=10)
            assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
            for _ in range(6):
                tasks.ListTasks(ListTasksRequest(), metadata=[("authorization", f"Bearer {token}")], timeout=10)
