"""How long a commit takes to be seen in another process on the same file."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator

from benchmarks.figure import Figure, percentile
from claudia_core import Claudia

READER = """
import sys, time
from claudia_core import Claudia
with Claudia(sys.argv[1], display="off") as claudia:
    claudia.on("task:created", lambda event: print(event.subject, time.time(), flush=True))
    print("ready", flush=True)
    sys.stdin.read()
"""


def run() -> Iterator[Figure]:
    """From a commit in one process to the handler in another, while news are rare and while they are many."""
    for name, pause, commits in (("quiet log", 1.1, 20), ("busy log", 0.002, 300)):
        waits = visibility(pause, commits)
        yield Figure(f"visible in a second process, {name}, p50", percentile(waits, 50) * 1e3, "ms", 15)
        yield Figure(f"visible in a second process, {name}, p99", percentile(waits, 99) * 1e3, "ms")


def visibility(pause: float, commits: int) -> list[float]:
    """Seconds from each commit to its event's handler in another process; `pause` seconds between commits."""
    with tempfile.TemporaryDirectory() as folder, Claudia(f"{folder}/feed.db", display="off") as claudia:
        command = [sys.executable, "-c", READER, f"{folder}/feed.db"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as reader:
            assert reader.stdout is not None
            assert reader.stdin is not None
            reader.stdout.readline()
            committed = {}
            for _ in range(commits):
                id = claudia.tasks.create("bench").id
                committed[id] = time.time()
                time.sleep(pause)
            seen = dict(reader.stdout.readline().split() for _ in range(commits))
            reader.stdin.close()
            reader.wait(10)
    return [max(0.0, float(seen[id]) - moment) for id, moment in committed.items()]
