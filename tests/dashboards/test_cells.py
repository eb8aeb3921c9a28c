"""Values of the core as rows of cells."""

from datetime import UTC, datetime

import pytest

from claudia_core.model.event import Event
from claudia_core.model.task import Status
from dashboards.cells import tasks as cells

XSS = "<img src=x onerror=window.pwned=1>"


def summary(claudia, name):
    """The summary of the task of that name."""
    return claudia.tasks.list(name=name).tasks[0].to_summary()


def test_a_running_task_tells_progress_rate_and_time_to_go(busy):
    """With units, and the moment instead of the seconds, so that the browser can count down."""
    row = cells.task_row(summary(busy, "runs"))
    assert row["progress"]["percent"] == 40
    assert row["progress"]["label"] == "4 of 10 rows · 40%"
    assert row["rate"].endswith("rows/s")
    assert datetime.fromisoformat(row["eta"]).tzinfo
    assert row["duration"]["to"] is None
    assert row["name"]["hint"] == "half way"


@pytest.mark.parametrize("name", ["waits", "is done", "broke", "was stopped"])
def test_a_task_that_does_not_run_has_no_rate(busy, name):
    """A rate of the past would look like one of now."""
    row = cells.task_row(summary(busy, name))
    assert row["rate"] is row["eta"] is None


def test_status_is_a_word_and_a_mark(busy):
    """Never a colour alone."""
    marks = {cells.status(status.value)["mark"] for status in Status}
    assert len(marks) == len(Status)
    assert cells.task_row(summary(busy, "broke"))["status"]["word"] == "failed"


def test_user_text_is_handed_on_as_it_is(busy):
    """Cells are text: nothing is escaped twice, because nothing is read as markup."""
    assert cells.task_row(summary(busy, "broke"))["name"]["hint"] == f"ValueError: {XSS}"


def test_an_unknown_total_has_no_percent(claudia):
    """The bar of such a task is open."""
    task = claudia.tasks.create("endless", start=True)
    claudia.tasks.progress(task.id, 5)
    bar = cells.progress(claudia.tasks.get(task.id).to_summary())
    assert bar["percent"] is None
    assert bar["label"] == "5 items"


def test_facts_leave_out_what_is_not_known(busy):
    """A short list for a task that waits."""
    task = busy.tasks.list(name="waits").tasks[0]
    labels = [row["label"] for row in cells.task_facts(task, None, None)]
    assert labels == ["Made", "Type", "Id"]


def test_a_task_leads_to_its_agent(claudia):
    """By a link with the agent's name; one that is forgotten is told by its id."""
    agent = claudia.agents.register("images")
    task = claudia.tasks.create("resize", start=True, agent_id=agent.id)
    (fact,) = (row for row in cells.task_facts(task, None, "images") if row["label"] == "Agent")
    assert fact["value"] == ["link", {"text": "images", "href": f"./agents?id={agent.id}", "key": None}]
    (fact,) = (row for row in cells.task_facts(task, None, None) if row["label"] == "Agent")
    assert fact["value"] == ["text", agent.id]


def test_long_text_loses_its_middle():
    """Beginning and end of a traceback are what matters."""
    text = cells.shorten("a" * 30_000 + "end")
    assert len(text) < 21_000
    assert text.endswith("end")
    assert "left out" in text


def test_events_are_told_in_words():
    """With what failed, and which attempt it was."""

    def event(type, **data):
        return Event(7, "e", type, "id", datetime.now(UTC), data)

    assert cells.event_row(event("task:started", name="x"))["says"] == "x started"
    assert cells.event_text(event("task:failed", name="x", error={"type": "E", "message": "m"})) == "E: m"
    assert cells.event_text(event("task:updated", name="x", attempt=2)) == "x was changed (attempt 2)"
    assert cells.event_text(event("invoice:paid")) == "paid"


def test_links_escape_what_they_carry():
    """An id cannot break out of its address."""
    assert cells.task_href("a&b=<c>") == "./tasks?id=a%26b%3D%3Cc%3E"
