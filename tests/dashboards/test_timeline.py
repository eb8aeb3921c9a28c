"""The timeline as an object."""

from bokeh.models import ColumnDataSource

from dashboards import lanes
from dashboards.pages.tasks import TasksPage
from dashboards.parts.timeline import TaskTimeline, put
from tests.dashboards.conftest import settle


def shown(view):
    """The names of its bars."""
    return list(view._sources["bars"].data["name"])


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


def test_too_many_are_drawn_by_the_minute(busy, monkeypatch):
    """And a sentence says so."""
    monkeypatch.setattr(lanes, "MOST_BARS", 2)
    monkeypatch.setattr(lanes.newest, "__defaults__", (2,))
    settle(busy)
    view = TaskTimeline(busy)
    view.refresh()
    assert len(shown(view)) == 2
    assert "by the minute" in view.words.object
    assert view._sources["rest"].data["name"]


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


def test_the_tasks_page_shows_it_when_asked(busy):
    """Made when first opened; the table stands aside and comes back."""
    settle(busy)
    page = TasksPage(busy)
    page.refresh()
    assert page.timeline is None
    page._on_view("timeline")
    assert page.timeline.layout.visible
    assert not page.paged.visible
    assert "runs" in shown(page.timeline)
    page._on_view("")
    assert not page.timeline.layout.visible
    assert page.paged.visible
