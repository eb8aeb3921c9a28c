"""What the services keep, folded again from the log: tasks, issues and rollups, put right where they differ.

The log is read once for all of them. It runs beside a hub at work: what moves on meanwhile is left alone. What the log
no longer holds stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import batched
from typing import Protocol

from claudia_core.errors import InvalidValue
from claudia_core.model.event import Event
from claudia_core.model.issue import Issue
from claudia_core.model.task import Status, Task
from claudia_core.model.times import from_text
from claudia_core.ports import Document, Query, Reader, Store, Transaction
from claudia_core.services import durations, rollups
from claudia_core.services.errors.recording import HOURLY, hourly
from claudia_core.services.errors.replay import is_wrong, issue_of

SLICE = 1_000
TOGETHER = 1_000
"""Documents that are compared in one transaction."""

MOST_TOLD = 50_000
"""Documents that are remembered until they are compared."""

BEHIND = 5_000
"""Events that may be read within one snapshot."""

MOST_TASKS = 2**31
LEAST = 1e-6
"""Differences that are none: sums of seconds in another order."""

type Progress = Callable[[int, int], object]
"""Called with how many events of how many have been read."""


@dataclass(slots=True)
class Replayed:
    """What a replay came to: how many values were compared, and how many of them were wrong or missing."""

    name: str
    compared: int = 0
    wrong: int = 0


class Fold(Protocol):
    """One projection while the log is read."""

    found: Replayed

    @property
    def is_full(self) -> bool:
        """Whether so much has been told that it is to be compared before more is."""
        ...

    def apply(self, event: Event) -> None:
        """Take the next event."""
        ...

    def compare(self, reader: Reader) -> None:
        """Find out what differs from what has been told so far."""
        ...

    def mend(self, store: Store) -> None:
        """Put right what was found to differ."""
        ...


class Documents:
    """A projection whose events tell the whole document."""

    def __init__(self, name: str) -> None:
        self.found = Replayed(name)
        self._told: dict[str, Document] = {}
        self._wrong: dict[str, Document] = {}

    @property
    def is_full(self) -> bool:
        """See `Fold.is_full`."""
        return len(self._told) >= MOST_TOLD

    def apply(self, event: Event) -> None:
        """See `Fold.apply`."""
        raise NotImplementedError

    def compare(self, reader: Reader) -> None:
        """See `Fold.compare`."""
        for ids in batched(list(self._told), TOGETHER):
            present = reader.get_many(self.found.name, ids)
            for id in ids:
                if self._is_wrong(present.get(id), self._told[id]):
                    self._wrong[id] = self._told[id]
        self.found.compared += len(self._told)
        self.found.wrong += len(self._wrong)
        self._told.clear()

    def mend(self, store: Store) -> None:
        """See `Fold.mend`."""
        for ids in batched(list(self._wrong), TOGETHER):
            store.write(lambda tx, ids=ids: self._put_right(tx, ids)).result()  # type: ignore[misc]
        self._wrong.clear()

    def _put_right(self, tx: Transaction, ids: Iterable[str]) -> None:
        for id in ids:
            present, told = tx.get(self.found.name, id), self._wrong[id]
            if self._is_wrong(present, told):
                tx.put(self.found.name, self._whole(present, told))

    def _is_wrong(self, present: Document | None, told: Document) -> bool:
        return is_wrong(present, told)

    def _whole(self, present: Document | None, told: Document) -> Document:  # noqa: ARG002 - for those told in parts
        return told


class IssueDocuments(Documents):
    """Issues."""

    def apply(self, event: Event) -> None:
        """See `Fold.apply`."""
        told = issue_of(event)
        if told is not None:
            self._told[told["id"]] = told


class TaskDocuments(Documents):
    """Tasks with their progress; payload, result and traceback are not in the log."""

    def apply(self, event: Event) -> None:
        """See `Fold.apply`."""
        if event.type == "progress:updated":
            before = self._told.get(event.subject)
            self._told[event.subject] = dict(event.data) if before is None else _advanced(before, event.data)
        elif event.type.startswith("task:") and "status" in event.data:
            self._told[event.subject] = event.data

    def _is_wrong(self, present: Document | None, told: Document) -> bool:
        if "status" in told:
            return is_wrong(present, told)
        return present is not None and (
            present["version"] < told["version"]
            or (present["version"] == told["version"] and present != _advanced(present, told))
        )

    def _whole(self, present: Document | None, told: Document) -> Document:
        return told if "status" in told or present is None else _advanced(present, told)


def _advanced(row: Document, data: Document) -> Document:
    """A task's document, or a part of it, after `progress:updated`."""
    if "status" not in row:
        return dict(data)
    progress = {key: data[key] for key in row["progress"]}
    moved = {**row, "progress": progress, "version": data["version"], "updated_at": data["updated_at"]}
    if row.get("stall_after") is None:
        return moved
    return Task.from_document({**moved, "stalled_at": None}).to_summary()  # when it is looked at follows from its news


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
            raise InvalidValue(f"no projection {name!r:.80}", field="name", hint=", ".join(PROJECTIONS))
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
    return [fold.found for fold in folds]


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
