"""The test run's own rules: loopback only, and no silent skip in CI."""

import asyncio
import socket
import sys
from pathlib import Path

import pytest

from tests.servers import require

ELSEWHERE = ("192.0.2.1", 9)  # TEST-NET-1, never routed


@pytest.mark.parametrize("method", ["connect", "connect_ex"])
@pytest.mark.parametrize(
    ("family", "address"),
    [
        (socket.AF_INET, ELSEWHERE),
        (socket.AF_INET, ("0.0.0.0", 9)),
        (socket.AF_INET, ("example.org", 9)),
        (socket.AF_INET6, ("2001:db8::1", 9)),
        (socket.AF_INET6, ("::ffff:192.0.2.1", 9)),
    ],
    ids=lambda value: str(value[0]) if isinstance(value, tuple) else value.name,
)
def test_connecting_elsewhere_is_refused_by_name(family, address, method):
    """A connection beyond loopback raises before a packet leaves, and the message names the address."""
    with socket.socket(family) as client, pytest.raises(RuntimeError, match=address[0].replace(".", r"\.")):
        getattr(client, method)(address)


def test_datagrams_elsewhere_are_refused():
    """A datagram needs no connection, and is refused just the same."""
    with socket.socket(type=socket.SOCK_DGRAM) as client, pytest.raises(RuntimeError, match=r"192\.0\.2\.1"):
        client.sendto(b"x", ELSEWHERE)


@pytest.mark.parametrize("host", ["example.org", b"example.org", "localhost.example.org"], ids=repr)
def test_names_are_not_looked_up(host):
    """A name that only a name server knows is refused."""
    with pytest.raises(RuntimeError, match=r"look up '(localhost\.)?example\.org'"):
        socket.getaddrinfo(host, 80)


def test_numeric_addresses_resolve():
    """Code that checks addresses before it connects can be tested: a numeric address needs no name server."""
    assert socket.getaddrinfo(*ELSEWHERE, type=socket.SOCK_STREAM)[0][4] == ELSEWHERE


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_loopback_is_allowed(host):
    """Servers that a test starts on this machine can be reached."""
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection((host, server.getsockname()[1]), timeout=5) as client,
    ):
        assert client.getpeername()[0] == "127.0.0.1"


def test_unix_sockets_are_allowed():
    """A Unix socket never leaves the machine, whatever its address looks like."""
    if sys.platform != "linux":
        pytest.skip("the abstract namespace is Linux's")
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind("")
        server.listen()
        client.connect(server.getsockname())


async def test_asyncio_is_guarded_too():
    """An event loop's own connection code passes the same guard."""
    with pytest.raises(RuntimeError, match=r"192\.0\.2\.1"):
        await asyncio.open_connection(*ELSEWHERE)


def test_a_present_server_is_returned():
    """What is installed is handed to the test."""
    assert require("python", sys.executable) == Path(sys.executable)


@pytest.mark.parametrize("path", [None, "no/such/program"])
def test_a_missing_server_skips_on_a_desk_and_fails_in_ci(monkeypatch, path):
    """A developer may lack a server; CI may not."""
    monkeypatch.delenv("CLAUDIA_CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="redis-server is not installed"):
        require("redis-server", path)
    monkeypatch.setenv("CLAUDIA_CI", "1")
    with pytest.raises(pytest.fail.Exception, match="CI must not skip"):
        require("redis-server", path)
