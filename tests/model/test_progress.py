"""How far a task has come."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claudia_core.model import Progress
from claudia_core.model.values import MAX_COUNT
from claudia_core.testing.clock import START

counts = st.floats(0, MAX_COUNT) | st.integers(0, MAX_COUNT)
updates = st.lists(st.tuples(counts, st.none() | counts, st.floats(0, 1e6)))


def at(seconds):
    return START + timedelta(seconds=seconds)


@given(updates)
def test_it_never_goes_back(steps):
    """Whatever comes in whatever order: the count does not fall, percentages are 0 to 100, rates not negative."""
    progress, now = Progress(), START
    for current, total, seconds in steps:
        now += timedelta(seconds=seconds)
        moved = progress.advanced(now, current=current, total=total, since=START)
        assert moved.current >= progress.current
        assert moved.percentage is None or 0 <= moved.percentage <= 100
        assert moved.rate is None or moved.rate >= 0
        assert moved.eta is None or moved.eta >= 0
        assert Progress.from_document(moved.to_document()) == moved
        progress = moved


def test_a_late_update_is_dropped_whole():
    """The very same object comes back, so that nothing is saved or announced."""
    progress = Progress(current=5, total=10, message="five")
    assert progress.advanced(START, current=4, total=20, message="four") is progress
    assert progress.advanced(START, current=5, message="still five").message == "still five"


def test_an_unknown_total():
    """No percentage and no time to go, until the total becomes known."""
    progress = Progress().advanced(at(1), current=5, since=START)
    assert (progress.percentage, progress.eta, str(progress)) == (None, None, "5 items")
    progress = progress.advanced(at(2), total=20, since=START)
    assert (progress.percentage, progress.current) == (25, 5)
    assert progress.eta > 0


def test_a_total_that_was_too_low():
    """The count may overtake an estimate; the percentage stops at 100, and nothing is left to go."""
    progress = Progress(total=10).advanced(at(1), current=15, since=START)
    assert (progress.current, progress.percentage, progress.eta) == (15, 100, 0)


def test_a_total_of_zero_is_done():
    """Nothing to do is all done."""
    assert Progress(total=0).percentage == 100


def test_the_first_rate_is_the_mean_since_the_start():
    """An early message must not make a fast task look slow for the next ten seconds."""
    progress = Progress(total=1000).advanced(at(0.01), message="begins", since=START)
    progress = progress.advanced(at(1), current=100, since=START)
    assert progress.rate == pytest.approx(100, rel=0.05)
    assert progress.eta == pytest.approx(9, rel=0.05)


def test_the_rate_follows_a_change_of_speed():
    """After half a minute of a new speed, the old one is nearly forgotten; one odd second hardly counts."""
    progress = Progress()
    for second in range(1, 61):
        progress = progress.advanced(at(second), current=10 * second, since=START)
    assert progress.rate == pytest.approx(10)
    assert progress.advanced(at(61), current=1600, since=START).rate < 110
    for second in range(61, 91):
        progress = progress.advanced(at(second), current=600 + 100 * (second - 60), since=START)
    assert progress.rate == pytest.approx(100, rel=0.1)


def test_several_updates_at_one_moment():
    """A rate needs time: updates within one commit do not make it infinite."""
    progress = Progress().advanced(START, current=5, since=START).advanced(START, current=9, since=START)
    assert (progress.current, progress.rate) == (9, None)


def test_the_end():
    """Completed is all of the total; stopped keeps what was done, with no time to go."""
    done = Progress(3, 10, rate=1, eta=7).finished(START)
    assert (done.current, done.percentage, done.eta) == (10, 100, 0)
    assert Progress(3).finished(START).total == 3
    assert Progress(15, 10).finished(START).current == 15
    stopped = Progress(3, 10, rate=1, eta=7).stopped()
    assert (stopped.current, stopped.eta) == (3, None)


def test_text():
    """Deterministic."""
    assert str(Progress(3, 10, unit="rows")) == "3/10 rows (30%)"
    assert str(Progress(1996, 2000, unit="rows")) == "1996/2000 rows (99%)"
    assert str(Progress(2.5)) == "2.5 items"
    assert str(Progress(0, 0)) == "0 items"
