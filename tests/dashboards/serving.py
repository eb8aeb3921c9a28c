"""A real server in a thread, for tests with real sessions and browsers."""

import asyncio
import contextlib
import socket
import threading

import uvicorn

from claudia_core.testing.waiting import eventually


@contextlib.contextmanager
def serving(app):
    """The application on a free port of this machine, in a thread; yields its address."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="on", timeout_graceful_shutdown=1))
        thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listening])), daemon=True)
        thread.start()
        eventually(lambda: server.started, timeout=30)
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(10)
