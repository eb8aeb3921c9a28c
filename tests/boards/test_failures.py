"""What failed within the last hour, gathered by what failed alike."""

from datetime import timedelta

import pytest

from claudia_core import Claudia, failures
from claudia_core.failures import Failures
from claudia_core.model.times import to_text, utc_now

NOW = utc_now()


def row(id, ago, name="load", type="ValueError"):
    """A failed task, some minutes ago."""
    return {"id": id, "name": name, "error": {"type": type}, "finished_at": to_text(NOW - timedelta(minutes=ago))}


def told(found, later=0):
    """Newest, count and whether it is all, of each kind."""
    return [(one.newest["id"], one.count, one.is_all) for one in found.alike(NOW + timedelta(minutes=later))]


def test_kinds_are_a_name_and_a_type_of_error():
    """The one that failed last comes first."""
    found = Failures([row("a", 9), row("b", 8, type="KeyError"), row("c", 7, name="send"), row("d", 6)])
    assert told(found) == [("d", 2, True), ("c", 1, True), ("b", 1, True)]


def test_an_hour_passes():
    """What failed before it is not counted any more, and at last not told."""
    found = Failures([row("a", 50), row("b", 30)])
    assert [told(found, later) for later in (0, 20, 40)] == [[("b", 2, True)], [("b", 1, True)], []]


def test_what_is_tried_again_is_taken_back():
    """Also when it is told twice, or was never there."""
    found = Failures([row("a", 9), row("b", 8)])
    found.drop("a")
    found.drop("a")
    found.drop("x")
    assert told(found) == [("b", 1, True)]
    found.add(row("b", 2))
    assert told(found) == [("b", 1, True)]
    found.drop("b")
    assert told(found) == []


def test_more_than_are_counted(monkeypatch):
    """It is at least so many, until those that were left out are more than an hour old."""
    monkeypatch.setattr(failures, "MOST_TASKS", 3)
    found = Failures([row(str(n), 50 - n) for n in range(5)])
    assert told(found) == [("4", 3, False)]
    assert told(found, later=12) == [("4", 3, True)]
    assert told(Failures([row("a", 9)], is_all=False)) == [("a", 1, False)]


def test_a_board_knows_them_from_the_store_and_goes_on(claudia: Claudia):
    """A storm of failures hides no other failure, and is counted to the last one."""
    claudia.tasks.fail(claudia.tasks.create("rare", start=True).id, ValueError("no"))
    for task in claudia.tasks.create_many([claudia_task()] * 60, start=True):
        claudia.tasks.fail(task.id, KeyError("no"))
    board = claudia.boards.tasks
    claudia.feed.wait_until(claudia.store.head())
    assert [(one.newest["name"], one.count) for one in board.picture().failed] == [("storm", 60), ("rare", 1)]
    again = board.picture().failed[1].newest["id"]
    claudia.tasks.fail(claudia.tasks.create("storm", start=True).id, KeyError("no"))
    claudia.tasks.retry(again)
    claudia.feed.wait_until(claudia.store.head())
    assert [(one.newest["name"], one.count) for one in board.picture().failed] == [("storm", 61)]


def claudia_task():
    """A task to be made."""
    from claudia_core.services.tasks.service import NewTask

    return NewTask(name="storm")


@pytest.mark.parametrize("most", [1])
def test_what_is_read_at_first_is_limited(claudia: Claudia, monkeypatch, most):
    """And the board says that there are more."""
    monkeypatch.setattr("claudia_core.boards.MOST_FAILED", most)
    for _ in range(3):
        claudia.tasks.fail(claudia.tasks.create("load", start=True).id, "no")
    (found,) = claudia.boards.tasks.picture().failed
    assert (found.count, found.is_all) == (1, False)
