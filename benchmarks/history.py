"""What reading costs with a million tasks, against ten thousand."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import orjson

from benchmarks.figure import Figure, median
from claudia_core import Claudia
from claudia_core.boards import TaskBoard
from claudia_core.model import Progress, Status, Task, TaskError
from claudia_core.model.ids import new_id
from claudia_core.model.times import to_text, utc_now
from claudia_core.services import rollups
from claudia_core.stores import sqlite_file
from claudia_core.stores.schema import COLLECTIONS, column_values

FEW = int(os.environ.get("BENCH_FEW", "10000"))
MANY = int(os.environ.get("BENCH_MANY", "1000000"))
REPEATS = 40
MEMORY = """
import resource, sys
from claudia_core import Claudia
with Claudia(sys.argv[1], display="off") as claudia:
    claudia.boards.tasks.picture()
    claudia.tasks.list(name="clean")
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""

QUESTIONS: dict[str, Callable[[Claudia], object]] = {
    "first page": lambda claudia: claudia.tasks.list(),
    "by status": lambda claudia: claudia.tasks.list(status="failed"),
    "by status and type": lambda claudia: claudia.tasks.list(status="failed", type="etl"),
    "by type": lambda claudia: claudia.tasks.list(type="ml"),
    "by name prefix": lambda claudia: claudia.tasks.list(name="train model 7"),
    "counts": lambda claudia: claudia.tasks.counts(),
    "first picture of a page's board": lambda claudia: TaskBoard(claudia.store).load(),
}


def run() -> Iterator[Figure]:
    """Ratios of the median time of each question, and of the memory of a process that asks."""
    with tempfile.TemporaryDirectory() as folder:
        few, many = Path(folder, "few.db"), Path(folder, "many.db")
        fill(few, FEW)
        fill(many, MANY)
        small, large = ask(few), ask(many)
        for name in QUESTIONS:
            note = f"{small[name] * 1e3:.2f} ms with {FEW:,}, {large[name] * 1e3:.2f} ms with {MANY:,}"
            yield Figure(f"{name}, {MANY:,} against {FEW:,} tasks", large[name] / small[name], "x", 1.5, raw=note)
        kilobytes = [int(subprocess.check_output([sys.executable, "-c", MEMORY, str(path)])) for path in (few, many)]
        note = f"{kilobytes[0] / 1e3:.0f} MB and {kilobytes[1] / 1e3:.0f} MB"
        yield Figure("memory of a reading process", kilobytes[1] / kilobytes[0], "x", 1.1, raw=note)


def ask(path: Path) -> dict[str, float]:
    """Median seconds of each question."""
    with Claudia(path, display="off") as claudia:
        return {
            name: median([_seconds(claudia, question) for _ in range(REPEATS)]) for name, question in QUESTIONS.items()
        }


def _seconds(claudia: Claudia, question: Callable[[Claudia], object]) -> float:
    started = time.perf_counter()
    question(claudia)
    return time.perf_counter() - started


def fill(path: Path, tasks: int) -> None:
    """A store with that many ended tasks and their last events, written as one big transaction."""
    sqlite_file.prepare(path)
    sql = sqlite_file.connect(path)
    now = utc_now() - timedelta(days=2)
    counts = dict.fromkeys(Status, 0)
    sql.execute("BEGIN IMMEDIATE")
    for start in range(0, tasks, 10_000):
        rows = [_task(n, now + timedelta(milliseconds=n)) for n in range(start, min(start + 10_000, tasks))]
        summaries = [task.to_summary() for task in rows]
        bodies = [orjson.dumps(summary).decode() for summary in summaries]
        kind = COLLECTIONS["tasks"]
        sql.executemany(
            sqlite_file.UPSERTS["tasks"],
            [(s["id"], *column_values(kind, s), body) for s, body in zip(summaries, bodies, strict=True)],
        )
        sql.executemany(
            sqlite_file.ADD_EVENT,
            [(s["updated_at"], f"task:{s['status']}", s["id"], b) for s, b in zip(summaries, bodies, strict=True)],
        )
        for task in rows:
            counts[task.status] += 1
    sql.executemany(sqlite_file.ADD_SAMPLE, [(rollups.present(status), 0, n) for status, n in counts.items()])
    sql.execute("COMMIT")
    sql.execute("ANALYZE")
    sql.close()


def _task(n: int, moment) -> Task:  # type: ignore[no-untyped-def]
    failed = n % 10 == 0
    return Task(
        id=new_id(),
        name=f"{('train model', 'clean rows', 'export report')[n % 3]} {n % 1000}",
        type=("ml", "etl", "report")[n % 3],
        status=Status.FAILED if failed else Status.COMPLETED,
        error=TaskError("ValueError", f"row {n} is bad") if failed else None,
        created_at=moment,
        updated_at=moment,
        started_at=moment,
        finished_at=moment,
        progress=Progress(current=100, total=100, updated_at=moment),
        labels={"written": to_text(moment)},
    )
