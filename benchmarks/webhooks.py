"""How many webhooks one process delivers per second, durably, to a receiver in another process."""

from __future__ import annotations

import multiprocessing
import socket
import tempfile
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection

from benchmarks.figure import Figure
from claudia_core import Claudia
from claudia_core.model.delivery import DeliveryStatus
from claudia_core.ports import Query
from claudia_core.services.events import NewEvent

EVENTS = 3_000
PATIENCE = 90.0
ANSWER = b"HTTP/1.1 204 No Content\r\n\r\n"


def run() -> Iterator[Figure]:
    """Deliveries per second to one endpoint, and beside one that hangs and one that is down."""
    alone = _measured(dead=False)
    yield Figure("durable deliveries of one process", alone, "/s", 500, False, f"{EVENTS:,} events, full durability")
    beside = _measured(dead=True)
    yield Figure("the same beside an endpoint that hangs and one that is down", beside / alone, "of that", 0.5, False)


def _measured(*, dead: bool) -> float:
    context = multiprocessing.get_context("spawn")
    mine, its = context.Pipe()
    receiver = context.Process(target=_receive, args=(its,), daemon=True)
    receiver.start()
    good, hanging = mine.recv()
    try:
        with tempfile.TemporaryDirectory() as folder:
            return _deliver(f"{folder}/bench.db", good, hanging if dead else None)
    finally:
        receiver.terminate()
        receiver.join()


def _deliver(path: str, good: int, hanging: int | None) -> float:
    with Claudia(path, display="off", outgoing_allow=("127.0.0.0/8",)) as claudia:
        endpoint, _ = claudia.webhooks.create(f"http://127.0.0.1:{good}/", ["bench:*"])
        if hanging is not None:
            claudia.webhooks.create(f"http://127.0.0.1:{hanging}/", ["bench:*"])
            claudia.webhooks.create("http://127.0.0.1:1/", ["bench:*"])
        sender = claudia.send_webhooks()
        while not sender.is_sending:
            time.sleep(0.01)
        started = time.perf_counter()
        for begin in range(0, EVENTS, 100):
            claudia.events.append([NewEvent("bench:event", str(n), {"n": n}) for n in range(begin, begin + 100)])
        done = Query("deliveries", {"endpoint_id": endpoint.id, "status": DeliveryStatus.DELIVERED.value})
        while claudia.store.count(done) < EVENTS:
            if time.perf_counter() - started > PATIENCE:
                break
            time.sleep(0.05)
        return claudia.store.count(done) / (time.perf_counter() - started)


def _receive(told: Connection) -> None:
    """Answer every request at one port with 204, and none at the other."""
    import asyncio

    class Good(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self._transport = transport
            self._rest = b""

        def data_received(self, data: bytes) -> None:
            self._rest += data
            while (end := self._rest.find(b"\r\n\r\n")) >= 0:
                head = self._rest[:end].lower()
                length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
                if len(self._rest) < end + 4 + length:
                    return
                self._rest = self._rest[end + 4 + length :]
                self._transport.write(ANSWER)  # type: ignore[attr-defined]

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        good, hanging = (socket.create_server(("127.0.0.1", 0), backlog=500) for _ in range(2))
        server = await loop.create_server(Good, sock=good)
        await loop.create_server(asyncio.Protocol, sock=hanging)
        told.send((good.getsockname()[1], hanging.getsockname()[1]))
        await server.serve_forever()

    asyncio.run(serve())
