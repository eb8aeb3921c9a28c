"""What observing a Celery app costs its worker."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from benchmarks.figure import Figure, median
from claudia_core.testing.servers import redis_server

ROUNDS = 5
SLOTS = 2
PATIENCE = 60.0
SHARE = 0.05
"""Of a worker's throughput, what observing may cost."""


def run() -> Iterator[Figure]:
    """An observed worker against one that is not, in turns on the same broker."""
    with tempfile.TemporaryDirectory() as folder, redis_server(Path(folder)) as broker:
        os.environ["BENCH_BROKER"] = broker.url
        with (
            _worker("plain", folder, "") as plain,
            _worker("observed", folder, f"{folder}/observed.db") as observed,
        ):
            bench = Bench({"plain": plain, "observed": observed})
            waits = bench.compare("wait", (0.05,), 60)
            yield Figure(
                "observed throughput, tasks that wait for 50 ms",
                median([one.rate for one in waits["observed"]]) / median([one.rate for one in waits["plain"]]),
                "of plain", 1 - SHARE, False, f"plain: {median([one.rate for one in waits['plain']]):,.0f}/s",
            )  # fmt: skip
            nothing = bench.compare("nothing", (), 500)
            raw, seen = (median([one.cpu for one in nothing[name]]) for name in ("plain", "observed"))
            told = f"processor time of a worker; plain: {raw * 1e3:.2f} ms"
            yield Figure("observing one task", (seen - raw) * 1e3, "ms", None, True, told)
            yield Figure(
                "shortest work whose worker it costs under 5%", (seen - raw) / SHARE * 1e3, "ms", 50, True, told
            )


class Round:
    """Tasks per second, and the worker's processor seconds for one task."""

    def __init__(self, count: int, seconds: float, cpu: float) -> None:
        self.rate = count / seconds
        self.cpu = cpu / count


class Bench:
    """Fills queues while nobody takes from them, and measures how long a worker takes to empty one."""

    def __init__(self, workers: dict[str, int]) -> None:
        from benchmarks import celery_app

        self._tasks = celery_app
        self._workers = {name: psutil.Process(pid) for name, pid in workers.items()}
        self._redis: Any = celery_app.app.connection().default_channel.client

    def compare(self, name: str, arguments: tuple[float, ...], count: int) -> dict[str, list[Round]]:
        """Rounds of each worker, in turns; the first of each warms up and is left out."""
        rounds: dict[str, list[Round]] = {worker: [] for worker in self._workers}
        for turn in range(ROUNDS + 1):
            for worker in list(rounds) if turn % 2 else reversed(list(rounds)):
                rounds[worker].append(self._round(worker, name, arguments, count))
        return {worker: some[1:] for worker, some in rounds.items()}

    def _round(self, worker: str, name: str, arguments: tuple[float, ...], count: int) -> Round:
        queue, app = f"bench-{worker}", self._tasks.app
        for _ in range(count):
            getattr(self._tasks, name).apply_async(arguments, queue=queue)
        cpu = self._cpu(worker)
        app.control.add_consumer(queue, destination=[f"{worker}@bench"])
        self._await(lambda: self._redis.llen(queue) < count)  # it may take a second to notice the queue
        started = time.perf_counter()
        self._await(lambda: not self._redis.llen(queue) and not self._redis.hlen("unacked"))
        seconds = time.perf_counter() - started
        app.control.cancel_consumer(queue, destination=[f"{worker}@bench"], reply=True)
        time.sleep(0.3)  # what is told late counts, too
        return Round(count, seconds, self._cpu(worker) - cpu)

    def _await(self, is_so: Callable[[], bool]) -> None:
        until = time.perf_counter() + PATIENCE
        while not is_so():
            if time.perf_counter() > until:
                raise RuntimeError("a worker does not come to an end")
            time.sleep(0.005)

    def _cpu(self, worker: str) -> float:
        process = self._workers[worker]
        times = [one.cpu_times() for one in (process, *process.children(recursive=True))]
        return sum(one.user + one.system for one in times)


@contextmanager
def _worker(name: str, folder: str, hub: str) -> Iterator[int]:
    log = Path(folder) / f"{name}.log"
    command = [sys.executable, "-W", "ignore", "-m", "celery", "-A", "benchmarks.celery_app", "worker"]
    options = ["-n", f"{name}@bench", "-c", str(SLOTS), "-Q", f"idle-{name}", "--without-mingle", "--without-gossip"]
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*command, *options], env={**os.environ, "BENCH_HUB": hub}, stdout=out, stderr=out, start_new_session=True
        )
    try:
        from benchmarks.celery_app import app

        await_worker(app, f"{name}@bench", process, log)
        yield process.pid
    finally:
        process.terminate()
        process.wait(30)


def await_worker(app: Any, worker: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until a worker that was started answers."""
    until = time.monotonic() + PATIENCE
    while not app.control.ping(destination=[worker], timeout=0.5):
        if process.poll() is not None or time.monotonic() > until:
            raise RuntimeError(log.read_text()[-2_000:])
