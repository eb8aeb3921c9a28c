"""Real servers for tests, each a process of its own on a free port of loopback, stopped by its process id.

    with secantus(folder) as server:
        store = MongoStore(f"{server.url}/test")

Each is found where it is installed; `NotInstalled` says what is missing.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

START = 60.0
"""Seconds a server may take to answer."""

STOP = 20.0


class NotInstalled(RuntimeError):
    """The program of a server is not on this machine."""


def free_port() -> int:
    """A port of loopback that nobody listens on now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


class Server:
    """A server's process: it can be killed and started again on the same port and folder.

    Args:
        command: what to run.
        port: where it listens.
        url: its address for clients.
        log: the file its output goes to.
        environment: variables on top of this process's.
        answers: whether it is ready; by default, whether its port takes connections.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        port: int,
        url: str,
        log: Path,
        environment: Mapping[str, str] | None = None,
        answers: Callable[[], bool] | None = None,
    ) -> None:
        self.port = port
        self.url = url
        self._command = list(command)
        self._log = log
        self.environment = {**os.environ, **(environment or {})}
        self._answers = answers or self._takes_connections
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Of the running process."""
        assert self._process is not None, "it runs"
        return self._process.pid

    def start(self) -> None:
        """Start and wait until it answers.

        Raises:
            RuntimeError: it ended, or did not answer in time; with the end of its output.
        """
        with self._log.open("ab") as out:
            self._process = subprocess.Popen(  # in its own folder: some leave a crash dump where they stand
                self._command,
                env=self.environment,
                cwd=self._log.parent,
                stdout=out,
                stderr=out,
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # some are scripts that start the server: what they started ends with them
            )
        until = time.monotonic() + START
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > until:
                self.kill()
                told = self._log.read_text(errors="replace")[-2_000:]
                raise RuntimeError(f"{self._command[0]} did not start: {told}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Ask it to end, and wait."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once, as a crash does."""
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """Let it hang: it keeps its connections and answers nothing."""
        _signal(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        _signal(self.pid, signal.SIGCONT)

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        _signal(process.pid, how)
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP)
        _signal(process.pid, signal.SIGKILL)  # what is left of its group
        process.wait(STOP)

    def _takes_connections(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1.0):
                return True
        except OSError:
            return False


def _signal(group: int, how: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(group, how)


@contextmanager
def running(server: Server) -> Iterator[Server]:
    """The server, started; stopped at the end."""
    try:
        server.start()
        yield server
    finally:
        server.stop()


@contextmanager
def secantus(folder: Path, *options: str, keep: bool = False) -> Iterator[Server]:
    """A peer that speaks MongoDB's protocol as a replica set of one; it keeps its data in memory unless `keep`.

    Raises:
        NotInstalled: SecantusDB is not there.
    """
    if importlib.util.find_spec("secantus") is None:
        raise NotInstalled("SecantusDB is not installed: pip install secantusdb")
    port = free_port()
    place = str(folder / "data") if keep else ":memory:"
    command = [sys.executable, "-m", "secantus", "--port", str(port), "--storage-path", place, *options]
    url = f"mongodb://127.0.0.1:{port}"
    with running(Server(command, port=port, url=url, log=folder / "secantus.log")) as server:
        yield server


@contextmanager
def redis_server(folder: Path, *options: str) -> Iterator[Server]:
    """A Redis without persistence.

    Raises:
        NotInstalled: there is no `redis-server`.
    """
    program = shutil.which("redis-server")
    if program is None:
        raise NotInstalled("redis-server is not installed: apt-get install redis-server")
    port = free_port()
    where = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder)]
    command = [program, *where, "--save", "", "--appendonly", "no", *options]
    url = f"redis://127.0.0.1:{port}/0"
    with running(Server(command, port=port, url=url, log=folder / "redis.log")) as server:
        yield server


@contextmanager
def rabbitmq_server(folder: Path) -> Iterator[Server]:
    """A RabbitMQ of its own, with its own port mapper, in `folder`.

    Raises:
        NotInstalled: there is no RabbitMQ.
    """
    program = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
    if not program.exists():
        raise NotInstalled("RabbitMQ is not installed: apt-get install rabbitmq-server")
    port, mapper, distribution = free_port(), free_port(), free_port()
    config = folder / "rabbitmq.conf"
    config.write_text(f"listeners.tcp.1 = 127.0.0.1:{port}\nvm_memory_high_watermark.relative = 0.2\n")
    environment = {
        "HOME": str(folder),
        "RABBITMQ_NODENAME": f"claudia{port}@localhost",
        "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
        "RABBITMQ_LOG_BASE": str(folder / "log"),
        "RABBITMQ_CONFIG_FILE": str(config),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
        "RABBITMQ_DIST_PORT": str(distribution),
        "ERL_EPMD_PORT": str(mapper),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
    }
    (folder / "plugins").write_text("[].\n")
    url = f"amqp://guest:guest@127.0.0.1:{port}/"

    def answers() -> bool:
        try:
            with socket.create_connection(("127.0.0.1", port), 1.0) as peer:
                peer.settimeout(2.0)
                peer.sendall(b"AMQP\x00\x00\x09\x01")
                return bool(peer.recv(1))
        except OSError:
            return False

    server = Server(
        [str(program)], port=port, url=url, log=folder / "server.log", environment=environment, answers=answers
    )
    try:
        with running(server):
            yield server
    finally:
        subprocess.run(
            ["epmd", "-port", str(mapper), "-kill"],
            check=False,
            capture_output=True,
            timeout=20,
            env=server.environment,
        )
