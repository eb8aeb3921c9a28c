"""The lanes of the timeline."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claudia_core.boards import Minute
from dashboards.figures.lanes import Bar, bar, finish, heaps, lay, newest

NOW = 1_000.0
ENDS = ("completed", "failed", "cancelled")
BARS = st.lists(
    st.tuples(st.integers(0, 900), st.one_of(st.none(), st.integers(0, 300)), st.integers(0, 8)), max_size=60
).map(
    lambda rows: [
        Bar(
            str(at),
            "n",
            "active" if span is None else "completed",
            start,
            None if span is None else start + span,
            str(group),
        )
        for at, (start, span, group) in enumerate(rows)
    ]
)


@given(BARS)
def test_no_two_bars_of_a_lane_overlap(bars):
    """Whatever starts and ends when, and whoever belongs to whom."""
    lanes = lay(bars, NOW)
    assert lanes.keys() == {one.id for one in bars}
    by_lane = {}
    for one in sorted(bars, key=lambda one: (one.start, finish(one, NOW))):
        before = by_lane.get(lanes[one.id])
        assert before is None or before <= one.start
        by_lane[lanes[one.id]] = max(before or 0, finish(one, NOW))


@given(BARS)
def test_a_group_lies_together(bars):
    """Its lanes are neighbours, and no more than its bars."""
    lanes = lay(bars, NOW)
    for group in {one.group for one in bars}:
        mine = {lanes[one.id] for one in bars if one.group == group}
        assert max(mine) - min(mine) + 1 == len(mine)


def test_a_parent_lies_above_its_children():
    """It started first."""
    lanes = lay([Bar("c", "child", "active", 2, None, "p"), Bar("p", "parent", "active", 1, None, "p")], NOW)
    assert lanes == {"p": 0, "c": 1}


def test_a_free_lane_is_used_again():
    """One after the other needs one lane."""
    one = Bar("a", "a", "completed", 1, 2, "a")
    assert set(lay([one, replace(one, id="b", group="b", start=2, end=3)], NOW).values()) == {0}


def test_only_the_newest_are_drawn_one_by_one():
    """Running ones always are; the rest is told from when on it is complete."""
    bars = [Bar(str(at), "n", "completed", at, at + 1.0, str(at)) for at in range(10)]
    kept, since = newest([*bars, Bar("r", "n", "active", 0, None, "r")], 0, 4)
    assert [one.id for one in kept] == ["r", "9", "8", "7"]
    assert since == 8
    assert newest(bars, 5)[1] == 5


def test_what_is_not_drawn_is_counted_by_the_minute():
    """With how many failed; quiet minutes take no room, and what lies beyond either end is cut off."""
    minutes = [Minute(0), Minute(60, completed=2, failed=1), Minute(120, completed=1)]
    (heap,) = heaps(minutes, 0, 90, 60, ENDS)
    assert (heap.start, heap.end, heap.words) == (60, 90, "3 tasks ended, 1 failed")


def test_heaps_are_as_wide_as_asked():
    """Several minutes become one; only the statuses asked for count."""
    minutes = [Minute(at, completed=1, failed=1) for at in range(0, 1200, 60)]
    found = heaps(minutes, 0, 1200, 300, ["failed"])
    assert [(heap.start, heap.size, heap.words) for heap in found][:2] == [
        (0, 5, "5 tasks ended, 5 failed"),
        (300, 5, "5 tasks ended, 5 failed"),
    ]


@pytest.mark.parametrize(("name", "is_drawn"), [("waits", False), ("runs", True), ("broke", True)])
def test_a_task_that_started_has_a_bar(busy, name, is_drawn):
    """One that waits has none yet."""
    assert (bar(busy.tasks.list(name=name).tasks[0].to_summary()) is not None) is is_drawn
