"""Starts a real Dask scheduler and real workers, each a process of its own, on ports of this machine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
START = 90.0


class Cluster:
    """A scheduler and its workers. What they write goes to files in `folder`."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        self.address = ""
        self._environment = {**os.environ, **environment}
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def _start(self, name: str, module: str, *options: str, **more: str) -> None:
        command = [sys.executable, "-W", "ignore", "-m", f"distributed.cli.{module}", "--no-dashboard", *options]
        with (self.folder / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(
                command, cwd=ROOT, env={**self._environment, **more}, stdout=log, stderr=log, start_new_session=True
            )

    def schedule(self, *options: str, port: int = 0, **environment: str) -> None:
        """Start the scheduler, and wait until it is there."""
        file = self.folder / "scheduler.json"
        file.unlink(missing_ok=True)
        where = ["--host", "127.0.0.1", "--port", str(port), "--scheduler-file", str(file)]
        self._start("scheduler", "dask_scheduler", *where, *options, **environment)
        until = time.monotonic() + START
        while time.monotonic() < until:
            with suppress(OSError, ValueError):
                self.address = json.loads(file.read_text())["address"]
                return
            time.sleep(0.05)
        raise RuntimeError((self.folder / "scheduler.log").read_text()[-3_000:])

    def work(self, name: str, *options: str, **environment: str) -> None:
        """Start a worker with one thread and, unless told otherwise, a nanny."""
        where = ["--name", name, "--host", "127.0.0.1", "--nthreads", "1", "--local-directory", str(self.folder)]
        self._start(name, "dask_worker", self.address, *where, *options, **environment)

    def pid(self, name: str) -> int:
        """The process of one."""
        return self._processes[name].pid

    def kill(self, name: str) -> None:
        """End one, and all that it began, at once."""
        process = self._processes.pop(name, None)
        if process is not None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(30)

    def close(self) -> None:
        """End all."""
        for name in list(self._processes):
            self.kill(name)


@contextmanager
def cluster(folder: Path, *workers: str, environment: Mapping[str, str] | None = None) -> Iterator[Cluster]:
    """A scheduler with these workers, without nannies."""
    made = Cluster(folder, **(environment or {}))
    try:
        made.schedule()
        for worker in workers:
            made.work(worker, "--no-nanny")
        yield made
    finally:
        made.close()
