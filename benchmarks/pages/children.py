"""The processes of these benchmarks: servers, viewers, and what makes events. Each is told what to do by lines."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
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

from benchmarks.filled import filled
from benchmarks.pages.server import COUNTERS, RATE
from claudia_core import Claudia


def stored(path: Path, size: int) -> str:
    """A store with that many tasks, one of them running."""
    filled(path, size - 1)
    with Claudia(path, display="off") as claudia:
        claudia.tasks.create("runs", start=True, estimated_steps=10)
    return str(path)


@dataclass(frozen=True)
class Child:
    """A process that takes lines and answers with lines of JSON."""

    process: subprocess.Popen[str]

    def tell(self, line: str) -> None:
        """Hand it a line."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    def answer(self) -> Any:
        """Its next line."""
        assert self.process.stdout is not None
        return orjson.loads(self.process.stdout.readline())

    def ask(self, line: str) -> Any:
        """Hand it a line, and wait for the answer."""
        self.tell(line)
        return self.answer()

    @property
    def cpu(self) -> float:
        """CPU seconds it has taken."""
        return sum(psutil.Process(self.process.pid).cpu_times()[:2])

    @property
    def memory(self) -> int:
        """Bytes it has."""
        return int(psutil.Process(self.process.pid).memory_info().rss)

    @contextmanager
    def at_rest(self) -> Iterator[None]:
        """Stopped, so that another one has the machine."""
        os.kill(self.process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.process.pid, signal.SIGCONT)


@contextmanager
def child(module: str, *args: str) -> Iterator[Child]:
    """A module of this package as a process."""
    command = [sys.executable, "-m", f"benchmarks.pages.{module}", *args]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            yield Child(process)
        finally:
            process.kill()  # it has nothing to lose


@contextmanager
def server(kind: str, *args: str) -> Iterator[tuple[Child, str]]:
    """A server and its address, once it has answered."""
    with child("server", kind, *args) as found:
        url = f"http://127.0.0.1:{found.answer()}"
        httpx2.get(f"{url}/", timeout=60).raise_for_status()
        yield found, url


def feed(counters: Child, seconds: float) -> None:
    """Events for the bare app for so long, at the rate of the benchmark."""
    began, sent = time.perf_counter(), 0
    while (spent := time.perf_counter() - began) < seconds:
        due = int(spent * RATE)
        if due > sent:
            counters.tell("\n".join(COUNTERS[n % len(COUNTERS)] for n in range(sent, due)))
        sent = due
        threading.Event().wait(1 / RATE)
