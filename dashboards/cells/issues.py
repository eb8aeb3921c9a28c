"""Issues and occurrences as rows of cells: pure functions without panel, whose output `theme/live.js` draws as text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from claudia_core.model.issue import Comment, Issue, IssueStatus, Occurrence
from claudia_core.model.times import to_optional_text, to_text
from claudia_core.services.errors.counts import Recent
from dashboards import units
from dashboards.cells.tasks import Row, fact, json_text, shorten, task_href

MARKS = {IssueStatus.UNRESOLVED: "✖", IssueStatus.RESOLVED: "✔", IssueStatus.IGNORED: "⊘"}
TONES = {IssueStatus.UNRESOLVED: "failed", IssueStatus.RESOLVED: "completed", IssueStatus.IGNORED: "cancelled"}
TRENDS = {"new": "★ new", "rising": "▲ rising", "falling": "▼ falling", "steady": "▬ steady", "quiet": "quiet"}
WHY = {
    "fingerprint": "the program gave them one fingerprint",
    "stack": "the same type, raised through the same functions",
    "message": "the same type, and messages that differ only in numbers and names",
}
LINKS = {"raised": "", "cause": "Caused by ", "context": "While handling ", "group": "In the group: "}
MOST_FRAMES = 12
"""Frames that are shown with their source; all others are in the traceback."""


def issue_href(id: str, error: str = "") -> str:
    """The address of an issue's detail, relative to any page."""
    return "./errors?" + urlencode({"id": id, **({"error": error} if error else {})})


def issue_row(issue: Issue, recent: Recent | None) -> Row:
    """An issue as a row of the list."""
    hours = list(recent.hours) if recent else []
    return {
        "id": issue.id,
        "name": {
            "text": issue.title,
            "href": issue_href(issue.id),
            "key": issue.id,
            "hint": f"{issue.type}{f' in {issue.culprit}' if issue.culprit else ''}",
        },
        "status": status(issue),
        "day": {"counts": hours, "label": f"{units.number(sum(hours))} in 24 hours"} if hours else None,
        "trend": TRENDS.get(recent.trend, "") if recent else "",
        "count": units.number(issue.count),
        "tasks": units.number(issue.tasks) if issue.tasks else None,
        "agents": units.number(issue.agents) if issue.agents else None,
        "last": to_text(issue.last_seen),
        "first": to_text(issue.first_seen),
        "tone": "regressed" if issue.regressed_at else "",
    }


def issue_rows(issues: Iterable[Issue], recent: Mapping[str, Recent]) -> list[Row]:
    """Issues as rows of the list."""
    return [issue_row(issue, recent.get(issue.id)) for issue in issues]


def status(issue: Issue) -> Row:
    """The cell of an issue's status: mark and word, in the colour of a task's."""
    word = "regressed" if issue.regressed_at else issue.status.value
    mark = "↩" if issue.regressed_at else MARKS[issue.status]
    return {"word": word, "mark": mark, "tone": TONES[issue.status]}


def why(issue: Issue) -> str:
    """Why the errors of an issue are together, in words."""
    mechanism = str(issue.grouping.get("mechanism", ""))
    parts = issue.grouping.get("parts", [])
    listed = " → ".join(str(part) for part in parts) if isinstance(parts, list) else ""
    return f"{WHY.get(mechanism, mechanism)}: {listed} (version {issue.grouping.get('version', 1)})"


def ignored(issue: Issue) -> str | None:
    """For how long an issue is ignored, in words; None where it is not."""
    if issue.status is not IssueStatus.IGNORED:
        return None
    if issue.ignored_until is not None:
        return f"until {issue.ignored_until:%Y-%m-%d %H:%M} UTC"
    if issue.ignored_count is not None:
        return f"until it happened {units.number(issue.ignored_count)} times"
    return "for ever"


def issue_facts(issue: Issue, recent: Recent | None) -> list[Row]:
    """What there is to know about an issue."""
    row = issue_row(issue, recent)
    facts = (
        fact("Status", "status", row["status"]),
        fact("Ignored", "text", ignored(issue)),
        fact("Regressed", "when", to_optional_text(issue.regressed_at)),
        fact("Resolved", "when", to_optional_text(issue.resolved_at)),
        fact("Times", "text", f"{units.number(issue.count)}, {units.number(issue.kept)} kept"),
        fact("Last day", "spark", row["day"]),
        fact("Trend", "text", row["trend"]),
        fact("Last seen", "when", to_text(issue.last_seen)),
        fact("First seen", "when", to_text(issue.first_seen)),
        fact("Where", "text", issue.culprit),
        fact("Level", "text", issue.level),
        fact("Tasks", "text", units.number(issue.tasks) if issue.tasks else None),
        fact("Agents", "text", units.number(issue.agents) if issue.agents else None),
        fact("Services", "tags", list(issue.services)),
        fact("Places", "tags", list(issue.environments)),
        fact("Releases", "tags", list(issue.releases)),
        fact("Why together", "text", why(issue)),
        fact("Came back", "text", units.plural(issue.regressions, "time") if issue.regressions else None),
        fact("Id", "id", issue.id),
    )
    return [row for row in facts if row is not None]


def occurrence_facts(error: Occurrence, task: str | None) -> list[Row]:
    """What there is to know about one error beside its traceback; `task` is the name of its task."""
    link = {"text": task or error.task_id, "href": task_href(error.task_id), "key": None} if error.task_id else None
    user = ", ".join(f"{key}: {value}" for key, value in error.user.items())
    facts = (
        fact("Happened", "when", to_text(error.time)),
        fact("Says", "text", error.message),
        fact("Task", "link", link),
        fact("Agent", "text", error.agent_id),
        fact("Met as", "text", f"{error.kind}, {'handled' if error.handled else 'not handled'}"),
        fact("Level", "text", error.level),
        fact("Service", "text", error.service),
        fact("Release", "text", error.release),
        fact("Place", "text", " on ".join(word for word in (error.environment, error.host) if word)),
        fact("User", "text", user),
        fact("Tags", "tags", [f"{key}: {value}" for key, value in sorted(error.tags.items())]),
        fact("Id", "id", error.id),
    )
    return [row for row in facts if row is not None]


def occurrence_row(error: Occurrence, chosen: str) -> Row:
    """An occurrence as a row."""
    where = ", ".join(word for word in (error.service, error.release, error.environment, error.host) if word)
    return {
        "id": error.id,
        "name": {
            "text": error.message or error.type,
            "href": issue_href(error.issue_id, error.id),
            "key": error.id,
            "hint": where,
        },
        "at": to_text(error.time),
        "tone": "chosen" if error.id == chosen else "",
    }


def content_rows(error: Occurrence) -> list[Row]:
    """Frames with their source, the innermost first, then traceback, request and context, as blocks of code."""
    blocks = [*_frames(error.exceptions)]
    if error.traceback:
        blocks.append(("Traceback", shorten(error.traceback)))
    for label, value in (("Request", error.request), ("Context", error.context)):
        if value:
            blocks.append((label, json_text(value)))
    return [{"id": f"{at}", "label": label, "value": text} for at, (label, text) in enumerate(blocks)]


def _frames(exceptions: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for one in exceptions:
        notes = "".join(f"\n{note}" for note in one["notes"])
        head = f"{LINKS.get(one['relation'], '')}{one['type']}: {one['message']}"
        frames = [frame for frame in one["frames"] if frame["in_app"]] or one["frames"][-1:]
        if one["relation"] != "raised" or notes:
            found.append((head[:300], f"{one['type']}: {one['message']}{notes}"))
        for frame in reversed(frames[-MOST_FRAMES:]):
            if len(found) >= 2 * MOST_FRAMES:
                return found
            found.append((f"{frame['module']}.{frame['function']}", _source(frame)))
    return found


def _source(frame: Mapping[str, Any]) -> str:
    """A frame's lines with their numbers, the one that was run marked, and its variables."""
    start = frame["line"] - len(frame["before"])
    lines = [f"  {start + at:>5}  {text}" for at, text in enumerate(frame["before"])]
    lines.append(f"> {frame['line']:>5}  {frame['code']}")
    lines += [f"  {frame['line'] + 1 + at:>5}  {text}" for at, text in enumerate(frame["after"])]
    variables = [f"  {name} = {value}" for name, value in frame["locals"].items()]
    return "\n".join([f"{frame['file']}:{frame['line']}", *lines, *(["", *variables] if variables else [])])


def crumb_rows(error: Occurrence) -> list[Row]:
    """Breadcrumbs, the newest first."""
    return [
        {
            "id": str(at),
            "at": crumb["time"] or None,
            "level": crumb["level"],
            "category": crumb["category"],
            "says": crumb["message"],
        }
        for at, crumb in reversed([*enumerate(error.breadcrumbs)])
    ]


def issue_links(issues: Iterable[Issue]) -> list[Row]:
    """Issues of a task as facts about it."""
    links = [{"text": issue.title, "href": issue_href(issue.id), "key": None, "hint": issue.type} for issue in issues]
    rows = [fact("Issue" if at == 0 else f"Issue {at + 1}", "link", link) for at, link in enumerate(links)]
    return [row for row in rows if row is not None]


def comment_rows(comments: Iterable[Comment]) -> list[Row]:
    """Comments, oldest first."""
    return [
        {"id": one.id, "at": to_text(one.time), "author": one.author or "somebody", "says": one.text}
        for one in comments
    ]


def task_link_rows(tasks: Iterable[Mapping[str, Any]]) -> list[Row]:
    """Tasks that an issue affected, as links with their status."""
    from dashboards.cells.tasks import status as task_status

    return [
        {
            "id": task["id"],
            "name": {"text": task["name"], "href": task_href(task["id"]), "key": None, "hint": task["type"]},
            "status": task_status(task["status"]),
            "at": task["updated_at"],
        }
        for task in tasks
    ]
