"""Process-wide live pictures, folded once from the log, however many pages look at them.

A board is written by the feed's thread alone. Pages compare `version` on their own tick and pull `picture()`, which is
made once per version and shared. What a board holds is bounded: it does not grow with history.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from claudia_core.failures import WINDOW, Alike, Failures
from claudia_core.feed import GLANCE, Feed
from claudia_core.model.event import Event, Gap
from claudia_core.model.task import Status
from claudia_core.model.times import to_text, utc_now
from claudia_core.notice_board import NoticeBoard
from claudia_core.ports import Condition, Document, Query, Range, Reader, Store
from claudia_core.services import rollups
from claudia_core.services.replay.service import REPLAYED
from claudia_core.services.tasks.progress import after
from claudia_core.services.throughput import Minute, minutes
from claudia_core.services.trends import TrendBoard

__all__ = ["Boards", "Minute", "Picture", "TaskBoard", "minutes"]

MOST_ACTIVE = 2_000
"""Active and pending tasks a board holds, the newest; the rest are counted only."""

MOST_RECENT, MOST_ERRORS = 200, 100
MOST_FAILED = 5_000
"""Tasks that failed within the last hour and are read when a board begins; it goes on by itself from there."""

MOST_EVENTS = 500
MINUTES_PAUSE = 0.5
"""Seconds for which the throughput is not read again, however much happens."""

OPEN = (Status.ACTIVE.value, Status.PENDING.value)


@dataclass(frozen=True, slots=True)
class Picture:
    """The hub at one moment. Rows are task summaries (`Task.to_summary`); treat them as read-only.

    `open` holds active and pending tasks, `recent` those that ended, `failed` what failed alike within the last hour;
    `errors` the data of `error:reported`, `events` the log's end: all newest first. `minutes` is the last hour, oldest
    first.
    """

    version: int
    sequence: int
    as_of: datetime
    counts: Mapping[Status, int]
    open: tuple[Document, ...]
    recent: tuple[Document, ...]
    failed: tuple[Alike, ...]
    errors: tuple[Document, ...]
    events: tuple[Event, ...]
    minutes: tuple[Minute, ...]
    gap: Gap | None = None


class TaskBoard:
    """The tasks of a hub, live."""

    def __init__(self, store: Store) -> None:
        self.version = 0
        self._store = store
        self._lock = threading.Lock()
        self._open: OrderedDict[str, Document] = OrderedDict()
        self._recent: OrderedDict[str, Document] = OrderedDict()
        self._failures = Failures()
        self._errors: deque[Document] = deque(maxlen=MOST_ERRORS)
        self._events: deque[Event] = deque(maxlen=MOST_EVENTS)
        self._counts: dict[Status, int] = dict.fromkeys(Status, 0)
        self._minutes: tuple[Minute, ...] = ()
        self._minutes_at = 0.0
        self._minutes_behind = False
        self._sequence = 0
        self._gap: Gap | None = None
        self._picture: Picture | None = None

    def load(self) -> int:
        """Take the whole picture from the store; returns the sequence it stands at."""
        with self._store.snapshot() as reader:
            head = reader.head()
            open_rows = [row for status in OPEN for row in _newest(reader, {"status": status}, "-id", MOST_ACTIVE)]
            ended = [status.value for status in Status if status.is_terminal]
            recent = _newest(reader, {"status": ended}, "-updated_at", MOST_RECENT)
            failures = _failures(reader)
            errors = _errors(reader)
            tail = reader.events(max(0, head - MOST_EVENTS), MOST_EVENTS).events
            with self._lock:
                self._sequence = head
                self._open = OrderedDict((row["id"], row) for row in sorted(open_rows, key=lambda row: str(row["id"])))
                self._drop_surplus()
                self._recent = OrderedDict((row["id"], row) for row in reversed(recent))
                self._failures = failures
                self._errors = deque(reversed(errors), MOST_ERRORS)
                self._events = deque(tail, MOST_EVENTS)
                self._count(reader)
                self._bump()
        return head

    def apply(self, events: list[Event], gap: Gap | None) -> None:
        """Fold the next events; called by the feed's thread. After a gap, and after a replay that put something right,
        the picture is taken anew."""
        if gap is not None or any(event.type == REPLAYED for event in events):
            self.load()
        with self._lock:
            self._gap = gap or self._gap
            for event in events:
                if event.sequence > self._sequence:
                    self._fold(event)
                    self._events.append(event)
                    self._sequence = event.sequence
            self._bump()
            self._count(self._store)

    def picture(self) -> Picture:
        """The present picture; the same object as long as nothing happens."""
        picture = self._picture
        if picture is not None and picture.version == self.version and not self._is_stale():
            return picture
        with self._lock:
            if self._is_stale():
                self._count(self._store)
                self._bump()
            now = utc_now()
            picture = self._picture = Picture(
                version=self.version,
                sequence=self._sequence,
                as_of=now,
                counts=dict(self._counts),
                open=tuple(reversed(self._open.values())),
                recent=tuple(reversed(self._recent.values())),
                failed=self._failures.alike(now),
                errors=tuple(reversed(self._errors)),
                events=tuple(reversed(self._events)),
                minutes=self._minutes,
                gap=self._gap,
            )
            return picture

    def _is_stale(self) -> bool:
        """True when the minute has turned since the throughput was read, or something was not counted yet."""
        if not self._minutes_at:
            return False
        now = time.time()
        return now // 60 != self._minutes_at // 60 or (self._minutes_behind and now - self._minutes_at > MINUTES_PAUSE)

    def _bump(self) -> None:
        self.version += 1

    def _fold(self, event: Event) -> None:
        if event.type == "progress:updated":
            self._fold_progress(event.data)
        elif event.type == "error:reported":
            self._errors.append(event.data)
        elif event.type.startswith("task:") and "status" in event.data:
            self._fold_task(event.data)

    def _fold_progress(self, data: Document) -> None:
        row = self._open.get(data["task_id"])
        if row is not None and row["version"] < data["version"]:
            self._open[row["id"]] = after(row, data)

    def _fold_task(self, row: Document) -> None:
        id = row["id"]
        known = self._open.get(id) or self._recent.get(id)
        if known is not None and known["version"] >= row["version"]:
            return
        self._failures.drop(id)
        if row["status"] in OPEN:
            self._recent.pop(id, None)
            self._open[id] = row
            self._drop_surplus()
        else:
            self._open.pop(id, None)
            _keep(self._recent, row, MOST_RECENT)
            if row["status"] == Status.FAILED:
                self._failures.add(row)

    def _drop_surplus(self) -> None:
        """Waiting tasks go first: what is being worked on is what people look for."""
        surplus = len(self._open) - MOST_ACTIVE
        if surplus > 0:
            waiting = (id for id, row in self._open.items() if row["status"] == Status.PENDING)
            for id in [*islice(waiting, surplus)]:
                del self._open[id]
        while len(self._open) > MOST_ACTIVE:
            self._open.popitem(last=False)

    def _count(self, reader: Reader) -> None:
        now = time.time()
        samples = reader.samples(map(rollups.present, Status), 0, 1)
        totals = {sample.series: int(sample.value) for sample in samples}
        self._counts = {status: totals.get(rollups.present(status), 0) for status in Status}
        self._minutes_behind = True
        if now - self._minutes_at > MINUTES_PAUSE or self._is_stale():
            self._minutes = minutes(reader, now)
            self._minutes_at = now
            self._minutes_behind = False


def _keep(rows: OrderedDict[str, Document], row: Document, most: int) -> None:
    """Put a row at the end of at most so many."""
    rows[row["id"]] = row
    rows.move_to_end(row["id"])
    if len(rows) > most:
        rows.popitem(last=False)


def _newest(
    reader: Reader, where: Mapping[str, Condition], order: str, limit: int, collection: str = "tasks"
) -> list[Document]:
    return reader.find(Query(collection, where, order, limit=limit)).documents


def _failures(reader: Reader) -> Failures:
    """What failed within the last hour."""
    where = {"status": Status.FAILED.value, "updated_at": Range(to_text(utc_now() - WINDOW))}
    page = reader.find(Query("tasks", where, "-updated_at", limit=MOST_FAILED))
    return Failures(reversed(page.documents), is_all=page.next is None)


def _errors(reader: Reader) -> list[Document]:
    """The newest occurrences as `error:reported` has them: with their issue."""
    found = _newest(reader, {}, "-id", MOST_ERRORS, "occurrences")
    issues = reader.get_many("issues", {row["issue_id"] for row in found})
    return [{**row, "issue": issues.get(row["issue_id"])} for row in found]


class Boards:
    """The boards of a hub, each made and tied to the feed when first asked for."""

    def __init__(self, store: Store, feed: Feed) -> None:
        self._store = store
        self._feed = feed
        self._lock = threading.Lock()
        self._tasks: TaskBoard | None = None
        self._notices: NoticeBoard | None = None
        self.trends = TrendBoard(store)

    @property
    def tasks(self) -> TaskBoard:
        """The live board of tasks."""
        with self._lock:
            if self._tasks is None:
                board = TaskBoard(self._store)
                self._feed.attach(board, board.load, patience=GLANCE)
                self._tasks = board
            return self._tasks

    @property
    def notices(self) -> NoticeBoard:
        """The notices that came lately."""
        with self._lock:
            if self._notices is None:
                board = NoticeBoard(self._store)
                self._feed.attach(board, board.load, patience=GLANCE)
                self._notices = board
            return self._notices
