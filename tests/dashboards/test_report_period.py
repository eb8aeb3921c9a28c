"""The stretch of time a report is about."""

from datetime import UTC, datetime, timedelta

import pytest

from claudia_core.errors import InvalidValue
from dashboards.report.chart import scale
from dashboards.report.period import period

NOW = datetime(2026, 11, 23, 12, 30, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("since", "start", "words"),
    [
        ("90m", "2026-11-23T11:00", "in the last 90 minutes"),
        ("1h", "2026-11-23T11:30", "in the last hour"),
        ("24h", "2026-11-22T12:30", "in the last 24 hours"),
        ("1.5 h", "2026-11-23T11:00", "in the last 90 minutes"),
        ("7d", "2026-11-16T12:00", "in the last 7 days"),
        ("2026-11-23T10:00", "2026-11-23T10:00", "in the last 2 h 30 min"),
        ("2026-11-23T10:00+02:00", "2026-11-23T08:00", "in the last 4 h 30 min"),
        ("2026-11-23", "2026-11-23T00:00", "in the last 12 h 30 min"),
        (timedelta(hours=2), "2026-11-23T10:30", "in the last 2 hours"),
    ],
)
def test_since_is_read_as_people_say_it(since, start, words):
    """So long ago, or a moment; text without an offset is UTC. Widened to whole minutes, or hours where it is long."""
    found = period(since, now=NOW)
    assert f"{found.start:%Y-%m-%dT%H:%M}" == start
    assert found.words == words
    assert found.live
    assert found.end >= NOW


def test_an_end_in_the_past_and_one_ahead():
    """What ended is told as a period; an end that lies ahead is now."""
    past = period("5h", "3h", now=NOW)
    assert (past.live, past.words, past.length) == (False, "in this period", "2 hours")
    assert past.before == past.start - (past.end - past.start)
    assert period("5h", "2027-01-01", now=NOW).live


@pytest.mark.parametrize(
    ("since", "until", "said"),
    [
        ("yesterday", None, "since is 'yesterday'"),
        ("", None, "since is ''"),
        ("1h", "soon", "until is 'soon'"),
        ("400d", None, "400 days"),
        ("999999w", None, "before the year 1"),
        ("2027-01-01", None, "begin at 2027"),
        ("1h", "2h", "begin at 2026-11-23 11:30 and end at 2026-11-23 10:30"),
        (datetime(2026, 1, 1), None, "without a timezone"),  # noqa: DTZ001 - that is the point
    ],
)
def test_what_cannot_be_is_told(since, until, said):
    """An unreadable, empty or endless period names what was given and what would be right."""
    with pytest.raises(InvalidValue, match=said) as caught:
        period(since, until, now=NOW)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("since", "step"),
    [("30m", 60), ("90m", 60), ("6h", 300), ("12h", 900), ("24h", 3_600), ("48h", 3_600), ("3d", 3_600), ("7d", 21_600),
     ("30d", 86_400), ("366d", 604_800)],
)  # fmt: skip
def test_bars_are_neither_few_nor_many(since, step):
    """The width of a bar follows the length of the period, at most about a hundred bars."""
    found = period(since, now=NOW)
    assert found.step == step
    assert found.seconds / step <= 97
    assert found.step % found.width == 0


@pytest.mark.parametrize(
    ("top", "lines"),
    [(1, [0, 1]), (3, [0, 1, 2, 3]), (7, [0, 2, 4, 6, 8]), (19, [0, 5, 10, 15, 20]), (1000, [0, 500, 1000])],
)
def test_the_axis_ends_at_a_round_number(top, lines):
    """At most five lines, the last not below the highest bar."""
    assert scale(top) == lines
