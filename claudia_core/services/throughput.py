"""Throughput: what happened minute by minute, read from the rollups."""

from __future__ import annotations

from dataclasses import dataclass

from claudia_core.model.task import Status
from claudia_core.ports import Reader
from claudia_core.services import rollups

MINUTES = 60
"""Minutes of throughput a picture holds."""

SERIES = (rollups.CREATED, *(rollups.finished(status) for status in Status if status.is_terminal), rollups.ERRORS)


@dataclass(frozen=True, slots=True)
class Minute:
    """What happened within one minute; `at` is its start in Unix seconds."""

    at: int
    created: int = 0
    completed: int = 0
    failed: int = 0
    cancelled: int = 0
    errors: int = 0


def minutes(reader: Reader, now: float, count: int = MINUTES) -> tuple[Minute, ...]:
    """The last `count` minutes up to the one that holds `now` (Unix seconds), oldest first."""
    last = int(now) // 60 * 60
    first = last - 60 * (count - 1)
    found: dict[int, dict[str, int]] = {at: {} for at in range(first, last + 60, 60)}
    for series, at, value in reader.samples(map(rollups.by_minute, SERIES), first, last + 60):
        found[at][series.split("/")[0].removeprefix("tasks.")] = int(value)
    return tuple(Minute(at, **values) for at, values in found.items())
