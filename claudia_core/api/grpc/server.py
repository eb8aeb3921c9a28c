"""The gRPC server: threads, limits, health and reflection, from start to a prompt end."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Self

import grpc
from grpc_health.v1 import health
from grpc_health.v1.health_pb2 import HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import add_HealthServicer_to_server
from grpc_reflection.v1alpha import reflection

from claudia_core.api.access.access import Access
from claudia_core.api.grpc.access import Callers, Gate
from claudia_core.api.grpc.methods import MAX_STREAMS, handlers, scopes, services
from claudia_core.api.limits.rates import Rates
from claudia_core.api.origin import LOOPBACK
from claudia_core.app import Claudia
from claudia_core.errors import SettingsError
from claudia_core.logs import get_logger
from claudia_core.model.health import Health

log = get_logger(__name__)

WORKERS = 32
"""Threads for calls that are no streams."""

OPTIONS = (
    ("grpc.max_receive_message_length", 8_000_000),
    ("grpc.max_metadata_size", 16_000),
    ("grpc.so_reuseport", 0),  # a second server on the same port is an error, not a rival
    ("grpc.keepalive_time_ms", 30_000),  # finds clients that vanished without a word
    ("grpc.keepalive_timeout_ms", 10_000),
)

CHECKED_EVERY = 5.0
"""Seconds between looks at the hub's health."""


class Server:
    """Serves from construction until `stop()`.

    Args:
        claudia: what is served.
        host: a name or address of this machine alone.
        port: 0 takes a free one; see `port`.
        token: the server's own; `authorization: Bearer` shows it, an API key or an access token.

    Raises:
        SettingsError: the host is not loopback, or the port is taken.
    """

    def __init__(self, claudia: Claudia, host: str, port: int, token: str) -> None:
        _require_loopback(host)
        self._claudia = claudia
        self._stopping = threading.Event()
        self._pool = ThreadPoolExecutor(WORKERS + MAX_STREAMS, thread_name_prefix="claudia-grpc")
        callers = Callers(Access(claudia, token, port))
        gate = Gate(callers, scopes(), Rates(claudia.settings))
        self._server = grpc.server(
            self._pool, handlers(claudia, self._stopping, callers), [gate], OPTIONS, maximum_concurrent_rpcs=1_000
        )
        self._health = health.HealthServicer(experimental_non_blocking=True, experimental_thread_pool=self._pool)
        add_HealthServicer_to_server(self._health, self._server)
        names = [service.full_name for service in services()]
        self._names = ["", *names]
        reflection.enable_server_reflection([*names, health.SERVICE_NAME, reflection.SERVICE_NAME], self._server)
        self.port = self._bind(host, port)
        self.address = f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"
        self._server.start()
        self._checker = threading.Thread(target=self._check, name="claudia-grpc-health", daemon=True)
        self._checker.start()

    def stop(self, grace: float = 2.0) -> None:
        """End: streams are told, open calls get `grace` seconds. Stopping twice is fine."""
        self._stopping.set()
        self._health.enter_graceful_shutdown()
        self._server.stop(grace).wait()
        self._checker.join(grace)
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _bind(self, host: str, port: int) -> int:
        where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        try:
            return self._server.add_insecure_port(where)
        except RuntimeError as error:
            self._pool.shutdown()
            hint = "choose another with CLAUDIA_GRPC_PORT, or 0 for a free one"
            raise SettingsError(f"{where} cannot be bound: is the port taken?", field="grpc_port", hint=hint) from error

    def _check(self) -> None:
        while not self._stopping.is_set():
            status = HealthCheckResponse.SERVING if self._is_well() else HealthCheckResponse.NOT_SERVING
            for name in self._names:
                self._health.set(name, status)
            self._stopping.wait(CHECKED_EVERY)

    def _is_well(self) -> bool:
        try:
            return self._claudia.health.report().status is not Health.FAIL
        except Exception:  # without a word, callers would hear for ever that all is as it was
            log.exception("the hub's health cannot be looked at")
            return False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _require_loopback(host: str) -> None:
    if host.lower() not in LOOPBACK:
        raise SettingsError(
            f"gRPC may not bind to {host!r}: it is not encrypted, so it serves this machine only",
            field="host",
            hint="use 127.0.0.1; reach it from another machine with: ssh -L 5007:127.0.0.1:5007 THIS_MACHINE",
        )
