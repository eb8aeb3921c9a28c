"""Numbers as people read them."""

from datetime import UTC, datetime, timedelta

import pytest

from dashboards import units

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (7, "7"), (0.256, "0.256"), (1234, "1,234"), (12_345, "12.3k"), (4_560_000, "4.56M"), (150.4, "150")],
)
def test_a_number_is_short(value, text):
    """Large numbers are rounded, small ones are exact."""
    assert units.number(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, None), (0, None), (12.34, "12.3 rows/s"), (0.5, "30 rows/min"), (0.001, "3.6 rows/h")],
)
def test_a_rate_takes_the_readable_unit(value, text):
    """A slow task is counted per minute or hour, one at rest not at all."""
    assert units.rate(value, "rows") == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, None),
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (59, "59 s"),
        (60, "1 min"),
        (200, "3 min 20 s"),
        (90_000, "1 d 1 h"),
    ],
)
def test_a_span_has_at_most_two_units(seconds, text):
    """Durations read as people say them."""
    assert units.span(seconds) == text


def test_done_tells_total_and_percent_where_they_are_known():
    """Unknown totals are not invented, and more than all is all."""
    assert units.done(3, 10, "rows") == "3 of 10 rows · 30%"
    assert units.done(12, 10, "rows").endswith("100%")
    assert units.done(1996, 2000, "rows").endswith("99%")
    assert units.done(29, 100, "rows").endswith("29%")
    assert units.done(3, None, "rows") == "3 rows"


def test_due_is_a_moment_unless_it_is_absurd():
    """A rate near nothing gives no moment in the year 4000."""
    assert units.due(60, NOON) == NOON + timedelta(minutes=1)
    assert units.due(1e12, NOON) is None
    assert units.due(None, NOON) is None


def test_plural():
    """Counts agree with their nouns."""
    assert [units.plural(count, "task") for count in (0, 1, 2)] == ["no task", "1 task", "2 tasks"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 ms"), (7.4e-6, "7.4 µs"), (4.2e-4, "0.42 ms"), (0.0123, "12 ms"), (0.34, "340 ms"), (1.23, "1.2 s")],
)
def test_how_long_a_call_took(seconds, text):
    """From microseconds to seconds, in two digits or so."""
    assert units.quick(seconds) == text
