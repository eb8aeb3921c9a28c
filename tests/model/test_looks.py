"""How tasks look in a notebook's cell."""

import pytest

from claudia_core.model import Progress, Status, TaskError
from claudia_core.model.looks import MARKS, MOST_LISTED, bar_html, pace, tasks_html
from claudia_core.testing.builders import a_task
from claudia_core.testing.clock import START

XSS = "<img src=x onerror=window.pwned=1>"


@pytest.mark.parametrize("status", Status)
def test_a_status_is_told_by_shape_and_word(status):
    """Never by colour alone."""
    shown = a_task(status=status, name="clean rows")._repr_html_()
    assert MARKS[status] in shown
    assert f"· {status.value}" in shown
    assert 'aria-label="clean rows"' in shown


def test_what_users_wrote_is_escaped():
    """Name, unit, message and error are text, in a single task and in a list."""
    task = a_task(
        name=XSS, status=Status.FAILED, progress=Progress(1, message=XSS, unit=XSS), error=TaskError(XSS, XSS)
    )
    for shown in (task._repr_html_(), tasks_html([task])):
        assert XSS not in shown
        assert shown.count("&lt;img") == 6


def test_a_running_task_tells_rate_and_time_to_go():
    """With units; a task that ended tells how long it took instead."""
    progress = Progress(30, 100, unit="rows", rate=2.5, eta=28.0)
    running = a_task(status=Status.ACTIVE, progress=progress)._repr_html_()
    assert "30/100 rows (30%) · active · 2.5 rows/s · 28 s to go" in running
    ended = a_task(status=Status.CANCELLED, progress=progress, started_at=START, finished_at=START)._repr_html_()
    assert "30/100 rows (30%) · cancelled · 0.0 s" in ended
    assert "to go" not in ended
    assert pace(Progress(rate=12_345.6)) == ("12,346 items/s", "")


def test_a_bar_of_unknown_length():
    """Has no value while it runs, so that browsers draw it as busy, and is full at the end."""
    assert "value=" not in bar_html("x", Status.ACTIVE, Progress(3))
    assert 'value="100.0"' in bar_html("x", Status.COMPLETED, Progress(3))


def test_lists():
    """An empty one says so; a long one says how much more there is."""
    assert tasks_html([]) == "<div>no task</div>"
    many = [a_task(name=f"task {number}") for number in range(MOST_LISTED + 7)]
    assert "… and 7 more" in tasks_html(many)


def test_a_page_of_tasks_as_the_value_of_a_cell(claudia):
    """`claudia.tasks.list()` is readable as it is, and tells that it goes on."""
    for name in ("a", "b", "c"):
        claudia.tasks.create(name)
    shown = claudia.tasks.list(limit=2)._repr_html_()
    assert "<b>c</b>" in shown
    assert "<b>a</b>" not in shown
    assert "and more" in shown
