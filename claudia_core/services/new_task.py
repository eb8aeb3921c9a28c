"""What a task is made from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from claudia_core.errors import InvalidValue
from claudia_core.model.ids import new_id, require_id
from claudia_core.model.progress import Progress
from claudia_core.model.task import Task
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

    def checked(self) -> NewTask:
        """This with every value checked and in its plain form.

        Raises:
            InvalidValue, TooLarge: a value breaks a rule; `field` names it.
        """
        steps = self.estimated_steps
        return replace(
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
        )

    def to_task(self, now: datetime, root_id: str) -> Task:
        """The pending task."""
        assert self.name is not None, "checked() fills it"
        assert self.id is not None, "checked() fills it"
        return Task(
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
        )


def _require_attempts(value: int) -> int:
    if type(value) is not int or not 1 <= value <= MOST_ATTEMPTS:
        raise InvalidValue(f"attempts is {shown(value)}", field="attempts", hint=f"use 1 to {MOST_ATTEMPTS}")
    return value
