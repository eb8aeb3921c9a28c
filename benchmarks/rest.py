"""What the API does per second over a socket, against a bare FastAPI endpoint that only validates the same body."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import psutil

from benchmarks.figure import Figure, median, percentile
from claudia_core import Claudia

SECONDS = float(os.environ.get("BENCH_REST_SECONDS", "2"))
ROUNDS = 5
TOKEN = "bench-token-bench-token"
TASK = json.dumps({"type": "data_processing", "payload": {"file_id": "file123"}})
EVENTS = 500
BATCH = json.dumps({"events": [{"type": "row:read", "subject": str(n), "data": {"n": n}} for n in range(EVENTS)]})

RAW = """
import sys
import uvicorn
from fastapi import FastAPI
from claudia_core.api.contract.inputs import CreateTask
app = FastAPI()
@app.get("/livez")
async def livez(): return {}
@app.post("/api/v1/tasks", status_code=201)
async def create(task: CreateTask): return {"ok": True}
uvicorn.run(app, port=int(sys.argv[1]), log_level="warning", access_log=False)
"""


class Served(NamedTuple):
    """A server's port and process."""

    port: int
    process: psutil.Process


def run() -> Iterator[Figure]:
    """Single posts of a task, durable, by 1, 8 and 64 clients; batches of events."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        raw = stack.enter_context(server(["-c", RAW, "{port}"]))
        serve = ["-m", "claudia_core", "serve", "--port", "{port}", "--database", f"{folder}/rest.db"]
        ours = stack.enter_context(server(serve))
        for clients in (1, 8, 64):
            yield from posts(raw, ours, clients, folder)
        before = head(f"{folder}/rest.db")
        found = [load(ours, "/api/v1/events", 2, BATCH) for _ in range(ROUNDS)]
        rates = [one["rate"] * EVENTS for one in found]
        cpu = median([one["cpu"] for one in found]) * 1e3
        note = f"rounds {min(rates):,.0f} to {max(rates):,.0f}; {cpu:.1f} ms of CPU a batch"
        name = f"events appended in batches of {EVENTS}, durable"
        yield Figure(name, median(rates), "events/s", 15_000, False, note)
        assert head(f"{folder}/rest.db") - before >= sum(rates) * SECONDS * 0.9, "what was acknowledged is in the log"


def posts(raw: Served, ours: Served, clients: int, folder: str) -> Iterator[Figure]:
    """The medians of several rounds, in which both servers and the bare disk take turns."""
    rounds, disk = [], []
    for _ in range(ROUNDS):
        rounds.append(tuple(load(server, "/api/v1/tasks", clients, TASK) for server in (raw, ours)))
        disk += syncs(folder)
    rounds.sort(key=lambda pair: pair[1]["rate"] / pair[0]["rate"])
    bare, found = rounds[ROUNDS // 2]
    low, ratio, high = (rounds[n][1]["rate"] / rounds[n][0]["rate"] for n in (0, ROUNDS // 2, -1))
    note = f"{found['rate']:,.0f}/s, raw FastAPI {bare['rate']:,.0f}/s; rounds {low:.2f} to {high:.2f}"
    yield Figure(f"single posts of a task, durable, {clients} clients", ratio, "of raw", 0.35, False, note)
    used = median([pair[1]["cpu"] for pair in rounds]), median([pair[0]["cpu"] for pair in rounds])
    note = f"raw FastAPI {used[1] * 1e6:,.0f} us; load {os.getloadavg()[0]:.1f}"
    yield Figure("the server's CPU for each", used[0] * 1e6, "us", raw=note)
    yield Figure("their p50", found["waits"][0] * 1e3, "ms", raw=f"raw FastAPI {bare['waits'][0] * 1e3:.2f} ms")
    yield Figure("their p99", found["waits"][1] * 1e3, "ms", raw=f"raw FastAPI {bare['waits'][1] * 1e3:.2f} ms")
    mean = f"mean {sum(disk) / len(disk) * 1e3:.2f} ms, p99 {percentile(disk, 99) * 1e3:.2f} ms"
    yield Figure("the disk alone, for each durable commit: p50", percentile(disk, 50) * 1e3, "ms", raw=mean)
    yield Figure("their errors", sum(pair[1]["errors"] for pair in rounds), "", 0)


def syncs(folder: str, number: int = 200, size: int = 40_000) -> list[float]:
    """Seconds that the disk takes to keep what a commit writes: what no program can save of a durable request."""
    waits, data = [], b"x" * size
    with (Path(folder) / "disk").open("wb", buffering=0) as file:
        for _ in range(number):
            file.seek(0)
            file.write(data)
            started = time.perf_counter()
            os.fsync(file.fileno())
            waits.append(time.perf_counter() - started)
    return waits


def load(server: Served, path: str, clients: int, body: str) -> dict:  # type: ignore[type-arg]
    """What `benchmarks.load` found, and `cpu`: seconds of CPU that the server took for each request."""
    command = [sys.executable, "-m", "benchmarks.load", str(server.port), path, str(clients), str(SECONDS)]
    before = sum(server.process.cpu_times()[:2])
    found = json.loads(subprocess.run(command, input=body, stdout=subprocess.PIPE, text=True, check=True).stdout)
    used = sum(server.process.cpu_times()[:2]) - before
    return {**found, "cpu": used / (found["rate"] * SECONDS)}


def head(path: str) -> int:
    """The sequence of the newest event in a store's file."""
    with Claudia(path, display="off") as claudia:
        return claudia.store.head()


@contextmanager
def server(arguments: list[str]) -> Iterator[Served]:
    """A Python program that serves on a free port of loopback."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, *(argument.replace("{port}", str(port)) for argument in arguments)]
    environment = {**os.environ, "CLAUDIA_TOKEN": TOKEN}
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as process:
        try:
            _answers(port, time.monotonic() + 60)
            yield Served(port, psutil.Process(process.pid))
        finally:
            process.terminate()


def _answers(port: int, until: float) -> None:
    """Wait for the first page (or that there is none): what a server still loads is not what is measured."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}/", headers={"Authorization": f"Bearer {TOKEN}"})
    while True:
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                if b"bokeh" in answer.read().lower():
                    break
        except urllib.error.HTTPError as error:
            if error.code == 404:
                break
        except OSError:
            pass
        if time.monotonic() > until:
            raise TimeoutError("the server shows no page")
        time.sleep(0.1)
    time.sleep(2.0)
