"""The gRPC client of a hub: the services of `claudia.v1` with the token on every call and the errors of Claudia.

Needs the extra `grpc`. Messages are in `claudia_core.rpc.v1`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Self

from claudia_core.clients.refusals import error_of
from claudia_core.clients.transport import Address
from claudia_core.errors import AccessDenied, ClaudiaError, HubUnavailable, MissingExtra, WaitTimeout

try:
    import grpc
    from google.rpc.error_details_pb2 import ErrorInfo, RetryInfo  # type: ignore[import-untyped]
    from grpc_status import rpc_status

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

    `tasks`, `progress`, `events`, `errors`, `agents` and `hub` have the methods of the services in `claudia.v1`; those
    that stream give an iterator. A call is made once.

    Args:
        target: host and port of the hub's gRPC server.
        token: the hub's token.
        timeout: seconds within which a call must be answered; streams have no end.
        credentials: for TLS; without, the hub is on this machine or behind a tunnel.

    Raises:
        ClaudiaError: by every method, what the hub raised, in the same class.
    """

    def __init__(
        self, target: str, token: str, *, timeout: float = 30.0, credentials: grpc.ChannelCredentials | None = None
    ) -> None:
        Address.parse(f"http://{target}", token)  # both are refused here and not in the middle of a call
        self._channel = (
            grpc.insecure_channel(target) if credentials is None else grpc.secure_channel(target, credentials)
        )
        self._options = {"metadata": (("authorization", f"Bearer {token}"),)}
        self._timeout = timeout
        self.tasks = self._service(TaskServiceStub)
        self.progress = self._service(ProgressServiceStub)
        self.events = self._service(EventServiceStub)
        self.errors = self._service(ErrorServiceStub)
        self.agents = self._service(AgentServiceStub)
        self.hub = self._service(HubServiceStub)

    def _service(self, stub: Any) -> Service:
        return Service(stub(self._channel), self._options, self._timeout)

    def close(self) -> None:
        """End all calls and let go of the connection."""
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Service:
    """A stub whose methods show the token and raise the errors of Claudia."""

    def __init__(self, stub: Any, options: Mapping[str, Any], timeout: float) -> None:
        self._stub = stub
        self._options = options
        self._timeout = timeout

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._stub, name)
        is_stream = isinstance(method, grpc.UnaryStreamMultiCallable)

        def call(request: Any, timeout: float | None = None) -> Any:
            if is_stream:
                return _each(method(request, timeout=timeout, **self._options))
            with translated():
                return method(request, timeout=timeout or self._timeout, **self._options)

        return call


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
