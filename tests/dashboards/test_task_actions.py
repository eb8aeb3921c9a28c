"""What can be done on the tasks page: sort, filter, save filters, select and act on many, rerun."""

import asyncio
import json

import pytest

from claudia_core.errors import InvalidValue, TooLarge
from claudia_core.model.task import Status
from dashboards import choices
from dashboards.pages.tasks import TasksPage
from dashboards.parts.tasks.rerun import read_payload
from tests.dashboards.conftest import XSS, settle


@pytest.fixture
def page(busy):
    """The page of a hub with a task in every status."""
    settle(busy)
    made = TasksPage(busy)
    made.refresh()
    return made


def shown(page):
    """The names in the table."""
    return [row["name"]["text"] for row in page.table.table.rows]


def pick(page, *names):
    """Select rows as a browser does."""
    ids = [row["id"] for row in page.table.table.rows if row["name"]["text"] in names]
    page.table.table._on_message({"pick": ids, "on": True})


def test_heads_sort(page):
    """A click sorts, the second turns round, the third is back at the newest first; the state is the page's."""
    page.table.table._on_message({"sort": "name"})
    assert (page.sort, page.table.table.sort) == ("name", "name")
    assert shown(page) == sorted(shown(page))
    page.table.table._on_message({"sort": "name"})
    assert page.sort == "-name"
    assert shown(page) == sorted(shown(page), reverse=True)
    page.table.table._on_message({"sort": "name"})
    assert page.sort == ""
    page.table.table._on_message({"sort": "duration"})
    assert page.sort == "-duration"
    page.table.table._on_message({"sort": "payload"})
    assert page.sort == "-duration"


@pytest.mark.parametrize("sort", choices.SORTS)
@pytest.mark.parametrize("status", ["", "active", "failed"])
def test_every_order_is_one_of_the_core(page, sort, status):
    """Whatever is clicked, the hub can answer it."""
    page.param.update(sort=sort, status=status)
    assert page.problem == ""
    assert len(shown(page)) == {"": 5}.get(status, 1)


def test_running_tasks_sort_by_how_long_they_run():
    """They have no duration yet: the longest is the one that began first."""
    assert choices.order("-duration", "active") == "started_at"
    assert choices.order("-duration", "") == "-duration"
    assert choices.order("", "") is None


def test_fields_filter(page, busy):
    """Type by its beginning, tag, time, agent and name; what does not exist finds nothing."""
    fields = page.fields
    for key, value, expected in (
        ("type", "etl", ["runs"]),
        ("type", "et", ["runs"]),
        ("tag", "nightly", ["runs"]),
        ("tag", "none", []),
        ("name_prefix", "WAS", ["was stopped"]),
        ("since", "1h", shown(page)),
        ("agent", "nobody", []),
    ):
        fields._on_message({"field": key, "value": value})
        assert shown(page) == expected, key
        fields._on_message({"field": key, "value": ""})
    fields._on_message({"field": "since", "value": "1 year"})
    fields._on_message({"field": "id", "value": "x"})
    assert (page.since, page.id) == ("", "")
    offers = {item["key"]: item for item in fields.items}
    assert ["etl"] in offers["type"]["offers"]
    assert ["nightly"] in offers["tag"]["offers"]


def test_a_part_of_a_task_can_be_asked_for(page, busy):
    """By an address with its id; a field names it, and takes it away."""
    parent = busy.tasks.create("parent")
    busy.tasks.create("part", parent_id=parent.id)
    settle(busy)
    page.parent = parent.id
    assert shown(page) == ["part"]
    assert page.fields.items[-1]["choices"][-1] == [parent.id, "parent"]
    page.fields._on_message({"field": "parent", "value": ""})
    assert len(shown(page)) == 7


def test_saved_filters(page, busy):
    """Saved under a name, applied, renamed and deleted; the one in force is marked."""
    page.param.update(status="failed", sort="-duration")
    assert [item["key"] for item in page.saved.verbs.items] == ["clear", "save"]
    page.saved._on_verb("save")
    assert page.saved.dialog.open
    page.saved.name.value_input = XSS
    asyncio.run(page.saved._on_yes(None))
    assert not page.saved.dialog.open
    (saved,) = busy.filters.list()
    assert (saved.name, dict(saved.query)) == (XSS, {"status": "failed", "sort": "-duration"})
    assert page.saved.choices.value == f"saved/{saved.id}"
    page.saved._on_verb("clear")
    assert page.filter == {}
    page.saved._on_chip(f"saved/{saved.id}")
    assert page.filter == saved.query
    page.saved._on_verb("rename")
    page.saved.name.value_input = "Slow failures"
    asyncio.run(page.saved._on_yes(None))
    assert busy.filters.list()[0].name == "Slow failures"
    page.saved._on_verb("delete")
    asyncio.run(page.saved._on_yes(None))
    assert busy.filters.list() == []
    assert page.filter == saved.query


def test_a_name_that_is_taken_keeps_the_dialog(page, busy):
    """What is wrong is told, and another name can be given."""
    busy.filters.save("Broken", {"tag": "a"})
    page.status = "failed"
    page.saved._on_verb("save")
    page.saved.name.value_input = "broken"
    asyncio.run(page.saved._on_yes(None))
    assert page.saved.dialog.open
    assert "already" in page.notice[0]
    page.saved.name.value_input = "Broken too"
    asyncio.run(page.saved._on_yes(None))
    assert not page.saved.dialog.open


def test_filters_that_are_always_there(page):
    """Each can be applied, and taken off by another click."""
    for own in choices.BUILTIN:
        page.saved._on_chip(f"own/{own.name}")
        assert page.filter == own.query
        assert page.problem == ""
        page.saved._on_chip(f"own/{own.name}")
        assert page.filter == {}


def test_many_are_cancelled_at_once(page, busy):
    """One text tells what was done, and who refused and why."""
    pick(page, "waits", "runs", "is done")
    assert page.bulk.visible
    page._on_verb("cancel")
    assert page.actions.dialog.open
    asyncio.run(page.actions._on_yes(None))
    text, tone, _ = page.notice
    assert tone == "bad"
    assert text.splitlines() == [
        "Cancelled: 2 of 3 tasks. 1 refused:",
        "is done: is completed and cannot become cancelled",
    ]
    assert busy.tasks.counts()[Status.CANCELLED] == 3
    assert not page.bulk.visible


def test_many_are_retried_and_made_anew(page, busy):
    """Retry makes them wait again; rerun makes new ones that know what they are from."""
    pick(page, "broke", "was stopped")
    page._on_verb("retry")
    asyncio.run(page.actions._on_yes(None))
    assert page.notice[:2] == ("Waiting again: 2 tasks", "good")
    pick(page, "is done")
    page._on_verb("rerun")
    asyncio.run(page.actions._on_yes(None))
    assert page.notice[:2] == ("Made anew: is done", "good")
    made = busy.tasks.list(limit=1).tasks[0]
    assert (made.name, made.status) == ("is done", Status.PENDING)
    assert busy.tasks.get(made.labels["rerun_of"]).name == "is done"


def test_a_selection_outlives_updates_but_not_another_view(page, busy):
    """A row that moves or leaves the page stays selected; other filters select nothing."""
    pick(page, "runs")
    busy.tasks.progress(busy.tasks.list(name="runs").tasks[0].id, 5)
    settle(busy)
    page.refresh()
    assert [row["name"]["text"] for row in page.table.picked.values()] == ["runs"]
    page.status = "failed"
    assert page.table.picked == {}
    assert not page.bulk.visible
    page.table.table._on_message({"pick": ["no such id"], "on": True})
    assert page.table.picked == {}


def test_rerun_with_another_payload(page, busy):
    """From the detail: edited, made, and shown; the new task leads back."""
    page.id = id = busy.tasks.list(name="broke").tasks[0].id
    editor = page.detail.actions.editor
    page.detail.actions._edit()
    assert editor.dialog.open
    assert json.loads(editor.text.value) == {"file": "a.csv"}
    editor.text.value_input = '{"file": '
    asyncio.run(editor._on_click(None))
    assert editor.dialog.open
    assert editor.text.error_state
    assert "line 1, column 10" in editor.text.helper_text
    editor.text.value_input = '{"file": "b.csv"}'
    asyncio.run(editor._on_click(None))
    made = busy.tasks.get(page.id)
    assert made.id != id
    assert (made.payload, made.name, made.labels["rerun_of"]) == ({"file": "b.csv"}, "broke", id)
    facts = {row["label"]: row["value"] for row in page.detail.facts.rows}
    assert facts["Rerun of"] == ["link", {"text": "broke", "href": f"./tasks?id={id}", "key": id}]
    assert not page.detail.actions.retry.visible


def test_payloads_that_people_write():
    """Empty is none; what is not JSON, or too large, is refused with the place or the limit."""
    assert read_payload("  \n") is None
    assert read_payload("[1, null]") == [1, None]
    with pytest.raises(InvalidValue, match="line 2, column 3"):
        read_payload('{"a": 1,\n  b: 2}')
    with pytest.raises(InvalidValue):
        read_payload("NaN")
    with pytest.raises(InvalidValue):
        read_payload("[" * 5_000 + "]" * 5_000)
    with pytest.raises(TooLarge):
        read_payload(json.dumps("x" * 1_100_000))


def test_progress_over_time(page, busy):
    """A line of points, thinned out, with a table; messages newest first."""
    task = busy.tasks.create("long", start=True, estimated_steps=2000)
    for step in range(1, 1001):
        busy.progress.report_progress(task.id, step, message=f"part {step // 250}")
    settle(busy)
    page.id = task.id
    chart = page.detail.chart
    course = chart._course
    assert 150 < len(course.at) <= 400
    assert course.done == sorted(course.done)
    assert (course.total, course.unit) == (2000, "items")
    assert [row["says"] for row in course.messages] == ["part 4", "part 3", "part 2", "part 1", "part 0"]
    assert chart.messages.visible
    assert len(course.twin()) <= 61
