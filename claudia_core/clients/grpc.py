"""The gRPC client of a hub: the services of `claudia.v1` with the token on every call and the errors of Claudia.

Needs the extra `grpc`. Messages are in `claudia_core.rpc.v1`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, Self

from claudia_core.clients.http import ROUTES
from claudia_core.clients.patience import patiently
from claudia_core.clients.refusals import error_of
from claudia_core.clients.transport import Address
from claudia_core.errors import AccessDenied, ClaudiaError, HubUnavailable, MissingExtra, WaitTimeout

try:
    import grpc
    from google.protobuf.descriptor import MethodDescriptor
    from google.rpc.error_details_pb2 import ErrorInfo, RetryInfo  # type: ignore[import-untyped]
    from grpc_status import rpc_status

    from claudia_core.rpc.v1 import access_pb2, errors_pb2, events_pb2, hub_pb2, options_pb2, tasks_pb2
    from claudia_core.rpc.v1.access_pb2_grpc import AccessServiceStub
    from claudia_core.rpc.v1.errors_pb2_grpc import ErrorServiceStub
    from claudia_core.rpc.v1.events_pb2_grpc import EventServiceStub
    from claudia_core.rpc.v1.hub_pb2_grpc import AgentServiceStub, HubServiceStub
    from claudia_core.rpc.v1.tasks_pb2_grpc import ProgressServiceStub, TaskServiceStub
except ImportError as error:
    raise MissingExtra("gRPC is not installed", hint="pip install 'claudia-core[grpc]'") from error

BY_STATUS: Mapping[grpc.StatusCode, type[ClaudiaError]] = {
    grpc.StatusCode.UNAVAILABLE: HubUnavailable,
    grpc.StatusCode.DEADLINE_EXCEEDED: WaitTimeout,
    grpc.StatusCode.UNAUTHENTICATED: AccessDenied,
    grpc.StatusCode.PERMISSION_DENIED: AccessDenied,
}
"""What a status means that comes without the hub's own code, such as that of a hub that is away."""


class GrpcClient:
    """`GrpcClient("127.0.0.1:50051", token).tasks.GetTask(ByIdRequest(id=id))`.

    `tasks`, `progress`, `events`, `errors`, `agents`, `hub` and `access` have the methods of the services in
    `claudia.v1`; those that stream give an iterator. A change is asked for once: it may have happened when its answer
    is lost.

    Args:
        target: host and port of the hub's gRPC server.
        token: the hub's token.
        timeout: seconds within which each call must be answered; streams have no end.
        patience: seconds for which a call that only reads is made again while the hub is away or busy; the hub's wish
            for when (RetryInfo) is honoured.
        credentials: for TLS; without, the hub is on this machine or behind a tunnel.

    Raises:
        ClaudiaError: by every method, what the hub raised, in the same class.
    """

    def __init__(
        self,
        target: str,
        token: str,
        *,
        timeout: float = 30.0,
        patience: float = 30.0,
        credentials: grpc.ChannelCredentials | None = None,
    ) -> None:
        Address.parse(f"http://{target}", token)  # both are refused here and not in the middle of a call
        self._channel = (
            grpc.insecure_channel(target) if credentials is None else grpc.secure_channel(target, credentials)
        )
        self._options = {"metadata": (("authorization", f"Bearer {token}"),)}
        self._timeout = timeout
        self._patience = patience
        self.tasks = self._service(TaskServiceStub, tasks_pb2)
        self.progress = self._service(ProgressServiceStub, tasks_pb2)
        self.events = self._service(EventServiceStub, events_pb2)
        self.errors = self._service(ErrorServiceStub, errors_pb2)
        self.agents = self._service(AgentServiceStub, hub_pb2)
        self.hub = self._service(HubServiceStub, hub_pb2)
        self.access = self._service(AccessServiceStub, access_pb2)

    def _service(self, stub: Any, module: Any) -> Service:
        service = module.DESCRIPTOR.services_by_name[stub.__name__.removesuffix("Stub")]
        reading = frozenset(method.name for method in service.methods if _only_reads(method))
        return Service(stub(self._channel), self._options, self._timeout, reading, self._patience)

    def close(self) -> None:
        """End all calls and let go of the connection."""
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Service:
    """A stub whose methods show the token and raise the errors of Claudia."""

    def __init__(
        self, stub: Any, options: Mapping[str, Any], timeout: float, reading: frozenset[str], patience: float
    ) -> None:
        self._stub = stub
        self._options = options
        self._timeout = timeout
        self._reading = reading
        self._patience = patience

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._stub, name)
        is_stream = isinstance(method, grpc.UnaryStreamMultiCallable)
        patience = self._patience if name in self._reading else 0.0

        def call_once(request: Any, timeout: float | None) -> Any:
            with translated():
                return method(request, timeout=timeout or self._timeout, **self._options)

        def call(request: Any, timeout: float | None = None) -> Any:
            if is_stream:
                return _each(method(request, timeout=timeout, **self._options))
            return patiently(partial(call_once, request, timeout), patience)

        return call


def _only_reads(method: MethodDescriptor) -> bool:
    operation: str = method.GetOptions().Extensions[options_pb2.operation]  # type: ignore[index]  # stubs: of no message
    return ROUTES.get(operation, ("", ""))[0] == "GET"


def _each(call: Any) -> Iterator[Any]:
    try:
        with translated():
            yield from call
    finally:
        call.cancel()


@contextmanager
def translated() -> Iterator[None]:
    """Errors of gRPC as those that the hub raised: its code is in the rich details."""
    try:
        yield
    except grpc.RpcError as error:
        raise _error(error) from error


def _error(error: Any) -> ClaudiaError:
    status = rpc_status.from_call(error)
    info, retry = ErrorInfo(), RetryInfo()
    for detail in () if status is None else status.details:
        detail.Unpack(info) or detail.Unpack(retry)
    if not info.reason:
        kind = BY_STATUS.get(error.code(), ClaudiaError)
        return kind(f"{error.details()} ({error.code().name.lower()})")
    pause = float(retry.retry_delay.ToSeconds()) or None
    told = {"code": info.reason, "message": error.details(), **info.metadata}
    return error_of(told, retry_after=pause)
