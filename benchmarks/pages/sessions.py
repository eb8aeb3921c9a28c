"""A hundred open overviews while 200 events a second come: their delay, and CPU against a bare Panel app."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks.figure import Figure, median, percentile
from benchmarks.pages.children import Child, child, feed, server, stored
from benchmarks.pages.server import RATE

SESSIONS = int(os.environ.get("BENCH_SESSIONS", "100"))
TASKS = 1_000
ROUNDS = 3
SECONDS = 7.0
SETTLE = 6.0
"""Seconds of events before the first round: the charts are drawn by then."""

type Told = list[tuple[int, int, float]]


@dataclass(frozen=True)
class Round:
    """CPU of the server and of the viewers (seconds per second), messages per session and second, and delays."""

    cpu: float
    viewers: float
    messages: float
    bytes: float
    delays: list[float]


def run() -> Iterator[Figure]:
    """Rounds of both servers in turns; the other one is stopped meanwhile."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as processes:
        bare = Crowd(processes, "counters")
        hub = Crowd(processes, "hub", stored(Path(folder, "claudia.db"), TASKS))
        for crowd, other in ((bare, hub), (hub, bare)):
            with other.server.at_rest():
                crowd.round(SETTLE)
        rounds = []
        for _ in range(ROUNDS):
            with hub.server.at_rest():
                raw = bare.round(SECONDS)
            with bare.server.at_rest():
                rounds.append((raw, hub.round(SECONDS)))
    yield from figures([raw for raw, _ in rounds], [found for _, found in rounds])


def figures(bare: list[Round], hub: list[Round]) -> Iterator[Figure]:
    """The figures of all rounds."""
    delays = [delay for found in hub for delay in found.delays]
    p50, p99 = (percentile(delays, percent) * 1e3 for percent in (50, 99))
    messages, size, viewers = (
        median([getattr(found, name) for found in hub]) for name in ("messages", "bytes", "viewers")
    )
    each = f"to each {messages:.1f} messages/s, {size / 1e3:.0f} kB/s"
    told = f"{SESSIONS} sessions, {RATE} events/s, p50 {p50:.0f} ms, {each}"
    yield Figure("commit to session message, p99", p99, "ms", 250, raw=told)
    raw, cpu = (median([found.cpu for found in rounds]) for rounds in (bare, hub))
    ratio = median([found.cpu / raw.cpu for raw, found in zip(bare, hub, strict=True)])
    told = f"{100 * cpu:.0f}% of a core, bare {100 * raw:.0f}%; viewers {100 * viewers:.0f}%"
    yield Figure(f"server CPU of {SESSIONS} overviews", ratio, "x bare", 1.5, raw=told)
    yield Figure("CPU of one session", cpu / SESSIONS * 1e3, "ms/s", raw=f"bare {raw / SESSIONS * 1e3:.2f} ms/s")


class Crowd:
    """A server, its sessions, and for a hub what writes into its store."""

    def __init__(self, processes: ExitStack, kind: str, *args: str) -> None:
        self.server, url = processes.enter_context(server(kind, *args))
        self.viewers = processes.enter_context(child("viewers"))
        self.viewers.ask(f"open {SESSIONS} {url}/")
        self.writer: Child | None = None
        if kind == "hub":
            self.writer = processes.enter_context(child("writer", *args))
            self.writer.answer()

    def round(self, seconds: float) -> Round:
        """Events for so long, after a moment of them: the server may have been stopped before."""
        if self.writer is not None:
            self.writer.ask("1.0")
            time.sleep(0.5)
        self.viewers.ask("told")
        server, viewers, began = self.server.cpu, self.viewers.cpu, time.time()
        told: Told = []
        if self.writer is None:
            feed(self.server, seconds)
        else:
            answer = self.writer.ask(str(seconds))
            assert answer["rate"] > 0.9 * RATE, f"only {answer['rate']:.0f} events/s"
            told = answer["told"]
        server, viewers, spent = self.server.cpu - server, self.viewers.cpu - viewers, time.time() - began
        time.sleep(1.0)  # for what was committed last
        answer = self.viewers.ask("told")
        delays = [delay for seen in answer["seen"] for delay in late(told, seen)]
        assert delays or self.writer is None, "the viewers were told"
        each = spent * SESSIONS
        return Round(server / spent, viewers / spent, answer["messages"] / each, answer["bytes"] / each, delays)


def late(told: Told, seen: Told) -> Iterator[float]:
    """Seconds from each step to the first message with it or a later step of its task."""
    steps: dict[int, list[tuple[int, float]]] = {}
    for task, step, at in told:
        steps.setdefault(task, []).append((step, at))
    places = dict.fromkeys(steps, 0)
    for task, step, now in seen:
        while places[task] < len(steps[task]) and steps[task][places[task]][0] <= step:
            yield now - steps[task][places[task]][1]
            places[task] += 1
