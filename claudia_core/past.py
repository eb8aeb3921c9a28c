"""The hub as it was at a moment, folded from the log; and whether what live pictures show is what the log tells."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from claudia_core.boards import (
    MOST_ACTIVE,
    MOST_ERRORS,
    MOST_EVENTS,
    MOST_RECENT,
    OPEN,
    Picture,
    TaskBoard,
)
from claudia_core.failures import MOST_KINDS, Alike, Failures
from claudia_core.model.event import Event, Gap
from claudia_core.model.task import INNER, Status
from claudia_core.model.times import require_utc, utc_now
from claudia_core.ports import Document, Store
from claudia_core.services.replay.documents import Replayed
from claudia_core.services.tasks.progress import after
from claudia_core.services.throughput import minutes


def picture_at(store: Store, moment: datetime) -> Picture:
    """The hub as it was at `moment`, folded from the log: only tasks whose making is still kept are in it.

    Raises:
        InvalidValue: `moment` has no timezone.
    """
    moment = require_utc(moment, "moment")
    return _picture(store, store.sequence_at(moment), moment)


def _picture(store: Store, end: int, moment: datetime) -> Picture:
    tasks: dict[str, Any] = {}
    errors: deque[Document] = deque(maxlen=MOST_ERRORS)
    tail: deque[Event] = deque(maxlen=MOST_EVENTS)
    position = 0
    gap: Gap | None = None
    while position < end:
        part = store.events(position, 1_000)
        gap = gap or part.gap
        position = part.position
        for event in part.events:
            if event.sequence > end:
                break
            _fold_past(event, tasks, errors)
            tail.append(event)
    ordered = sorted(tasks.values(), key=lambda row: str(row["updated_at"]), reverse=True)
    still_open = [row for row in ordered if row["status"] in OPEN]
    return Picture(
        version=0,
        sequence=end,
        as_of=moment,
        counts={status: sum(row["status"] == status for row in ordered) for status in Status},
        open=tuple(still_open[:MOST_ACTIVE]),
        recent=tuple([row for row in ordered if row["status"] not in OPEN][:MOST_RECENT]),
        failed=Failures(row for row in reversed(ordered) if row["status"] == Status.FAILED).alike(moment),
        errors=tuple(reversed(errors)),
        events=tuple(reversed(tail)),
        minutes=minutes(store, moment.timestamp()),
        gap=gap,
    )


def _fold_past(event: Event, tasks: dict[str, Any], errors: deque[Document]) -> None:
    if event.type == "error:reported":
        errors.append(event.data)
    elif event.type == "progress:updated":
        row = tasks.get(event.subject)
        if row is not None:
            tasks[event.subject] = after(row, event.data)
    elif event.type.startswith("task:") and "status" in event.data:
        tasks[event.subject] = event.data


# --- what live pictures show ------------------------------------------------------------------------------------------


def compare_boards(store: Store) -> Replayed:
    """Whether a picture that is made now from what is kept shows what the log tells; of the log, what is kept.

    Rows of tasks whose making the log no longer holds are not compared, nor are counts then.
    """
    board = TaskBoard(store)
    head = board.load()
    shown, told = board.picture(), _picture(store, head, utc_now())
    is_whole = told.gap is None and store.log_status().oldest <= 1
    found = Replayed("boards")
    for rows, others, most in (
        (shown.open, told.open, MOST_ACTIVE),
        (shown.recent, told.recent, MOST_RECENT),
        (_counted(shown.failed), _counted(told.failed), MOST_KINDS),
    ):
        ours, theirs = _by_id(rows), _by_id(others)
        found.compared += len(ours)
        found.wrong += sum(ours[id] != theirs[id] for id in ours.keys() & theirs.keys())
        if max(len(ours), len(theirs)) < most:  # of more, those with the same time may come in any order
            found.wrong += len(theirs.keys() - ours.keys()) + is_whole * len(ours.keys() - theirs.keys())
    if is_whole:
        found.compared += len(Status)
        found.wrong += sum(shown.counts[status] != told.counts[status] for status in Status)
    return found


def _counted(failed: Iterable[Alike]) -> tuple[Document, ...]:
    """How many tasks failed in which way: which of two that failed at once is the newer one, nobody can tell."""
    kinds = ((one, f"{one.newest['name']} {(one.newest['error'] or {}).get('type')}") for one in failed)
    return tuple({"id": kind, "count": one.count} for one, kind in kinds)


def _by_id(rows: Iterable[Document]) -> dict[str, Document]:
    """Rows as they are shown: without what only services look at."""
    return {row["id"]: {name: value for name, value in row.items() if name not in INNER} for row in rows}
