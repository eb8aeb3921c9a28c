"""Keeps a test run on this machine: whatever tries to reach beyond loopback fails, and names what it wanted."""

import ipaddress
import socket
from collections.abc import Callable
from typing import Any

import pytest


def is_loopback(host: str) -> bool:
    """Whether `host`, a name or a numeric address, can only be this machine."""
    name = host.lower().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    address = numeric(name)
    return address is not None and address.is_loopback


def numeric(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address that `host` spells, an IPv4-mapped one unwrapped; None for a name."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def refuse(action: str, target: object) -> None:
    raise RuntimeError(f"tests may use loopback only, but something tried to {action} {target!r}")


def guarded(method: Callable[..., Any]) -> Callable[..., Any]:
    """A socket's method, whose last argument is the peer's address, for loopback and Unix sockets only."""

    def checked(self: socket.socket, *args: Any) -> Any:
        address = args[-1] if args else None
        if isinstance(address, tuple) and not is_loopback(text(address[0])):
            refuse(method.__name__, address)
        return method(self, *args)

    return checked


def guarded_lookup(lookup: Callable[..., Any]) -> Callable[..., Any]:
    """`getaddrinfo` for loopback names and for numeric addresses, which need no name server."""

    def checked(host: Any, *args: Any, **kwargs: Any) -> Any:
        name = text(host or "localhost")
        if not is_loopback(name) and numeric(name) is None:
            refuse("look up", name)
        return lookup(host, *args, **kwargs)

    return checked


def text(host: str | bytes | bytearray) -> str:
    return host if isinstance(host, str) else bytes(host).decode("ascii", "replace")


def install(patch: pytest.MonkeyPatch) -> None:
    for name in ("connect", "connect_ex", "sendto"):
        patch.setattr(socket.socket, name, guarded(getattr(socket.socket, name)))
    patch.setattr(socket, "getaddrinfo", guarded_lookup(socket.getaddrinfo))
