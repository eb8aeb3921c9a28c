"""What a thousand opened and closed overviews leave behind, beside as many pages of a bare Panel app.

Memory and live objects of both servers are taken ten times; a line through them has what one session leaves as slope.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx2

from benchmarks.figure import Figure
from benchmarks.pages.children import Child, child, feed, server, stored

CROWD = int(os.environ.get("BENCH_CROWD", "1000"))
"""Sessions that are opened and closed."""

POINTS = 10
"""How often a server is looked at."""

AT_ONCE = 20
WARM = 20.0
"""Seconds of events with some pages open before: rows and differences are kept for all who look, up to a number."""

EVENTS = 0.5
"""Seconds of events while they are open."""

COUNTED = ("ServerSession", "Document", "LiveView", "Model")
"""What would be alive of a page that was not let go of."""

PATIENCE = 60.0
"""Seconds in which a server is to have dropped those that left."""

type Census = dict[str, int]


@dataclass
class Visited:
    """A server, what looks at it, and what it had after so many sessions."""

    process: Child
    url: str
    viewers: Child
    writer: Child | None = None
    sessions: list[int] = field(default_factory=list)
    found: list[Census] = field(default_factory=list)

    def warm(self) -> None:
        """Fill what is kept once for all sessions."""
        self._open(WARM)

    def come_and_go(self, number: int) -> None:
        """Sessions that are opened, a few at a time, follow some events, and are closed; then look."""
        for _ in range(number // AT_ONCE):
            self._open(EVENTS)
        self.sessions.append(number + (self.sessions[-1] if self.sessions else 0))
        self.found.append(self._census())

    def _open(self, seconds: float) -> None:
        self.viewers.ask(f"open {AT_ONCE} {self.url}/")
        if self.writer is None:
            feed(self.process, seconds)
        else:
            self.writer.ask(str(seconds))
        self.viewers.ask("close")

    def _census(self) -> Census:
        until = time.monotonic() + PATIENCE
        while True:
            time.sleep(2.0)
            found: Census = httpx2.get(f"{self.url}/census", timeout=60).json()
            if not found["ServerSession"] or time.monotonic() > until:
                return found

    def slope(self, of: str, first: int = 0) -> float:
        """How much more of something there is with each session, by least squares; from a look on."""
        return statistics.linear_regression(self.sessions[first:], [found[of] for found in self.found[first:]]).slope

    def more(self) -> int:
        """How many more sessions, documents, views and models are alive at the end than at the first look."""
        return sum(self.found[-1][name] - self.found[0][name] for name in COUNTED)

    def course(self, of: str) -> str:
        """Megabytes at each look."""
        return " ".join(f"{found[of] / 1e6:.0f}" for found in self.found)


def run() -> Iterator[Figure]:
    """What a session leaves behind, of both servers."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as processes:
        store = stored(Path(folder, "claudia.db"), 1_000)
        bare = Visited(*processes.enter_context(server("counters")), processes.enter_context(child("viewers")))
        writer = processes.enter_context(child("writer", store))
        writer.answer()
        hub = Visited(*processes.enter_context(server("hub", store)), processes.enter_context(child("viewers")), writer)
        for one in (hub, bare):
            one.warm()
        for _ in range(POINTS):
            for one in (hub, bare):
                one.come_and_go(CROWD // POINTS)
    told = f"of {CROWD:,}; bare Panel {bare.more()}"
    yield Figure("sessions, documents, views and models left alive", hub.more(), "", 0, raw=told)
    told = f"bare Panel {bare.slope('objects'):.1f}"
    yield Figure("Python objects left by a session that ended", hub.slope("objects"), "objects", 1, raw=told)
    for of, words in (("resident", "resident"), ("proportional", "proportional (PSS)"), ("given_back", "trimmed")):
        half = f"in the second half {hub.slope(of, POINTS // 2) / 1e3:.1f}, {bare.slope(of, POINTS // 2) / 1e3:.1f}"
        points = f"after each {CROWD // POINTS} of {CROWD:,}: hub {hub.course(of)} MB, bare {bare.course(of)} MB"
        told = f"bare {bare.slope(of) / 1e3:.1f} kB; {half}; {points}"
        aim = 10 if of == "resident" else None
        yield Figure(f"memory left by a session that ended, {words}", hub.slope(of) / 1e3, "kB", aim, raw=told)
