"""Errors: what capturing costs where it happens, how many a hub takes, and what finding them costs among many."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import orjson

from benchmarks.figure import Figure, median, percentile
from claudia_core import Claudia
from claudia_core.model.event import Event
from claudia_core.model.ids import new_id
from claudia_core.model.issue import Issue
from claudia_core.model.report import ErrorReport
from claudia_core.model.times import utc_now
from claudia_core.services import rollups
from claudia_core.services.errors.recording import hourly
from claudia_core.stores.schema import COLLECTIONS, column_values
from claudia_core.stores.sqlite import file as sqlite_file

CAPTURES = 2_000
EVENTS = 600
ISSUES = 1_000
EACH = 200
TOGETHER = 50


def run() -> Iterator[Figure]:
    """Time on the calling thread, throughput into a file, and time to list and search."""
    yield from capturing()
    yield from taking()
    yield from finding()


def capturing() -> Iterator[Figure]:
    """What `capture` costs the thread that calls it; the stack has twenty functions."""
    with tempfile.TemporaryDirectory() as folder, Claudia(Path(folder, "bench.db"), display="off") as claudia:
        for with_locals, aim in ((False, 50.0), (True, None)):
            claudia.errors.with_locals = with_locals
            costs = []
            for _ in range(CAPTURES):
                error = _raised(20)
                began = time.perf_counter()
                claudia.errors.capture(error, order=17)
                costs.append(time.perf_counter() - began)
                if len(costs) % 400 == 0:
                    claudia.flush(60)
            name = "capture, on the calling thread" + (" with variables" if with_locals else "")
            note = f"p95 {percentile(costs, 95) * 1e6:.0f} us"
            yield Figure(name, median(costs) * 1e6, "us", aim, raw=note)
        claudia.flush(60)


def _raised(depth: int) -> Exception:
    def down(left: int) -> None:
        value = {"left": left}
        if left:
            down(left - 1)
        raise ValueError(f"no row {value}")

    try:
        down(depth)
    except ValueError as error:
        return error
    raise AssertionError("it raises")


def taking() -> Iterator[Figure]:
    """Events of 50 kB from start to durable: checked, scrubbed, grouped, saved, and read by the feed."""
    with tempfile.TemporaryDirectory() as folder, Claudia(Path(folder, "bench.db"), display="off") as claudia:
        seen: list[Event] = []
        claudia.on("error:reported", seen.append)
        reports = [_report(number) for number in range(EVENTS)]
        size = len(orjson.dumps(reports[0].to_document()))
        began = time.perf_counter()
        for start in range(0, EVENTS, TOGETHER):
            outcomes = claudia.errors.report_many(reports[start : start + TOGETHER])
            assert not any(outcomes), "all are taken"
        claudia.flush(60)
        while len(seen) < EVENTS:
            time.sleep(0.002)
        rate = EVENTS / (time.perf_counter() - began)
        raw = _raw(Path(folder, "raw.db"), reports)
        note = f"{size / 1e3:.0f} kB each; raw executemany of the same bodies {raw:,.0f}/s"
        yield Figure("errors posted, grouped, drained", rate, "errors/s", 200.0, at_most=False, raw=note)


def _report(number: int) -> ErrorReport:
    lines = [f"    value_{n} = compute(order_{n}, rate={n}.5)  # {'x' * 20}" for n in range(11)]
    frames = [
        {
            "file": f"shop/part_{n}.py",
            "function": f"step_{n}_{number % 40}",
            "module": f"shop.part_{n}",
            "line": 40 + n,
            "in_app": n % 2 == 0,
            "before": lines[:5],
            "code": lines[5],
            "after": lines[6:],
            "locals": {f"name_{v}": "'some value of a variable'" for v in range(5)},
        }
        for n in range(38)
    ]
    stack = {
        "type": "ValueError",
        "message": f"no row {number}",
        "relation": "raised",
        "parent": None,
        "frames": frames,
    }
    crumbs = tuple({"message": f"read page {n} of orders", "category": "shop.db", "level": "info"} for n in range(60))
    return ErrorReport(
        id=new_id(),
        type="ValueError",
        message=f"no row {number}",
        exceptions=(stack,),
        breadcrumbs=crumbs,
        tags={"shard": str(number % 7)},
        context={"orders": [f"order {n}" for n in range(50)]},
        service="shop",
    )


def _raw(path: Path, reports: list[ErrorReport]) -> float:
    """Rows a second of the bodies alone, in commits of as many."""
    sqlite_file.prepare(path)
    sql = sqlite_file.connect(path)
    sql.execute("CREATE TABLE raw (id TEXT PRIMARY KEY, body TEXT)")
    began = time.perf_counter()
    for start in range(0, len(reports), TOGETHER):
        rows = [(one.id, orjson.dumps(one.to_document()).decode()) for one in reports[start : start + TOGETHER]]
        sql.execute("BEGIN IMMEDIATE")
        sql.executemany("INSERT INTO raw VALUES (?, ?)", rows)
        sql.execute("COMMIT")
    rate = len(reports) / (time.perf_counter() - began)
    sql.close()
    return rate


def finding() -> Iterator[Figure]:
    """A thousand issues with two hundred thousand occurrences: a page of the list, a search, one issue's errors."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "many.db")
        ids = fill(path)
        with Claudia(path, display="off") as claudia:
            asked: dict[str, Callable[[int], object]] = {
                "first page": lambda _: claudia.errors.recent(claudia.errors.issues(limit=50).issues),
                "search by words": lambda n: claudia.errors.issues(text=f"row {n} shop", limit=50),
                "search without a hit": lambda n: claudia.errors.issues(text=f"nothing {n}", limit=50),
                "most frequent": lambda _: claudia.errors.issues(order="-count_key", limit=50),
                "errors of an issue": lambda n: claudia.errors.occurrences(issue_id=ids[n % ISSUES], limit=50),
            }
            for name, question in asked.items():
                times = []
                for n in range(60):
                    began = time.perf_counter()
                    question(n)
                    times.append((time.perf_counter() - began) * 1e3)
                note = f"{ISSUES:,} issues, {ISSUES * EACH:,} occurrences; median {median(times):.1f} ms"
                yield Figure(f"{name}, p95", percentile(times, 95), "ms", 100.0, raw=note)


def fill(path: Path) -> list[str]:
    """A store with many issues and their occurrences, written as one big transaction; returns the issues' ids."""
    sqlite_file.prepare(path)
    sql = sqlite_file.connect(path)
    now = utc_now() - timedelta(hours=20)
    ids = [f"{n:032x}" for n in range(ISSUES)]
    issues, occurrences = COLLECTIONS["issues"], COLLECTIONS["occurrences"]
    sql.execute("BEGIN IMMEDIATE")
    for number, id in enumerate(ids):
        issue = Issue(
            id=id,
            type="ValueError",
            title=f"no row {number} in the table of orders",
            culprit=f"shop.part_{number}.run",
            first_seen=now,
            last_seen=now + timedelta(minutes=number),
            count=EACH + number,
            grouping={"mechanism": "stack", "version": 1, "parts": ["ValueError", f"shop.part_{number}.run"]},
            services=("shop",),
        ).to_document()
        sql.execute(sqlite_file.UPSERTS["issues"], (id, *column_values(issues, issue), orjson.dumps(issue).decode()))
        rows = []
        for n in range(EACH):
            summary = {"id": new_id(), "issue_id": id, "task_id": None, **_SUMMARY, "time": issue["last_seen"]}
            rows.append((summary["id"], *column_values(occurrences, summary), orjson.dumps(summary).decode()))
            if n % 20 == 0:
                at = rollups.bucket(now + timedelta(hours=n // 20), 3_600)
                sql.execute(sqlite_file.ADD_SAMPLE, (hourly(id), at, 20))
        sql.executemany(sqlite_file.UPSERTS["occurrences"], rows)
    sql.execute("COMMIT")
    sql.execute("ANALYZE")
    sql.close()
    return ids


_SUMMARY = {
    "type": "ValueError",
    "message": "no row",
    "culprit": "shop.run",
    "level": "error",
    "kind": "captured",
    "handled": True,
    "agent_id": None,
    "service": "shop",
    "release": "1.4.2",
    "environment": "production",
    "host": "app-1",
    "tags": {"shard": "3"},
}
