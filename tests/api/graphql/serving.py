"""A real server on a free loopback port, in a thread of the test's own process."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

from claudia_core.app import Claudia


@contextmanager
def serving(hub: Claudia, *mounts: Callable[[FastAPI, Claudia], None]) -> Iterator[str]:
    """Serve `hub` with what is mounted; gives `127.0.0.1:PORT`."""
    app = FastAPI()
    for mount in mounts:
        mount(app, hub)
    config = uvicorn.Config(app, port=0, log_config=None, lifespan="off", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, name="test-server", daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.01)
    assert server.started, "the server did not start within 20 s"
    try:
        yield f"127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        assert not thread.is_alive(), "the server did not stop within 10 s"
