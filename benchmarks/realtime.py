"""Fan-out to a thousand local clients over WebSockets and server-sent events, against `websockets.broadcast`.

Server and clients are two processes. A message's data is 200 bytes of JSON; Claudia sends it as an event in an
envelope, about 600 bytes, after it was saved durably; the raw server sends the 200 bytes and nothing else.
"""

from __future__ import annotations

import asyncio
import re
import resource
import selectors
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, fields
from typing import Any

import orjson
import psutil

from benchmarks.figure import Figure, median, percentile

CLIENTS = 1_000
BURST = 200
ROUNDS = 3
PACED = 20
STRETCHES = 2
PAUSE = 0.08
SOCKET, STREAM = 1, 2
"""Where a round has them, behind the raw server."""

AT = re.compile(rb'"at":([0-9]+\.[0-9]+),')
UPGRADE = (
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
    + 22 * "A"
    + "==\r\n"
)
SUBSCRIBE = b'{"type":"subscribe","channel":"events:bench:*"}'


def run() -> Iterator[Figure]:
    """Deliveries per second, their delay while messages are rare, memory of an idle connection."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    rounds = [[measure(kind) for kind in ("raw", "socket", "stream")] for _ in range(ROUNDS)]
    raw, hub, sse = (middle(list(measured)) for measured in zip(*rounds, strict=True))
    told = f"raw {raw.rate:,.0f}/s, {raw.p99 * 1e3:.0f} ms, {raw.memory / 1e3:.0f} kB"
    yield Figure(f"WebSocket deliveries, {CLIENTS} clients", ratio(rounds, SOCKET, "rate"), "of raw", 0.7, False, told)
    yield Figure("their number", hub.rate, "per s")
    slower = ratio(rounds, SOCKET, "p50")
    yield Figure("from the commit's begin to the client, p50", slower, "x raw", raw=f"{hub.p50 * 1e3:.0f} ms")
    yield Figure("p99", ratio(rounds, SOCKET, "p99"), "x raw", 2.0, raw=f"{hub.p99 * 1e3:.0f} ms")
    same, cost = 1 / ratio(rounds, SOCKET, "cost"), f"{hub.cost * 1e6:.1f} us, raw {raw.cost * 1e6:.1f} us"
    yield Figure("deliveries per CPU second, one message at a time", same, "of raw", 0.7, False, cost)
    yield Figure("memory of an idle WebSocket", hub.memory / 1e3, "kB", 60)
    yield Figure("SSE deliveries", ratio(rounds, STREAM, "rate"), "of raw", 0.5, False, f"{sse.rate:,.0f}/s")
    yield Figure("SSE p99", ratio(rounds, STREAM, "p99"), "x raw", 2.0, raw=f"{sse.p99 * 1e3:.0f} ms")
    same, cost = 1 / ratio(rounds, STREAM, "cost"), f"{sse.cost * 1e6:.1f} us"
    yield Figure("SSE deliveries per CPU second, one at a time", same, "of raw", 0.5, False, cost)
    yield Figure("memory of an idle stream", sse.memory / 1e3, "kB")


@dataclass(frozen=True)
class Measured:
    """Deliveries per second, seconds to them, CPU seconds of the server for one, bytes of a connection."""

    rate: float
    p50: float
    p99: float
    cost: float
    memory: float


def middle(measured: list[Measured]) -> Measured:
    """The median of each."""
    return Measured(*(median([getattr(one, field.name) for one in measured]) for field in fields(Measured)))


def ratio(rounds: list[list[Measured]], kind: int, name: str) -> float:
    """How often as much as the raw server of the same round: the median, so that no disturbed round counts."""
    return median([getattr(measured[kind], name) / getattr(measured[0], name) for measured in rounds])


def measure(kind: str) -> Measured:
    """One kind of server with its clients."""
    with server("raw" if kind == "raw" else "hub") as (process, port), closing(Clients()) as clients:
        clients.connect(port, kind, 20)  # what the first connections load is not theirs
        memory = process.memory.rss
        clients.connect(port, kind, CLIENTS - 20)
        time.sleep(0.5)
        memory = (process.memory.rss - memory) / (CLIENTS - 20)
        rate = burst(process, clients)
        used = process.cpu
        stretches = [paced(process, clients) for _ in range(STRETCHES)]
        cost = (process.cpu - used) / (PACED * STRETCHES * CLIENTS)
    p50, p99 = (min(percentile(delays, percent) for delays in stretches) for percent in (50, 99))
    return Measured(rate, p50, p99, cost, memory)


def paced(process: Process, clients: Clients) -> list[float]:
    """Seconds that messages with pauses between them take to each client."""
    process.tell(f"{PACED} {PAUSE}")
    return clients.read(PACED)


def burst(process: Process, clients: Clients) -> float:
    """Deliveries per second of messages that follow one another at once."""
    started = time.perf_counter()
    process.tell(f"{BURST} 0")
    clients.read(BURST)
    return BURST * CLIENTS / (time.perf_counter() - started)


class Clients:
    """Many connections that read, in one thread."""

    def __init__(self) -> None:
        self._sockets: list[socket.socket] = []
        self._selector = selectors.DefaultSelector()

    def connect(self, port: int, kind: str, number: int) -> None:
        """Open connections that get every message."""
        for _ in range(number):
            client = socket.create_connection(("127.0.0.1", port), timeout=30)
            path, more = ("/api/v1/events/stream?type=bench:*", "") if kind == "stream" else ("/ws", UPGRADE)
            client.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{more}\r\n".encode())
            _read_until(client, b"\r\n\r\n" if kind == "raw" else b'"connected"' if kind == "socket" else b"connected")
            if kind == "socket":
                client.sendall(bytes((0x81, 0x80 | len(SUBSCRIBE))) + b"\0\0\0\0" + SUBSCRIBE)
                _read_until(client, b'"subscribed"')
            client.setblocking(False)
            self._selector.register(client, selectors.EVENT_READ, [0, b""])
            self._sockets.append(client)

    def read(self, number: int) -> list[float]:
        """Seconds that each of the next messages took to each client, until all have `number` more."""
        delays: list[float] = []
        waiting = len(self._sockets)
        for key in self._selector.get_map().values():
            key.data[0] = number
        until = time.monotonic() + 60
        while waiting:
            assert time.monotonic() < until, f"{waiting} clients did not get all messages"
            for key, _ in self._selector.select(1.0):
                waiting -= _take(key.fileobj, key.data, delays)  # type: ignore[arg-type]
        return delays

    def close(self) -> None:
        """Leave."""
        for client in self._sockets:
            client.close()
        self._selector.close()


def _take(client: socket.socket, state: list[Any], delays: list[float]) -> bool:
    data = state[1] + client.recv(262_144)
    now = time.time()
    end = 0
    before = state[0]
    for found in AT.finditer(data):
        delays.append(now - float(found[1]))
        state[0] -= 1
        end = found.end()
    assert state[0] >= 0, "no message came twice"
    state[1] = data[end:]
    return bool(before and not state[0])


def _read_until(client: socket.socket, mark: bytes) -> None:
    data = b""
    while mark not in data:
        more = client.recv(4_096)
        assert more, data
        data += more


# --- the server's process -----------------------------------------------------------------------------------------


class Process:
    """The server's process as the clients see it."""

    def __init__(self, child: subprocess.Popen[str]) -> None:
        self._child = child
        self._seen = psutil.Process(child.pid)

    @property
    def memory(self) -> Any:
        """Its memory now."""
        return self._seen.memory_info()

    @property
    def cpu(self) -> float:
        """CPU seconds it has used."""
        return sum(self._seen.cpu_times()[:2])

    def tell(self, line: str) -> None:
        """Have it send messages: `number pause`."""
        assert self._child.stdin is not None
        self._child.stdin.write(line + "\n")
        self._child.stdin.flush()


@contextmanager
def server(kind: str) -> Iterator[tuple[Process, int]]:
    """A server in a process of its own, and its port."""
    command = [sys.executable, "-m", "benchmarks.realtime", kind]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        try:
            yield Process(child), int(child.stdout.readline())
        finally:
            child.terminate()


def message(n: int) -> dict[str, Any]:
    """200 bytes of JSON with the time of sending."""
    told: dict[str, Any] = {"at": round(time.time(), 6) + 1e-7, "n": n, "pad": ""}
    told["pad"] = "x" * (200 - len(orjson.dumps(told)))
    return told


def obey(send: Callable[[int], None]) -> None:
    """Send as many messages as each line of the input says, with a pause between them."""
    for line in sys.stdin:
        number, pause = line.split()
        for n in range(int(number)):
            send(n)
            time.sleep(float(pause))


async def serve_raw() -> None:
    """The raw limit: one loop, no compression, no pings, every message written to all in one go."""
    from websockets.asyncio.server import ServerConnection, broadcast, serve

    connections: set[ServerConnection] = set()
    loop = asyncio.get_running_loop()

    async def stay(connection: ServerConnection) -> None:
        connections.add(connection)
        await connection.wait_closed()

    async def send(n: int) -> None:
        broadcast(connections, orjson.dumps(message(n)).decode())

    options: dict[str, Any] = {"compression": None, "ping_interval": None}
    async with serve(stay, "127.0.0.1", 0, backlog=2048, **options) as listening:
        print(listening.sockets[0].getsockname()[1], flush=True)
        command = threading.Thread(
            target=obey, args=(lambda n: asyncio.run_coroutine_threadsafe(send(n), loop).result(),), daemon=True
        )
        command.start()
        await asyncio.Event().wait()


def serve_hub() -> None:
    """Claudia on a file, durable, on uvicorn with the options it is served with."""
    import uvicorn
    from fastapi import FastAPI

    from claudia_core import Claudia
    from claudia_core.api.realtime import mount
    from claudia_core.api.realtime.serving import UVICORN
    from claudia_core.services.events import NewEvent

    with tempfile.TemporaryDirectory() as folder, Claudia(f"{folder}/hub.db", display="off") as claudia:
        app = FastAPI()
        mount(app, claudia)
        listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
        print(listener.getsockname()[1], flush=True)
        send = lambda n: claudia.events.append([NewEvent("bench:tick", "s", message(n))])  # noqa: E731
        threading.Thread(target=obey, args=(send,), daemon=True).start()
        config = uvicorn.Config(app, log_config=None, access_log=False, **UVICORN)
        uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    if sys.argv[1] == "raw":
        asyncio.run(serve_raw())
    else:
        serve_hub()
