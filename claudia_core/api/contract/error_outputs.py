"""What operations on errors and issues answer."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field, JsonValue

from claudia_core.api.contract.outputs import Output


class IssueOut(Output):
    """Errors of one kind."""

    id: str
    type: str
    title: str
    culprit: str
    first_seen: datetime
    last_seen: datetime
    count: int
    status: str = Field(description="unresolved, resolved or ignored.")
    level: str
    grouping: dict[str, JsonValue] = Field(description="Why these errors are together: mechanism, version, parts.")
    services: list[str]
    environments: list[str]
    releases: list[str]
    tasks: int = Field(description="Tasks that were affected.")
    agents: int = Field(description="Agents that were affected.")
    kept: int = Field(description="Occurrences that are kept.")
    ignored_until: datetime | None = None
    ignored_count: int | None = Field(None, description="It comes back when the count gets here.")
    resolved_at: datetime | None = None
    regressed_at: datetime | None = Field(None, description="When it happened again after it was resolved.")
    regressions: int
    comments: int
    version: int = Field(description="Counts changes.")
    hours: list[int] = Field(default_factory=list, description="Counts of the last 24 hours; empty after a change.")
    trend: str = Field("", description="new, rising, steady, falling or quiet; empty after a change.")


class IssuePageOut(Output):
    """Some issues; `next` asks for the rest."""

    items: list[IssueOut]
    next: str | None = None


class IssueListOut(Output):
    """Several issues."""

    items: list[IssueOut]


class OccurrenceOut(Output):
    """One error as it happened. Its detail, from `traceback` on, is filled when one error is asked for."""

    id: str
    issue_id: str
    type: str
    message: str
    time: datetime
    culprit: str
    level: str
    kind: str
    handled: bool
    task_id: str | None = None
    agent_id: str | None = None
    service: str
    release: str
    environment: str
    host: str
    tags: dict[str, str] = Field(default_factory=dict)
    traceback: str = ""
    exceptions: list[dict[str, Any]] = Field(default_factory=list)
    user: dict[str, Any] = Field(default_factory=dict)
    request: dict[str, Any] = Field(default_factory=dict)
    context: dict[str, Any] = Field(default_factory=dict)
    breadcrumbs: list[dict[str, Any]] = Field(default_factory=list)


class OccurrencePageOut(Output):
    """Several occurrences, newest first; `next` asks for the rest."""

    items: list[OccurrenceOut]
    next: str | None = None


class CountOut(Output):
    """How often in the hour or day that began `at`."""

    at: datetime
    count: int


class CountListOut(Output):
    """Counts, oldest first."""

    items: list[CountOut]


class IdsOut(Output):
    """Ids, the last ones first."""

    ids: list[str]


class CommentOut(Output):
    """What somebody said about an issue."""

    id: str
    issue_id: str
    text: str
    time: datetime
    author: str = ""


class CommentListOut(Output):
    """Comments, oldest first."""

    items: list[CommentOut]
