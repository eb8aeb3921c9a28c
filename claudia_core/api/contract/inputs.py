"""What operations are asked with, as pydantic models. Unknown fields are refused; the services check the rest."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, JsonValue

Count = Annotated[float, Field(strict=True, ge=0, le=2**53, allow_inf_nan=False)]
Limit = Annotated[int, Field(ge=1, le=1_000, description="Most items of one page.")]
After = Annotated[str | None, Field(max_length=1_000, description="The `next` of the page before.")]
Id = Annotated[str, Field(min_length=1, max_length=100)]
Claim = Annotated[
    int | None,
    Field(strict=True, ge=1, le=2**53, description="The claim it is said for: refused unless that claim still counts."),
]


class Input(BaseModel):
    """Base of all questions."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Nothing(Input):
    """No fields."""


class ById(Input):
    """One thing by its id."""

    id: Id


class CreateTask(Input):
    """A new task."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={"examples": [{"type": "data_processing", "payload": {"file_id": "file123"}}]},
    )

    name: str | None = Field(None, max_length=200, description="What people read; the type when left out.")
    type: str = Field("task", max_length=100)
    payload: JsonValue = Field(None, description="JSON of at most 1,000,000 bytes.")
    parent_id: str | None = Field(None, max_length=100)
    tags: list[str] = Field(default_factory=list, max_length=50)
    labels: dict[str, str] = Field(default_factory=dict, max_length=50)
    deadline: datetime | None = Field(None, description="With a timezone.")
    estimated_steps: Count | None = Field(None, description="The progress' total.")
    unit: str = Field("items", max_length=50)
    attempts: Annotated[int, Field(strict=True, ge=1, le=1_000)] = 1
    id: str | None = Field(None, max_length=100, description="A UUID of your own makes the call repeatable.")
    agent_id: str | None = Field(None, max_length=100, description="The agent that works on it.")
    start: Annotated[bool, Field(strict=True)] = Field(False, description="Begin as active instead of pending.")
    priority: Annotated[int, Field(strict=True, ge=-100, le=100)] = Field(
        0, description="Agents take tasks of a higher priority first."
    )
    due_at: datetime | None = Field(None, description="No agent takes it before; with a timezone.")
    stall_after: Annotated[float, Field(strict=True, ge=0.1, le=31_622_400, allow_inf_nan=False)] | None = Field(
        None, description="Seconds without news, while it is active, that count as a stall."
    )


class CreateTasks(Input):
    """Several new tasks, all made or none."""

    tasks: list[CreateTask] = Field(min_length=1, max_length=1_000)


class ListTasks(Input):
    """Which tasks, in which order."""

    status: list[str] = Field(default_factory=list, max_length=5)
    type: list[str] = Field(default_factory=list, max_length=50)
    name: str | None = Field(None, max_length=200, description="What the name begins with; case does not matter.")
    parent_id: str | None = Field(None, max_length=100)
    roots: bool = Field(False, description="Only tasks without a parent.")
    agent_id: str | None = Field(None, max_length=100)
    tag: str | None = Field(None, min_length=1, max_length=200, description="Only tasks with this tag.")
    since: datetime | None = Field(None, description="Only tasks changed since then; with a timezone.")
    order: str | None = Field(
        None,
        max_length=50,
        description="id, updated_at, started_at, finished_at, duration, name, status or type; `-` turns it round.",
    )
    limit: Limit = 100
    after: After = None


class ListNames(Input):
    """Which types or tags."""

    prefix: str = Field("", max_length=200, description="What they begin with.")
    limit: Limit = 200


class RerunTask(Input):
    """A new pending task like one there is."""

    id: Id
    payload: JsonValue = Field(None, description="Another payload; that of the original when left out.")


class SaveFilter(Input):
    """A named choice of tasks."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, json_schema_extra={"examples": [{"name": "Broken", "query": {"status": "failed"}}]}
    )

    name: str = Field(max_length=240)
    query: dict[str, str] = Field(default_factory=dict, description="What the tasks page's address says.")


class RenameFilter(Input):
    """Another name for a saved filter."""

    id: Id
    name: str = Field(max_length=240)


class ListChildren(Input):
    """The tasks below one."""

    id: Id
    limit: Limit = 100
    after: After = None


class ReportProgress(Input):
    """How far a task has come. Lower than before is late, and dropped."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, json_schema_extra={"examples": [{"current": 30, "total": 100, "message": "rows"}]}
    )

    id: Id
    current: Count | None = None
    total: Count | None = None
    message: str | None = Field(None, max_length=2_000)


class ReportClaimedProgress(ReportProgress):
    """How far a task has come, as the agent says that has claimed it."""

    claim: Claim = None


class ProgressUpdate(ReportProgress):
    """How far a task has come in one of its attempts."""

    attempt: Annotated[int, Field(strict=True, ge=1)] | None = Field(
        None, description="Which attempt this is about; an update of an earlier one is dropped."
    )


class UpdateProgress(Input):
    """How far several tasks have come. What is late, or of a task that ended or does not exist, is dropped."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={"examples": [{"updates": [{"id": "01932f3e-7b5a-7cc0-9c5d-1f2e3d4c5b6a", "current": 30}]}]},
    )

    updates: list[ProgressUpdate] = Field(min_length=1, max_length=1_000)


class StartTask(Input):
    """The begin of the work on a task."""

    id: Id
    agent_id: str | None = Field(None, max_length=100, description="The agent that works on it.")


class CompleteTask(Input):
    """A task's good end."""

    id: Id
    result: JsonValue = Field(None, description="JSON of at most 1,000,000 bytes.")
    claim: Claim = None


class FailTask(Input):
    """A task's bad end."""

    id: Id
    message: str = Field(max_length=2_000)
    type: str = Field("Error", min_length=1, max_length=200)
    traceback: str = Field("", max_length=64_000)
    culprit: str = Field("", max_length=500, description="Where it was raised, such as module.function.")
    exceptions: list[dict[str, JsonValue]] = Field(
        default_factory=list, max_length=50, description="As in errors.report: frames with their source."
    )
    occurrence_id: str | None = Field(None, max_length=100, description="A UUID for the error that is reported.")
    result: JsonValue = Field(None, description="What there is in spite of it: JSON of at most 1,000,000 bytes.")
    claim: Claim = None


class CancelTask(Input):
    """The end of a task that is not wanted any more, and of all below it."""

    id: Id
    reason: str = Field("", max_length=2_000)


class ListEvents(Input):
    """Which part of the log."""

    after: After = None
    since: datetime | None = Field(None, description="With a timezone.")
    type: list[str] = Field(default_factory=list, max_length=20)
    subject: str | None = Field(None, max_length=200)
    limit: Limit = 100


class AppendEvent(Input):
    """An event of one's own."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={"examples": [{"type": "invoice:paid", "subject": "42", "data": {"amount": 12.5}}]},
    )

    type: str = Field(max_length=100, description="noun:verb in lower case; Claudia's own nouns are refused.")
    subject: str = Field("", max_length=200)
    data: dict[str, JsonValue] = Field(default_factory=dict, description="At most 64,000 bytes.")


class AppendEvents(Input):
    """Several events, all appended or none."""

    events: list[AppendEvent] = Field(min_length=1, max_length=1_000)


class ListAgents(Input):
    """Which agents."""

    status: str | None = Field(None, max_length=20)
    limit: Limit = 100


class RegisterAgent(Input):
    """A process that is going to run tasks."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={"examples": [{"name": "trainer (4711)", "host": "worker-1", "pid": 4711, "lease": 15}]},
    )

    name: str = Field(min_length=1, max_length=200)
    host: str = Field(min_length=1, max_length=255)
    pid: Annotated[int, Field(strict=True, ge=0, le=2**53)]
    lease: Annotated[float, Field(strict=True, gt=0, le=86_400, allow_inf_nan=False)] = Field(
        15.0, description="Seconds without a heartbeat after which it counts as lost."
    )
    id: str | None = Field(None, max_length=100, description="A UUID of your own makes the call repeatable.")
    capabilities: list[Annotated[str, Field(min_length=1, max_length=100)]] = Field(
        default_factory=list, max_length=1_000, description="The types of task that it takes from the queues."
    )
    capacity: Annotated[int, Field(strict=True, ge=0, le=100_000)] = Field(0, description="Most tasks at once.")
