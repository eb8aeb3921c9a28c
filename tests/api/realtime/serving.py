"""A real server for these tests: uvicorn on a free port of loopback, in a thread."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import uvicorn
from fastapi import FastAPI
from websockets.asyncio.client import ClientConnection, connect

from claudia_core import Claudia
from claudia_core.api.realtime import Realtime, mount
from claudia_core.api.realtime.serving import UVICORN, drop_dead_peers
from claudia_core.services.events import NewEvent

PATIENCE = 5.0


@dataclass
class Served:
    """A running server."""

    claudia: Claudia
    app: FastAPI
    server: uvicorn.Server
    port: int

    @property
    def realtime(self) -> Realtime:
        """What was mounted."""
        found: Realtime = self.app.state.realtime
        return found

    def url(self, path: str, scheme: str = "ws") -> str:
        """The address of a path."""
        return f"{scheme}://127.0.0.1:{self.port}{path}"

    def ws(self, path: str = "/ws", **options: Any) -> connect:
        """A client's connection, to be entered."""
        return connect(self.url(path), compression=None, proxy=None, **options)

    def append(self, *numbers: int, type: str = "test:happened", subject: str = "s", **more: Any) -> None:
        """Append events with `n` in their data."""
        self.claudia.events.append([NewEvent(type, subject, {"n": n, **more}) for n in numbers])


@contextmanager
def serving(
    claudia: Claudia,
    *,
    options: dict[str, Any] | None = None,
    port: int = 0,
    pages: Callable[[FastAPI], None] = lambda app: None,
    **mounted: Any,
) -> Iterator[Served]:
    """A server for a hub; it must have ended within `PATIENCE` seconds after the block."""
    app = FastAPI()
    pages(app)
    mount(app, claudia, **mounted)
    listener = socket.create_server(("127.0.0.1", port), backlog=2048)
    drop_dead_peers(listener)
    config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="on", **{**UVICORN, **(options or {})})
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(_serve(server, listener)), daemon=True)
    thread.start()
    try:
        until = time.monotonic() + PATIENCE
        while not server.started:
            assert time.monotonic() < until, "the server started"
            time.sleep(0.005)
        yield Served(claudia, app, server, listener.getsockname()[1])
    finally:
        server.should_exit = True
        thread.join(PATIENCE)
        listener.close()
        app.state.realtime.close()
        assert not thread.is_alive(), "the server ended"


async def _serve(server: uvicorn.Server, listener: socket.socket) -> None:
    await server.serve(sockets=[listener])
    for one in list(server.server_state.connections):  # uvicorn leaves those of clients that do not read
        one.transport.abort()
    await asyncio.sleep(0)


async def hear(client: ClientConnection, seconds: float = 3.0) -> dict[str, Any]:
    """The next message."""
    text = await asyncio.wait_for(client.recv(), seconds)
    document: dict[str, Any] = json.loads(text)
    return document


async def say(client: ClientConnection, **message: Any) -> dict[str, Any]:
    """Send a message and take the next one that comes."""
    await client.send(json.dumps(message))
    return await hear(client)


async def hear_numbers(client: ClientConnection, number: int) -> list[int]:
    """The `n` of the next events."""
    return [(await hear(client))["data"]["data"]["n"] for _ in range(number)]
