"""Values for tests, with everything filled in that a test does not care about."""

from __future__ import annotations

from typing import Any

from claudia_core.app import Claudia
from claudia_core.model.event import Event
from claudia_core.model.ids import new_id
from claudia_core.model.task import Status, Task
from claudia_core.testing.clock import START


def a_task(**values: Any) -> Task:
    """A pending task made at `clock.START`; `values` are the fields of `Task`."""
    id = values.pop("id", None) or new_id()
    return Task(**{"id": id, "root_id": id, "name": "a task", "created_at": START, "updated_at": START, **values})


def an_event(sequence: int = 1, type: str = "task:created", **values: Any) -> Event:
    """An event of the log `log`; `values` are the fields of `Event`."""
    fields = {"epoch": "log", "subject": new_id(), "time": START, "data": {}, **values}
    return Event(sequence=sequence, type=type, **fields)


def saved_task(claudia: Claudia, status: Status = Status.PENDING, **values: Any) -> Task:
    """A task of a hub, brought to `status` by the services; `values` are the fields of `NewTask`."""
    task = claudia.tasks.create(**{"name": "a task", **values}, start=status in (Status.ACTIVE, Status.COMPLETED))
    if status is Status.COMPLETED:
        return claudia.tasks.complete(task.id)
    if status is Status.FAILED:
        return claudia.tasks.fail(task.id, "it broke")
    return claudia.tasks.cancel(task.id) if status is Status.CANCELLED else task
