"""How a task looks in a notebook's cell: HTML that needs no script and no style sheet; all of its text is escaped."""

from __future__ import annotations

import html
from collections.abc import Iterable

from claudia_core.model.progress import Progress
from claudia_core.model.task import Status, Task
from claudia_core.model.times import duration_text

MARKS = {
    Status.PENDING: "○",
    Status.ACTIVE: "▶",
    Status.COMPLETED: "✔",
    Status.FAILED: "✖",
    Status.CANCELLED: "■",
}
"""Shape of each status, so that colour is never needed to tell them apart."""

COLOURS = {
    Status.PENDING: "#6b7280",
    Status.ACTIVE: "#2563eb",
    Status.COMPLETED: "#15803d",
    Status.FAILED: "#b91c1c",
    Status.CANCELLED: "#a16207",
}

MOST_LISTED = 50
"""Most tasks of a list that are shown one by one."""


def bar_html(name: str, status: Status, progress: Progress, *, facts: Iterable[str] = (), depth: int = 0) -> str:
    """A line with mark, name, bar and words; `facts` follow the status, and empty ones are left out."""
    colour = COLOURS[status]
    percentage = 100.0 if progress.percentage is None and status.is_terminal else progress.percentage
    value = "" if percentage is None else f' value="{percentage:.1f}"'
    label = html.escape(name)
    words = " · ".join(html.escape(text) for text in (str(progress), status.value, *facts) if text)
    return (
        f'<div class="claudia-run" style="margin-left:{depth * 1.2}em;font:13px system-ui,sans-serif">'
        f'<span style="color:{colour}" aria-hidden="true">{MARKS[status]}</span> <b>{label}</b> '
        f'<progress max="100"{value} style="width:12em;accent-color:{colour}" aria-label="{label}"></progress> '
        f"<span>{words}</span></div>"
    )


def pace(progress: Progress) -> tuple[str, str]:
    """Rate and time to go, such as `12 rows/s` and `3 min 05 s to go`; empty where unknown."""
    speed = progress.rate or 0.0
    number = f"{speed:,.3g}" if speed < 1_000 else f"{speed:,.0f}"
    rate = f"{number} {progress.unit}/s" if speed else ""
    return rate, "" if progress.eta is None else f"{duration_text(progress.eta)} to go"


def task_html(task: Task) -> str:
    """A task as a line, with its error where it failed."""
    facts = pace(task.progress) if task.status is Status.ACTIVE else (duration_text(task.duration),)
    line = bar_html(task.name, task.status, task.progress, facts=(*facts, task.progress.message))
    if task.error is None:
        return line
    error = html.escape(f"{task.error.type}: {task.error.message}")
    return f'{line}<pre style="margin:2px 0 6px 1.6em;white-space:pre-wrap">{error}</pre>'


def tasks_html(tasks: list[Task]) -> str:
    """Tasks line by line; of many, the first ones and how many more there are."""
    if not tasks:
        return "<div>no task</div>"
    more = len(tasks) - MOST_LISTED
    rest = f"<div>… and {more:,} more</div>" if more > 0 else ""
    return "".join(map(task_html, tasks[:MOST_LISTED])) + rest
