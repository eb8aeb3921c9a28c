"""What became of checks over time: their state now, and how many runs of each hour were well."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from claudia_core.model.health import Check, Health
from claudia_core.ports import Reader, Transaction
from claudia_core.services import rollups
from claudia_core.services.health.standing import Rules, noted

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


def note(tx: Transaction, checks: Iterable[Check], rules: Mapping[str, Rules]) -> None:
    """Count runs, and save each check's standing; a change of state is told by `health:changed`, where not silenced."""
    hour = rollups.bucket(tx.now, rollups.HOUR)
    for check in checks:
        found = tx.get("checks", check.name)
        document = noted(found, check, rules[check.name], tx.now)
        tx.put("checks", document)
        if check.silenced_by:
            continue
        tx.increment(series(check.name, check.status.value), hour)
        tx.increment(series(check.name, SECONDS), hour, check.seconds)
        before = found["status"] if found else Health.PASS.value
        if before != check.status:
            told = {name: document[name] for name in ("status", "output", "since")}
            tx.emit("health:changed", check.name, {**told, "before": before})


def periods(reader: Reader, name: str, start: datetime, end: datetime, width: int) -> list[HealthPeriod]:
    """The stretches of `width` seconds (whole hours) in which the check was run, oldest first."""
    return periods_of(reader, [name], start, end, width)[name]


def periods_of(
    reader: Reader, names: Sequence[str], start: datetime, end: datetime, width: int
) -> dict[str, list[HealthPeriod]]:
    """The same for several checks, by name. Hours that begin before `end` count."""
    kinds = (*(status.value for status in Health), SECONDS)
    asked = {series(name, kind): (name, kind) for name in names for kind in kinds}
    found: dict[str, dict[int, dict[str, float]]] = {name: defaultdict(lambda: defaultdict(float)) for name in names}
    for sample in reader.samples(asked, rollups.bucket(start, rollups.HOUR), math.ceil(end.timestamp())):
        name, kind = asked[sample.series]
        found[name][sample.at - sample.at % width][kind] += sample.value
    return {name: [_period(at, values) for at, values in sorted(found[name].items())] for name in names}


def _period(at: int, values: dict[str, float]) -> HealthPeriod:
    passed, warned, failed = (int(values[status.value]) for status in Health)
    runs = max(1, passed + warned + failed)
    return HealthPeriod(datetime.fromtimestamp(at, UTC), passed, warned, failed, values[SECONDS] / runs)
