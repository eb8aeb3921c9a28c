"""An agent beside Celery workers of as many slots: tasks that do nothing, from the first submit to the last end.

What each keeps on disk before it says so:
- the agent: every task, start and end with its events (SQLite, synchronous=FULL);
- Celery as it comes, on Redis: nothing, and no results;
- Celery made durable: messages (RabbitMQ, persistent, confirmed, acknowledged when done), results (Redis, appendfsync).
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from benchmarks.celery import PATIENCE, SLOTS, await_worker
from benchmarks.figure import Figure, median
from claudia_core import Claudia
from claudia_core.services.tasks.service import NewTask
from claudia_core.testing.servers import rabbitmq_server, redis_server

ROUNDS = 5
COUNT = 1_000
TOGETHER = 500
"""Tasks that are submitted to the agent in one transaction."""


def run() -> Iterator[Figure]:
    """Each in turns, as often; the first round of each warms up and is left out."""
    with ExitStack() as open_:
        folder = Path(open_.enter_context(tempfile.TemporaryDirectory()))
        plain = open_.enter_context(_celery(folder / "plain"))
        durable = open_.enter_context(_durable_celery(folder / "durable"))
        agent = open_.enter_context(_agent(folder / "agent.db"))
        ways = {"plain": plain, "durable": durable, "agent": agent.together, "single": agent.single}
        rounds: dict[str, list[float]] = {name: [] for name in ways}
        for turn in range(ROUNDS + 1):
            for name in list(ways) if turn % 2 else reversed(ways):
                rounds[name].append(COUNT / ways[name]())
    rates = {name: median(some[1:]) for name, some in rounds.items()}
    kept = "tasks, starts and ends on disk"
    yield Figure(f"agent, submitted {TOGETHER} together", rates["agent"], "tasks/s", 500, False, kept)
    yield Figure(
        "agent, submitted one by one, each saved",
        rates["single"],
        "tasks/s",
        raw=f"{kept}; one thread, which waits for each",
    )
    yield Figure("Celery as it comes, on Redis", rates["plain"], "tasks/s", raw="nothing on disk, no results")
    yield Figure("Celery, durable", rates["durable"], "tasks/s", raw="messages on RabbitMQ and results on disk")
    yield Figure("agent against Celery as it comes", rates["agent"] / rates["plain"], "times", 3, False)
    yield Figure("agent against durable Celery", rates["agent"] / rates["durable"], "times", 3, False)
    yield Figure("agent, one by one, against durable Celery", rates["single"] / rates["durable"], "times")


class _Agent:
    """An agent of this process, and what waits until it has done more."""

    def __init__(self, hub: Claudia) -> None:
        self._hub = hub
        self._working = hub.work(capacity=SLOTS)

    def together(self) -> float:
        """Seconds for tasks submitted many in a transaction."""
        return self._timed(
            lambda: [
                self._hub.tasks.create_many([NewTask(type="nothing") for _ in range(TOGETHER)])
                for _ in range(COUNT // TOGETHER)
            ]
        )

    def single(self) -> float:
        """Seconds for tasks submitted by one thread that waits for each to be saved."""
        return self._timed(lambda: [self._hub.tasks.create(type="nothing") for _ in range(COUNT)])

    def _timed(self, submit: Callable[[], object]) -> float:
        wanted = self._working.tally.completed + COUNT
        started = time.perf_counter()
        submit()
        _await(lambda: self._working.tally.completed >= wanted)
        return time.perf_counter() - started


@contextmanager
def _agent(path: Path) -> Iterator[_Agent]:
    with Claudia(path, display="off") as hub:
        hub.handlers.register("nothing", _nothing)
        yield _Agent(hub)


def _nothing(task: object) -> None:
    """What a task does that does nothing."""


@contextmanager
def _celery(folder: Path) -> Iterator[Callable[[], float]]:
    folder.mkdir()
    with redis_server(folder) as broker, _worker("plain", folder, broker.url) as app:
        queue: Any = app.connection().default_channel.client

        def is_done() -> bool:
            return not queue.llen("plain") and not queue.hlen("unacked")

        yield lambda: _timed(app, "plain", is_done)


@contextmanager
def _durable_celery(folder: Path) -> Iterator[Callable[[], float]]:
    import redis

    folder.mkdir()
    always = ("--appendonly", "yes", "--appendfsync", "always")
    with ExitStack() as open_:
        broker = open_.enter_context(rabbitmq_server(folder))
        results = open_.enter_context(redis_server(folder, *always))
        app = open_.enter_context(_worker("durable", folder, broker.url, results.url))
        kept = open_.enter_context(redis.Redis.from_url(results.url))

        def timed() -> float:
            kept.flushdb()
            return _timed(app, "durable", lambda: kept.dbsize() >= COUNT)

        yield timed


def _timed(app: Any, queue: str, is_done: Callable[[], bool]) -> float:
    started = time.perf_counter()
    with app.producer_or_acquire() as producer:
        for _ in range(COUNT):
            app.send_task("benchmarks.celery_app.nothing", queue=queue, producer=producer)
    _await(is_done)
    return time.perf_counter() - started


def _await(is_so: Callable[[], bool]) -> None:
    until = time.perf_counter() + PATIENCE
    while not is_so():
        if time.perf_counter() > until:
            raise RuntimeError("the tasks do not come to an end")
        time.sleep(0.005)


@contextmanager
def _worker(name: str, folder: Path, broker: str, results: str = "") -> Iterator[Any]:
    """A Celery worker that takes from the queue `name`; gives an app that sends to it."""
    environment = {"BENCH_BROKER": broker, "BENCH_RESULTS": results, "BENCH_HUB": ""}
    os.environ.update(environment)
    sys.modules.pop("benchmarks.celery_app", None)
    from benchmarks.celery_app import app

    log = folder / "worker.log"
    command = [sys.executable, "-W", "ignore", "-m", "celery", "-A", "benchmarks.celery_app", "worker"]
    options = ["-n", f"{name}@bench", "-c", str(SLOTS), "-Q", name, "--without-mingle", "--without-gossip"]
    with log.open("wb") as out:
        process = subprocess.Popen([*command, *options], stdout=out, stderr=out, start_new_session=True)
    try:
        await_worker(app, f"{name}@bench", process, log)
        yield app
    finally:
        process.terminate()
        process.wait(30)
