"""Stores full of history, written as one big transaction: a month of ended tasks, as a hub would have left them."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import apsw
import orjson

from claudia_core.model import Progress, Status, Task, TaskError
from claudia_core.model.ids import new_id
from claudia_core.model.times import to_text, utc_now
from claudia_core.services import durations, rollups
from claudia_core.stores.schema import COLLECTIONS, column_values
from claudia_core.stores.sqlite import file as sqlite_file

MANY = int(os.environ.get("BENCH_MANY", "1000000"))
"""Tasks of a long history."""

SPAN = timedelta(days=30)
BATCH = 10_000
FAMILY = 20
"""A task and its parts."""

NAMES = ("train model", "clean rows", "export report")
TYPES = ("ml", "etl", "report")
AGENTS = tuple(f"agent-{n}" for n in range(10))
RARE = 5_000
"""One task in so many has the tag `rare`."""

ADD_TAG = "INSERT INTO tasks_tags (value, document) VALUES (?, ?)"


def filled(path: Path, tasks: int) -> Path:
    """A store with that many tasks at `path`: written once in a run, and copied from then on."""
    shutil.copyfile(_written(tasks), path)
    return path


@cache
def _written(tasks: int) -> Path:
    folder = tempfile.mkdtemp(prefix="claudia-bench-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = Path(folder, "filled.db")
    fill(path, tasks)
    return path


def fill(path: Path, tasks: int) -> None:
    """A store with that many ended tasks, the last event of each, and the counters of all."""
    sqlite_file.prepare(path)
    sql = sqlite_file.connect(path)
    for setting in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -400000"):  # nobody else has it yet
        sql.execute(f"PRAGMA {setting}")
    counts = Counter[tuple[str, int]]()
    sql.execute("BEGIN IMMEDIATE")
    made = _tasks(tasks, utc_now())
    for _ in range(0, tasks, BATCH):
        _save(sql, [task for task, _ in zip(made, range(BATCH), strict=False)], counts)
    sql.executemany(sqlite_file.ADD_SAMPLE, [(series, at, count) for (series, at), count in sorted(counts.items())])
    sql.execute("COMMIT")
    sql.execute("ANALYZE")
    sql.execute("PRAGMA journal_mode = WAL")
    sql.close()


def _save(sql: apsw.Connection, tasks: list[Task], counts: Counter[tuple[str, int]]) -> None:
    summaries = [task.to_summary() for task in tasks]
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
    sql.executemany(ADD_TAG, [(tag, task.id) for task in tasks for tag in task.tags])
    for task in tasks:
        counts.update(_counted(task))


def _counted(task: Task) -> Iterator[tuple[str, int]]:
    """What a task's life adds to, each by one: a series and its bucket."""
    yield rollups.present(task.status), 0
    yield rollups.TYPES + task.type, 0
    for tag in task.tags:
        yield rollups.TAGS + tag, 0
    for series in (rollups.CREATED, rollups.finished(task.status)):
        yield rollups.by_minute(series), rollups.bucket(task.updated_at, rollups.MINUTE)
        yield rollups.by_hour(series), rollups.bucket(task.updated_at, rollups.HOUR)
    if task.status is Status.COMPLETED and task.duration is not None:
        place = durations.place(task.duration)
        for width in (durations.FIVE, rollups.HOUR):
            yield durations.series(place, width), rollups.bucket(task.updated_at, width)


def _tasks(number: int, now: datetime) -> Iterator[Task]:
    """Tasks one after the other over the last month, each a twentieth of them with parts."""
    root = ""
    for n in range(number):
        end = now - SPAN * (number - n) / (number + 1)
        id = new_id()
        root = id if n % FAMILY == 0 else root
        yield _task(n, id, root, end)


def _task(n: int, id: str, root: str, end: datetime) -> Task:
    failed, start = n % 10 == 3, end - timedelta(seconds=0.1 + (n * 7_919 % 6_000) / 10)
    values: dict[str, Any] = {"status": Status.COMPLETED, "progress": Progress(current=100, total=100, updated_at=end)}
    if failed:
        values = {"status": Status.FAILED, "error": TaskError("ValueError", f"row {n} is bad")}
    return Task(
        id=id,
        name=f"{NAMES[n % 3]} {n % 1_000}",
        type=TYPES[n % 3],
        parent_id=None if root == id else root,
        root_id=root,
        agent_id=AGENTS[n % len(AGENTS)],
        tags=("nightly" if n % 2 else "adhoc", *(("rare",) if n % RARE == 7 else ())),
        labels={"written": to_text(end)},
        created_at=start,
        updated_at=end,
        started_at=start,
        finished_at=end,
        **values,
    )
