"""How it goes compared with yesterday, and how long tasks take: read from the rollups, whatever the history."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from claudia_core.model.task import Status
from claudia_core.ports import Reader, Sample, Store
from claudia_core.services import durations, rollups

DAY = 86_400
HOURS = 24
WINDOWS = 12
"""Stretches of five minutes for which durations are told: the last hour."""

PAUSE = 5.0
"""Seconds for which what was read is good enough."""

SERIES: Mapping[str, str] = {
    **{status.value: rollups.finished(status) for status in Status if status.is_terminal},
    "errors": rollups.ERRORS,
}


@dataclass(frozen=True, slots=True)
class Pace:
    """What ended within a stretch of time, and how long what completed had taken: half at most `typical` seconds, 19 in
    20 at most `slow` seconds; both are None where nothing completed.
    """

    completed: int = 0
    failed: int = 0
    cancelled: int = 0
    errors: int = 0
    typical: float | None = None
    slow: float | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing was counted."""
        return not (self.completed or self.failed or self.cancelled or self.errors)


@dataclass(frozen=True, slots=True)
class Took:
    """How long what completed within five minutes had taken; `at` is their start in Unix seconds."""

    at: int
    completed: int = 0
    typical: float | None = None
    slow: float | None = None


@dataclass(frozen=True, slots=True)
class Trends:
    """The last hour beside the same hour of yesterday, the last 24 hours beside those before; `took`: the last hour."""

    hour: Pace
    hour_yesterday: Pace
    day: Pace
    day_before: Pace
    took: tuple[Took, ...]


def trends(reader: Reader, now: float) -> Trends:
    """The trends at `now` (Unix seconds).

    The hour is counted by whole minutes. A day begins with a whole hour; both are as far into their last one.
    """
    minute, five, hour = (int(now) - int(now) % width for width in (rollups.MINUTE, durations.FIVE, rollups.HOUR))
    recent = [_minutes(reader, minute - back) for back in (0, DAY)]
    partial = [_minutes(reader, minute - back, hour - back) for back in (0, DAY)]
    hours = list(reader.samples(map(rollups.by_hour, SERIES.values()), hour - (2 * HOURS - 1) * rollups.HOUR, hour))
    first = hour - (HOURS - 1) * rollups.HOUR
    today = _counted(hours, first, hour) + partial[0]
    before = _counted(hours, first - DAY, hour - DAY) + partial[1]
    took = [_took(reader, durations.FIVE, five - back, WINDOWS) for back in (0, DAY)]
    long = _took(reader, rollups.HOUR, hour, 2 * HOURS)
    return Trends(
        hour=_pace(recent[0], _merged(took[0].values())),
        hour_yesterday=_pace(recent[1], _merged(took[1].values())),
        day=_pace(today, _merged(counts for at, counts in long.items() if at >= first)),
        day_before=_pace(before, _merged(counts for at, counts in long.items() if first - DAY <= at < first)),
        took=tuple(
            Took(at, sum(counts.values()), durations.percentile(counts, 0.5), durations.percentile(counts, 0.95))
            for at, counts in took[0].items()
        ),
    )


def _minutes(reader: Reader, last: int, first: int | None = None) -> Counter[str]:
    """What was counted from the minute `first`, or for an hour, to the minute `last`."""
    start = last - 59 * rollups.MINUTE if first is None else first
    samples = reader.samples(map(rollups.by_minute, SERIES.values()), start, last + rollups.MINUTE)
    return _counted(samples, start, last + rollups.MINUTE)


def _counted(samples: Iterable[Sample], start: int, end: int) -> Counter[str]:
    found: Counter[str] = Counter()
    for name, at, value in samples:
        if start <= at < end:
            found[name.partition("/")[0].removeprefix("tasks.")] += round(value)
    return found


def _took(reader: Reader, width: int, last: int, count: int) -> dict[int, Counter[int]]:
    """Counts by range of duration for `count` buckets up to that at `last`, oldest first."""
    first, names = last - (count - 1) * width, durations.names(width)
    found: dict[int, Counter[int]] = {at: Counter() for at in range(first, last + width, width)}
    for name, at, value in reader.samples(names, first, last + width):
        found[at][names[name]] += round(value)
    return found


def _merged(counts: Iterable[Counter[int]]) -> Counter[int]:
    merged: Counter[int] = Counter()
    for one in counts:
        merged.update(one)
    return merged


def _pace(counts: Mapping[str, int], took: Mapping[int, float]) -> Pace:
    return Pace(
        **{name: counts.get(name, 0) for name in SERIES},
        typical=durations.percentile(took, 0.5),
        slow=durations.percentile(took, 0.95),
    )


class TrendBoard:
    """The trends of a hub, read at most every few seconds however many pages look at them."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._at = 0.0
        self._trends: Trends | None = None

    def picture(self) -> Trends:
        """The present trends; the same object for some seconds."""
        with self._lock:
            if self._trends is None or time.monotonic() - self._at > PAUSE:
                self._trends = trends(self._store, time.time())
                self._at = time.monotonic()
            return self._trends
