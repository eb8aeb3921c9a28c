"""A timeline of tasks: which lane each bar lies in, so that no two overlap and a task lies above its children."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from claudia_core.boards import Minute
from claudia_core.model.task import Status
from claudia_core.model.times import from_text

MOST_BARS = 2_000
"""Most tasks drawn one by one; what ended before them is drawn by the minute."""

HATCHES: Mapping[str, str] = {"completed": " ", "failed": "x", "cancelled": "/", "active": "."}
"""How a status is hatched, so that it is not told by colour alone."""


SPANS: Mapping[str, int] = {"5m": 300, "15m": 900, "1h": 3_600, "6h": 21_600, "24h": 86_400}
"""How far back a timeline may reach, in seconds."""

WIDTHS: Mapping[str, int] = {"6h": 300, "24h": 1_200}
"""Seconds of a heap where a minute would be too thin to be seen."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A task from its start to its end, in Unix seconds; `end` is None while it runs. `group` is its root's id."""

    id: str
    name: str
    status: str
    start: float
    end: float | None
    group: str


def bar(task: Mapping[str, Any]) -> Bar | None:
    """The bar of a task's summary; None for a task that has not started."""
    if task["started_at"] is None or task["status"] == Status.PENDING:
        return None
    start = from_text(task["started_at"]).timestamp()
    end = from_text(task["finished_at"]).timestamp() if task["finished_at"] else None
    return Bar(task["id"], task["name"], task["status"], start, end, task["root_id"] or task["id"])


def lay(bars: Iterable[Bar], now: float) -> dict[str, int]:
    """The lane of each bar by id, 0 on top.

    Tasks of one root lie in neighbouring lanes, the earliest on top; a block of lanes is used again once it is free.
    Interval partitioning by start (Kleinberg & Tardos, Algorithm Design, 4.1), in blocks.
    """
    groups: dict[str, list[Bar]] = {}
    for one in sorted(bars, key=lambda one: (one.start, one.id)):
        groups.setdefault(one.group, []).append(one)
    free: list[float] = []
    lanes: dict[str, int] = {}
    for members in groups.values():
        inner, ends = _pack(members, now)
        base = _room(free, len(ends), members[0].start)
        free.extend([float("-inf")] * (base + len(ends) - len(free)))
        free[base : base + len(ends)] = ends
        lanes.update({id: base + lane for id, lane in inner.items()})
    return lanes


def _pack(members: Sequence[Bar], now: float) -> tuple[dict[str, int], list[float]]:
    """Lanes within one group, and when each becomes free."""
    ends: list[float] = []
    lanes: dict[str, int] = {}
    for one in members:
        lane = _room(ends, 1, one.start)
        ends.extend([0.0] * (lane + 1 - len(ends)))
        ends[lane] = finish(one, now)
        lanes[one.id] = lane
    return lanes, ends


def _room(free: Sequence[float], height: int, start: float) -> int:
    """The first lane from which on `height` lanes are free at `start`."""
    run = 0
    for lane, end in enumerate(free):
        run = run + 1 if end <= start else 0
        if run == height:
            return lane - height + 1
    return len(free) - run


def finish(one: Bar, now: float) -> float:
    """Where a bar ends; one that runs reaches to the present."""
    return max(one.start, now if one.end is None else one.end)


def newest(bars: Iterable[Bar], since: float, most: int | None = None) -> tuple[list[Bar], float]:
    """The bars that reach beyond `since`, at most `most` (MOST_BARS); and from when on they are all there."""
    most = MOST_BARS if most is None else most
    kept = sorted((one for one in bars if one.end is None or one.end >= since), key=_ended, reverse=True)
    return kept[:most], since if len(kept) <= most else _ended(kept[most - 1])


def _ended(one: Bar) -> float:
    return float("inf") if one.end is None else one.end


def undrawn(minutes: Iterable[Minute], bars: Iterable[Bar], until: float) -> Iterator[Minute]:
    """The minutes; of the one that holds `until`, where bars begin to be drawn, only what is not drawn."""
    last = int(until) // 60 * 60
    drawn = Counter(one.status for one in bars if one.end is not None and last <= one.end < last + 60)
    for minute in minutes:
        less = {word: max(0, getattr(minute, word) - count) for word, count in drawn.items()}
        yield replace(minute, **less) if minute.at == last else minute


@dataclass(frozen=True, slots=True)
class Heap:
    """Tasks that ended from `start` to `end` (Unix seconds), counted by status."""

    start: float
    end: float
    counts: Mapping[str, int]

    @property
    def size(self) -> int:
        """All of them."""
        return sum(self.counts.values())

    @property
    def words(self) -> str:
        """Such as `1,200 tasks ended, 3 failed`."""
        other = [f"{count:,} {word}" for word, count in self.counts.items() if count and word != "completed"]
        return ", ".join([f"{self.size:,} task{'' if self.size == 1 else 's'} ended", *other])


def heaps(minutes: Iterable[Minute], since: float, until: float, width: int, statuses: Iterable[str]) -> list[Heap]:
    """What ended in those statuses between two moments, by whole steps of `width` seconds; empty ones are left out."""
    wanted = tuple(statuses)
    found: dict[int, Counter[str]] = {}
    for minute in minutes:
        if since < minute.at + 60 and minute.at < until:
            step = found.setdefault(minute.at - minute.at % width, Counter())
            step.update({word: getattr(minute, word) for word in wanted})
    return [
        Heap(max(since, at), min(until, at + float(width)), counts) for at, counts in sorted(found.items())
        if counts.total()
    ]  # fmt: skip
