"""How soon a page shows its first row, and what many open pages cost, against bare Panel."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import orjson
import psutil

from benchmarks.figure import Figure, median, percentile
from benchmarks.history import fill
from benchmarks.pages_server import COUNTERS, RATE
from benchmarks.pages_viewers import Viewer
from claudia_core import Claudia

SIZES = (1_000, int(os.environ.get("BENCH_MANY", "1000000")))
LOADS = 5
FLAGS = ("--no-sandbox", "--disable-background-networking", "--disable-component-update", "--no-first-run")
ROW = ".rows tbody tr:visible"

SESSIONS = 100
SECONDS = 10.0
SETTLE = 5.0
CROWD = int(os.environ.get("BENCH_SESSIONS", "1000"))
"""Sessions that are opened and closed."""

AT_ONCE = 20


def run() -> Iterator[Figure]:
    """Page ready with few and many tasks; delay, CPU and memory of many sessions."""
    with tempfile.TemporaryDirectory() as folder:
        for size in SIZES:
            yield from ready(stored(Path(folder, f"{size}.db"), size), size)
        yield from crowded(str(Path(folder, f"{SIZES[0]}.db")))


def stored(path: Path, size: int) -> str:
    """A store with that many tasks, one of them running."""
    fill(path, size - 1)
    with Claudia(path, display="off") as claudia:
        claudia.tasks.create("runs", start=True, estimated_steps=10)
    return str(path)


@contextmanager
def child(*args: str) -> Iterator[subprocess.Popen[str]]:
    """`benchmarks.pages_server` in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.pages_server", *args]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            yield process
        finally:
            process.kill()  # it has nothing to lose


@contextmanager
def server(*args: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server and its address, once it has answered."""
    with child(*args) as process:
        assert process.stdout is not None
        url = f"http://127.0.0.1:{int(process.stdout.readline())}"
        httpx2.get(f"{url}/", timeout=60).raise_for_status()
        yield process, url


# --- page ready -----------------------------------------------------------------------------------------------------


def ready(store: str, size: int) -> Iterator[Figure]:
    """Medians of the time from asking for a page to its first row, in turns with an empty page.

    In a browser that comes for the first time, and in one that was there before.
    """
    from playwright.sync_api import sync_playwright

    program = shutil.which("chromium") or shutil.which("chromium-browser")
    assert program, "Chromium is needed to measure pages"
    with server("empty") as (_, empty), server("hub", store) as (_, hub), sync_playwright() as playwright:
        pages = {"empty": (f"{empty}/", "text=Empty"), "overview": (f"{hub}/", ROW), "tasks": (f"{hub}/tasks", ROW)}
        browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        for visit in ("first", "later"):
            took = _visits(browser, pages, again=visit == "later")
            limit = median(took.pop("empty"))
            for page, seconds in took.items():
                name = f"{page} with {size:,} tasks, {visit} visit, to its first row"
                told = f"{median(seconds) * 1e3:.0f} ms, an empty page {limit * 1e3:.0f} ms"
                yield Figure(name, median(seconds) / limit, "x empty", 1.5, raw=told)
        browser.close()


def _visits(browser: Any, pages: dict[str, tuple[str, str]], *, again: bool) -> dict[str, list[float]]:
    took: dict[str, list[float]] = {name: [] for name in pages}
    known = browser.new_context()
    warm = 2 if again else 1  # browsers keep compiled scripts from the second visit on
    for turn in range(LOADS + warm):
        for name, (url, row) in pages.items():
            context = known if again else browser.new_context()
            seconds = _visit(context, url, row)
            if turn >= warm:
                took[name].append(seconds)
            if not again:
                context.close()
    known.close()
    return took


def _visit(context: Any, url: str, row: str) -> float:
    page = context.new_page()
    started = time.perf_counter()
    page.goto(url, wait_until="commit")
    page.locator(row).first.wait_for(timeout=60_000)
    seconds = time.perf_counter() - started
    page.close()
    return seconds


# --- many sessions --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Crowd:
    """Per server: CPU seconds a second while events come, bytes of a session, bytes kept of one that ended."""

    cpu: float
    memory: float
    kept: float
    delays: list[float]
    messages: float


def crowded(store: str) -> Iterator[Figure]:
    """Delay, CPU and memory with many sessions while events come, and what ended sessions leave behind."""
    bare = asyncio.run(_crowd("counters"))
    hub = asyncio.run(_crowd("hub", store))
    p50, p99 = (percentile(hub.delays, percent) * 1e3 for percent in (50, 99))
    told = f"{SESSIONS} sessions, {RATE} events/s, p50 {p50:.0f} ms, {hub.messages:.1f} messages/s to each"
    yield Figure("commit to session message, p99", p99, "ms", 250, raw=told)
    told = f"{100 * hub.cpu:.0f}% of a core, bare {100 * bare.cpu:.0f}%"
    yield Figure(f"server CPU of {SESSIONS} overviews", hub.cpu / bare.cpu, "x bare", 1.5, raw=told)
    told = f"{hub.memory / 1e3:.0f} kB, bare {bare.memory / 1e3:.0f} kB"
    yield Figure("memory of a session above bare Panel", (hub.memory - bare.memory) / 1e3, "kB", 300, raw=told)
    told = f"after {CROWD:,} opened and closed; bare {bare.kept / 1e3:.1f} kB"
    yield Figure("memory kept of a session that ended", hub.kept / 1e3, "kB", 10, raw=told)


async def _crowd(kind: str, *args: str) -> Crowd:
    with server(kind, *args) as (process, url):
        seen = psutil.Process(process.pid)
        async with httpx2.AsyncClient(timeout=60) as client:
            await _come_and_go(client, url, AT_ONCE)
            memory = seen.memory_info().rss
            viewers = [await Viewer.open(client, url) for _ in range(SESSIONS)]
            await asyncio.sleep(SETTLE)
            memory = seen.memory_info().rss - memory
            with _events(kind, process, *args) as told:
                await asyncio.sleep(2 * SETTLE)  # until the charts that the first events ask for are drawn
                cpu, began, before = _cpu(seen), time.time(), sum(viewer.messages for viewer in viewers)
                await asyncio.sleep(SECONDS)
                cpu, ended = _cpu(seen) - cpu, time.time()
                messages = sum(viewer.messages for viewer in viewers) - before
                await asyncio.sleep(1.0)  # for what was committed last
            await asyncio.gather(*(viewer.close() for viewer in viewers))
            kept = await _kept(client, url, seen)
    steps: dict[int, list[tuple[int, float]]] = {}
    for task, step, at in told:
        steps.setdefault(task, []).append((step, at))
    delays = [delay for viewer in viewers for delay in _delays(steps, viewer.seen, began, ended)]
    assert delays or kind != "hub", "the viewers were told"
    return Crowd(cpu / SECONDS, memory / SESSIONS, kept, delays, messages / SECONDS / SESSIONS)


def _cpu(process: psutil.Process) -> float:
    return sum(process.cpu_times()[:2])


async def _come_and_go(client: httpx2.AsyncClient, url: str, number: int) -> None:
    """Sessions that are opened, a few at a time, and closed; returns when the server has dropped them."""
    for _ in range(number // AT_ONCE):
        viewers = [await Viewer.open(client, url) for _ in range(AT_ONCE)]
        await asyncio.gather(*(viewer.close() for viewer in viewers))
    await asyncio.sleep(SETTLE)


async def _kept(client: httpx2.AsyncClient, url: str, process: psutil.Process) -> float:
    """Bytes by which the server grew for each session that ended."""
    await _come_and_go(client, url, CROWD // 5)  # what the allocator keeps for the next ones
    before = process.memory_info().rss
    rest = max(1, CROWD - CROWD // 5)
    await _come_and_go(client, url, rest)
    return max(0, process.memory_info().rss - before) / rest


@contextmanager
def _events(kind: str, process: subprocess.Popen[str], *args: str) -> Iterator[list[tuple[int, int, float]]]:
    """Events at the rate of the benchmark, until the end of the block; for the hub, the steps are in the list then."""
    told: list[tuple[int, int, float]] = []
    if kind == "hub":
        with child("writer", *args) as writer:
            assert writer.stdin is not None
            assert writer.stdout is not None
            writer.stdout.readline()
            yield told
            writer.stdin.close()
            answer = orjson.loads(writer.stdout.readline())
            assert answer["rate"] > 0.9 * RATE, f"only {answer['rate']:.0f} events/s"
            told += [(task, step, at) for task, step, at in answer["told"]]
        return
    ended = threading.Event()
    feeder = threading.Thread(target=_feed, args=(process, ended))
    feeder.start()
    try:
        yield told
    finally:
        ended.set()
        feeder.join()


def _feed(process: subprocess.Popen[str], ended: threading.Event) -> None:
    assert process.stdin is not None
    began, sent = time.perf_counter(), 0
    while not ended.wait(1 / RATE):
        due = int((time.perf_counter() - began) * RATE)
        process.stdin.write("".join(f"{COUNTERS[n % len(COUNTERS)]}\n" for n in range(sent, due)))
        process.stdin.flush()
        sent = due


def _delays(
    told: dict[int, list[tuple[int, float]]], seen: list[tuple[int, int, float]], began: float, ended: float
) -> Iterator[float]:
    """Seconds from each step to the first message with it or a later step of its task."""
    places = dict.fromkeys(told, 0)
    for task, step, now in seen:
        steps = told[task]
        while places[task] < len(steps) and steps[places[task]][0] <= step:
            at = steps[places[task]][1]
            if began <= at <= ended:
                yield now - at
            places[task] += 1
