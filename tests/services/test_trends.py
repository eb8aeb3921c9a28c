"""The hub beside itself as it was yesterday."""

from datetime import UTC, datetime, timedelta

import pytest

from claudia_core import Claudia
from claudia_core.services.trends import TrendBoard, trends
from claudia_core.settings import default_settings
from claudia_core.stores.memory import MemoryStore
from claudia_core.testing.clock import FakeClock

NOW = datetime(2026, 3, 10, 14, 20, 30, tzinfo=UTC)


@pytest.fixture
def clock():
    """Stands two days before."""
    return FakeClock(NOW - timedelta(days=2))


@pytest.fixture
def hub(clock):
    """A hub on that clock."""
    with Claudia(store=MemoryStore(clock=clock), settings=default_settings(display="off")) as hub:
        yield hub


def run(hub, clock, ended, lasted, *, fails=False):
    """A task that ends at a moment after so many seconds."""
    clock.move((ended - clock.now()).total_seconds() - lasted)
    task = hub.tasks.create("job", start=True)
    clock.move(lasted)
    if fails:
        hub.tasks.fail(task.id, "broken")
    else:
        hub.tasks.complete(task.id)


def test_the_last_hour_is_set_beside_the_same_hour_of_yesterday(hub, clock):
    """Counted to the minute, with errors and durations; the hour before and the hour after stay out."""
    yesterday = NOW - timedelta(days=1)
    run(hub, clock, yesterday - timedelta(minutes=61), 1)
    run(hub, clock, yesterday - timedelta(minutes=30), 100)
    run(hub, clock, yesterday - timedelta(minutes=20), 1, fails=True)
    run(hub, clock, yesterday + timedelta(minutes=2), 1)
    run(hub, clock, NOW - timedelta(minutes=40), 10)
    run(hub, clock, NOW - timedelta(minutes=3), 10)
    found = trends(hub.store, NOW.timestamp())
    assert (found.hour.completed, found.hour.failed, found.hour.errors) == (2, 0, 0)
    assert (found.hour_yesterday.completed, found.hour_yesterday.failed, found.hour_yesterday.errors) == (1, 1, 1)
    assert found.hour.typical == pytest.approx(10, rel=0.19)
    assert found.hour_yesterday.slow == pytest.approx(100, rel=0.19)


def test_both_days_are_as_far_into_their_last_hour(hub, clock):
    """What ended yesterday later in this hour of the clock is not in the comparison."""
    run(hub, clock, NOW - timedelta(days=1, minutes=10), 5)
    run(hub, clock, NOW - timedelta(days=1) + timedelta(minutes=15), 5)
    run(hub, clock, NOW - timedelta(hours=9), 5)
    run(hub, clock, NOW - timedelta(minutes=10), 5)
    found = trends(hub.store, NOW.timestamp())
    assert (found.day.completed, found.day_before.completed) == (2, 1)


def test_durations_by_five_minutes(hub, clock):
    """Twelve stretches, oldest first; those without an end have no duration. What failed does not count."""
    run(hub, clock, NOW - timedelta(minutes=50), 300)
    run(hub, clock, NOW - timedelta(seconds=20), 2)
    run(hub, clock, NOW - timedelta(seconds=10), 9, fails=True)
    took = trends(hub.store, NOW.timestamp()).took
    assert len(took) == 12
    assert [one.completed for one in took if one.completed] == [1, 1]
    assert took[-1].typical == pytest.approx(2, rel=0.19)
    assert took[-2].typical is None


def test_an_empty_hub_has_empty_trends(hub):
    """Zeroes and unknown durations, no error."""
    found = trends(hub.store, NOW.timestamp())
    assert found.day.is_empty
    assert found.hour_yesterday.is_empty
    assert found.day.typical is None


def test_many_pages_cost_one_reading(hub):
    """The same object for some seconds."""
    board = TrendBoard(hub.store)
    assert board.picture() is board.picture()
