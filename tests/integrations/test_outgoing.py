"""The guard on requests to addresses of users: what is called, what is refused, and how much is read."""

from __future__ import annotations

import asyncio
import http.server
import socket
import ssl
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import httpcore2
import httpx2
import pytest

from claudia_core.errors import AddressRefused, InvalidValue, SettingsError, TooLarge
from claudia_core.integrations.addresses import Allowed
from claudia_core.integrations.outgoing import GuardedAsync, GuardedSync, Poster, guarded_client, read_bounded
from claudia_core.model.address import require_url

PUBLIC = "93.184.215.14"
HERE = Allowed(["127.0.0.0/8"])

SPECIAL = [
    "127.0.0.1", "127.1.2.3", "0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254",
    "100.64.0.1", "192.0.0.170", "192.0.2.1", "192.88.99.1", "198.18.0.1", "198.19.255.255", "198.51.100.1",
    "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::1", "100::1",
    "2001::1", "2001:db8::1", "2002:7f00:1::", "3fff::1", "5f00::1", "fc00::1", "fd12:3456::1", "fe80::1", "fec0::1",
    "ff02::1", "fe80::1%1",
]  # fmt: skip


class Connected(Exception):
    """Says where a connection would have gone."""


class Recorder(httpcore2.NetworkBackend):
    """Connects nowhere, and remembers where it should have."""

    def __init__(self, down: Iterable[str] = ()) -> None:
        self.called: list[str] = []
        self.down = set(down)

    def connect_tcp(self, host: str, port: int, *_: Any, **__: Any) -> httpcore2.NetworkStream:
        self.called.append(host)
        if host in self.down:
            raise httpcore2.ConnectError(host)
        raise Connected(f"{host}:{port}")


class AsyncRecorder(httpcore2.AsyncNetworkBackend):
    """The same for what is awaited."""

    def __init__(self) -> None:
        self.called: list[str] = []

    async def connect_tcp(self, host: str, port: int, *_: Any, **__: Any) -> httpcore2.AsyncNetworkStream:
        self.called.append(host)
        raise Connected(f"{host}:{port}")


def known(*addresses: str) -> Any:
    return lambda host, port: list(addresses)


@pytest.mark.parametrize("address", SPECIAL)
def test_special_addresses_are_refused(address: str) -> None:
    """This machine, private networks, cloud metadata, what embeds an IPv4 address, multicast: never called."""
    recorder = Recorder()
    with pytest.raises(AddressRefused, match="CLAUDIA_OUTGOING_ALLOW"):
        GuardedSync(resolver=known(address), inner=recorder).connect_tcp("host.example", 80)
    assert recorder.called == []


@pytest.mark.parametrize("address", [PUBLIC, "1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111"])
def test_public_addresses_are_called(address: str) -> None:
    """What is not special is called, by its address and not by its name."""
    recorder = Recorder()
    with pytest.raises(Connected):
        GuardedSync(resolver=known(address), inner=recorder).connect_tcp("host.example", 443)
    assert recorder.called == [address]


def test_one_bad_record_refuses_all() -> None:
    """A name with a good and a bad address is refused as a whole; one without any, too."""
    recorder = Recorder()
    for addresses in ((PUBLIC, "127.0.0.1"), ("::1", PUBLIC), (), ("nonsense",)):
        with pytest.raises(AddressRefused):
            GuardedSync(resolver=known(*addresses), inner=recorder).connect_tcp("host.example", 80)
    assert recorder.called == []


def test_a_name_that_rebinds_is_called_where_it_was_checked() -> None:
    """The name is looked up once: what it leads to a moment later is not asked."""
    answers = iter([[PUBLIC], ["127.0.0.1"], ["127.0.0.1"]])
    recorder = Recorder()
    with pytest.raises(Connected, match=PUBLIC):
        GuardedSync(resolver=lambda host, port: next(answers), inner=recorder).connect_tcp("rebind.example", 80)
    assert recorder.called == [PUBLIC]
    assert next(answers) == ["127.0.0.1"]


def test_the_next_address_is_tried() -> None:
    """Where one of several good addresses is down, another is called."""
    recorder = Recorder(down=[PUBLIC])
    with pytest.raises(Connected, match=r"1\.1\.1\.1"):
        GuardedSync(resolver=known(PUBLIC, "1.1.1.1"), inner=recorder).connect_tcp("host.example", 80)


async def test_what_is_awaited_is_guarded_too() -> None:
    """The asynchronous backend refuses and pins alike, and gives up a lookup that hangs."""
    recorder = AsyncRecorder()
    guard = GuardedAsync(resolver=known("10.0.0.1"), inner=recorder)
    with pytest.raises(AddressRefused):
        await guard.connect_tcp("host.example", 80)
    with pytest.raises(Connected, match=PUBLIC):
        await GuardedAsync(resolver=known(PUBLIC), inner=recorder).connect_tcp("host.example", 80)
    assert recorder.called == [PUBLIC]
    go = threading.Event()
    hanging = GuardedAsync(resolver=lambda host, port: [str(go.wait(10))], inner=recorder)
    with pytest.raises(httpcore2.ConnectTimeout):
        await hanging.connect_tcp("host.example", 80, timeout=0.01)
    go.set()
    for backend in (guard, hanging):
        backend.close()


def test_allowed_networks_and_hosts() -> None:
    """A setting opens single networks, addresses and names, and nothing else."""
    allowed = Allowed(["10.0.0.0/8", "::1", "Intranet.example."])
    for host, address, is_open in (
        ("x", "10.1.2.3", True),
        ("x", "::1", True),
        ("x", "192.168.0.1", False),
        ("intranet.example", "192.168.0.1", True),
        ("evil.intranet.example", "192.168.0.1", False),
    ):
        guard = GuardedSync(allowed, resolver=known(address), inner=Recorder())
        with pytest.raises(Connected if is_open else AddressRefused):
            guard.connect_tcp(host, 80)
    with pytest.raises(SettingsError, match="outgoing_allow"):
        Allowed(["http://host/"])


@pytest.mark.parametrize("host", ["localhost", "[::1]", "127.0.0.1"])
def test_this_machine_by_the_real_resolver(host: str) -> None:
    """The client that is used refuses this machine with nothing set."""
    with guarded_client() as client, pytest.raises(AddressRefused):
        client.get(f"http://{host}:1/")


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "127.1", "017700000001"])
def test_other_spellings_of_this_machine(host: str) -> None:
    """What counts is the address that the system finds, not how the host is spelled."""
    backend = GuardedSync(resolver=lambda host, port: [socket.inet_ntoa(socket.inet_aton(host))], inner=Recorder())
    with guarded_client(backend=backend) as client, pytest.raises(AddressRefused):
        client.get(f"http://{host}:1/")


def test_the_client_uses_the_guard_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """httpx2 calls our backend, for http and https; a proxy of the environment is not asked."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    recorder = Recorder()
    backend = GuardedSync(resolver=known(PUBLIC), inner=recorder)
    with guarded_client(backend=backend) as client:
        for url in ("http://host.example/", "https://host.example/"):
            with pytest.raises(Connected, match=PUBLIC):
                client.get(url)
    assert recorder.called == [PUBLIC, PUBLIC]


def test_tls_asks_for_the_hosts_name() -> None:
    """The connection goes to an address; the certificate must be that of the name."""
    asked: list[str | None] = []

    class Stream(httpcore2.NetworkStream):
        def start_tls(
            self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
        ) -> httpcore2.NetworkStream:
            assert ssl_context.check_hostname
            asked.append(server_hostname)
            raise httpcore2.ConnectError("enough")

        def close(self) -> None:
            asked.append("closed")

    class Connects(httpcore2.NetworkBackend):
        def connect_tcp(self, host: str, *_: Any, **__: Any) -> httpcore2.NetworkStream:
            assert host == PUBLIC
            return Stream()

    backend = GuardedSync(resolver=known(PUBLIC), inner=Connects())
    with guarded_client(backend=backend) as client, pytest.raises(httpx2.ConnectError):
        client.get("https://host.example/")
    assert asked[0] == "host.example"


@pytest.mark.parametrize(
    "url",
    ["", "ftp://host/", "host/path", "http://", "http://user:pw@host/", "http://host/#x", "http://host:99999/", "file:///x",
     "http://host/a b", "http://host/\nx", "http://host\\@127.0.0.1/", "//host", 3, "http://" + "x" * 2_000],
)  # fmt: skip
def test_urls_that_are_none(url: Any) -> None:
    """Only http and https, with a host, without user or fragment; the refusal does not repeat a password."""
    with pytest.raises(InvalidValue) as caught:
        require_url(url)
    assert "pw" not in str(caught.value)


def test_good_urls() -> None:
    """With port, path and query; a port is not looked at."""
    for url in (
        "https://host.example/a?b=c",
        "http://127.0.0.1:8080",
        "https://[2606:4700::1111]/x",
        "https://bücher.example/",
    ):
        assert require_url(url) == url


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        asked = self.rfile.read(int(self.headers["content-length"]))
        if self.path == "/redirect":
            self.send_response(302)
            self.send_header("location", "http://127.0.0.1:1/")
            self.send_header("content-length", "0")
            self.end_headers()
            return
        if self.path == "/hang":
            threading.Event().wait(2)
        self.send_response(200)
        body = asked if self.path == "/echo" else b"x" * 100_000
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST  # noqa: N815 - the base class's name

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def served() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


async def test_posts_are_bounded() -> None:
    """What comes back is read up to a bound; a redirect is an answer and not followed; hanging ends; this machine is
    refused where it is not allowed."""
    with served() as address:
        poster = Poster(GuardedAsync(HERE), seconds=0.5)
        assert (await poster.post(f"{address}/echo", {"X-Mine": "ü"}, b"hello")).body == b"hello"
        assert len((await poster.post(f"{address}/much", {}, b"", most=1_000)).body) == 1_000
        sent = await poster.post(f"{address}/redirect", {}, b"")
        assert (sent.status, sent.headers["location"]) == (302, "http://127.0.0.1:1/")
        with pytest.raises(TimeoutError):
            await poster.post(f"{address}/hang", {}, b"")
        with pytest.raises(ConnectionError):
            await poster.post("http://127.0.0.1:1/", {}, b"")
        await poster.close()
        guarded = Poster()
        with pytest.raises(AddressRefused):
            await guarded.post(f"{address}/echo", {}, b"hello")
        await guarded.close()
    await asyncio.sleep(0)


def test_bodies_are_bounded() -> None:
    """An answer over the bound is refused while it is read, not afterwards."""
    with served() as address, guarded_client(HERE) as client:
        with client.stream("POST", f"{address}/much", content=b"") as response:
            assert len(read_bounded(response)) == 100_000
        with client.stream("POST", f"{address}/much", content=b"") as response, pytest.raises(TooLarge):
            read_bounded(response, 1_000)
