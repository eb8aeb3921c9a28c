"""What an overview shows is made once for all who look."""

from datetime import timedelta

from claudia_core.testing.waiting import eventually
from dashboards.beat.glance import MOMENT, glance
from tests.dashboards.conftest import settle


def test_during_a_beat_all_see_the_same(claudia):
    """However much happens meanwhile; afterwards they see what is."""
    before = MOMENT.set(object())
    try:
        first = glance(claudia)
        claudia.tasks.create("late", start=True)
        settle(claudia)
        assert glance(claudia) is first
        MOMENT.set(object())
        assert [row["name"]["text"] for row in glance(claudia).running.rows] == ["late"]
    finally:
        MOMENT.reset(before)


def test_outside_of_a_beat_it_is_never_old(claudia):
    """As a notebook's cell and a click need it."""
    assert glance(claudia).running.rows == []
    claudia.tasks.create("new", start=True)
    settle(claudia)
    assert len(glance(claudia).running.rows) == 1


def test_a_table_that_stayed_the_same_is_the_same_sheet(claudia):
    """So that no page looks for differences in it."""
    claudia.tasks.complete(claudia.tasks.create("done", start=True).id)
    settle(claudia)
    before = glance(claudia).ended
    claudia.tasks.create("another", start=True)
    settle(claudia)
    assert glance(claudia).ended is before


def test_what_is_read_out_does_not_change_all_the_time(claudia):
    """A verdict of the same tone stays for a moment; one of another tone comes at once."""
    before = MOMENT.set(object())
    try:
        claudia.tasks.create("one", start=True)
        settle(claudia)
        assert glance(claudia).verdict[1].endswith("1 task running")
        second = claudia.tasks.create("two", start=True)
        settle(claudia)
        MOMENT.set(object())
        assert glance(claudia).verdict[1].endswith("1 task running")
        claudia.tasks.fail(second.id, ValueError("no"))
        settle(claudia)

        def is_told():
            MOMENT.set(object())
            return glance(claudia).verdict[0] == "bad"

        eventually(is_told)  # minutes are not read again for a moment
    finally:
        MOMENT.reset(before)


def test_what_nobody_takes_is_not_well(claudia, monkeypatch):
    """A type of which something waits for a while, and no agent can run, is told; one for Dask to run is not."""
    claudia.tasks.create("seen", type="dask", tags=("dask",))
    claudia.tasks.create("sent", type="resize")
    settle(claudia)
    assert glance(claudia).verdict[0] == "good"
    monkeypatch.setattr("dashboards.cells.agents.WHILE", timedelta(0))
    monkeypatch.setattr("dashboards.beat.glance.CHECKED", 0.0)
    assert glance(claudia).verdict == ("bad", "✖ 1 task of resize waits: no agent can run it · no task running")
