"""What a task is made from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from claudia_core.errors import InvalidValue
from claudia_core.model.changed import changed
from claudia_core.model.ids import new_id, require_id
from claudia_core.model.progress import Progress
from claudia_core.model.task import MOST_PRIORITY, Task
from claudia_core.model.times import require_utc
from claudia_core.model.values import (
    JSON,
    MAX_NAME,
    require_count,
    require_json,
    require_labels,
    require_tags,
    require_text,
    shown,
)

MOST_ATTEMPTS = 1_000
MOST_STALL = 366 * 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTask:
    """What a task is made from; checked by `checked`, so that a bad value is refused before anything is written."""

    name: str | None = None
    type: str = "task"
    payload: JSON = None
    parent_id: str | None = None
    tags: Iterable[str] = ()
    labels: Mapping[str, str] | None = None
    deadline: datetime | None = None
    estimated_steps: float | None = None
    unit: str = "items"
    attempts: int = 1
    id: str | None = None
    agent_id: str | None = None
    priority: int = 0
    due_at: datetime | None = None
    stall_after: float | None = None

    def checked(self) -> NewTask:
        """This with every value checked and in its plain form.

        Raises:
            InvalidValue, TooLarge: a value breaks a rule; `field` names it.
        """
        steps = self.estimated_steps
        return changed(
            self,
            name=require_text(self.type if self.name is None else self.name, "name", MAX_NAME),
            type=require_text(self.type, "type", 100),
            payload=require_json(self.payload, "payload"),
            parent_id=None if self.parent_id is None else require_id(self.parent_id, "parent_id"),
            tags=require_tags(self.tags),
            labels=require_labels({} if self.labels is None else self.labels),
            deadline=None if self.deadline is None else require_utc(self.deadline, "deadline"),
            estimated_steps=None if steps is None else require_count(steps, "estimated_steps"),
            unit=require_text(self.unit, "unit", 50),
            attempts=_require_attempts(self.attempts),
            id=new_id() if self.id is None else require_id(self.id),
            priority=_require_priority(self.priority),
            due_at=None if self.due_at is None else require_utc(self.due_at, "due_at"),
            stall_after=None if self.stall_after is None else require_stall(self.stall_after),
        )

    def to_task(self, now: datetime, root_id: str) -> Task:
        """The pending task."""
        assert self.name is not None, "checked() fills it"
        assert self.id is not None, "checked() fills it"
        task = Task(
            id=self.id,
            name=self.name,
            type=self.type,
            payload=self.payload,
            parent_id=self.parent_id,
            root_id=root_id,
            tags=tuple(self.tags),
            labels=self.labels or {},
            created_at=now,
            updated_at=now,
            deadline=self.deadline,
            attempts=self.attempts,
            progress=Progress(total=self.estimated_steps, unit=self.unit),
            priority=self.priority,
            due_at=self.due_at if self.due_at is not None and self.due_at > now else None,
            stall_after=self.stall_after,
        )
        look = task.next_look(now)
        return task if look is None else changed(task, watch_at=look)


def _require_attempts(value: int) -> int:
    if type(value) is not int or not 1 <= value <= MOST_ATTEMPTS:
        raise InvalidValue(f"attempts is {shown(value)}", field="attempts", hint=f"use 1 to {MOST_ATTEMPTS}")
    return value


def _require_priority(value: int) -> int:
    if type(value) is not int or not -MOST_PRIORITY <= value <= MOST_PRIORITY:
        hint = f"use a whole number from -{MOST_PRIORITY} to {MOST_PRIORITY}; higher is sooner"
        raise InvalidValue(f"priority is {shown(value)}", field="priority", hint=hint)
    return value


def require_stall(value: float) -> float:
    """Seconds without news that count as a stall.

    Raises:
        InvalidValue: they are not 0.1 to a year.
    """
    if not 0.1 <= require_count(value, "stall_after") <= MOST_STALL:
        raise InvalidValue(f"stall_after is {value:g}", field="stall_after", hint="use 0.1 seconds to a year")
    return value
