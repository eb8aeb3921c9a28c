"""What observing a Celery app costs its worker, and what the local engine does beside one."""

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
from claudia_core import Claudia
from claudia_core.testing.servers import redis_server

ROUNDS = 5
SLOTS = 2
PATIENCE = 60.0
SHARE = 0.05
"""Of a worker's throughput, what observing may cost."""


def run() -> Iterator[Figure]:
    """An observed worker against one that is not, in turns on the same broker; the local engine against the latter."""
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
            best = median([one.rate for one in nothing["plain"]])
        local = _local(f"{folder}/local.db")
        raw_text = f"Celery, {SLOTS} processes: {best:,.0f}/s"
        yield Figure("local engine, tasks that do nothing", local, "/s", 500, False, "durable, end to end")
        yield Figure("the same against one Celery worker", local / best, "times", 3, False, raw_text)


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
        _await_answer(f"{name}@bench", process, log)
        yield process.pid
    finally:
        process.terminate()
        process.wait(30)


def _await_answer(worker: str, process: subprocess.Popen[bytes], log: Path) -> None:
    from benchmarks.celery_app import app

    until = time.monotonic() + PATIENCE
    while not app.control.ping(destination=[worker], timeout=0.5):
        if process.poll() is not None or time.monotonic() > until:
            raise RuntimeError(log.read_text()[-2_000:])


def _local(path: str) -> float:
    """Tasks per second that one process takes, runs and ends, with as many slots as the Celery worker."""
    count = 2_000
    with Claudia(path, display="off") as hub:
        hub.handler("nothing")(_nothing)
        for _ in range(count // 500):
            hub.tasks.create_many([_new() for _ in range(500)])
        started = time.perf_counter()
        with hub.work(capacity=SLOTS) as working:
            while working.tally.completed < count:
                if time.perf_counter() - started > PATIENCE:
                    break
                time.sleep(0.005)
            return working.tally.completed / (time.perf_counter() - started)


def _new() -> Any:
    from claudia_core.services.tasks import NewTask

    return NewTask(type="nothing")


def _nothing(task: Any) -> None:
    """What a task does that does nothing."""
