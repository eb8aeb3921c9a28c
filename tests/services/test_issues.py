"""Issues: grouped with a reason, worked on, coming back, kept, found again."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claudia_core import Claudia
from claudia_core.capture.rendering import exceptions_of
from claudia_core.errors import InvalidValue, NotFound, RateLimited, TooLarge
from claudia_core.model.issue import IssueStatus
from claudia_core.model.report import ErrorReport
from claudia_core.services.errors import recording
from claudia_core.services.errors.counts import trend
from claudia_core.services.errors.grouping import Grouping, first_version, normal
from claudia_core.services.errors.quota import Quota
from claudia_core.services.errors.retention import chosen
from claudia_core.stores.memory import MemoryStore
from claudia_core.testing.clock import PastClock


def report(message: str = "no date", **values: Any) -> ErrorReport:
    return ErrorReport(**{"type": "ValueError", "message": message, "culprit": "shop.cart.total", **values})


def types_since(claudia: Claudia, position: int) -> list[str]:
    return [event.type for event in claudia.store.events(position).events]


def raised(depth: int = 0) -> ValueError:
    try:
        if depth:
            raise raised(depth - 1)
        raise ValueError(f"order {depth} of 0x7f3a has no 'date'")
    except ValueError as error:
        return error


# --- grouping ---------------------------------------------------------------------------------------------------------


def test_the_stack_decides_without_line_numbers() -> None:
    """Type and the program's own functions; lines, messages and recursion make no difference."""
    here = ErrorReport(type="ValueError", message="a", exceptions=tuple(exceptions_of(raised()))).checked()
    frames = [{**frame, "line": frame["line"] + 40} for frame in here.exceptions[0]["frames"]] * 3
    moved = ErrorReport(type="ValueError", message="b", exceptions=({**here.exceptions[0], "frames": frames},))
    assert first_version(here) == Grouping("stack", 1, ("ValueError", f"{__name__}.raised"))
    assert first_version(moved).id == first_version(here).id
    other = ErrorReport(type="KeyError", exceptions=here.exceptions)
    assert first_version(other).id != first_version(here).id


def test_a_clients_fingerprint_wins() -> None:
    """`{{ default }}` in it stands for what would be taken else."""
    default = first_version(report())
    own = first_version(report(fingerprint=("{{ default }}", "shard 3")))
    assert own == Grouping("fingerprint", 1, (*default.parts, "shard 3"))
    assert first_version(report(fingerprint=("x",))).parts == ("x",)
    assert (
        first_version(report("other", type="Other", fingerprint=("x",))).id
        == first_version(report(fingerprint=("x",))).id
    )


def test_without_a_stack_the_message_decides_without_what_changes() -> None:
    """Ids, numbers, times, addresses and quoted values."""
    one = "user 17 (a@example.com) at 2026-11-23T01:02Z: row '4711' of 01932f3e-7b5a-7cc0-9c5d-1f2e3d4c5b6a at 0x7f3a"
    two = "user 4 (bob@example.org) at 2025-01-02 03:04: row 'x' of 0193ffff-7b5a-7cc0-9c5d-1f2e3d4c5b6a at 0xdead"
    assert normal(one) == normal(two)
    assert normal("disk full") != normal("disk slow")
    assert first_version(report(culprit="")).mechanism == "message"


@given(st.text(max_size=500), st.text(min_size=1, max_size=50), st.lists(st.text(max_size=30), max_size=5))
@settings(max_examples=200, deadline=None)
def test_any_report_is_grouped_alike_each_time(message: str, type: str, fingerprint: list[str]) -> None:
    """Whatever it says: one id, the same each time, and normal messages stay as they are."""
    made = ErrorReport(type=type, message=message, fingerprint=tuple(fingerprint))
    assert first_version(made).id == first_version(made).id
    assert len(first_version(made).id) == 32
    assert normal(normal(message)) == normal(message)


def test_a_new_mechanism_leaves_old_issues_whole(claudia: Claudia, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a former version has grouped stays in its issue; only what is new is grouped by the present one."""
    before = claudia.errors.report(report()).issue_id

    def second(made: ErrorReport) -> Grouping:
        return Grouping("stack", 2, (made.type, made.culprit, "better"))

    monkeypatch.setattr(recording, "groupings", lambda made: (second(made), first_version(made)), raising=True)
    assert claudia.errors.report(report()).issue_id == before
    new = claudia.errors.issue(claudia.errors.report(report(culprit="elsewhere")).issue_id)
    assert new.grouping["version"] == 2


# --- life of an issue -------------------------------------------------------------------------------------------------


def test_what_happens_again_after_it_was_resolved_is_a_regression(claudia: Claudia) -> None:
    """Told late it is none; resolved again the mark is gone."""
    id = claudia.errors.report(report()).issue_id
    resolved = claudia.errors.resolve(id)
    assert (resolved.status, resolved.resolved_at is not None) == (IssueStatus.RESOLVED, True)
    assert claudia.errors.resolve(id) == resolved
    claudia.errors.report(report(time=datetime.now(UTC) - timedelta(hours=2)))
    assert claudia.errors.issue(id).status is IssueStatus.RESOLVED
    position = claudia.store.head()
    claudia.errors.report(report())
    issue = claudia.errors.issue(id)
    assert (issue.status, issue.regressions, issue.count) == (IssueStatus.UNRESOLVED, 1, 3)
    assert issue.regressed_at is not None
    assert types_since(claudia, position) == ["issue:regressed", "error:reported"]
    assert claudia.errors.resolve(id).regressed_at is None


def test_ignored_until_a_number_or_a_time_or_for_ever() -> None:
    """It comes back with the next occurrence, or by itself when the time has come."""
    clock = PastClock(datetime.now(UTC) - timedelta(hours=3))
    with Claudia(store=MemoryStore(clock=clock)) as claudia:
        id = claudia.errors.report(report()).issue_id
        claudia.errors.ignore(id, more=2)
        claudia.errors.report(report())
        assert claudia.errors.issue(id).status is IssueStatus.IGNORED
        claudia.errors.report(report())
        assert claudia.errors.issue(id).status is IssueStatus.UNRESOLVED
        claudia.errors.ignore(id, until=clock.now() + timedelta(minutes=5))
        claudia.errors.report(report())
        assert claudia.errors.issue(id).status is IssueStatus.IGNORED
        clock.move_to(clock.now() + timedelta(minutes=6))
        assert claudia.errors.wake() == 1
        assert claudia.errors.issue(id).status is IssueStatus.UNRESOLVED
        claudia.errors.ignore(id)
        for _ in range(5):
            claudia.errors.report(report())
        assert claudia.errors.wake() == 0
        assert claudia.errors.issue(id).status is IssueStatus.IGNORED
        assert claudia.errors.reopen(id).status is IssueStatus.UNRESOLVED
        with pytest.raises(InvalidValue, match="passed"):
            claudia.errors.ignore(id, until=clock.now())
        with pytest.raises(InvalidValue, match="not both"):
            claudia.errors.ignore(id, until=clock.now() + timedelta(1), more=3)


def test_several_at_once_or_none(claudia: Claudia) -> None:
    """One that does not exist leaves all others as they were."""
    ids = [claudia.errors.report(report(culprit=f"m.f{n}")).issue_id for n in range(3)]
    with pytest.raises(NotFound, match="nothing"):
        claudia.errors.change_many([*ids, "nothing"], "resolve")
    assert {claudia.errors.issue(id).status for id in ids} == {IssueStatus.UNRESOLVED}
    assert {issue.status for issue in claudia.errors.change_many(ids, "resolve")} == {IssueStatus.RESOLVED}
    with pytest.raises(InvalidValue, match="explode"):
        claudia.errors.change_many(ids, "explode")
    with pytest.raises(TooLarge):
        claudia.errors.change_many(map(str, range(1_001)), "resolve")


def test_comments(claudia: Claudia) -> None:
    """In order, counted, without secrets, with an event each."""
    id = claudia.errors.report(report()).issue_id
    claudia.errors.comment(id, "try password=hunter2")
    claudia.errors.comment(id, "<b>fixed</b>")
    assert [comment.text for comment in claudia.errors.comments(id)] == ["try password=[scrubbed]", "<b>fixed</b>"]
    assert claudia.errors.issue(id).comments == 2
    assert types_since(claudia, 2) == ["issue:commented"] * 2
    for bad in ("", "  ", "x" * 10_001):
        with pytest.raises(InvalidValue):
            claudia.errors.comment(id, bad)


def test_told_twice_counts_once(claudia: Claudia) -> None:
    """A report with an id can be repeated."""
    made = report(id="01932f3e-7b5a-7cc0-9c5d-1f2e3d4c5b6a")
    assert claudia.errors.report(made) == claudia.errors.report(made)
    assert claudia.errors.issues().issues[0].count == 1


def test_whom_it_affected(claudia: Claudia) -> None:
    """Tasks and agents count once each; issues are found by them."""
    tasks = [claudia.tasks.create("x", start=True) for _ in range(2)]
    for task in (*tasks, tasks[0]):
        claudia.errors.report(report(task_id=task.id, agent_id="a1"))
    (issue,) = claudia.errors.issues(task_id=tasks[1].id).issues
    assert (issue.count, issue.tasks, issue.agents) == (3, 2, 1)
    assert set(claudia.errors.affected(issue.id)) == {task.id for task in tasks}
    assert claudia.errors.affected(issue.id, "agent") == ["a1"]
    assert claudia.errors.issues(agent_id="nobody").issues == []


def test_times_from_elsewhere_are_held_to_reason(claudia: Claudia) -> None:
    """What claims to be of the future is of now, what claims to be ancient is a month old."""
    now = datetime.now(UTC)
    future = claudia.errors.report(report(time=datetime(9999, 1, 1, tzinfo=UTC)))
    ancient = claudia.errors.report(report(time=datetime(1, 1, 2, tzinfo=UTC)))
    assert abs(future.time - now) < timedelta(minutes=1)
    assert abs(now - ancient.time - timedelta(days=30)) < timedelta(minutes=1)
    (issue,) = claudia.errors.issues().issues
    assert (issue.first_seen, issue.last_seen) == (ancient.time, future.time)


# --- questions --------------------------------------------------------------------------------------------------------


def test_search(claudia: Claudia) -> None:
    """Words in any order and case, places, levels, statuses and orders; page by page."""
    for n in range(5):
        for _ in range(n + 1):
            claudia.errors.report(
                report(f"no date in row {n}", culprit=f"shop.f{n}", service="shop", environment="test")
            )
    claudia.errors.report(report("disk full", type="OSError", culprit="disk.write", level="warning", release="1.2"))
    find = claudia.errors.issues
    assert [issue.count for issue in find(text="VALUEERROR shop.f3").issues] == [4]
    assert [issue.type for issue in find(text="1.2 disk").issues] == ["OSError"]
    assert len(find(service="shop").issues) == 5
    assert len(find(environment="test", text="row").issues) == 5
    assert [issue.type for issue in find(level="warning").issues] == ["OSError"]
    assert [issue.type for issue in find(release="1.2").issues] == ["OSError"]
    assert [issue.count for issue in find(order="-count_key").issues] == [5, 4, 3, 2, 1, 1]
    page = find(text="date", order="count_key", limit=2)
    rest = find(text="date", order="count_key", limit=10, after=page.next)
    assert [issue.count for issue in [*page.issues, *rest.issues]] == [1, 2, 3, 4, 5]
    assert rest.next is None
    claudia.errors.resolve(page.issues[0].id)
    assert len(find(status="resolved").issues) == 1
    assert len(find(status=["resolved", "unresolved"]).issues) == 6
    assert find(text="nothing like it").issues == []


def test_counts_by_the_hour_and_trends() -> None:
    """The last day of an issue, and one word about it."""
    clock = PastClock(datetime.now(UTC) - timedelta(hours=30))
    with Claudia(store=MemoryStore(clock=clock)) as claudia:
        for hours in (25, 5, 5, 1):
            clock.move_to(datetime.now(UTC) - timedelta(hours=hours))
            id = claudia.errors.report(report()).issue_id
        recent = claudia.errors.recent([claudia.errors.issue(id)])[id]
        assert (sum(recent.hours), recent.hours[-2], recent.hours[-6]) == (3, 1, 2)
        assert sum(count.count for count in claudia.errors.counts(id, daily=True)) == 4
        assert sum(count.count for count in claudia.errors.counts(id)) == 3
    assert trend([0] * 24) == "quiet"
    assert trend([1] * 22 + [5, 5]) == "rising"
    assert trend([5] * 22 + [1, 1]) == "falling"
    assert trend([5] * 24) == "steady"
    assert trend([0] * 23 + [1], is_new=True) == "new"


def test_the_first_the_last_and_the_rare_are_kept() -> None:
    """Of the many an even choice; the counts go on."""
    with Claudia("memory://", keep_occurrences=20) as claudia:
        ids = []
        for n in range(100):
            tags = {"shard": "odd"} if n == 50 else {}
            ids.append(claudia.errors.report(report(tags=tags)).id)
        (issue,) = claudia.errors.issues().issues
        kept = [occurrence.id for occurrence in claudia.errors.occurrences(issue_id=issue.id, limit=1_000)]
        assert issue.count == 100
        assert issue.kept == len(kept) <= 40
        assert {ids[0], ids[1], ids[50], ids[98], ids[99]} <= set(kept)
        with pytest.raises(NotFound, match="kept"):
            claudia.errors.occurrence(next(id for id in ids if id not in kept))


@given(st.integers(1, 60), st.integers(0, 300), st.integers(1, 5))
@settings(max_examples=100, deadline=None)
def test_choosing_keeps_to_its_number(keep: int, number: int, kinds: int) -> None:
    """Never more than wanted, never fewer than there is room for, always the last."""
    documents = [{"id": str(n), "release": str(n % kinds if n % 7 else n)} for n in range(number)]
    stay = chosen(documents, keep)
    assert len(stay) == min(keep, number)
    assert keep < 3 or number == 0 or {"0", str(number - 1)} <= stay


def test_issues_are_folded_again_from_the_log(claudia: Claudia) -> None:
    """Whatever happened to the projection: replay makes it what it was."""
    for n in range(4):
        id = claudia.errors.report(report(culprit=f"m.f{n % 2}")).issue_id
    claudia.errors.resolve(id)
    claudia.errors.comment(id, "done")
    claudia.errors.report(report(culprit="m.f1"))
    before = claudia.errors.issues().issues
    assert claudia.errors.rebuild() == 0
    wrong = {**before[0].to_document(), "count": 0}
    claudia.store.write(lambda tx: tx.put("issues", wrong)).result()
    claudia.store.write(lambda tx: tx.delete("issues", before[1].id)).result()
    assert claudia.errors.rebuild() == 2
    assert claudia.errors.issues().issues == before


def test_a_caller_has_a_quota() -> None:
    """Beyond it nothing is done, and it says when to come back; others are not affected."""
    quota = Quota(3)
    for _ in range(3):
        quota.take("key:a")
    with pytest.raises(RateLimited) as caught:
        quota.take("key:a")
    assert caught.value.retry_after is not None
    assert 1 <= caught.value.retry_after <= 20
    quota.take("key:b")


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"type": ""}, "type"),
        ({"level": "loud"}, "level"),
        ({"id": "x"}, "id"),
        ({"tags": {str(n): "" for n in range(10_000)}}, "tags"),
        ({"fingerprint": ["x"] * 21}, "fingerprint"),
        ({"exceptions": [1]}, "exceptions"),
        ({"exceptions": "x"}, "exceptions"),
        ({"breadcrumbs": [1]}, "breadcrumbs"),
        ({"context": {"x": float("nan")}}, "context"),
        ({"context": {"x": "y" * 100_001}}, "context"),
        ({"time": datetime(2026, 1, 1)}, "time"),  # noqa: DTZ001 - that is what is wrong with it
    ],
)
def test_a_report_that_breaks_a_rule_is_refused_by_name(claudia: Claudia, values: dict[str, Any], field: str) -> None:
    """And changes nothing."""
    with pytest.raises(InvalidValue) as caught:
        claudia.errors.report(report(**values))
    assert caught.value.field == field
    assert claudia.store.head() == 0


DEEP = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=20,
)


@given(
    st.lists(st.dictionaries(st.sampled_from(["type", "frames", "message", "notes", "parent"]), DEEP), max_size=4), DEEP
)
@settings(max_examples=150, deadline=None)
def test_any_shape_of_a_stack_is_saved_or_refused(stack: list[dict[str, Any]], context: Any) -> None:
    """Never another error than a refusal that names the field."""
    made = ErrorReport(type="E", exceptions=tuple(stack), context={"x": context}, breadcrumbs=tuple(stack))
    with Claudia("memory://", display="off") as claudia:
        with suppress(InvalidValue):
            saved = claudia.errors.report(made)
            assert claudia.errors.occurrence(saved.id).id == saved.id
        assert claudia.store.head() in (0, 2)
