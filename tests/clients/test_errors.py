"""Errors of a program whose hub is elsewhere: captured as at home, kept on disk while the hub is away."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from claudia_core import Claudia
from claudia_core.errors import NotFound, StoreError
from claudia_core.model.issue import IssueStatus
from claudia_core.model.report import ErrorReport
from claudia_core.testing.waiting import eventually
from tests.clients.serving import TOKEN, Served, Server


def test_captured_as_at_home(served: Served, remote: Claudia) -> None:
    """With frames, tags and context, without secrets; in one issue with the same error of the hub itself."""

    def broken() -> ValueError:
        try:
            raise ValueError("no date, token=abc")
        except ValueError as error:
            return error

    with remote.errors.scope(tags={"shard": "3"}):
        id = remote.errors.capture(broken(), order=17)
    remote.flush()
    served.hub.errors.capture(broken())
    served.hub.flush()
    found = remote.errors.occurrence(id)
    assert found == served.hub.errors.occurrence(id)
    assert (found.message, found.tags) == ("no date, token=[scrubbed]", {"shard": "3"})
    assert found.exceptions[0]["frames"][-1]["code"].strip() == 'raise ValueError("no date, token=[scrubbed]")'
    (issue,) = remote.errors.issues().issues
    assert issue.count == 2


def test_issues_are_worked_on_from_elsewhere(served: Served, remote: Claudia) -> None:
    """All that can be asked and done at home."""
    errors = remote.errors
    task = remote.tasks.create("x", start=True)
    made = ErrorReport(type="OSError", message="disk full", culprit="disk.write", task_id=task.id, agent_id="a1")
    id = errors.report(made).issue_id
    assert errors.issue(id) == served.hub.errors.issue(id)
    assert errors.issues(text="FULL", status="unresolved", task_id=None).issues == [errors.issue(id)]
    assert errors.issues(task_id=task.id).issues == [errors.issue(id)]
    assert errors.recent([errors.issue(id)]) == served.hub.errors.recent([errors.issue(id)])
    assert errors.counts(id, daily=True) == served.hub.errors.counts(id, daily=True)
    assert (errors.affected(id), errors.affected(id, "agent")) == ([task.id], ["a1"])
    assert errors.resolve(id).status is IssueStatus.RESOLVED
    assert errors.ignore(id, until=datetime.now(UTC) + timedelta(hours=1)).ignored_until is not None
    assert errors.reopen(id).status is IssueStatus.UNRESOLVED
    said = errors.comment(id, "seen before")
    assert (said, said.author) == (errors.comments(id)[0], "token")
    assert errors.wake() == 0
    with pytest.raises(NotFound):
        errors.resolve("nothing")
    with pytest.raises(StoreError):
        errors.rebuild()


@pytest.mark.slow
def test_a_hub_that_is_away_hears_of_errors_later(killable: Server, tmp_path: Path) -> None:
    """Also those of a program that ended meanwhile, when it runs again; each once."""
    spool = tmp_path / "spool"
    options: dict[str, Any] = {"api_key": TOKEN, "display": "off", "spool": str(spool)}
    with Claudia(killable.base, **options) as remote:
        first = remote.errors.capture(ValueError("before"))
        remote.flush()
        killable.stop()
        second = remote.errors.capture(ValueError("while away"))
        remote._reporter.flush(10)
        assert [path.stem for path in spool.glob("*/*.json")] == [second]
    killable.start()
    with Claudia(killable.base, **options) as remote:
        eventually(lambda: {one.id for one in remote.errors.occurrences()} == {first, second}, timeout=20)
        eventually(lambda: not [*spool.glob("*/*.json")])
        assert sum(issue.count for issue in remote.errors.issues().issues) == 2
