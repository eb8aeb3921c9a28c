"""Values of the core as rows of cells: pure functions without panel, whose output `theme/live.js` draws as text.

A row is a dict with an `id` and one value per column; what each kind of cell takes is told by `KINDS` in `live.js`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

import orjson

from claudia_core.model.event import Event
from claudia_core.model.task import Status, Task
from claudia_core.model.times import from_optional_text, to_optional_text
from claudia_core.tracking.display import MARKS
from dashboards import units

type Row = dict[str, Any]
type Summary = Mapping[str, Any]

MOST_CODE = 20_000
"""Most characters of a payload, result or traceback that a page shows."""

NARROW = "\u2003"
"""Sets a row of a tree in by one level."""

MOST_ROWS = 2_000
"""Rows that are kept, so that many open pages make them once."""
RUNNING = (Status.ACTIVE.value, Status.PENDING.value)


def task_href(id: str) -> str:
    """The address of a task's detail, relative to any page."""
    return "./tasks?" + urlencode({"id": id})


def agent_href(id: str = "") -> str:
    """The address of an agent's detail, relative to any page; of the agents page without an id."""
    return "./agents" + (f"?{urlencode({'id': id})}" if id else "")


def status(word: str) -> Row:
    """The cell of a task's status: mark and word."""
    return {"word": word, "mark": MARKS[Status(word)]}


def progress(task: Summary) -> Row | None:
    """The cell of a task's progress; None where there is nothing to tell."""
    value = task["progress"]
    if not value["total"] and not value["current"]:
        return None if task["status"] != Status.ACTIVE.value else _bar(task, None, value["message"] or "running")
    whole = task["status"] == Status.COMPLETED.value and value["current"] == value["total"]
    text = units.done(value["current"], None if whole else value["total"], value["unit"])
    return _bar(task, value["percentage"], text)


def _bar(task: Summary, percent: float | None, label: str) -> Row:
    shown = 100.0 if percent is None and task["status"] not in RUNNING else percent
    return {
        "percent": None if shown is None else round(shown, 1),
        "label": label,
        "word": task["status"],
        "name": task["name"],
    }


def due(task: Summary) -> str | None:
    """When an active task will be done at its present rate."""
    if task["status"] != Status.ACTIVE.value:
        return None
    value = task["progress"]
    moment = units.due(value["eta"], from_optional_text(value["updated_at"]))
    return None if moment is None else to_optional_text(moment.replace(microsecond=0))


def lasted(task: Summary) -> Row | None:
    """From when to when a task ran."""
    if task["started_at"] is None:
        return None
    return {"from": task["started_at"], "to": task["finished_at"]}


def hint(task: Summary) -> str:
    """The line below a task's name: why it failed, or what it says about itself."""
    error = task["error"]
    if error is not None:
        return f"{error['type']}: {error['message']}"[:200]
    return str(task["progress"]["message"])[:200]


class _Same:
    """A summary as a key, by identity."""

    __slots__ = ("task",)

    def __init__(self, task: Summary) -> None:
        self.task = task

    def __hash__(self) -> int:
        return id(self.task)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.task is self.task


def task_row(task: Summary) -> Row:
    """A task as a row of the task table, from its summary; both are read-only, and shared by all who look at it."""
    return _kept_row(_Same(task))


@lru_cache(MOST_ROWS)
def _kept_row(same: _Same) -> Row:
    return _task_row(same.task)


def _task_row(task: Summary) -> Row:
    moving = task["status"] == Status.ACTIVE.value
    value = task["progress"]
    return {
        "id": task["id"],
        "name": {"text": task["name"], "href": task_href(task["id"]), "key": task["id"], "hint": hint(task)},
        "status": status(task["status"]),
        "progress": progress(task),
        "rate": units.rate(value["rate"], value["unit"]) if moving else None,
        "eta": due(task),
        "duration": lasted(task),
        "started": task["started_at"] or task["created_at"],
        "ended": task["finished_at"],
        "changed": task["updated_at"],
        "type": task["type"],
        "tags": list(task["tags"])[:5],
    }


def task_rows(tasks: Iterable[Summary]) -> list[Row]:
    """Tasks as rows of the task table."""
    return [task_row(task) for task in tasks]


def tree_rows(tasks: Iterable[Task], root: str) -> list[Row]:
    """Tasks below a task as rows of the task table, each below its parent and set in by its depth."""
    below: dict[str, list[Task]] = {}
    for task in tasks:
        below.setdefault(task.parent_id or "", []).append(task)
    rows: list[Row] = []
    waiting = [(task, 0) for task in reversed(below.get(root, []))]
    while waiting:
        task, depth = waiting.pop()
        row = task_row(task.to_summary())
        if depth:
            row["name"] = {**row["name"], "text": f"{NARROW * (depth - 1)}└ {task.name}"}
        rows.append(row)
        waiting += [(child, depth + 1) for child in reversed(below.get(task.id, []))]
    return rows


def error_row(error: Summary, at: int = 0) -> Row:
    """A reported error as a row; it leads to the task it happened in."""
    task_id = error["task_id"]
    return {
        "id": error.get("id") or f"{error['time']}/{at}",
        "what": {
            "text": error["message"] or error["type"],
            "href": task_href(task_id) if task_id else None,
            "key": task_id,
            "hint": error["type"] + (f" in {error['issue']['culprit']}" if error.get("issue") else ""),
        },
        "at": error["time"],
    }


VERBS = {
    "created": "was made",
    "started": "started",
    "progress": "moved on",
    "updated": "was changed",
    "completed": "completed",
    "failed": "failed",
    "cancelled": "was cancelled",
    "reported": "error reported",
    "opened": "is a new issue",
    "regressed": "is back after it was resolved",
    "resolved": "was resolved",
    "ignored": "is ignored",
    "reopened": "was reopened",
    "commented": "was commented on",
}


def event_row(event: Event) -> Row:
    """An event of the log as a row."""
    return {
        "id": str(event.sequence),
        "sequence": units.number(event.sequence) if event.sequence < 10_000 else str(event.sequence),
        "event": event.type,
        "says": event_text(event),
        "at": to_optional_text(event.time),
    }


def event_text(event: Event) -> str:
    """What happened, in words."""
    data = event.data
    if event.type == "error:reported":
        return f"{data.get('type', 'Error')}: {data.get('message', '')}"[:300]
    if event.type == "task:failed" and data.get("error"):
        return f"{data['error']['type']}: {data['error']['message']}"[:300]
    word = event.type.partition(":")[2]
    verb = VERBS.get(word, word)
    about = data.get("name") or data.get("message") or data.get("title") or ""
    attempt = f" (attempt {data['attempt']})" if data.get("attempt", 1) != 1 else ""
    return f"{about} {verb}{attempt}".strip()[:300]


def fact(label: str, kind: str, value: Any) -> Row | None:
    """A line of the facts about something; None where there is nothing to say."""
    if value is None or value == "" or value == []:
        return None
    return {"id": label, "label": label, "value": [kind, value]}


def agent_fact(id: str | None, name: str | None) -> Row | None:
    """Who did it, with the way to the agent; where its name is not known any more, it is forgotten."""
    if id is None or name is None:
        return fact("Agent", "text", id)
    return fact("Agent", "link", {"text": name, "href": agent_href(id), "key": None})


def task_facts(task: Task, parent: Task | None, agent: str | None, before: Task | None = None) -> list[Row]:
    """What there is to know about a task apart from its content; `before` is the one it is a rerun of.

    `agent` is the name of its agent, where that is known.
    """
    summary = task.to_summary()
    value = task.progress
    up = None if parent is None else {"text": parent.name, "href": task_href(parent.id), "key": parent.id}
    again = None if before is None else {"text": before.name, "href": task_href(before.id), "key": before.id}
    facts = (
        fact("Progress", "progress", progress(summary)),
        fact("Says", "text", value.message),
        fact("Rate", "text", units.rate(value.rate, value.unit) if task.status is Status.ACTIVE else None),
        fact("To go", "left", due(summary)),
        fact("Duration", "span", lasted(summary)),
        fact("Made", "when", summary["created_at"]),
        fact("Started", "when", summary["started_at"]),
        fact("Ended", "when", summary["finished_at"]),
        fact("Deadline", "when", summary["deadline"]),
        fact("Type", "text", task.type),
        fact("Part of", "link", up),
        fact("Rerun of", "link", again),
        agent_fact(task.agent_id, agent),
        fact("Attempt", "text", f"{task.attempt} of {task.attempts}" if task.attempts > 1 else None),
        fact("Tags", "tags", list(task.tags)),
        fact("Labels", "tags", [f"{key}: {text}" for key, text in sorted(task.labels.items())]),
        fact("Id", "id", task.id),
    )
    return [row for row in facts if row is not None]


def json_text(value: Any) -> str:
    """JSON as indented text, shortened where it is very long."""
    return shorten(orjson.dumps(value, option=orjson.OPT_INDENT_2, default=str).decode())


def shorten(text: str) -> str:
    """The text, with its middle left out where it is very long."""
    if len(text) <= MOST_CODE:
        return text
    half = MOST_CODE // 2
    return f"{text[:half]}\n… {len(text) - MOST_CODE:,} characters left out …\n{text[-half:]}"


def content_rows(task: Task) -> list[Row]:
    """The traceback, result and payload of a task, as far as it has them, as blocks of code."""
    error = task.error
    blocks = (
        ("Error", None if error is None else shorten(error.traceback or f"{error.type}: {error.message}")),
        ("Result", None if task.result is None else json_text(task.result)),
        ("Payload", None if task.payload is None else json_text(task.payload)),
    )
    return [{"id": label, "label": label, "value": text} for label, text in blocks if text is not None]
