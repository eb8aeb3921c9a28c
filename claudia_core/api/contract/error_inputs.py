"""What operations on errors and issues are asked with."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import ConfigDict, Field, JsonValue

from claudia_core.api.contract.inputs import After, Id, Input, Limit

type Object = dict[str, JsonValue]


class ReportError(Input):
    """An error that happened elsewhere. Secrets are taken out before it is saved."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [{"type": "ValueError", "message": "row 17 has no date", "culprit": "etl.clean.parse"}]
        },
    )

    type: str = Field(min_length=1, max_length=200)
    message: str = Field("", max_length=2_000)
    traceback: str = Field("", max_length=64_000)
    culprit: str = Field("", max_length=500, description="Where it was raised, such as module.function.")
    task_id: str | None = Field(None, max_length=100)
    context: dict[str, JsonValue] = Field(default_factory=dict, description="At most 100,000 bytes.")
    id: str | None = Field(None, max_length=100, description="A UUID of your own makes the call repeatable.")
    time: datetime | None = Field(None, description="When it happened, with a timezone; now when left out.")
    exceptions: list[dict[str, JsonValue]] = Field(
        default_factory=list,
        max_length=50,
        description="The raised one first: type, message, notes, relation, parent, frames (file, function, module, "
        "line, in_app, before, code, after, locals; oldest first).",
    )
    fingerprint: list[str] = Field(
        default_factory=list, max_length=20, description="What to group by; {{ default }} is what would be taken else."
    )
    level: str = Field("error", max_length=20, description="fatal, error, warning, info or debug.")
    kind: str = Field("captured", max_length=50, description="How it was met.")
    handled: Annotated[bool, Field(strict=True)] = True
    agent_id: str | None = Field(None, max_length=100)
    service: str = Field("", max_length=200)
    release: str = Field("", max_length=200)
    environment: str = Field("", max_length=100)
    host: str = Field("", max_length=255)
    user: dict[str, JsonValue] = Field(default_factory=dict, description="Whom it happened to.")
    tags: dict[str, str] = Field(default_factory=dict, max_length=50)
    request: dict[str, JsonValue] = Field(default_factory=dict, description="Method, URL, headers, query.")
    breadcrumbs: list[dict[str, JsonValue]] = Field(
        default_factory=list, max_length=1_000, description="What came before: time, category, level, message, data."
    )


class ListIssues(Input):
    """Which issues, in which order."""

    status: list[str] = Field(default_factory=list, max_length=3, description="unresolved, resolved, ignored.")
    text: str = Field("", max_length=200, description="Words that all are in type, title, culprit or place.")
    service: str = Field("", max_length=200)
    environment: str = Field("", max_length=100)
    release: str = Field("", max_length=200)
    level: str = Field("", max_length=20)
    task_id: str | None = Field(None, max_length=100, description="Only issues that this task had.")
    agent_id: str | None = Field(None, max_length=100)
    order: str = Field(
        "-last_seen", max_length=50, description="last_seen, first_seen or count_key; `-` turns it round."
    )
    limit: Limit = 100
    after: After = None


class ListOccurrences(Input):
    """Which occurrences: of an issue, of a task, or all."""

    issue_id: str | None = Field(None, max_length=100)
    task_id: str | None = Field(None, max_length=100)
    limit: Limit = 100
    after: After = None


class CountIssue(Input):
    """How often, by the hour or the day."""

    id: Id
    since: datetime | None = Field(None, description="With a timezone; a day ago when left out, 30 for days.")
    daily: bool = Field(False, description="By the day (UTC) instead of the hour.")


class ListAffected(Input):
    """Whom an issue affected."""

    id: Id
    kind: str = Field("task", max_length=20, description="task or agent.")
    limit: Limit = 100


class IgnoreIssue(Input):
    """For how long: until a time, until a number, or for ever."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra={"examples": [{"more": 100}]})

    id: Id
    until: datetime | None = Field(None, description="With a timezone, in the future.")
    more: Annotated[int, Field(strict=True, ge=1, le=10**9)] | None = Field(None, description="So many occurrences.")


class ChangeIssues(Input):
    """One thing done to several issues: all of them, or none."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={"examples": [{"ids": ["0123456789abcdef0123456789abcdef"], "action": "resolve"}]},
    )

    ids: list[Id] = Field(min_length=1, max_length=1_000)
    action: str = Field(max_length=20, description="resolve, ignore or reopen.")
    until: datetime | None = Field(None, description="For ignore.")
    more: Annotated[int, Field(strict=True, ge=1, le=10**9)] | None = Field(None, description="For ignore.")


class CommentIssue(Input):
    """Something to say about an issue."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra={"examples": [{"text": "seen before"}]})

    id: Id
    text: str = Field(min_length=1, max_length=10_000)


class ListComments(Input):
    """What was said about an issue."""

    id: Id
    limit: Limit = 100
