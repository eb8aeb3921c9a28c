"""What reading costs with a million tasks, against ten thousand."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.figure import Figure, median
from benchmarks.filled import MANY, filled
from claudia_core import Claudia
from claudia_core.boards import TaskBoard

FEW = int(os.environ.get("BENCH_FEW", "10000"))
REPEATS = 40
MEMORY = """
import resource, sys
from claudia_core import Claudia
with Claudia(sys.argv[1], display="off") as claudia:
    claudia.boards.tasks.picture()
    claudia.tasks.list(name="clean")
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""

QUESTIONS: dict[str, Callable[[Claudia], object]] = {
    "first page": lambda claudia: claudia.tasks.list(),
    "by status": lambda claudia: claudia.tasks.list(status="failed"),
    "by status and type": lambda claudia: claudia.tasks.list(status="failed", type="etl"),
    "by type": lambda claudia: claudia.tasks.list(type="ml"),
    "by name prefix": lambda claudia: claudia.tasks.list(name="train model 7"),
    "counts": lambda claudia: claudia.tasks.counts(),
    "first picture of a page's board": lambda claudia: TaskBoard(claudia.store).load(),
}


def run() -> Iterator[Figure]:
    """Ratios of the median time of each question, and of the memory of a process that asks."""
    with tempfile.TemporaryDirectory() as folder:
        few, many = Path(folder, "few.db"), Path(folder, "many.db")
        filled(few, FEW)
        filled(many, MANY)
        small, large = ask(few), ask(many)
        for name in QUESTIONS:
            note = f"{small[name] * 1e3:.2f} ms with {FEW:,}, {large[name] * 1e3:.2f} ms with {MANY:,}"
            yield Figure(f"{name}, {MANY:,} against {FEW:,} tasks", large[name] / small[name], "x", 1.5, raw=note)
        kilobytes = [int(subprocess.check_output([sys.executable, "-c", MEMORY, str(path)])) for path in (few, many)]
        note = f"{kilobytes[0] / 1e3:.0f} MB and {kilobytes[1] / 1e3:.0f} MB"
        yield Figure("memory of a reading process", kilobytes[1] / kilobytes[0], "x", 1.1, raw=note)


def ask(path: Path) -> dict[str, float]:
    """Median seconds of each question."""
    with Claudia(path, display="off") as claudia:
        return {
            name: median([_seconds(claudia, question) for _ in range(REPEATS)]) for name, question in QUESTIONS.items()
        }


def _seconds(claudia: Claudia, question: Callable[[Claudia], object]) -> float:
    started = time.perf_counter()
    question(claudia)
    return time.perf_counter() - started
