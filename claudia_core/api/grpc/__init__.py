"""gRPC on its own port: the operations of the contract, streams of events and of one task, health and reflection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from claudia_core.errors import MissingExtra

if TYPE_CHECKING:
    from claudia_core.api.grpc.server import Server
    from claudia_core.app import Claudia

__all__ = ["serve_grpc"]

PACKAGES = ("google", "grpc", "grpc_health", "grpc_reflection", "grpc_status")


def serve_grpc(claudia: Claudia, host: str, port: int, token: str) -> Server:
    """Serve `claudia` by gRPC until the returned handle's `stop()`; port 0 takes a free one.

    Callers send `authorization: Bearer` with the token, an API key or an access token; the health service is open.

    Raises:
        MissingExtra: the gRPC packages are not installed.
        SettingsError: the host is not this machine alone, or the port is taken.
    """
    try:
        from claudia_core.api.grpc.server import Server
    except ImportError as error:
        if (error.name or "").partition(".")[0] not in (
            "google",
            "grpc",
            "grpc_health",
            "grpc_reflection",
            "grpc_status",
        ):
            raise
        raise MissingExtra("gRPC is not installed", hint="pip install 'claudia-core[grpc]'") from error
    return Server(claudia, host, port, token)
