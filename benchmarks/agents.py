"""What agents get done per second, and how soon they begin, against raw state changes of the same store."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figure import Figure, percentile
from benchmarks.store import raw_limit
from claudia_core import Claudia
from claudia_core.model import Status
from claudia_core.services.tasks.service import NewTask

TASKS = 5_000
SUBMITTERS = 8
STARTS = 200
CHANGES = 3
"""State changes of a task from its making to its end: created, started, completed."""

SPINS = 8
"""Tasks of half a second of a core."""

QUEUED, PROCESSES, AGENTS = 10_000, 4, 2


def run() -> Iterator[Figure]:
    """Throughput, the delay until a task begins, and claims of many processes."""
    with tempfile.TemporaryDirectory() as folder:
        raw = max(raw_limit(Path(folder) / f"raw{n}.db")[0] for n in range(2))
        note = f"raw executemany {raw:,.0f} changes/s"
        queued = queued_tasks(f"{folder}/queued.db")
        yield Figure("no-op tasks that waited, 8 at once", queued, "tasks/s", 500, False)
        yield Figure("their state changes", 2 * queued / raw, "of raw", raw=note)
        direct = submitted_tasks(f"{folder}/submitted.db")
        yield Figure("no-op tasks, each submitted durably, end to end", direct, "tasks/s", 500, False)
        yield Figure("their state changes", CHANGES * direct / raw, "of raw", raw=note)
        waits = starts(f"{folder}/starts.db")
        yield Figure("submit to start, p50", percentile(waits, 50) * 1e3, "ms", 10)
        yield Figure("submit to start, p99", percentile(waits, 99) * 1e3, "ms")
        one, two = (spinning(f"{folder}/spin{number}.db", number) for number in (1, 2))
        yield Figure("work of the processor, two processes against one", one / two, "times", raw=f"{two:.2f} s")
        seconds = many_claims(f"{folder}/claims.db")
        name = f"{QUEUED:,} tasks by {PROCESSES * AGENTS} agents in {PROCESSES} processes"
        yield Figure(name, QUEUED / seconds, "tasks/s", raw="each claimed exactly once, or this fails")


def give_back(_: object, payload: object) -> object:
    """Does nothing."""
    return payload


def queued_tasks(path: str) -> float:
    """Tasks per second, claimed, run and completed, of those that wait already."""
    with Claudia(path, display="off") as hub:
        hub.handlers.register("noop", give_back)
        hub.tasks.create_many(NewTask(type="noop", payload=n) for n in range(TASKS))
        started = time.perf_counter()
        hub.work(capacity=8)
        _wait_for(hub, TASKS)
        return TASKS / (time.perf_counter() - started)


def submitted_tasks(path: str) -> float:
    """Tasks per second from 8 threads, each waiting for each of its tasks to be saved, until all are completed."""
    with Claudia(path, display="off") as hub:
        hub.handlers.register("noop", give_back)
        hub.work(capacity=8)

        def submit() -> None:
            for n in range(TASKS // SUBMITTERS):
                hub.tasks.create(type="noop", payload=n)

        submitters = [threading.Thread(target=submit) for _ in range(SUBMITTERS)]
        started = time.perf_counter()
        for submitter in submitters:
            submitter.start()
        for submitter in submitters:
            submitter.join()
        _wait_for(hub, TASKS)
        return TASKS / (time.perf_counter() - started)


def starts(path: str) -> list[float]:
    """Seconds from asking for a task to the first line of its handler, the agent being idle."""
    begun = threading.Event()
    at = [0.0]
    waits = []

    def handler(_: object) -> None:
        at[0] = time.perf_counter()
        begun.set()

    with Claudia(path, display="off") as hub:
        hub.handlers.register("noop", handler)
        hub.work(capacity=1)
        for n in range(STARTS):
            begun.clear()
            asked = time.perf_counter()
            hub.tasks.create(type="noop")
            assert begun.wait(60)
            waits.append(at[0] - asked)
            _wait_for(hub, n + 1)
    return waits


def spinning(path: str, capacity: int) -> float:
    """Seconds in which an agent's processes do `SPINS` tasks that each keep a core busy, their start not counted."""
    os.environ["CLAUDIA_DATABASE_URL"] = path  # where the processes, which import the handlers again, find the hub
    sys.modules.pop("tests.engines.app", None)
    with importlib.import_module("tests.engines.app").claudia as hub:
        hub.work(capacity=capacity)
        hub.tasks.create_many(NewTask(type="spin", payload={"seconds": 0.01}) for _ in range(2 * capacity))
        _wait_for(hub, 2 * capacity)
        started = time.perf_counter()
        hub.tasks.create_many(NewTask(type="spin", payload={"seconds": 0.5}) for _ in range(SPINS))
        _wait_for(hub, 2 * capacity + SPINS)
        return time.perf_counter() - started


def many_claims(path: str) -> float:
    """Seconds in which agents of several processes claim and complete what waits, each task once."""
    with Claudia(path, display="off") as hub:
        ids = {task.id for task in hub.tasks.create_many(NewTask(type="x") for _ in range(QUEUED))}
        command = [sys.executable, "-m", "tests.engines.claimer", path, str(AGENTS)]
        pipe = subprocess.PIPE
        claimers = [subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) for _ in range(PROCESSES)]
        for claimer in claimers:
            assert claimer.stdout is not None, "it was started with pipes"
            claimer.stdout.readline()
        started = time.perf_counter()
        for claimer in claimers:
            assert claimer.stdin is not None, "it was started with pipes"
            claimer.stdin.write("\n")
            claimer.stdin.flush()
        taken = [id for claimer in claimers for id in claimer.communicate()[0].split()]
        seconds = time.perf_counter() - started
        assert len(taken) == QUEUED, "none twice"
        assert set(taken) == ids, "none forgotten"
    return seconds


def _wait_for(hub: Claudia, number: int) -> None:
    while hub.tasks.counts()[Status.COMPLETED] < number:
        time.sleep(0.002)
