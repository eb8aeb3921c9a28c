"""How soon a page shows its first row in a browser, against an empty page of panel-material-ui."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.figure import Figure, median
from benchmarks.filled import MANY
from benchmarks.pages.children import server, stored

SIZES = (1_000, MANY)
LOADS = 4
FLAGS = ("--no-sandbox", "--disable-background-networking", "--disable-component-update", "--no-first-run")
ROW = ".rows tbody tr:visible"


def run() -> Iterator[Figure]:
    """Medians of the time from asking for a page to its first row, in turns with an empty page.

    In a browser that comes for the first time, and in one that was there before.
    """
    from playwright.sync_api import sync_playwright

    program = shutil.which("chromium") or shutil.which("chromium-browser")
    assert program, "Chromium is needed to measure pages"
    with tempfile.TemporaryDirectory() as folder, ExitStack() as servers:
        pages = {"empty": (f"{servers.enter_context(server('empty'))[1]}/", "text=Empty")}
        for size in SIZES:
            hub = servers.enter_context(server("hub", stored(Path(folder, f"{size}.db"), size)))[1]
            pages[f"overview with {size:,} tasks"] = (f"{hub}/", ROW)
            pages[f"tasks with {size:,} tasks"] = (f"{hub}/tasks", ROW)
            pages[f"events with {size:,} tasks"] = (f"{hub}/events", ROW)
        playwright = servers.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        for visit in ("first", "later"):
            took = _visits(browser, pages, again=visit == "later")
            limit = median(took.pop("empty"))
            for page, seconds in took.items():
                told = f"{median(seconds) * 1e3:.0f} ms, an empty page {limit * 1e3:.0f} ms"
                yield Figure(f"{page}, {visit} visit", median(seconds) / limit, "x empty", 1.5, raw=told)
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
