"""What the embedded store does per second, against one big `executemany` transaction on the same tables."""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import NamedTuple

import orjson

from benchmarks.figure import Figure, median, percentile
from claudia_core import Claudia
from claudia_core.model import Status, Task
from claudia_core.model.ids import new_id
from claudia_core.model.times import to_text, utc_now
from claudia_core.stores.schema import COLLECTIONS, column_values
from claudia_core.stores.sqlite import file as sqlite_file

THREADS = 32
SECONDS = 3.0
ROUNDS = 5
ROWS = 50_000


class Round(NamedTuple):
    """Per second and per second of CPU, without our code and with it; seconds that each change took."""

    raw: float
    raw_by_cpu: float
    changes: float
    changes_by_cpu: float
    waits: list[float]


def run() -> Iterator[Figure]:
    """State changes, their latency, and progress updates."""
    with tempfile.TemporaryDirectory() as folder:
        rounds = [measure(Path(folder), n) for n in range(ROUNDS)]  # the two take turns: what disturbs, disturbs both
        raw, changes = median([one.raw for one in rounds]), median([one.changes for one in rounds])
        ratios = sorted(one.changes / one.raw for one in rounds)
        note = (
            f"raw executemany {raw:,.0f}/s; rounds {ratios[0]:.3f} to {ratios[-1]:.3f}; load {os.getloadavg()[0]:.1f}"
        )
        yield Figure(f"durable state changes, {THREADS} threads", median(ratios), "of raw", 0.10, False, note)
        by_cpu = median([one.changes_by_cpu / one.raw_by_cpu for one in rounds])
        yield Figure("the same for each second of CPU", by_cpu, "of raw", raw="moves less with the machine's load")
        p50, p99 = (median([percentile(one.waits, percent) for one in rounds]) for percent in (50, 99))
        yield Figure("their p50", p50 * 1e3, "ms", raw=f"{changes:,.0f} changes/s")
        yield Figure("their p99", p99 * 1e3, "ms", 50)
        one, _ = state_changes(f"{folder}/one.db", threads=1)
        yield Figure("the same from one thread", one / raw, "of raw", raw=f"{one:,.0f} changes/s")
        updates = progress_updates(f"{folder}/progress.db")
        yield Figure("coalesced progress updates", updates / raw, "of raw", 0.3, False, f"{updates:,.0f}/s")


def measure(folder: Path, number: int) -> Round:
    """Both, one after the other, on files of their own."""
    raw, raw_by_cpu = raw_limit(folder / f"raw{number}.db")
    used = time.process_time()
    changes, waits = state_changes(f"{folder}/changes{number}.db")
    return Round(raw, raw_by_cpu, changes, len(waits) / (time.process_time() - used), waits)


def raw_limit(path: Path) -> tuple[float, float]:
    """State changes (a document and an event each) in one transaction without any of our code.

    Per second, and per second of CPU.
    """
    sqlite_file.prepare(path)
    sql = sqlite_file.connect(path)
    now = utc_now()
    rows = []
    for n in range(ROWS):
        task = Task(id=new_id(), name=f"task {n % 1000}", created_at=now, updated_at=now, status=Status.ACTIVE)
        summary = task.to_summary()
        rows.append((task.id, column_values(COLLECTIONS["tasks"], summary), orjson.dumps(summary).decode()))
    time_text = to_text(now)
    started, used = time.perf_counter(), time.process_time()
    sql.execute("BEGIN IMMEDIATE")
    sql.executemany(sqlite_file.UPSERTS["tasks"], ((id, *columns, body) for id, columns, body in rows))
    sql.executemany(sqlite_file.ADD_EVENT, ((time_text, "task:started", id, body) for id, _, body in rows))
    sql.execute("COMMIT")
    elapsed, used = time.perf_counter() - started, time.process_time() - used
    sql.close()
    return ROWS / elapsed, ROWS / used


def state_changes(path: str, threads: int = THREADS) -> tuple[float, list[float]]:
    """Tasks created, started and completed, each acknowledged when durable: changes per second, seconds each took."""
    waits: list[float] = []
    done = count()
    with Claudia(path, display="off") as claudia:
        until = time.perf_counter() + SECONDS

        def work() -> None:
            mine = []
            while time.perf_counter() < until:
                id = _timed(mine, lambda: claudia.tasks.create("bench")).id
                _timed(mine, lambda id=id: claudia.tasks.start(id))
                _timed(mine, lambda id=id: claudia.tasks.complete(id))
                next(done)
            waits.extend(mine)

        started = time.perf_counter()
        workers = [threading.Thread(target=work) for _ in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        elapsed = time.perf_counter() - started
        assert claudia.tasks.counts()[Status.COMPLETED] == next(done), "every acknowledged change is there"
    return len(waits) / elapsed, waits


def _timed(waits: list[float], call):  # type: ignore[no-untyped-def]
    started = time.perf_counter()
    result = call()
    waits.append(time.perf_counter() - started)
    return result


def progress_updates(path: str, tasks: int = 100, updates: int = 300_000) -> float:
    """Updates per second over many tasks, the last of each durable at the end."""
    with Claudia(path, display="off") as claudia:
        ids = [claudia.tasks.create("bench", start=True, estimated_steps=updates).id for _ in range(tasks)]
        started = time.perf_counter()
        for n in range(updates):
            claudia.progress.update(ids[n % tasks], n)
        claudia.flush()
        elapsed = time.perf_counter() - started
        assert claudia.progress.get(ids[-1]).current == updates - 1, "the last value won"
    return updates / elapsed
