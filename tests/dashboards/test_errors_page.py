"""The errors page and its parts as objects: refresh, then look at what they hold."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from claudia_core.model.issue import IssueStatus
from claudia_core.model.report import ErrorReport
from dashboards.cells import issues as issue_cells
from dashboards.pages.errors import ErrorsPage
from dashboards.parts import IssueDetail, IssueList
from tests.dashboards.conftest import XSS, settle


def report(hub, number=0, **values):
    """One error, in an issue of its number."""
    made = {"type": "OSError", "message": f"disk {number}", "culprit": f"disk.f{number}", "service": "shop", **values}
    return hub.errors.report(ErrorReport(**made))


def titles(page):
    """What the list shows."""
    return [row["name"]["text"] for row in page.issues.table.rows]


def test_unresolved_issues_first_others_by_choice(claudia):
    """By status, words and place, sorted, page by page."""
    ids = [report(claudia, number).issue_id for number in range(4)]
    claudia.errors.resolve(ids[0])
    claudia.errors.ignore(ids[1])
    report(claudia, 2)
    settle(claudia)
    page = ErrorsPage(claudia)
    page.refresh()
    assert titles(page) == ["disk 2", "disk 3"]
    assert "2 unresolved issues" in page.heading.object
    page.status = "resolved"
    page.refresh()
    assert titles(page) == ["disk 0"]
    page.param.update(status="all", sort="first_seen")
    page.refresh()
    assert titles(page) == ["disk 0", "disk 1", "disk 2", "disk 3"]
    page.param.update(find="DISK 3", sort="")
    page.refresh()
    assert titles(page) == ["disk 3"]
    page.find = "nothing like it"
    page.refresh()
    assert page.issues.table._wanted[0] == "No issue matches"


def test_rows_tell_how_often_how_lately_and_whom(claudia):
    """With the last day by the hour, and the regressed ones marked."""
    task = claudia.tasks.create("x", start=True)
    id = report(claudia, task_id=task.id).issue_id
    claudia.errors.resolve(id)
    report(claudia, task_id=task.id)
    issue = claudia.errors.issue(id)
    row = issue_cells.issue_row(issue, claudia.errors.recent([issue])[id])
    assert (row["status"]["word"], row["count"], row["tasks"], row["agents"]) == ("regressed", "2", "1", None)
    assert (row["day"]["counts"][-1] + row["day"]["counts"][-2], row["trend"]) == (2, "★ new")
    assert row["tone"] == "regressed"


def test_an_issue_in_detail(claudia):
    """Facts with the reason for the grouping, source of frames, breadcrumbs, tasks, errors, comments."""
    with claudia.errors.scope(tags={"shard": "3"}, user={"name": "Ann"}):
        claudia.errors.breadcrumb("read orders", category="db")
        try:
            with claudia.task("load"):
                {}["customer"]
        except KeyError:
            claudia.flush()
    (issue,) = claudia.errors.issues().issues
    claudia.errors.comment(issue.id, "seen before")
    settle(claudia)
    detail = IssueDetail(claudia, issue_id=issue.id)
    detail.refresh()
    facts = {row["label"]: row["value"][1] for row in detail.facts.rows}
    assert "test_an_issue_in_detail" in facts["Why together"]
    error = {row["label"]: row["value"][1] for row in detail.error.rows}
    assert error["Task"]["text"] == "load"
    assert error["Tags"] == ["shard: 3"]
    assert error["User"] == "name: Ann"
    code = {row["label"]: row["value"] for row in detail.content.rows}
    source = code[f"{__name__}.test_an_issue_in_detail"]
    assert '{}["customer"]' in next(line for line in source.splitlines() if line.startswith(">"))
    assert code["Traceback"].endswith("KeyError: 'customer'\n")
    assert [row["says"] for row in detail.crumbs.rows] == ["read orders"]
    assert [row["name"]["text"] for row in detail.tasks.rows] == ["load"]
    assert [row["says"] for row in detail.said.rows] == ["seen before"]
    assert len(detail.errors.rows) == 1


def test_an_issue_or_error_that_does_not_exist_is_told(claudia):
    """Also one of which nothing is kept any more."""
    page = ErrorsPage(claudia, id="nothing")
    page.refresh()
    assert page.title == "Issue not found"
    id = report(claudia).issue_id
    settle(claudia)
    page.param.update(id=id, error="gone")
    page.refresh()
    assert page.title == "disk 0"
    assert page.detail.error.rows == []


@pytest.mark.parametrize("status", ["unresolved", "resolved", "ignored"])
def test_only_possible_actions_are_offered(claudia, status):
    """What is unresolved is not reopened, what is resolved not resolved."""
    id = report(claudia).issue_id
    if status != "unresolved":
        claudia.errors.change_many([id], {"resolved": "resolve", "ignored": "ignore"}[status])
    settle(claudia)
    detail = IssueDetail(claudia, issue_id=id)
    detail.refresh()
    actions = detail.actions
    assert (actions.resolve.visible, actions.reopen.visible) == (status != "resolved", status != "unresolved")


def test_actions_change_the_issue_and_tell(claudia):
    """Resolve, ignore for a while or a number, reopen; a refusal is told as well."""
    id = report(claudia).issue_id
    settle(claudia)
    page = ErrorsPage(claudia, id=id)
    page.refresh()
    actions = page.detail.actions
    asyncio.run(actions.act("resolve"))
    assert claudia.errors.issue(id).status is IssueStatus.RESOLVED
    assert page.notice[:2] == ("Resolved: disk 0", "good")
    asyncio.run(actions.act("ignore", until=datetime.now(UTC) + timedelta(hours=1)))
    assert claudia.errors.issue(id).ignored_until is not None
    assert "until" in {row["label"]: row["value"][1] for row in page.detail.facts.rows}["Ignored"]
    asyncio.run(actions.act("ignore", until=datetime(2020, 1, 1, tzinfo=UTC)))
    assert page.notice[1] == "bad"
    asyncio.run(actions.act("reopen"))
    assert claudia.errors.issue(id).status is IssueStatus.UNRESOLVED


def test_comments_are_added_from_the_page(claudia):
    """The field is empty again; nothing is added where nothing was said."""
    id = report(claudia).issue_id
    settle(claudia)
    detail = IssueDetail(claudia, issue_id=id)
    detail.refresh()
    for text in ("  ", "found it"):
        detail.text.value = text
        asyncio.run(detail._on_comment(None))
    assert [comment.text for comment in claudia.errors.comments(id)] == ["found it"]
    assert detail.text.value == ""


def test_several_issues_at_once(claudia):
    """What is selected is resolved, and no longer selected then."""
    for number in range(3):
        report(claudia, number)
    settle(claudia)
    page = ErrorsPage(claudia)
    page.refresh()
    ids = [row["id"] for row in page.issues.table.rows]
    page.issues.table._on_message({"pick": ids[:2], "on": True})
    assert page.bulk.visible
    asyncio.run(page.actions.act("resolve"))
    assert page.notice[0] == "Resolved: 2 issues"
    assert (page.issues.picked, page.bulk.visible) == ({}, False)
    assert titles(page) == ["disk 0"]


def test_headings_escape_what_errors_say(claudia):
    """A title is never markup."""
    id = report(claudia, message=XSS).issue_id
    settle(claudia)
    page = ErrorsPage(claudia, id=id)
    page.refresh()
    assert XSS not in page.detail.title.object
    assert "&lt;img" in page.detail.title.object


def test_the_list_stands_alone(claudia):
    """As a part for any app or cell, sorted in place; nothing is asked when nothing happened."""
    for number in range(2):
        report(claudia, number)
    report(claudia, 0)
    settle(claudia)
    part = IssueList(claudia)
    part.refresh()
    assert part.layout is part.table
    part._on_head("count_key")
    assert [row["count"] for row in part.table.rows] == ["2", "1"]
    part._on_head("count_key")
    assert [row["count"] for row in part.table.rows] == ["1", "2"]
    rows = part.table.rows
    part.refresh()
    assert part.table.rows is rows
