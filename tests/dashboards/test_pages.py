"""Pages as objects: refresh, then look at what their parts hold."""

import asyncio

import pytest

from claudia_core.model.task import Status
from claudia_core.testing.waiting import eventually
from dashboards import PAGES, links
from dashboards.pages.overview import Overview
from dashboards.pages.tasks import TasksPage
from dashboards.parts import EventList, KpiRow, ProgressBar, TaskTable, ThroughputChart
from tests.dashboards.conftest import XSS, settle


def names(rows):
    """The names in a table of tasks."""
    return [row["name"]["text"] for row in rows]


def test_overview_answers_whether_all_is_well(busy):
    """The verdict first, then what runs, the errors, and what ended."""
    settle(busy)
    page = Overview(busy)
    page.refresh()
    assert "1 task failed in the last hour" in page.verdict.object
    assert names(page.running.rows) == ["runs"]
    assert names(page.failed.rows) == ["broke"]
    assert [row["what"]["text"] for row in page.errors.rows] == [XSS]
    assert names(page.ended.rows) == ["was stopped", "broke", "is done"]


def test_overview_of_an_empty_hub_says_what_to_do_next(claudia):
    """Three lines of Python that give the first row."""
    page = Overview(claudia)
    page.refresh()
    assert page.running.rows == []
    assert "claudia.track(" in page.running.zero[2]


def test_overview_follows_the_hub(busy):
    """A refresh shows what has changed since."""
    settle(busy)
    page = Overview(busy)
    page.refresh()
    busy.tasks.complete(busy.tasks.list(name="runs").tasks[0].id)
    settle(busy)

    def completed():
        page.refresh()
        return {tile["label"]: tile["value"] for tile in page.kpis.tiles.items}["Completed"]

    eventually(lambda: completed() == "2")
    assert page.running.rows == []


def test_tasks_are_filtered_by_status_type_and_name(busy):
    """Each filter alone, and its absence."""
    settle(busy)
    page = TasksPage(busy)
    page.refresh()
    assert len(page.table.table.rows) == 5
    page.status = "failed"
    assert names(page.table.table.rows) == ["broke"]
    page.param.update(status="", name_prefix="WAS")
    assert names(page.table.table.rows) == ["was stopped"]
    page.param.update(name_prefix="", type="etl")
    assert names(page.table.table.rows) == ["runs"]
    page.type = "no such type"
    assert page.table.table.rows == []
    assert page.table.table.zero[0] == "No task matches"


def test_tasks_come_page_by_page(claudia):
    """The cursor of the next page leads on, and back to the newest."""
    for at in range(7):
        claudia.tasks.create(f"task {at}")
    settle(claudia)
    page = TasksPage(claudia)
    page.table.limit = 5
    page.refresh()
    assert names(page.table.table.rows)[0] == "task 6"
    assert [item["key"] for item in page.pager.items] == ["next"]
    page._on_turn("next")
    assert names(page.table.table.rows) == ["task 1", "task 0"]
    assert [item["key"] for item in page.pager.items] == ["first"]
    page._on_turn("first")
    assert len(page.table.table.rows) == 5


def test_a_cursor_that_is_not_one_is_told_in_words(claudia):
    """An address may hold anything."""
    settle(claudia)
    page = TasksPage(claudia)
    page.after = "nonsense"
    assert "not a page cursor" in page.problem
    page.after = ""
    assert page.problem == ""


def test_choosing_a_task_shows_all_of_it(busy):
    """Error with traceback, payload, facts and events; the title is the task's name."""
    settle(busy)
    page = TasksPage(busy)
    page.id = busy.tasks.list(status="failed").tasks[0].id
    detail = page.detail
    assert page.title == "broke"
    assert not page.listing.visible
    content = {row["label"]: row["value"] for row in detail.content.rows}
    assert list(content) == ["Error", "Payload"]
    assert XSS in content["Error"]
    assert '"file": "a.csv"' in content["Payload"]
    assert [row["event"] for row in detail.events.table.rows] == [
        "error:reported", "task:failed", "task:started", "task:created",
    ]  # fmt: skip


def test_headings_escape_what_users_wrote(claudia):
    """The name of a task is text in its heading, too."""
    task = claudia.tasks.create(XSS)
    settle(claudia)
    page = TasksPage(claudia)
    page.id = task.id
    assert "<img" not in page.detail.title.object
    assert "&lt;img" in page.detail.title.object


def test_a_task_that_does_not_exist_is_told(claudia):
    """With the id that was asked for, escaped."""
    settle(claudia)
    page = TasksPage(claudia)
    page.id = "<b>none"
    assert page.title == "Task not found"
    assert "&lt;b&gt;none" in page.detail.title.object
    assert not page.detail.actions.cancel.visible


def test_children_are_listed_in_the_detail(claudia):
    """As a live tree of their own, each below its parent; without any, there is no such table."""
    parent = claudia.tasks.create("parent", start=True)
    child = claudia.tasks.create("child", parent_id=parent.id)
    claudia.tasks.create("second", parent_id=parent.id)
    claudia.tasks.create("grandchild", parent_id=child.id)
    settle(claudia)
    page = TasksPage(claudia)
    page.id = parent.id
    assert names(page.detail.tree.table.rows) == ["child", "└ grandchild", "second"]
    assert page.detail.tree.layout.visible
    assert not page.detail.tree.words.visible
    assert page.detail.onward.visible
    page.id = child.id
    assert names(page.detail.tree.table.rows) == ["grandchild"]
    page.detail.onward._on_message({"choose": "all"})
    assert (page.id, page.parent, names(page.table.table.rows)) == ("", child.id, ["grandchild"])


@pytest.mark.parametrize(
    ("name", "cancel", "retry"),
    [("waits", True, False), ("runs", True, False), ("is done", False, False), ("broke", False, True)],
)
def test_only_possible_actions_are_offered(busy, name, cancel, retry):
    """What the state machine forbids has no button."""
    settle(busy)
    page = TasksPage(busy)
    page.id = busy.tasks.list(name=name).tasks[0].id
    assert (page.detail.actions.cancel.visible, page.detail.actions.retry.visible) == (cancel, retry)


def test_cancel_asks_first_and_tells_afterwards(busy):
    """The dialog opens; only a yes changes the task."""
    settle(busy)
    page = TasksPage(busy)
    page.id = id = busy.tasks.list(name="runs").tasks[0].id
    actions = page.detail.actions
    actions.ask("cancel", {id: "runs"})
    assert actions.dialog.open
    assert busy.tasks.get(id).status is Status.ACTIVE
    asyncio.run(actions._on_yes(None))
    assert busy.tasks.get(id).status is Status.CANCELLED
    assert page.notice[:2] == ("Cancelled: runs", "good")


def test_an_action_that_came_too_late_is_told(busy):
    """Somebody else was faster: the error's own sentence is shown."""
    settle(busy)
    page = TasksPage(busy)
    page.id = id = busy.tasks.list(name="runs").tasks[0].id
    busy.tasks.complete(id)
    asyncio.run(page.detail.actions.act("cancel", {id: "runs"}))
    assert page.notice[:2] == ("runs: is completed and cannot become cancelled", "bad")


def test_retry_makes_the_task_wait_again(busy):
    """A new attempt."""
    settle(busy)
    page = TasksPage(busy)
    page.id = id = busy.tasks.list(status="failed").tasks[0].id
    page.detail.actions.ask("retry", {id: "broke"})
    asyncio.run(page.detail.actions._on_yes(None))
    assert busy.tasks.get(id).status is Status.PENDING
    settle(busy)
    page.refresh()
    assert page.detail.actions.cancel.visible


@pytest.mark.parametrize("part", [EventList, KpiRow, TaskTable, ThroughputChart])
def test_parts_stand_alone(busy, part):
    """Given a hub, each refreshes and displays itself."""
    settle(busy)
    view = part(busy)
    view.refresh()
    assert view.__panel__() is view.layout


def test_a_progress_bar_shows_one_task(busy):
    """By the task or by its id."""
    settle(busy)
    task = busy.tasks.list(name="runs").tasks[0]
    for given in (task, task.id):
        bar = ProgressBar(busy, given)
        bar.refresh()
        assert bar.table.rows[0]["progress"]["percent"] == 40


def test_the_chart_is_given_its_numbers(busy):
    """The browser draws them, and tells them in a table; equal ones are not sent again."""
    settle(busy)
    chart = ThroughputChart(busy)
    first = chart.plot.shown
    assert [sum(point[column] for point in first) for column in (1, 2, 3)] == [1, 1, 1]
    chart.refresh()
    assert chart.plot.shown is first
    busy.tasks.complete(busy.tasks.create("another", start=True).id)
    settle(busy)

    def follows():
        chart.refresh()
        return sum(point[1] for point in chart.plot.shown) == 2

    eventually(follows)  # minutes are not read again for a moment


def test_nothing_is_asked_when_nothing_happened(busy, monkeypatch):
    """The version of the board gates every query of the table."""
    settle(busy)
    page = TasksPage(busy)
    page.refresh()
    monkeypatch.setattr(busy.tasks, "list", lambda **_: pytest.fail("asked again"))
    page.refresh()


def test_navigation_is_derived_from_the_table_of_pages():
    """Every page leads to every other, and knows where it is."""
    for spec in PAGES:
        found = links(spec.path)
        assert [link["title"] for link in found] == [spec.title for spec in PAGES]
        assert [link["here"] for link in found].count(True) == 1
        assert all(link["href"].startswith("./") and link["icon"] for link in found)
