"""One piece of work, and the rules of its life."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from claudia_core.errors import IllegalTransition
from claudia_core.model.progress import Progress
from claudia_core.model.times import from_optional_text, from_text, to_optional_text, to_text
from claudia_core.model.values import JSON


class Status(StrEnum):
    """Where a task stands in its life."""

    PENDING = "pending"
    ACTIVE = "active"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_terminal(self) -> bool:
        """True when nothing more happens to the task, unless it is retried."""
        return self in _TERMINAL


_TERMINAL = frozenset({Status.COMPLETED, Status.FAILED, Status.CANCELLED})

TRANSITIONS: Mapping[Status, frozenset[Status]] = {
    Status.PENDING: frozenset({Status.ACTIVE, Status.FAILED, Status.CANCELLED}),
    Status.ACTIVE: frozenset({Status.COMPLETED, Status.FAILED, Status.CANCELLED, Status.PENDING}),
    Status.COMPLETED: frozenset(),
    Status.FAILED: frozenset({Status.PENDING}),
    Status.CANCELLED: frozenset({Status.PENDING}),
}
"""The one state machine of tasks; failed and cancelled go back to pending by a retry, active by a lost claim."""


@dataclass(frozen=True, slots=True)
class TaskError:
    """Why a task failed. `traceback` is text, oldest frame first; `code` is `error`, `lost` or `deadline`."""

    type: str
    message: str
    code: str = "error"
    traceback: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One piece of work. A change gives a new value; `services.tasks` saves it together with its events.

    `payload`, `result` and `error.traceback` are its content: loaded by `tasks.get`, left out of lists and events.
    `attempt` counts from 1. `attempts` is how many are allowed. Times are UTC.
    """

    id: str
    name: str
    created_at: datetime
    updated_at: datetime
    type: str = "task"
    status: Status = Status.PENDING
    payload: JSON = None
    result: JSON = None
    error: TaskError | None = None
    parent_id: str | None = None
    root_id: str = ""
    agent_id: str | None = None
    tags: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    started_at: datetime | None = None
    finished_at: datetime | None = None
    deadline: datetime | None = None
    attempt: int = 1
    attempts: int = 1
    progress: Progress = Progress()
    version: int = 1

    @property
    def duration(self) -> float | None:
        """Seconds from start to finish; None unless both are known."""
        if self.started_at is None or self.finished_at is None:
            return None
        return (self.finished_at - self.started_at).total_seconds()

    def moved(self, status: Status, now: datetime, **changes: Any) -> Task:
        """This task in another status.

        Raises:
            IllegalTransition: the state machine has no such step.
        """
        if status not in TRANSITIONS[self.status]:
            allowed = ", ".join(sorted(TRANSITIONS[self.status])) or "nothing"
            raise IllegalTransition(
                f"task {self.id} ({self.name}) is {self.status} and cannot become {status}",
                field="status",
                hint=f"from {self.status} it can become: {allowed}",
            )
        return self.changed(now, status=status, **changes)

    def changed(self, now: datetime, **changes: Any) -> Task:
        """This task with other fields, one version on."""
        return replace(self, updated_at=now, version=self.version + 1, **changes)

    def to_summary(self) -> dict[str, Any]:
        """As plain JSON without content: what lists, events and boards carry."""
        error = self.error
        return {
            "id": self.id,
            "name": self.name,
            "type": self.type,
            "status": self.status.value,
            "error": None if error is None else {"type": error.type, "message": error.message, "code": error.code},
            "parent_id": self.parent_id,
            "root_id": self.root_id,
            "agent_id": self.agent_id,
            "tags": list(self.tags),
            "labels": dict(self.labels),
            "created_at": to_text(self.created_at),
            "updated_at": to_text(self.updated_at),
            "started_at": to_optional_text(self.started_at),
            "finished_at": to_optional_text(self.finished_at),
            "deadline": to_optional_text(self.deadline),
            "duration": self.duration,
            "attempt": self.attempt,
            "attempts": self.attempts,
            "progress": self.progress.to_document(),
            "version": self.version,
        }

    def to_content(self) -> dict[str, Any] | None:
        """Its content as plain JSON; None when it has none."""
        traceback = self.error.traceback if self.error else ""
        if self.payload is None and self.result is None and not traceback:
            return None
        return {"id": self.id, "payload": self.payload, "result": self.result, "traceback": traceback}

    def to_document(self) -> dict[str, Any]:
        """Everything as plain JSON, content included: the form on the wire."""
        document = self.to_summary()
        document["payload"] = self.payload
        document["result"] = self.result
        if self.error is not None:
            document["error"]["traceback"] = self.error.traceback
        return document

    @classmethod
    def from_document(cls, document: Mapping[str, Any], content: Mapping[str, Any] | None = None) -> Task:
        """The value of a summary, with its content where given."""
        error = document["error"]
        source = content or document
        return cls(
            id=document["id"],
            name=document["name"],
            type=document["type"],
            status=Status(document["status"]),
            payload=source.get("payload"),
            result=source.get("result"),
            error=None
            if error is None
            else TaskError(error["type"], error["message"], error["code"], (content or error).get("traceback", "")),
            parent_id=document["parent_id"],
            root_id=document["root_id"],
            agent_id=document["agent_id"],
            tags=tuple(document["tags"]),
            labels=document["labels"],
            created_at=from_text(document["created_at"]),
            updated_at=from_text(document["updated_at"]),
            started_at=from_optional_text(document["started_at"]),
            finished_at=from_optional_text(document["finished_at"]),
            deadline=from_optional_text(document["deadline"]),
            attempt=document["attempt"],
            attempts=document["attempts"],
            progress=Progress.from_document(document["progress"]),
            version=document["version"],
        )

    def __str__(self) -> str:
        """Deterministic text, such as `clean rows: active, 3/10 items (30%)`."""
        text = f"{self.name}: {self.status}, {self.progress}"
        return f"{text}, {self.error.type}: {self.error.message}" if self.error else text

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """In IPython the value of a cell is told as `str` tells it."""
        printer.text(self.name if cycle else str(self))

    def _repr_html_(self) -> str:
        from claudia_core.model.looks import task_html  # it knows this class

        return task_html(self)
