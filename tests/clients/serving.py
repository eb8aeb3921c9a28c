"""Hubs behind real servers: in a thread of the test, or in a process that can be killed and started again."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from claudia_core.api import server
from claudia_core.app import Claudia

TOKEN = "the-token-of-these-tests"
ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Served:
    """A hub in this process, and its address."""

    hub: Claudia
    base: str


@contextmanager
def serving(hub: Claudia) -> Iterator[Served]:
    """Everything that a hub serves but its pages, behind its guard."""
    listener = server.listen("127.0.0.1", 0)
    app = server.create_app(hub)
    program = server.configured(app, listener, host="127.0.0.1", token=TOKEN)
    thread = threading.Thread(target=lambda: program.run(sockets=[listener]), daemon=True)
    thread.start()
    try:
        deadline = time.monotonic() + 10
        while not program.started:
            assert time.monotonic() < deadline, "the server started"
            time.sleep(0.01)
        yield Served(hub, f"http://127.0.0.1:{listener.getsockname()[1]}")
    finally:
        program.should_exit = True
        app.state.realtime.close()
        thread.join(10)
        listener.close()
        assert not thread.is_alive(), "the server ended"


@dataclass
class Server:
    """A hub's server process, always on one port and file."""

    database: Path
    port: int = 0
    process: subprocess.Popen[str] | None = field(default=None, repr=False)

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        command = [sys.executable, "-m", "tests.clients.child", str(self.database), str(self.port), TOKEN]
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())

    def stop(self, how: signal.Signals = signal.SIGKILL) -> None:
        process, self.process = self.process, None
        if process is not None:
            process.send_signal(how)
            process.wait(15)
            assert process.stdout is not None
            process.stdout.close()


@contextmanager
def server_process(database: Path) -> Iterator[Server]:
    """A running server; killed at the end."""
    running = Server(database)
    running.start()
    try:
        yield running
    finally:
        running.stop()
