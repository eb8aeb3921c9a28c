"""What observing a Dask cluster costs its scheduler, and how many tasks of the hub a large graph makes."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
from distributed import Client, wait

from benchmarks.figure import Figure, median
from claudia_core import Claudia

ROUNDS = 5
TASKS = 2_000
LARGE = 20_000
PATIENCE = 60.0
SHARE = 0.10
"""Of a scheduler's processor time for a task that does nothing, what observing may cost."""


def nothing(number: int) -> int:
    """Give back what it was given."""
    return number


def run() -> Iterator[Figure]:
    """An observed scheduler against one that is not, in turns; each has a worker of two threads."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as open_:
        clusters = {name: open_.enter_context(_cluster(Path(folder) / name)) for name in ("plain", "observed")}
        hub = open_.enter_context(Claudia(f"{folder}/hub.db", display="off"))
        hub.observe(clusters["observed"].client)
        cost: dict[str, list[float]] = {name: [] for name in clusters}
        for turn in range(ROUNDS + 1):
            for name in list(clusters) if turn % 2 else reversed(list(clusters)):
                cost[name].append(clusters[name].round(TASKS))
        plain, observed = (median(some[1:]) for some in cost.values())
        told = f"plain: {plain * 1e3:.2f} ms; tasks that do nothing"
        yield Figure("processor time of an observed scheduler", observed / plain, "of plain", 1 + SHARE, True, told)
        known = len(hub.tasks.list(limit=10_000).tasks)
        clusters["observed"].round(LARGE)
        time.sleep(1.0)
        made = len(hub.tasks.list(limit=10_000).tasks) - known
        yield Figure(f"tasks of the hub for a map of {LARGE:,}", made, "tasks", 5, True, "")


class Cluster:
    """A client, and the process of its scheduler."""

    def __init__(self, client: Any, scheduler: int) -> None:
        self.client = client
        self._scheduler = psutil.Process(scheduler)

    def round(self, count: int) -> float:
        """Run so many tasks that do nothing; the scheduler's processor seconds for each."""
        before = self._seconds()
        futures = self.client.map(nothing, range(count), pure=False)
        wait_for: Any = wait
        wait_for(futures, timeout=10 * PATIENCE)
        del futures
        time.sleep(0.5)  # what is told late counts, too
        return (self._seconds() - before) / count

    def _seconds(self) -> float:
        times = self._scheduler.cpu_times()
        return float(times.user + times.system)


@contextmanager
def _cluster(folder: Path) -> Iterator[Cluster]:
    folder.mkdir()
    file = folder / "scheduler.json"
    where = ["--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(file)]
    with ExitStack() as running:
        scheduler = running.enter_context(_program(folder, "dask_scheduler", *where))
        address = _address(file)
        running.enter_context(_program(folder, "dask_worker", address, "--no-nanny", "--nthreads", "2"))
        make: Any = Client
        client = running.enter_context(make(address))
        client.wait_for_workers(1, timeout=PATIENCE)
        yield Cluster(client, scheduler.pid)


def _address(file: Path) -> str:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        with suppress(OSError, ValueError):
            return str(json.loads(file.read_text())["address"])
        time.sleep(0.05)
    raise RuntimeError("the scheduler does not start")


@contextmanager
def _program(folder: Path, name: str, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-W", "ignore", "-m", f"distributed.cli.{name}", "--no-dashboard", *options]
    with (folder / f"{name}.log").open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out)
    try:
        yield process
    finally:
        process.kill()
        process.wait(30)
