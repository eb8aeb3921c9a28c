"""What `track()` costs per iteration."""

from __future__ import annotations

import io
import time
from collections.abc import Iterable, Iterator

from tqdm import tqdm

from benchmarks.figure import Figure, best_of
from claudia_core import Claudia

STEPS = 3_000_000


def run() -> Iterator[Figure]:
    """Nanoseconds per iteration over a bare loop, and the ratio to tqdm's."""
    with Claudia("memory://", display="off") as claudia:
        bare = best_of(5, lambda: _loop(range(STEPS)))
        tracked = best_of(5, lambda: _loop(claudia.track(range(STEPS), name="bench"))) - bare
        bars = best_of(5, lambda: _loop(tqdm(range(STEPS), file=io.StringIO()))) - bare
    yield Figure(
        "track() over a bare loop", tracked, "ns/step", 60, raw=f"bare loop {bare:.0f} ns, tqdm +{bars:.0f} ns"
    )
    yield Figure("track() over tqdm", tracked / bars, "x", 0.6)


def _loop(steps: Iterable[int]) -> float:
    started = time.perf_counter()
    for _ in steps:
        pass
    return (time.perf_counter() - started) / STEPS * 1e9
