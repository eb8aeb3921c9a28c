"""The staged night: the same every time, and found by what the core offers to find it."""

from datetime import UTC, datetime, timedelta

import pytest

from claudia_core import Claudia
from claudia_core.model.agent import AgentStatus
from claudia_core.model.task import Status
from claudia_core.past import picture_at
from claudia_core.testing.clock import START, PastClock
from claudia_core.testing.incident import (
    FAILED,
    GOOD_NIGHTS,
    LENGTH,
    LOST,
    SILENCE,
    SLOW,
    STUCK,
    WAITING,
    staged_incident,
)

END = datetime(2026, 3, 1, 4, tzinfo=UTC)


@pytest.fixture(scope="module")
def staged():
    """A staged hub; its night ended long ago."""
    with staged_incident(end=END) as claudia:
        yield claudia


def of_tonight(claudia):
    return {
        task.name: task for task in claudia.tasks.list(limit=1_000).tasks if task.created_at > END - timedelta(days=1)
    }


def test_the_night(staged):
    """Each trouble is there, and only there."""
    tonight = of_tonight(staged)
    assert tonight[STUCK].status is tonight[SLOW].status is Status.ACTIVE
    assert tonight[WAITING].status is Status.PENDING
    assert END - tonight[STUCK].updated_at == timedelta(minutes=SILENCE)
    assert END - tonight[SLOW].updated_at < timedelta(minutes=1)
    assert (tonight[LOST].status, tonight[LOST].error.code) == (Status.FAILED, "lost")
    assert {name for name, task in tonight.items() if task.status is Status.FAILED} == {LOST, *FAILED}
    assert staged.agents.get(tonight[STUCK].agent_id).status is AgentStatus.ONLINE
    assert staged.agents.get(tonight[LOST].agent_id).status is AgentStatus.LOST


def test_the_failures_are_one_issue(staged):
    """Raised at one place, so counted together; their tracebacks are kept."""
    issue = next(found for found in staged.errors.issues().issues if found.type == "ConnectionResetError")
    assert issue.count == len(FAILED)
    assert "in load_shard" in staged.tasks.get(of_tonight(staged)[FAILED[0]].id).error.traceback


def test_the_nights_before(staged):
    """Went well, each task in about the time it takes; tonight's slow one takes several times as long."""
    done = staged.tasks.frame(status="completed")
    before = done[done.created_at < END - timedelta(days=1)]
    assert set(before.groupby("name").size()) == {GOOD_NIGHTS}
    median = before.groupby("name").duration.median() / 60
    for name, minutes in LENGTH.items():
        assert minutes <= median[name] <= 1.2 * minutes
    running = (END - of_tonight(staged)[SLOW].started_at).total_seconds() / 60
    assert running > 5 * median[SLOW]


def test_the_same_every_time(staged):
    """Ids, times and texts are those of every other staging that ends at the same moment."""
    with staged_incident(end=END) as again:
        theirs = [task.to_document() for task in again.tasks.list(limit=1_000).tasks]
        assert theirs == [task.to_document() for task in staged.tasks.list(limit=1_000).tasks]
        assert [event.type for event in again.store.events(0, 5_000).events] == [
            event.type for event in staged.store.events(0, 5_000).events
        ]


def test_the_past_can_be_looked_at(staged):
    """Folded from the log: before the first failure there was none, and the stuck task had not come as far."""
    then = picture_at(staged.store, END - timedelta(minutes=90.5))
    assert then.counts[Status.FAILED] == 0
    then = picture_at(staged.store, END - timedelta(minutes=50))
    assert next(row for row in then.open if row["name"] == STUCK)["progress"]["percentage"] < 61


def test_in_a_file_it_goes_on_in_the_present(tmp_path):
    """What is done after the staging has the time at which it is done; other hubs on the file see all of it."""
    path = tmp_path / "night.db"
    with staged_incident(path) as claudia, Claudia(path, display="off") as other:
        stuck = next(task for task in other.tasks.list(status="active").tasks if task.name == STUCK)
        silence = datetime.now(UTC) - stuck.updated_at
        assert timedelta(minutes=SILENCE) <= silence < timedelta(minutes=SILENCE + 2)
        cancelled = claudia.tasks.cancel(stuck.id, reason="no news")
        assert datetime.now(UTC) - cancelled.finished_at < timedelta(minutes=2)


def test_a_clock_that_joins_the_present():
    """Moved through the past, and never back; then it is the machine's."""
    clock = PastClock()
    clock.move_to(START + timedelta(hours=1))
    clock.move_to(START)
    assert clock.now() == START + timedelta(hours=1)
    clock.join()
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(minutes=1)
