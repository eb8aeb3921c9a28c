"""How soon the server shows its first page, and what it costs while nothing happens."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from benchmarks.figure import Figure, median

IDLE_SECONDS = 15.0


def run() -> Iterator[Figure]:
    """Seconds from `claudia serve` to the first page; CPU while idle; memory."""
    starts = []
    for _ in range(3):
        with server() as (process, seconds, _):
            starts.append(seconds)
    yield Figure("claudia serve to its first page", median(starts), "s", 3.0)
    with server() as (process, _, _):
        time.sleep(3.0)
        before = sum(process.cpu_times()[:2])
        time.sleep(IDLE_SECONDS)
        cpu = sum(process.cpu_times()[:2]) - before
        yield Figure("CPU while idle", 100 * cpu / IDLE_SECONDS, "% of a core", 1.0)
        yield Figure("memory while idle", process.memory_info().rss / 1e6, "MB")


@contextmanager
def server() -> Iterator[tuple[psutil.Process, float, str]]:
    """A server on a free port of loopback: its process, the seconds to its first page, its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "CLAUDIA_TOKEN": "bench-token-bench-token", "PYTHONUNBUFFERED": "1"}
        command = [sys.executable, "-m", "claudia_core", "serve", "--port", str(port), "--database", f"{folder}/s.db"]
        started = time.perf_counter()
        with subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as process:
            try:
                _first_page(url, until=time.monotonic() + 60)
                yield psutil.Process(process.pid), time.perf_counter() - started, url
            finally:
                process.terminate()


def _first_page(url: str, until: float) -> None:
    request = urllib.request.Request(f"{url}/", headers={"Authorization": "Bearer bench-token-bench-token"})
    while True:
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                assert b"bokeh" in answer.read().lower(), "the answer is a Panel page"
                return
        except (urllib.error.URLError, ConnectionError):
            if time.monotonic() > until:
                raise
            time.sleep(0.02)
