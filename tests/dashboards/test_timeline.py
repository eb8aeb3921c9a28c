"""The timeline as an object."""

import pytest
from bokeh.models import ColumnDataSource

from dashboards.figures import lanes, ran
from dashboards.pages.tasks import TasksPage
from dashboards.parts.tasks.timeline import TaskTimeline
from dashboards.parts.tasks.timeline_figure import figure, heap_columns, put
from tests.dashboards.conftest import settle
from tests.dashboards.staged import past


def shown(view):
    """The names of its bars, as far as they have any width."""
    data = view._sources["bars"].data
    return [name for name, left, right in zip(data["name"], data["left"], data["right"], strict=True) if right > left]


def again(view):
    """Refresh without waiting for the pause."""
    view._at = 0.0
    view.refresh()


def test_tasks_that_started_have_bars(busy):
    """With colour, hatch and words by status; one that waits has none."""
    settle(busy)
    view = TaskTimeline(busy)
    view.refresh()
    data = view._sources["bars"].data
    assert sorted(data["name"]) == ["broke", "is done", "runs", "was stopped"]
    assert len(set(data["hatch"])) == len(set(data["colour"])) == len(set(data["status"])) == 4


def test_running_bars_grow_and_new_ones_come(busy):
    """In the same source, by patches."""
    settle(busy)
    view = TaskTimeline(busy)
    view.refresh()
    source = view._sources["bars"]
    at = shown(view).index("runs")
    before = source.data["right"][at]
    busy.tasks.create("later", start=True)
    settle(busy)
    again(view)
    assert view._sources["bars"] is source
    assert source.data["right"][at] > before
    assert shown(view)[-1] == "later"


def test_the_table_twin_tells_the_same(busy):
    """For those who cannot see bars."""
    settle(busy)
    view = TaskTimeline(busy)
    view.refresh()
    view._on_switch(None)
    assert {row["name"]["text"] for row in view.table.rows} == set(shown(view))
    assert not view.pane.visible


def test_a_click_opens_the_task(busy):
    """The bar's own."""
    opened = []
    settle(busy)
    view = TaskTimeline(busy, on_open=opened.append)
    view.refresh()
    view._sources["bars"].selected.indices = [shown(view).index("broke")]
    assert opened == [busy.tasks.list(name="broke").tasks[0].id]


def test_too_many_are_counted_in_columns(busy, monkeypatch):
    """And a sentence says so."""
    monkeypatch.setattr(lanes, "MOST_BARS", 2)
    settle(busy)
    view = TaskTimeline(busy)
    view.refresh()
    assert len(shown(view)) == 2
    assert "counted in columns" in view.words.object
    assert view._sources["heaps"].data["name"]


FILTERS = (
    {"type": "mai"},
    {"tag": "daily"},
    {"agent": "a"},
    {"name_prefix": "LETTER"},
    {"status": "failed", "type": "mail"},
    {"status": "", "tag": "daily", "name_prefix": "letter"},
)


def written(hub, number, failed=0):
    """Letters that were written, and among them other work; their parent's id."""
    above = hub.tasks.create("post")
    agent = hub.agents.register()
    for n in range(number):
        values = {"type": "mail", "tags": ["daily"], "parent_id": above.id, "agent_id": agent.id}
        task = hub.tasks.create(f"letter {n}", start=True, **values)
        if n < failed:
            hub.tasks.fail(task.id, "lost")
        else:
            hub.tasks.complete(task.id)
        hub.tasks.complete(hub.tasks.create("other", start=True).id)
    settle(hub)
    return above.id, agent.id


def told(view):
    """How many of each status are counted in columns, as their hover words tell it."""
    return sorted(set(view._sources["heaps"].data["name"]))


@pytest.mark.parametrize("filters", FILTERS, ids=str)
def test_what_fits_a_filter_is_counted_in_columns(busy, monkeypatch, filters):
    """Too many to be drawn: those that fit, and no others; drawn and counted are all of them."""
    monkeypatch.setattr(lanes, "MOST_BARS", 2)
    _, agent = written(busy, 7, failed=3)
    if "agent" in filters:
        filters = {"agent": agent}
    view = TaskTimeline(busy, **filters)
    view.refresh()
    fitting = 3 if filters.get("status") == "failed" else 7
    assert len(shown(view)) == 2
    assert f"{fitting - 2} more that ended before" in view.words.object
    assert told(view)[0].startswith(f"{fitting - 2} task")


def test_parts_of_a_task_are_counted_in_columns(busy, monkeypatch):
    """By the id of their parent."""
    monkeypatch.setattr(lanes, "MOST_BARS", 1)
    parent, _ = written(busy, 4)
    view = TaskTimeline(busy, parent_id=parent)
    view.refresh()
    assert told(view) == ["3 tasks ended"]


def test_too_many_to_be_counted_are_left_out(busy, monkeypatch):
    """Where looking through what ended would take too long, a sentence tells it instead."""
    monkeypatch.setattr(lanes, "MOST_BARS", 1)
    monkeypatch.setattr(ran, "MOST_COUNTED", 2)
    written(busy, 3)
    view = TaskTimeline(busy, type="mail")
    view.refresh()
    assert len(shown(view)) == 1
    assert "left out" in view.words.object


def test_it_is_filtered_by_status_type_and_name(busy):
    """What is read and what comes later; each filter is let go again."""
    settle(busy)
    view = TaskTimeline(busy, status="failed")
    view.refresh()
    assert shown(view) == ["broke"]
    view.status, view.name_prefix = "", "IS"
    view.refresh()
    assert shown(view) == ["is done"]
    view.name_prefix, view.type = "", "etl"
    busy.tasks.create("other", start=True, type="mail")
    busy.tasks.create("more", start=True, type="etl")
    settle(busy)
    view.refresh()
    assert sorted(shown(view)) == ["more", "runs"]
    view.type = "none of these"
    view.refresh()
    assert view.table.zero[0] == "No task matches"
    assert not view.switch.visible


def test_a_task_that_no_longer_fits_goes(busy):
    """An active one that completes, on a timeline of what is active."""
    settle(busy)
    view = TaskTimeline(busy, status="active")
    view.refresh()
    assert shown(view) == ["runs"]
    busy.tasks.complete(busy.tasks.list(name="runs").tasks[0].id)
    settle(busy)
    again(view)
    assert view.table.visible
    assert view.table.rows == []


def test_a_day_can_be_seen():
    """From the store, with what ended hours ago; a shorter time leaves it out."""
    with past(hours=5) as (hub, clock):
        task = hub.tasks.create("long ago", start=True)
        clock.move(60)
        hub.tasks.complete(task.id)
        settle(hub)
        view = TaskTimeline(hub)
        view.refresh()
        assert view.table.zero[0] == "No task ran in this time"
        view._on_choose("24h")
        assert shown(view) == ["long ago"]


def test_the_page_keeps_the_span(busy):
    """Who owns the address is told of a choice instead."""
    chosen = []
    view = TaskTimeline(busy, on_span=chosen.append)
    view._on_choose("1h")
    assert (chosen, view.span) == (["1h"], "15m")


def test_columns_are_stacked_by_status():
    """The highest is three lanes high; each part lies on the one before."""
    columns = heap_columns([lanes.Heap(0, 60, {"completed": 5, "failed": 1}), lanes.Heap(60, 120, {"completed": 1})])
    assert columns["bottom"][0] == -0.8
    assert columns["top"][1] == -3.8
    assert columns["bottom"][1] == columns["top"][0]
    assert len(set(columns["hatch"])) == 2


def test_an_empty_hub_says_what_to_do(claudia):
    """Instead of an empty chart."""
    settle(claudia)
    view = TaskTimeline(claudia)
    view.refresh()
    assert view.table.zero[0] == "No task yet"


def test_only_differences_are_sent(monkeypatch):
    """Cells are patched, rows streamed; the whole is replaced only when most of it is gone."""
    calls = []
    source = ColumnDataSource({"id": ["a"], "x": [1]})
    monkeypatch.setattr(ColumnDataSource, "patch", lambda self, patches: calls.append(patches))
    monkeypatch.setattr(ColumnDataSource, "stream", lambda self, rows: calls.append(rows))
    put(source, {"a": {"id": "a", "x": 2}, "b": {"id": "b", "x": 3}}, ("id", "x"))
    assert calls == [{"x": [(0, 2)]}, {"id": ["b"], "x": [3]}]


def test_what_did_not_change_is_not_looked_at(busy):
    """The row of a bar that has ended is the same object as long as it lies in its lane; one that runs is made anew."""
    settle(busy)
    view = TaskTimeline(busy)
    view.refresh()
    before = view._rows
    again(view)
    same = {row["name"]: view._rows[id] is row for id, row in before.items()}
    assert same == {"broke": True, "is done": True, "was stopped": True, "runs": False}


def test_the_tasks_page_shows_it_when_asked(busy):
    """Made when first opened; the table stands aside and comes back."""
    settle(busy)
    page = TasksPage(busy)
    page.refresh()
    assert page.timeline is None
    page._on_view("timeline")
    assert page.timeline.layout.visible
    assert not page.table.layout.visible
    assert page.fields.visible
    assert "runs" in shown(page.timeline)
    page._on_view("")
    assert not page.timeline.layout.visible
    assert page.table.layout.visible


def test_the_tasks_page_hands_its_filters_on(busy):
    """And keeps the span in its address."""
    settle(busy)
    page = TasksPage(busy, view="timeline", status="failed")
    page.refresh()
    assert shown(page.timeline) == ["broke"]
    page.timeline._on_choose("1h")
    assert (page.span, page.timeline.span) == ("1h", "1h")
    page._on_status("completed")
    again(page.timeline)
    assert shown(page.timeline) == ["is done"]


def test_no_bar_has_a_hatch_of_its_own():
    """One glyph for each hatch: Bokeh would make a canvas for each of thousands of bars at every change."""
    drawn, _ = figure(leads=True)
    hatched = [one for one in drawn.renderers if hasattr(one.glyph, "hatch_pattern")]
    patterns = {(type(one.glyph).__name__, one.view.filter.group): one.glyph.hatch_pattern for one in hatched}
    assert patterns == {
        (glyph, hatch): None if hatch == " " else hatch
        for glyph in ("HBar", "Quad")
        for hatch in lanes.HATCHES.values()
    }
