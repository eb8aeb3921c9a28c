"""Two processes that write to one store all the time: how they share it, and how long each waits."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figure import Figure

SECONDS = 6.0

WRITER = """
import sys, threading, time
from pathlib import Path
name, place, seconds, callers = sys.argv[1:]
if name == "mongodb":
    from claudia_core.stores.mongodb.store import MongoStore
    store = MongoStore(place)
else:
    from claudia_core.stores.sqlite.store import SqliteStore
    store = SqliteStore(Path(place))
store.write(lambda tx: tx.emit("a:b", "s", {"n": 0})).result(60)
print("ready", flush=True)
sys.stdin.readline()
end, waits = time.perf_counter() + float(seconds), []
def write():
    while time.perf_counter() < end:
        began = time.perf_counter()
        store.write(lambda tx: [tx.emit("a:b", "s", {"n": n}) for n in range(10)]).result(60)
        waits.append(time.perf_counter() - began)
threads = [threading.Thread(target=write) for _ in range(int(callers))]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
waits.sort()
print(len(waits), waits[int(len(waits) * 0.99)], waits[-1], flush=True)
store.close()
"""


def run() -> Iterator[Figure]:
    """On one SQLite file, with one caller in each process and with eight."""
    for callers in (1, 8):
        with tempfile.TemporaryDirectory() as folder:
            who = "one caller" if callers == 1 else f"{callers} callers"
            yield from shared("sqlite", str(Path(folder) / "claudia.db"), f" with {who} each", callers=callers)


def shared(name: str, place: str, what: str = "", *, callers: int = 1) -> Iterator[Figure]:
    """Two processes that write all the time to a store that is there."""
    command = [sys.executable, "-c", WRITER, name, place, str(SECONDS), str(callers)]
    pipe = subprocess.PIPE
    writers = [subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) for _ in range(2)]
    for writer in writers:
        assert writer.stdout is not None
        writer.stdout.readline()
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    told = [writer.communicate(timeout=120)[0].split() for writer in writers]
    done = [int(line[0]) for line in told]
    rate = f"{sum(done) / SECONDS:,.0f} commits asked for a second"
    yield Figure(f"smaller share of two writers{what}", 100 * min(done) / sum(done), "%", 40.0, at_most=False, raw=rate)
    longest = f"longest {1000 * max(float(line[2]) for line in told):,.0f} ms"
    yield Figure("p99 of a commit of theirs", 1000 * max(float(line[1]) for line in told), "ms", 500.0, raw=longest)
