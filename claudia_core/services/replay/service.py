"""What the services keep, folded again from the log: tasks, issues, errors and rollups, put right where they differ.

The log is read once for all of them. It runs beside a hub at work: what moves on meanwhile is left alone. What the log
no longer holds stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import batched

from claudia_core.errors import InvalidValue
from claudia_core.model.event import Event
from claudia_core.model.issue import Issue
from claudia_core.model.task import Status
from claudia_core.model.times import from_text
from claudia_core.ports import Query, Reader, Store, Transaction
from claudia_core.services import durations, rollups
from claudia_core.services.errors.recording import HOURLY, hourly
from claudia_core.services.replay.documents import (
    TOGETHER,
    Fold,
    IssueDocuments,
    OccurrenceDocuments,
    Replayed,
    TaskDocuments,
)

SLICE = 1_000
BEHIND = 5_000
"""Events that may be read within one snapshot."""

REPLAYED = "hub:replayed"
"""The event that tells live pictures, in every process, that what they were made of was put right: they begin anew."""

MOST_TASKS = 2**31
LEAST = 1e-6
"""Differences that are none: sums of seconds in another order."""

type Progress = Callable[[int, int], object]
"""Called with how many events of how many have been read."""


class Rollups:
    """Counts by minute and hour, as far back as the log tells all of them, and how many tasks are in each status.

    Counts only grow by what is added to them, so the difference at one moment can be added at any later one.
    """

    is_full = False

    def __init__(self, store: Store) -> None:
        self.found = Replayed("rollups")
        self._told: dict[tuple[str, int], float] = {}
        self._differ: dict[tuple[str, int], float] = {}
        self._is_whole = store.log_status().oldest <= 1
        self._since: int | None = None

    def apply(self, event: Event) -> None:
        """See `Fold.apply`."""
        if self._since is None:  # the buckets that the oldest event is in may have lost others
            hour = rollups.bucket(event.time, rollups.HOUR)
            self._since = 0 if self._is_whole else hour + rollups.HOUR
        if event.type == "task:created":
            self._count(rollups.CREATED, event.time)
            self._add(rollups.TYPES + event.data["type"], 0)
            for tag in event.data["tags"]:
                self._add(rollups.TAGS + tag, 0)
        elif event.type == "error:reported":
            self._count(rollups.ERRORS, event.time)
            issue = Issue.from_document(event.data["issue"]).id
            self._add(hourly(issue), rollups.bucket(from_text(event.data["time"]), HOURLY))
        elif event.type in ENDS:
            self._count(rollups.finished(ENDS[event.type]), event.time)
            self._took(event)

    def _took(self, event: Event) -> None:
        seconds = event.data["duration"]
        if seconds is None:
            return
        self._count(rollups.DURATION, event.time, seconds)
        if event.data["status"] == Status.COMPLETED:
            place = durations.place(seconds)
            for width in (durations.FIVE, rollups.HOUR):
                self._add(durations.series(place, width), rollups.bucket(event.time, width))

    def _count(self, series: str, moment: datetime, by: float = 1) -> None:
        self._add(rollups.by_minute(series), rollups.bucket(moment, rollups.MINUTE), by)
        self._add(rollups.by_hour(series), rollups.bucket(moment, rollups.HOUR), by)

    def _add(self, series: str, at: int, by: float = 1) -> None:
        if at >= (self._since or 0) or (at == 0 and self._is_whole):
            self._told[series, at] = self._told.get((series, at), 0) + by

    def compare(self, reader: Reader) -> None:
        """See `Fold.compare`; at the end, when all has been told."""
        told = dict(self._told)
        for status in Status:
            told[rollups.present(status), 0] = reader.count(Query("tasks", {"status": status.value}), most=MOST_TASKS)
        present = _present(reader, {series for series, _ in told})
        since = self._since or 0
        wanted = {key for key in present if key[1] and key[1] >= since} | set(told)
        differ = {key: told.get(key, 0) - present.get(key, 0) for key in wanted}
        self._differ = {key: by for key, by in differ.items() if abs(by) > LEAST}
        self.found.compared, self.found.wrong = len(wanted), len(self._differ)

    def mend(self, store: Store) -> None:
        """See `Fold.mend`."""
        for keys in batched(list(self._differ), TOGETHER):
            part = {key: self._differ[key] for key in keys}
            store.write(lambda tx, part=part: _add_all(tx, part)).result()  # type: ignore[misc]


ENDS = {f"task:{status.value}": status for status in Status if status.is_terminal}


def _present(reader: Reader, series: Iterable[str]) -> dict[tuple[str, int], float]:
    names = sorted(series)
    found: dict[tuple[str, int], float] = {}
    for start in range(0, len(names), 500):
        found |= {(one.series, one.at): one.value for one in reader.samples(names[start : start + 500])}
    return found


def _add_all(tx: Transaction, differ: Mapping[tuple[str, int], float]) -> None:
    for (series, at), by in differ.items():
        tx.increment(series, at, by)


PROJECTIONS: Mapping[str, Callable[[Store], Fold]] = {
    "tasks": lambda _: TaskDocuments("tasks"),
    "issues": lambda _: IssueDocuments("issues"),
    "occurrences": lambda _: OccurrenceDocuments("occurrences"),
    "rollups": Rollups,
}
"""What can be folded again; tasks come before the counts that are taken of them."""


def replay(
    store: Store, names: Sequence[str] = (), *, mend: bool = True, progress: Progress | None = None
) -> list[Replayed]:
    """Fold projections again, all unless some are named, and put right what differs, or only count it.

    Raises:
        InvalidValue: there is no projection of that name.
    """
    for name in names:
        if name not in PROJECTIONS:
            raise InvalidValue(
                f"no projection {name!r:.80}",
                field="name",
                hint=f"there are {', '.join(PROJECTIONS)}, and those of your own",
            )
    folds = [make(store) for name, make in PROJECTIONS.items() if not names or name in names]
    tell = progress or _say_nothing
    before = max(1, store.log_status().oldest) - 1
    position = before
    while (head := store.head()) - position > BEHIND:
        position = _read(store, position, min(head, position + SLICE), folds)
        tell(position - before, head - before)
        for fold in folds:
            if fold.is_full:
                fold.compare(store)
                if mend:
                    fold.mend(store)
    for fold in folds:  # what one puts right, the next one sees
        with store.snapshot() as reader:
            end = reader.head()
            _read(reader, position, end, [fold])
            fold.compare(reader)
        if mend:
            fold.mend(store)
        tell(end - before, end - before)
    found = [fold.found for fold in folds]
    if mend and any(one.wrong for one in found):
        tell_pictures(store, found)
    return found


def tell_pictures(store: Store, found: Sequence[Replayed]) -> None:
    """Have the live pictures of every process made anew."""
    wrong = {one.name: one.wrong for one in found}
    store.write(lambda tx: tx.emit(REPLAYED, "", {"put_right": wrong})).result()


def _say_nothing(_done: int, _of: int) -> None:
    """For those who do not ask."""


def _read(reader: Reader, position: int, end: int, folds: Iterable[Fold]) -> int:
    """Hand the events behind `position` up to `end` on; returns where that ended."""
    while position < end:
        part = reader.events(position, min(SLICE, end - position))
        for event in part.events:
            for fold in folds:
                fold.apply(event)
        position = part.position
    return position
