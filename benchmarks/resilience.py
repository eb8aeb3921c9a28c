"""What guarding and measuring a call costs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

from benchmarks.figure import Figure, best_of
from claudia_core.model.health import Health
from claudia_core.resilience.breaker import CircuitBreaker
from claudia_core.resilience.integration import Integration
from claudia_core.resilience.metrics import Metrics
from claudia_core.services.health import HealthChecks
from claudia_core.stores.memory import MemoryStore

CALLS = 100_000


def run() -> Iterator[Figure]:
    """Microseconds per call of a breaker, of metrics, and of all guards together, over a bare call."""
    breaker, metrics, github = CircuitBreaker("bench"), Metrics("bench"), Integration("bench")

    def measured() -> None:
        metrics.begun()
        metrics.ended(0.012)

    def block() -> None:
        with github:
            pass

    bare = best_of(5, lambda: _each(_nothing))
    note = f"bare call {bare:.2f} us"
    yield Figure(
        "circuit breaker", best_of(5, lambda: _each(lambda: breaker.execute(_nothing))) - bare, "us", 3, raw=note
    )
    yield Figure("metrics", best_of(5, lambda: _each(measured)) - bare, "us", 2)
    yield Figure("200 health checks of which 10 hang, time-out 1 s", _checked(), "s", 1.5)
    yield Figure("all guards of `with claudia.integration(...)`", best_of(5, lambda: _each(block)) - bare, "us")


def _checked() -> float:
    store, go = MemoryStore(), threading.Event()
    checks = HealthChecks(store)
    for number in range(200):
        checks.register(f"check {number}", (lambda: go.wait(60)) if number % 20 == 0 else _nothing, timeout=1.0)
    started = time.perf_counter()
    failed = [check for check in checks.report().checks if check.status is Health.FAIL]
    seconds = time.perf_counter() - started
    assert len(failed) == 10, "those that hang, and no others"
    go.set()
    store.close()
    return seconds


def _nothing() -> None:
    """The call itself."""


def _each(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    for _ in range(CALLS):
        call()
    return (time.perf_counter() - started) / CALLS * 1e6
