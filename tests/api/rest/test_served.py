"""The API over a real socket, by several clients at once."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
import uvicorn

from claudia_core import Claudia
from claudia_core.api.server import listen
from tests.api.rest.conftest import api_of


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Claudia]:
    with Claudia(tmp_path / "claudia.db", display="off") as claudia:
        yield claudia


@pytest.fixture
def url(hub: Claudia) -> Iterator[str]:
    listener = listen("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(api_of(hub), log_level="warning", access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join(10)
    assert not thread.is_alive()


def test_many_clients_make_tasks_at_once(hub: Claudia, url: str) -> None:
    """32 clients, no error, and every acknowledged task is there."""

    async def post(client: httpx2.AsyncClient, n: int) -> str:
        answers = [await client.post("/api/v1/tasks", json={"name": f"task {n}"}) for _ in range(5)]
        assert {answer.status_code for answer in answers} == {201}
        return str(answers[-1].json()["id"])

    async def all_at_once() -> list[str]:
        limits = httpx2.Limits(max_connections=32)
        async with httpx2.AsyncClient(base_url=url, limits=limits, timeout=30) as client:
            return await asyncio.gather(*(post(client, n) for n in range(32)))

    made = asyncio.run(all_at_once())
    assert sum(hub.tasks.counts().values()) == 160
    assert all(hub.tasks.get(id).name == f"task {n}" for n, id in enumerate(made))


def test_one_post_after_the_other_is_not_held_up_by_the_network(url: str) -> None:
    """Without TCP_NODELAY on the listener every answer would wait 40 ms for an acknowledgement."""
    with httpx2.Client(base_url=url, timeout=30) as client:
        client.get("/api/v1/log")
        waits = []
        for _ in range(30):
            started = time.perf_counter()
            client.get("/api/v1/log")
            waits.append(time.perf_counter() - started)
    assert sorted(waits)[5] < 0.03


def exchange(url: str, *pieces: bytes) -> bytes:
    """Send raw bytes; returns what comes back until the server says no more."""
    host, _, port = url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        for piece in pieces:
            try:
                connection.sendall(piece)
            except OSError:
                break
        received = b""
        while b"\r\n\r\n" not in received:
            part = connection.recv(65_536)
            if not part:
                break
            received += part
    return received


HEAD = b"POST /api/v1/tasks HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


def test_a_body_that_is_announced_too_large_is_refused_before_it_is_sent(url: str) -> None:
    """The client need not send 3 GB to be told."""
    assert exchange(url, HEAD + b"Content-Length: 3000000000\r\n\r\n").startswith(b"HTTP/1.1 413 ")


def test_an_endless_chunked_body_is_cut(url: str) -> None:
    """Memory does not grow with what a client sends."""
    chunk = b"10000\r\n" + b" " * 65_536 + b"\r\n"
    assert exchange(url, HEAD + b"Transfer-Encoding: chunked\r\n\r\n", *[chunk] * 40).startswith(b"HTTP/1.1 413 ")


def test_headers_and_addresses_have_limits(url: str) -> None:
    """Refused by the server before the application sees them."""
    long = b"GET /api/v1/tasks?name=" + b"x" * 1_000_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n"
    wide = b"GET /api/v1/tasks HTTP/1.1\r\nHost: x\r\nX-Long: " + b"x" * 1_000_000 + b"\r\n\r\n"
    for request in (long, wide):
        assert exchange(url, request).startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 431 "))


def test_clients_that_vanish_do_not_disturb_the_others(hub: Claudia, url: str) -> None:
    """Half-sent requests and connections that say nothing."""
    host, _, port = url.removeprefix("http://").partition(":")
    idle = [socket.create_connection((host, int(port))) for _ in range(20)]
    for connection in idle[:10]:
        connection.sendall(HEAD + b'Content-Length: 100\r\n\r\n{"name"')
    with httpx2.Client(base_url=url, timeout=10) as client:
        assert client.post("/api/v1/tasks", json={}).status_code == 201
        for connection in idle:
            connection.close()
        assert client.post("/api/v1/tasks", json={}).status_code == 201
    assert sum(hub.tasks.counts().values()) == 2
