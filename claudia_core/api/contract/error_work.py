"""What each operation on errors and issues does."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from claudia_core.api.contract import error_inputs as i
from claudia_core.api.contract.inputs import ById
from claudia_core.app import Claudia
from claudia_core.errors import InvalidValue
from claudia_core.model.identity import current
from claudia_core.model.issue import Issue
from claudia_core.model.report import ErrorReport
from claudia_core.model.times import to_text

type Answer = dict[str, Any]


def report_error(hub: Claudia, asked: i.ReportError) -> Answer:
    hub.errors.quota.take(current().actor)
    values = {name: getattr(asked, name) for name in type(asked).model_fields}
    lists = {name: tuple(values[name]) for name in ("exceptions", "fingerprint", "breadcrumbs")}
    return hub.errors.report(ErrorReport(**{**values, **lists})).to_document()


def list_issues(hub: Claudia, asked: i.ListIssues) -> Answer:
    values = {name: getattr(asked, name) for name in type(asked).model_fields}
    page = hub.errors.issues(**values)
    return {"items": _documents(hub, page.issues), "next": page.next}


def get_issue(hub: Claudia, asked: ById) -> Answer:
    return _documents(hub, [hub.errors.issue(asked.id)])[0]


def _documents(hub: Claudia, issues: Iterable[Issue]) -> list[Answer]:
    wanted = list(issues)
    recent = hub.errors.recent(wanted)
    days = {issue.id: {"hours": list(recent[issue.id].hours), "trend": recent[issue.id].trend} for issue in wanted}
    return [{**issue.to_document(), **days[issue.id]} for issue in wanted]


def list_occurrences(hub: Claudia, asked: i.ListOccurrences) -> Answer:
    found, next = hub.errors.occurrence_page(
        issue_id=asked.issue_id, task_id=asked.task_id, limit=asked.limit, after=asked.after
    )
    return {"items": [occurrence.to_document() for occurrence in found], "next": next}


def get_occurrence(hub: Claudia, asked: ById) -> Answer:
    return hub.errors.occurrence(asked.id).to_document()


def count_issue(hub: Claudia, asked: i.CountIssue) -> Answer:
    found = hub.errors.counts(asked.id, since=asked.since, daily=asked.daily)
    return {"items": [{"at": to_text(one.at), "count": one.count} for one in found]}


def list_affected(hub: Claudia, asked: i.ListAffected) -> Answer:
    if asked.kind not in ("task", "agent"):
        raise InvalidValue(f"kind is {asked.kind!r}", field="kind", hint="use task or agent")
    hub.errors.issue(asked.id)
    return {"ids": hub.errors.affected(asked.id, asked.kind, limit=asked.limit)}


def resolve_issue(hub: Claudia, asked: ById) -> Answer:
    return hub.errors.resolve(asked.id).to_document()


def ignore_issue(hub: Claudia, asked: i.IgnoreIssue) -> Answer:
    return hub.errors.ignore(asked.id, until=asked.until, more=asked.more).to_document()


def reopen_issue(hub: Claudia, asked: ById) -> Answer:
    return hub.errors.reopen(asked.id).to_document()


def change_issues(hub: Claudia, asked: i.ChangeIssues) -> Answer:
    changed = hub.errors.change_many(asked.ids, asked.action, until=asked.until, more=asked.more)
    return {"items": [issue.to_document() for issue in changed]}


def comment_issue(hub: Claudia, asked: i.CommentIssue) -> Answer:
    return hub.errors.comment(asked.id, asked.text).to_document()


def list_comments(hub: Claudia, asked: i.ListComments) -> Answer:
    return {"items": [comment.to_document() for comment in hub.errors.comments(asked.id, limit=asked.limit)]}
