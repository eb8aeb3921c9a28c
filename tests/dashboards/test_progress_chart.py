"""The chart of a task's progress as an object."""

import time

from dashboards.parts.charts.progress_chart import ProgressChart
from tests.dashboards.conftest import settle


def drawn(hub, id):
    """The chart of a task, drawn."""
    settle(hub)
    chart = ProgressChart(hub, subject=id)
    chart.refresh()
    return chart


def test_the_line_of_a_running_task_reaches_to_the_present(claudia, monkeypatch):
    """Though nothing was heard of it for a while: it is flat there, and goes on by itself."""
    task = claudia.tasks.create("runs", start=True, estimated_steps=10)
    claudia.tasks.progress(task.id, 4)
    chart = drawn(claudia, task.id)
    later = time.time() + 600
    monkeypatch.setattr(time, "time", lambda: later)
    chart.refresh()
    assert chart._source.data["at"][-1] == chart._figure.x_range.end == later * 1e3
    assert chart._source.data["done"][-2:] == [4, 4]


def test_the_line_of_a_task_that_ended_ends(claudia, monkeypatch):
    """Where the task did; one that is tried again runs on."""
    task = claudia.tasks.create("ran", start=True, estimated_steps=10)
    claudia.tasks.progress(task.id, 4)
    claudia.tasks.fail(task.id, "no")
    chart = drawn(claudia, task.id)
    later = time.time() + 600
    monkeypatch.setattr(time, "time", lambda: later)
    chart.refresh()
    assert chart._source.data["at"][-1] < later * 1e3
    claudia.tasks.retry(task.id)
    claudia.tasks.start(task.id)
    claudia.tasks.progress(task.id, 1)
    chart.refresh()
    assert chart._source.data["at"][-1] == later * 1e3
