"""Lateness: tasks whose deadline has passed, and tasks that nothing was heard of for too long. Each by itself."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from itertools import batched

from claudia_core.model.task import Status, Task, TaskError
from claudia_core.model.times import to_text, utc_now
from claudia_core.ports import Query, Range, Store, Transaction
from claudia_core.services.tasks import failures, moves

AT_ONCE = 100
"""Most tasks looked at in one commit."""

MOST = 1_000
"""Most tasks of one look."""

TOO_LATE = TaskError("DeadlineExceeded", "its deadline passed before anybody began it", code="deadline")


class Lateness:
    """Notes what is late, once, with an event: `task:overdue` and `task:stalled`.

    A task that nobody has begun by its deadline fails. One that an agent works on is ended by that agent. One that this
    hub only watches - a loop, a block, a task of somebody else's - goes on, and is marked.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def look(self) -> int:
        """Look at the tasks that are to be looked at by now; returns how many."""
        query = Query("tasks", {"watch_at": Range("0", to_text(utc_now()) + "~")}, "watch_at", limit=MOST)
        ids = [document["id"] for document in self._store.find(query).documents]
        for some in batched(ids, AT_ONCE):
            self._store.write(partial(_look_at_each, some)).result()
        return len(ids)


def _look_at_each(ids: tuple[str, ...], tx: Transaction) -> None:
    for id in ids:
        _look_at(tx, id)


def _look_at(tx: Transaction, id: str) -> None:
    document = tx.get("tasks", id)
    if document is None or not document.get("watch_at") or document["watch_at"] > to_text(tx.now):
        return  # somebody else has looked, or it has ended
    task = Task.from_document(document)
    is_overdue = task.deadline is not None and task.overdue_at is None and task.deadline <= tx.now
    if is_overdue and task.status is Status.PENDING:
        failures.failing(TOO_LATE)(tx, moves.with_content(tx, document))
    elif is_overdue:
        failures.overdue(tx, task)
    elif _has_stalled(task, tx):
        _stall(tx, task)
    else:
        tx.put("tasks", replace(task, watch_at=task.next_look(tx.now)).to_summary())


def _has_stalled(task: Task, tx: Transaction) -> bool:
    news = task.last_news
    if task.status is not Status.ACTIVE or task.stall_after is None or task.stalled_at is not None or news is None:
        return False
    return (tx.now - news).total_seconds() >= task.stall_after


def _stall(tx: Transaction, task: Task) -> None:
    silent = replace(task, stalled_at=tx.now, version=task.version + 1)
    noted = replace(silent, watch_at=silent.next_look(tx.now)).to_summary()
    tx.put("tasks", noted)
    tx.emit("task:stalled", task.id, noted)
