"""What operations answer, as pydantic models: the one description of the wire for REST, GraphQL and gRPC."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue

TASK_EXAMPLE: dict[str, JsonValue] = {
    "id": "01932f3e-7b5a-7cc0-9c5d-1f2e3d4c5b6a",
    "name": "clean rows",
    "type": "data_processing",
    "status": "active",
    "payload": {"file_id": "file123"},
    "progress": {"current": 30, "total": 100, "percentage": 30.0, "message": "", "unit": "rows", "rate": 12.5},
}


class Output(BaseModel):
    """Base of all answers."""

    model_config = ConfigDict(extra="ignore")


class ProgressOut(Output):
    """How far a task has come."""

    current: float = Field(description="Units done.")
    total: float | None = Field(None, description="Units in all; null while unknown.")
    percentage: float | None = Field(None, description="Percent done, 0 to 100; null while the total is unknown.")
    message: str = Field("", description="What is being done.")
    unit: str = Field("items", description="What is counted.")
    rate: float | None = Field(None, description="Units per second.")
    eta: float | None = Field(None, description="Seconds to go.")
    updated_at: datetime | None = Field(None, description="When it last moved.")


class TaskErrorOut(Output):
    """Why a task failed."""

    type: str = Field(description="The exception's type.")
    message: str
    code: str = Field("error", description="`error`, `lost`, `timeout`, `deadline`, `killed` or `payload`.")
    traceback: str = Field("", description="Oldest frame first; only when one task is asked for.")


class TaskOut(Output):
    """One piece of work. Payload, result and traceback are filled when one task is asked for, not in lists."""

    model_config = ConfigDict(extra="ignore", json_schema_extra={"examples": [TASK_EXAMPLE]})

    id: str
    name: str
    type: str
    status: str = Field(description="pending, active, completed, failed or cancelled.")
    payload: JsonValue = None
    result: JsonValue = None
    error: TaskErrorOut | None = None
    parent_id: str | None = None
    root_id: str
    agent_id: str | None = None
    tags: list[str] = Field(default_factory=list)
    labels: dict[str, str] = Field(default_factory=dict)
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    deadline: datetime | None = None
    duration: float | None = Field(None, description="Seconds from start to finish.")
    attempt: int
    attempts: int
    progress: ProgressOut
    version: int = Field(description="Counts changes; the ETag of the task.")
    priority: int = Field(0, description="Agents take tasks of a higher priority first.")
    due_at: datetime | None = Field(None, description="No agent takes it before.")
    claim: int = Field(0, description="How often an agent took it: the fencing token of the last claim.")
    stall_after: float | None = Field(None, description="Seconds without news that count as a stall.")
    stalled_at: datetime | None = Field(None, description="When it was seen to have stalled; null since there is news.")
    overdue_at: datetime | None = Field(None, description="When its deadline was seen to have passed.")
    waiting: str = Field("", description="Why it waits, in words; only when one pending task is asked for.")


class TaskPageOut(Output):
    """Some tasks; `next` asks for the rest."""

    items: list[TaskOut]
    next: str | None = None


class TaskListOut(Output):
    """Several tasks."""

    items: list[TaskOut]


class CountsOut(Output):
    """How many tasks are in each status now."""

    pending: int
    active: int
    completed: int
    failed: int
    cancelled: int


class NameOut(Output):
    """A type or a tag, and how many tasks were made with it."""

    name: str
    tasks: int


class NameListOut(Output):
    """Types or tags, in the order of the alphabet."""

    items: list[NameOut]


class FilterOut(Output):
    """A named choice of tasks."""

    id: str
    name: str
    query: dict[str, str]
    created_at: datetime


class FilterListOut(Output):
    """Saved filters, by name."""

    items: list[FilterOut]


class ResultOut(Output):
    """A task's result."""

    id: str
    status: str
    result: JsonValue = None


class NotedOut(Output):
    """How many of the tasks moved."""

    noted: int


class EventOut(Output):
    """One entry of the log, as a CloudEvents 1.0 event."""

    specversion: str = "1.0"
    id: str = Field(description="The cursor just after this event: `epoch:sequence`.")
    source: str
    type: str
    subject: str | None = Field(None, description="What it is about; null where it is about nothing.")
    time: datetime
    datacontenttype: str = "application/json"
    sequence: str
    data: dict[str, Any]


class GapOut(Output):
    """Events that were asked for and are no longer kept, first and last sequence included."""

    first: int
    last: int


class EventPageOut(Output):
    """Some events, oldest first; `next` is the cursor to go on from."""

    items: list[EventOut]
    next: str
    gap: GapOut | None = None


class AppendedOut(Output):
    """How many events were appended, and a cursor at or behind the last of them."""

    appended: int
    cursor: str


class AgentOut(Output):
    """A process that runs tasks."""

    id: str
    name: str
    host: str
    pid: int
    status: str
    lease: float = Field(description="Seconds without a heartbeat after which it counts as lost.")
    started_at: datetime
    heartbeat_at: datetime
    expires_at: datetime = Field(description="When it counts as lost without another heartbeat.")
    capabilities: list[str] = Field(default_factory=list, description="The types of task that it takes.")
    capacity: int = Field(0, description="Most tasks at once; 0 when it takes none from the queues.")
    mode: str = Field("working", description="What it is asked to do: working, paused, draining or stopping.")
    state: str = Field("online", description="Its mode while it is online and not working, else its status.")
    running: int = Field(0, description="Tasks it works on, as of its last heartbeat.")
    memory: int = Field(0, description="Bytes of memory of its processes.")
    completed: int = Field(0, description="Tasks it completed since it began.")
    failed: int = Field(0, description="Tasks that failed on it since it began.")
    per_minute: float = Field(0.0, description="Tasks that ended on it in the last minute.")
    pace: list[int] = Field(
        default_factory=list, description="Tasks that ended on it in each minute of its last hour, up to `pace_at`."
    )
    pace_at: int = Field(0, description="The minute of the last of `pace`, since 1970.")


class AgentListOut(Output):
    """Several agents, newest first."""

    items: list[AgentOut]


class QueueOut(Output):
    """The tasks of one type that have not ended."""

    type: str
    waiting: int = Field(description="Pending tasks.")
    delayed: int = Field(description="Those of them that are not due yet.")
    running: int = Field(description="Active tasks.")
    oldest_at: datetime | None = Field(None, description="When the oldest pending one was made.")
    agents: int = Field(description="Agents that are online and can run it.")
    capacity: int = Field(description="Tasks that those of them run at once which take new ones.")
    note: str = Field("", description="Why nothing of it is being taken, in words.")


class QueueListOut(Output):
    """Queues, by type."""

    items: list[QueueOut]


class LogOut(Output):
    """How the log stands: kept sequences, bytes on disk, what retention last did."""

    epoch: str
    oldest: int
    head: int
    events: int
    bytes: int
    pruned_at: datetime | None = None
    pruned_events: int = 0


class CheckOut(Output):
    """One health check."""

    status: str
    output: str = ""
    observedValue: float  # noqa: N815 - the name in the health+json format
    observedUnit: str = "ms"  # noqa: N815 - the name in the health+json format


class HealthOut(Output):
    """The hub's health, as `application/health+json`."""

    status: str = Field(description="pass, warn or fail.")
    time: datetime
    checks: dict[str, list[CheckOut]]


class SettingsOut(Output):
    """The settings in force, secrets left out."""

    settings: dict[str, JsonValue]
