"""One piece of work, and the rules of its life."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from claudia_core.errors import IllegalTransition
from claudia_core.model.changed import changed
from claudia_core.model.policy import RetryPolicy
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

MOST_PRIORITY = 100
"""Priorities are whole numbers from this below zero to this above it."""

LATER = "~"
"""The beginning of the places in the queue of tasks that are not due yet; it sorts behind all others."""


INNER = frozenset({"policy", "queue", "watch_at"})
"""What a summary holds for the store and for agents only."""


@dataclass(frozen=True, slots=True)
class TaskError:
    """Why a task failed. `traceback` is text, oldest frame first.

    `code` is `error`, `lost` (its agent), `timeout`, `deadline`, `killed` or `payload` (its handler refused that).
    """

    type: str
    message: str
    code: str = "error"
    traceback: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Task:
    """One piece of work. A change gives a new value; `services.tasks` saves it together with its events.

    `payload`, `result` and `error.traceback` are its content: loaded by `tasks.get`, left out of lists and events.
    `attempt` counts from 1. `attempts` is how many are allowed. Times are UTC.

    Of pending tasks, agents take the one with the highest `priority` first, then the oldest, and none before `due_at`.
    `claim` counts how often an agent took it: a fencing token, with which an agent shows that its claim still counts.
    `policy` says what follows a failure. `stall_after` is how many seconds without news count as a stall, noted in
    `stalled_at`; `overdue_at` is when the deadline was seen to have passed; `watch_at` is when somebody looks next.
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
    priority: int = 0
    due_at: datetime | None = None
    claim: int = 0
    policy: RetryPolicy | None = None
    stall_after: float | None = None
    stalled_at: datetime | None = None
    overdue_at: datetime | None = None
    watch_at: datetime | None = None

    @property
    def queue(self) -> str:
        """Its place in the queue of its type, as text that sorts: by priority, or by when it is due; empty outside."""
        if self.status is not Status.PENDING:
            return ""
        return f"{MOST_PRIORITY - self.priority:03d}" if self.due_at is None else LATER + to_text(self.due_at)

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
        moved = self.changed(now, status=status, **{"due_at": None, "stalled_at": None, **changes})
        if moved.deadline is None and moved.stall_after is None:
            return moved
        return changed(moved, watch_at=moved.next_look(now))

    def next_look(self, now: datetime) -> datetime | None:
        """When somebody must look whether the deadline has passed or news have stopped; None where nobody need."""
        if self.status.is_terminal:
            return None
        looks = [] if self.deadline is None or self.overdue_at is not None else [self.deadline]
        if self.stall_after is not None and self.status is Status.ACTIVE:
            news = now if self.stalled_at is not None else self.last_news or now
            looks.append(news + timedelta(seconds=self.stall_after))
        return min(looks, default=None)

    @property
    def last_news(self) -> datetime | None:
        """When its work was last heard of: its start or its last progress."""
        moments = [moment for moment in (self.started_at, self.progress.updated_at) if moment is not None]
        return max(moments, default=None)

    def changed(self, now: datetime, **changes: Any) -> Task:
        """This task with other fields, one version on."""
        return changed(self, updated_at=now, version=self.version + 1, **changes)

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
            "priority": self.priority,
            "due_at": to_optional_text(self.due_at),
            "claim": self.claim,
            "policy": None if self.policy is None else self.policy.to_document(),
            "stall_after": self.stall_after,
            "stalled_at": to_optional_text(self.stalled_at),
            "overdue_at": to_optional_text(self.overdue_at),
            "watch_at": to_optional_text(self.watch_at),
            "queue": self.queue,
        }

    def to_content(self) -> dict[str, Any] | None:
        """Its content as plain JSON; None when it has none."""
        traceback = self.error.traceback if self.error else ""
        if self.payload is None and self.result is None and not traceback:
            return None
        return {"id": self.id, "payload": self.payload, "result": self.result, "traceback": traceback}

    def to_document(self) -> dict[str, Any]:
        """As plain JSON, content included: the form on the wire."""
        document = {name: value for name, value in self.to_summary().items() if name not in INNER}
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
            priority=document.get("priority", 0),
            due_at=from_optional_text(document.get("due_at")),
            claim=document.get("claim", 0),
            policy=RetryPolicy.from_document(document.get("policy")),
            stall_after=document.get("stall_after"),
            stalled_at=from_optional_text(document.get("stalled_at")),
            overdue_at=from_optional_text(document.get("overdue_at")),
            watch_at=from_optional_text(document.get("watch_at")),
        )

    def __str__(self) -> str:
        """Deterministic text, such as `clean rows: active, 3/10 items (30%)`."""
        text = f"{self.name}: {self.status}, {self.progress}"
        return f"{text}, {self.error.type}: {self.error.message}" if self.error else text

    def __repr__(self) -> str:
        """Short, and without the payload, which may be large or private."""
        return f"<Task {self}; id {self.id}>"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """In IPython the value of a cell is told as `str` tells it."""
        printer.text(self.name if cycle else str(self))

    def _repr_html_(self) -> str:
        from claudia_core.model.looks import task_html  # it knows this class

        return task_html(self)
