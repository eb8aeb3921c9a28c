"""Memory of an open overview, its charts drawn, against a page of a bare Panel app. Resident memory of the server."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figure import Figure
from benchmarks.pages.children import child, server, stored

WARM = 20
"""Sessions that are opened before: what is imported, compiled and kept once is not theirs."""

SESSIONS = int(os.environ.get("BENCH_SESSIONS", "100"))
SETTLE = 4.0
EVENTS = 6.0
"""Seconds of events, until the charts that the first ones ask for are drawn."""


def run() -> Iterator[Figure]:
    """Bytes that the server grows by for each of many sessions."""
    with tempfile.TemporaryDirectory() as folder:
        bare, hub = _each("counters"), _each("hub", stored(Path(folder, "claudia.db"), 1_000))
    told = f"{hub / 1e3:.0f} kB, bare {bare / 1e3:.0f} kB; {SESSIONS} sessions"
    yield Figure("memory of a session above bare Panel", (hub - bare) / 1e3, "kB", 300, raw=told)


def _each(kind: str, *args: str) -> float:
    with server(kind, *args) as (process, url), child("viewers") as viewers:
        viewers.ask(f"open {WARM} {url}/")
        _move(args)
        before = process.memory
        viewers.ask(f"open {SESSIONS} {url}/")
        _move(args)
        return (process.memory - before) / SESSIONS


def _move(args: tuple[str, ...]) -> None:
    if args:
        with child("writer", *args) as writer:
            writer.answer()
            writer.ask(str(EVENTS))
    time.sleep(SETTLE)
