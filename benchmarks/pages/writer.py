"""`python -m benchmarks.pages.writer STORE`: commits events, and tells when.

Takes lines, each a number of seconds; answers with `told` (task, step, Unix time when it set out) and `rate`.
"""

from __future__ import annotations

import itertools
import sys
import time

import orjson

from benchmarks.pages.server import RATE
from claudia_core import Claudia

RUNNING = 8
"""Tasks that run at a time."""


class Writer:
    """Ten events a turn: seven steps of the running tasks, and a task that is made, started and completed."""

    def __init__(self, claudia: Claudia) -> None:
        self._claudia = claudia
        self._tasks = [claudia.tasks.create(f"task {n}", start=True, estimated_steps=1_000_000) for n in range(RUNNING)]
        self._steps = itertools.count(1)

    def write(self, seconds: float) -> dict[str, object]:
        """Commit for so long; a machine that is too slow gets fewer."""
        told: list[tuple[int, int, float]] = []
        began = time.perf_counter()
        for turn in itertools.count(1):
            for step in itertools.islice(self._steps, 7):
                told.append((step % RUNNING, step, time.time()))
                self._claudia.progress.update(
                    self._tasks[step % RUNNING].id, step, message=f"at {step % RUNNING}/{step};"
                )
                time.sleep(10 / RATE / 20)
            self._claudia.tasks.complete(self._claudia.tasks.create("short", start=True).id)
            time.sleep(max(0.0, began + turn * 10 / RATE - time.perf_counter()))
            if (spent := time.perf_counter() - began) >= seconds:
                return {"told": told, "rate": 10 * turn / spent}
        raise AssertionError


def main(store: str) -> None:
    """Write whenever told to, until the input ends."""
    with Claudia(store, display="off") as claudia:
        writer = Writer(claudia)
        print("true", flush=True)
        for line in sys.stdin:
            print(orjson.dumps(writer.write(float(line))).decode(), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
