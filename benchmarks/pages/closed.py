"""What a thousand opened and closed overviews leave behind: resident memory of the server, and that of a bare app."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figure import Figure
from benchmarks.pages.children import Child, child, server, stored

CROWD = int(os.environ.get("BENCH_CROWD", "1000"))
"""Sessions that are opened and closed."""

AT_ONCE = 20
SETTLE = 8.0
"""Seconds until the server has dropped those that left, and collected its garbage."""


def run() -> Iterator[Figure]:
    """Bytes kept of a session that ended: what the server grew by over the last four fifths of them."""
    with tempfile.TemporaryDirectory() as folder:
        store = stored(Path(folder, "claudia.db"), 1_000)
        with server("hub", store) as (process, url), child("viewers") as viewers:
            early = _come_and_go(process, viewers, url, CROWD // 5)
            late = _come_and_go(process, viewers, url, CROWD - CROWD // 5)
    kept = max(0, late - early) / (CROWD - CROWD // 5)
    told = f"{early / 1e6:.0f} MB after {CROWD // 5}, {late / 1e6:.0f} MB after {CROWD:,} opened and closed"
    yield Figure("memory kept of a session that ended", kept / 1e3, "kB", 10, raw=told)


def _come_and_go(process: Child, viewers: Child, url: str, number: int) -> int:
    """Sessions that are opened, a few at a time, and closed; the server's memory then."""
    for _ in range(number // AT_ONCE):
        viewers.ask(f"open {AT_ONCE} {url}/")
        viewers.ask("close")
    time.sleep(SETTLE)
    return process.memory
