"""Whether the hub's parts are well: a registry of checks, run together into one report."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path

from claudia_core.errors import ClaudiaError
from claudia_core.model.health import Check, Health, HealthReport
from claudia_core.model.times import utc_now
from claudia_core.ports import Store

type Probe = Callable[[], tuple[Health, str]]

LOW_DISK = 1_000_000_000
NO_DISK = 100_000_000
"""Bytes free below which the disk check warns, and fails."""


class HealthChecks:
    """Runs named checks; `store` and, for a store on disk, `disk` are always there."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._probes: dict[str, Probe] = {"store": self._probe_store}
        path = getattr(store, "path", None)
        if path is not None:
            self._probes["disk"] = lambda: _probe_disk(path)

    def register(self, name: str, probe: Probe) -> None:
        """Add a check: `probe()` answers a status and what to say about it. It must not hang."""
        self._probes[name] = probe

    def report(self) -> HealthReport:
        """Run every check. One that raises is a fail that says what was raised."""
        return HealthReport(utc_now(), tuple(self._run(name, probe) for name, probe in self._probes.items()))

    def _run(self, name: str, probe: Probe) -> Check:
        started = time.perf_counter()
        try:
            status, output = probe()
        except Exception as error:  # noqa: BLE001 - a check that breaks is a finding, not the end of the report
            status, output = Health.FAIL, f"{type(error).__name__}: {error}"
        return Check(name, status, output, time.perf_counter() - started)

    def _probe_store(self) -> tuple[Health, str]:
        try:
            self._store.head()
        except ClaudiaError as error:
            return Health.FAIL, str(error)
        writer = getattr(self._store, "writer", None)
        if writer is not None and writer.is_failing:
            return Health.WARN, f"writes fail; {writer.waiting_posts} progress updates wait in memory"
        return Health.PASS, ""


def _probe_disk(path: Path) -> tuple[Health, str]:
    free = shutil.disk_usage(path.parent).free
    if free < NO_DISK:
        return Health.FAIL, f"only {free / 1e6:.0f} MB free where {path} is"
    if free < LOW_DISK:
        return Health.WARN, f"only {free / 1e6:.0f} MB free where {path} is"
    return Health.PASS, ""
