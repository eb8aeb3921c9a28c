"""Errors: one occurrence, and the issue that groups occurrences of one kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from claudia_core.model.times import from_optional_text, from_text, to_optional_text, to_text
from claudia_core.model.values import JSON

MOST_WORDS = 20
"""Most services, environments and releases that an issue names; the newest stay."""


class IssueStatus(StrEnum):
    """Where an issue stands."""

    UNRESOLVED = "unresolved"
    RESOLVED = "resolved"
    IGNORED = "ignored"


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """One error as it happened. See `model.report.ErrorReport` for the fields.

    `traceback`, `exceptions`, `user`, `request`, `context` and `breadcrumbs` are its detail: loaded by
    `errors.occurrence`, left out of lists and events.
    """

    id: str
    issue_id: str
    type: str
    message: str
    time: datetime
    culprit: str = ""
    level: str = "error"
    kind: str = "captured"
    handled: bool = True
    task_id: str | None = None
    agent_id: str | None = None
    service: str = ""
    release: str = ""
    environment: str = ""
    host: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    traceback: str = ""
    exceptions: tuple[dict[str, Any], ...] = ()
    user: Mapping[str, JSON] = field(default_factory=dict)
    request: Mapping[str, JSON] = field(default_factory=dict)
    context: Mapping[str, JSON] = field(default_factory=dict)
    breadcrumbs: tuple[dict[str, Any], ...] = ()

    def to_summary(self) -> dict[str, Any]:
        """As plain JSON without its detail: what lists, events and boards carry."""
        return {**{name: getattr(self, name) for name in _SUMMARY}, "tags": dict(self.tags), "time": to_text(self.time)}

    def to_detail(self) -> dict[str, Any]:
        """Its detail as plain JSON."""
        lists = {"exceptions": list(self.exceptions), "breadcrumbs": list(self.breadcrumbs)}
        return {"id": self.id, **{name: getattr(self, name) for name in DETAIL}, **lists}

    def to_document(self) -> dict[str, Any]:
        """Everything as plain JSON: the form on the wire."""
        return self.to_detail() | self.to_summary()

    @classmethod
    def from_document(cls, document: Mapping[str, Any], detail: Mapping[str, Any] | None = None) -> Occurrence:
        """The value of a summary, with its detail where given."""
        source = detail or document
        values = {name: document[name] for name in _SUMMARY}
        more = {name: source[name] for name in DETAIL if name in source}
        for name in ("exceptions", "breadcrumbs"):
            more[name] = tuple(more.get(name, ()))
        return cls(**{**values, **more, "time": from_text(document["time"])})


DETAIL = ("traceback", "exceptions", "user", "request", "context", "breadcrumbs")
_SUMMARY = tuple(one.name for one in fields(Occurrence) if one.name not in DETAIL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """Errors of one kind; `services.errors` saves each change with its events.

    `grouping` says why they are together: the mechanism, its version and the parts that were compared. `tasks` and
    `agents` count those that were affected, `kept` the occurrences that are still kept. An ignored issue comes back at
    `ignored_until` or when `count` reaches `ignored_count`; with neither it does not. `regressed_at` is set while it is
    unresolved because it happened again after it was resolved.
    """

    id: str
    type: str
    title: str
    culprit: str
    first_seen: datetime
    last_seen: datetime
    count: int = 1
    status: IssueStatus = IssueStatus.UNRESOLVED
    level: str = "error"
    grouping: Mapping[str, JSON] = field(default_factory=dict)
    services: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    releases: tuple[str, ...] = ()
    tasks: int = 0
    agents: int = 0
    kept: int = 1
    ignored_until: datetime | None = None
    ignored_count: int | None = None
    resolved_at: datetime | None = None
    regressed_at: datetime | None = None
    regressions: int = 0
    comments: int = 0
    version: int = 1

    def changed(self, **changes: Any) -> Issue:
        """This issue with other fields, one version on."""
        return replace(self, version=self.version + 1, **changes)

    def seen(self, occurrence: Occurrence, *, task: bool, agent: bool) -> Issue:
        """This issue after one more occurrence; `task` and `agent` say whether theirs were not affected before."""
        is_newest = occurrence.time >= self.last_seen
        return self.changed(
            count=self.count + 1,
            kept=self.kept + 1,
            title=(occurrence.message or self.title) if is_newest else self.title,
            level=occurrence.level if is_newest else self.level,
            first_seen=min(self.first_seen, occurrence.time),
            last_seen=max(self.last_seen, occurrence.time),
            services=_with(self.services, occurrence.service),
            environments=_with(self.environments, occurrence.environment),
            releases=_with(self.releases, occurrence.release),
            tasks=self.tasks + task,
            agents=self.agents + agent,
        )

    def to_document(self) -> dict[str, Any]:
        """As plain JSON."""
        plain = {one.name: getattr(self, one.name) for one in fields(self)}
        lists = {name: list(plain[name]) for name in ("services", "environments", "releases")}
        times = {name: to_optional_text(plain[name]) for name in _TIMES}
        return {**plain, **lists, **times, "status": self.status.value}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Issue:
        """The value that `to_document` wrote."""
        values = {one.name: document[one.name] for one in fields(cls)}
        lists = {name: tuple(values[name]) for name in ("services", "environments", "releases")}
        times = {name: from_optional_text(values[name]) for name in _TIMES}
        return cls(**{**values, **lists, **times, "status": IssueStatus(values["status"])})

    def __str__(self) -> str:
        """Deterministic text, such as `ValueError: no date, 3 times, unresolved`."""
        return f"{self.type}: {self.title}, {self.count:,} time{'s' * (self.count != 1)}, {self.status}"


_TIMES = ("first_seen", "last_seen", "ignored_until", "resolved_at", "regressed_at")


def _with(words: tuple[str, ...], word: str) -> tuple[str, ...]:
    return words if not word or word in words else (*words, word)[-MOST_WORDS:]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """What somebody said about an issue; `author` is empty where nobody was signed in."""

    id: str
    issue_id: str
    text: str
    time: datetime
    author: str = ""

    def to_document(self) -> dict[str, Any]:
        """As plain JSON."""
        return {**{one.name: getattr(self, one.name) for one in fields(self)}, "time": to_text(self.time)}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Comment:
        """The value that `to_document` wrote."""
        return cls(**{**document, "time": from_text(document["time"])})
