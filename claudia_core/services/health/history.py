"""What became of checks over time: their state now, and how many runs of each hour were well."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from claudia_core.model.health import Check, Health
from claudia_core.model.times import to_text
from claudia_core.ports import Reader, Transaction
from claudia_core.services import rollups

SECONDS = "seconds"


@dataclass(frozen=True, slots=True)
class HealthPeriod:
    """A stretch of time of one check: how many runs were pass, warn and fail, and their mean seconds."""

    start: datetime
    passed: int
    warned: int
    failed: int
    mean_seconds: float

    @property
    def availability(self) -> float:
        """The share of runs that did not fail, 0 to 1."""
        runs = self.passed + self.warned + self.failed
        return 1.0 if not runs else 1 - self.failed / runs


def series(name: str, what: str) -> str:
    """The rollup of one check: of runs with a status, or of their seconds."""
    return f"health.{what}/{name}"


def note(tx: Transaction, checks: Iterable[Check]) -> None:
    """Count runs, and save each check's state; a change of state is told by `health:changed`, where not silenced."""
    hour = rollups.bucket(tx.now, rollups.HOUR)
    for check in checks:
        if check.silenced_by:
            continue
        tx.increment(series(check.name, check.status.value), hour)
        tx.increment(series(check.name, SECONDS), hour, check.seconds)
        found = tx.get("checks", check.name)
        before = found["status"] if found else Health.PASS.value
        if found is None or before != check.status:
            since = to_text(tx.now)
            told = {"status": check.status.value, "output": check.output, "since": since}
            tx.put("checks", {"id": check.name, **told})
            if before != check.status:
                tx.emit("health:changed", check.name, {**told, "before": before})


def periods(reader: Reader, name: str, start: datetime, end: datetime, width: int) -> list[HealthPeriod]:
    """The stretches of `width` seconds (whole hours) in which the check was run, oldest first."""
    names = {series(name, what): what for what in (*(status.value for status in Health), SECONDS)}
    first = rollups.bucket(start, rollups.HOUR)
    found: dict[int, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for sample in reader.samples(names, first, int(end.timestamp()) + 1):
        found[sample.at - sample.at % width][names[sample.series]] += sample.value
    return [_period(at, values) for at, values in sorted(found.items())]


def _period(at: int, values: dict[str, float]) -> HealthPeriod:
    passed, warned, failed = (int(values[status.value]) for status in Health)
    runs = max(1, passed + warned + failed)
    return HealthPeriod(datetime.fromtimestamp(at, UTC), passed, warned, failed, values[SECONDS] / runs)
