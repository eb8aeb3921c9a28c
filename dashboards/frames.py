"""Values of the core as DataFrames, figures and HoloViews specs: pure functions, without panel."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from claudia_core.boards import Minute, Picture
from claudia_core.failures import Alike
from claudia_core.model.task import Status
from claudia_core.services.trends import Pace, Took, Trends
from dashboards import units
from dashboards.cells.issues import issue_href
from dashboards.cells.tasks import task_row

if TYPE_CHECKING:
    import pandas as pd

NOTHING = "\u2013"
ERRORS_HREF = "./events?type=error%3A%2A+issue%3A%2A"
COUNTED = ("Completed", "Failed", "Cancelled", "Errors")
MOST_EXACT = 10
"""Numbers below this moved by so many, not by a percentage: 2 to 4 is no news of 100%."""


def throughput_frame(minutes: Iterable[Minute]) -> pd.DataFrame:
    """One row a minute, oldest first: `minute` (UTC) and counts of tasks and errors."""
    import pandas as pd  # half a second: only when a table is asked for

    frame = pd.DataFrame([asdict(minute) for minute in minutes], columns=list(Minute.__dataclass_fields__))
    frame.insert(0, "minute", pd.to_datetime(frame.pop("at"), unit="s", utc=True))
    return frame


def minute_points(minutes: Iterable[Minute]) -> list[list[float | None]]:
    """The throughput chart: for each minute its begin (Unix seconds), then tasks by status, made ones, and errors."""
    return [[one.at, one.completed, one.failed, one.cancelled, one.created, one.errors] for one in minutes]


def ended(minute: Minute) -> int:
    """Tasks that ended within a minute."""
    return minute.completed + minute.failed + minute.cancelled


def tops(minutes: Iterable[Minute]) -> int:
    """The highest bar of the throughput chart."""
    return max((ended(minute) for minute in minutes), default=0)


def last_minutes(minutes: Sequence[Minute], now: float, most: int = 5) -> float:
    """Tasks that ended per minute, over the last five whole minutes and the present one."""
    recent = minutes[-most - 1 :]
    seconds = max(60.0, now - recent[0].at) if recent else 60.0
    return 60.0 * sum(map(ended, recent)) / seconds


def key_figures(picture: Picture, trends: Trends) -> list[dict[str, Any]]:
    """The tiles of the overview: the last hour, beside the same hour of yesterday where there was one."""
    minutes, before = picture.minutes, None if trends.day_before.is_empty else trends.hour_yesterday
    failed = sum(minute.failed for minute in minutes)
    completed = sum(minute.completed for minute in minutes)
    errors = sum(minute.errors for minute in minutes)
    active, pending = picture.counts[Status.ACTIVE], picture.counts[Status.PENDING]
    pace = last_minutes(minutes, picture.as_of.timestamp())
    waiting = f"{units.number(pending)} waiting" if pending else "none waiting"
    return [
        _tile("Running", active, waiting, "./tasks?status=active", "busy" if active else ""),
        _tile("Failed", failed, _was(before, "failed"), "./tasks?status=failed", "bad" if failed else "good"),
        _tile("Errors", errors, _was(before, "errors"), "./errors", "bad" if errors else "good"),
        _tile("Completed", completed, _was(before, "completed"), "./tasks?status=completed", ""),
        {**_tile("Throughput", pace, "last 5 minutes", "./tasks?view=timeline", ""), "unit": "/min"},
        _took_tile(trends.hour.typical, before.typical if before else None),
    ]


def _tile(label: str, value: float, hint: str, href: str, tone: str) -> dict[str, Any]:
    return {
        "label": label,
        "value": units.number(round(value, 1 if value < 10 else 0)),
        "hint": hint,
        "href": href,
        "tone": tone,
    }


def _took_tile(seconds: float | None, before: float | None) -> dict[str, Any]:
    """How long a task typically takes: half of those that completed took at most so long."""
    value, _, unit = lasting(seconds).partition(" ")
    hint = "median, last hour" if before is None else f"yesterday {lasting(before)}"
    return {"label": "Typical task", "value": value, "unit": unit, "hint": hint, "href": "./tasks?status=completed",
            "tone": ""}  # fmt: skip


def _was(before: Pace | None, field: str) -> str:
    return "last hour" if before is None else f"last hour, yesterday {units.number(getattr(before, field))}"


def lasting(seconds: float | None) -> str:
    """A measured duration in two or three digits: `420 ms`, `3.2 s`, `42 s`, `3.5 min`, `2.1 h`; a dash for none."""
    if seconds is None:
        return NOTHING
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")):
        if seconds >= size * 0.995:
            return f"{seconds / size:.2g} {unit}" if seconds < 99.5 * size else f"{seconds / size:,.0f} {unit}"
    return f"{max(1.0, seconds * 1e3):.3g} ms" if seconds < 0.0995 else f"{seconds * 1e3:.0f} ms"


def change(now: float, before: float) -> str:
    """How a number moved: `as before`, `▲ 12%`, `▼ 3`; by a percentage where both are large enough to have one."""
    if now == before:
        return "as before"
    arrow = "▲" if now > before else "▼"
    if min(now, before) < MOST_EXACT:
        return f"{arrow} {units.number(round(abs(now - before), 1))}"
    return f"{arrow} {abs(now - before) / before:.0%}" if now < 3 * before else f"{arrow} {now / before:.0f} times"


def _moved(now: float | None, before: float | None) -> str | None:
    """How a duration moved, in percent."""
    if now is None or before is None or not before:
        return None
    if abs(now - before) < 0.05 * before:
        return "as before"
    return f"{'▲' if now > before else '▼'} " + (
        f"{abs(now - before) / before:.0%}" if now < 3 * before else f"{now / before:.0f} times"
    )


def trend_rows(trends: Trends) -> list[dict[str, Any]]:
    """The last hour beside the same hour of yesterday, and the last 24 hours beside those before; both per hour."""
    rows = []
    for label in COUNTED:
        hour, was = (getattr(pace, label.lower()) for pace in (trends.hour, trends.hour_yesterday))
        day, day_was = (getattr(pace, label.lower()) / 24 for pace in (trends.day, trends.day_before))
        moved = (change(hour, was), change(day, day_was))
        rows.append(_trend(label, [units.number(round(n, 1)) for n in (hour, was, day, day_was)], moved))
    for label, field in (("Typical duration", "typical"), ("19 in 20 within", "slow")):
        took = [getattr(pace, field) for pace in (trends.hour, trends.hour_yesterday, trends.day, trends.day_before)]
        rows.append(_trend(label, [lasting(n) for n in took], (_moved(*took[:2]), _moved(*took[2:]))))
    return rows


def _trend(label: str, texts: Sequence[str], moved: tuple[str | None, str | None]) -> dict[str, Any]:
    keys = ("hour", "yesterday", "day", "before")
    return {"id": label, "what": label, **dict(zip(keys, texts, strict=True)), "moved": moved[0], "turned": moved[1]}


def took_points(took: Iterable[Took]) -> list[list[float | None]]:
    """The duration chart: for each stretch its begin (Unix seconds), two durations in seconds, how many completed."""
    return [[one.at, one.typical, one.slow, one.completed] for one in took]


def took_rows(took: Iterable[Took]) -> list[dict[str, Any]]:
    """The duration chart as a table: stretches in which a task completed, newest first."""
    return [
        {"id": str(one.at), "from": datetime.fromtimestamp(one.at, UTC).isoformat(), "typical": lasting(one.typical),
         "slow": lasting(one.slow), "completed": units.number(one.completed)}
        for one in reversed(tuple(took)) if one.completed
    ]  # fmt: skip


def verdict(picture: Picture, untaken: Sequence[str] = ()) -> tuple[str, str]:
    """Whether everything is all right: a tone (`good`, `bad` or empty) and a sentence.

    `untaken` says why nobody takes what waits, a type each.
    """
    failed = sum(minute.failed for minute in picture.minutes)
    errors = sum(minute.errors for minute in picture.minutes)
    running = f"{units.plural(picture.counts[Status.ACTIVE], 'task')} running"
    wrong = [f"{units.plural(failed, 'task')} failed in the last hour"] if failed else []
    wrong += [f"{units.plural(errors, 'error')} in the last hour"] if errors and not failed else []
    wrong += [untaken[0] + (f" and {len(untaken) - 1} more" if len(untaken) > 1 else "")] if untaken else []
    if wrong:
        return "bad", f"✖ {' · '.join((*wrong, running))}"
    if not any(picture.counts.values()):
        return "", "No task has been recorded yet"
    return "good", f"✔ All is well: nothing failed in the last hour · {running}"


def failed_rows(picture: Picture, most: int) -> list[dict[str, Any]]:
    """What failed within the last hour, newest first: the newest of those that failed alike, and a link to all."""
    return [{**task_row(one.newest), "count": _times(one)} for one in picture.failed[:most]]


def _times(one: Alike) -> dict[str, Any]:
    name = str(one.newest["name"])
    query = urlencode({"status": "failed", "since": "1h", "name": name})
    count = f"{one.count:,}{'' if one.is_all else '+'}"
    return {"text": count, "href": f"./tasks?{query}"}


def issue_rows(errors: Iterable[Mapping[str, Any]], most: int) -> list[dict[str, Any]]:
    """The newest errors, one row for each issue, with where they were raised and how often."""
    newest: dict[str, Mapping[str, Any]] = {}
    for error in errors:
        newest.setdefault(str(error.get("issue_id")), error)
    return [_issue_row(id, error) for id, error in list(newest.items())[:most]]


def _issue_row(id: str, error: Mapping[str, Any]) -> dict[str, Any]:
    issue = error.get("issue") or {}
    return {
        "id": id,
        "what": {
            "text": error["message"] or error["type"],
            "href": issue_href(id),
            "key": id,
            "hint": f"{error['type']} in {issue['culprit']}" if issue.get("culprit") else error["type"],
        },
        "count": units.number(issue.get("count", 1)),
        "at": error["time"],
    }


def twin_rows(minutes: Iterable[Minute]) -> list[dict[str, Any]]:
    """The throughput chart as a table: minutes in which something happened, newest first."""
    found = []
    for minute in reversed(tuple(minutes)):
        if ended(minute) or minute.created or minute.errors:
            row = {key: units.number(value) for key, value in asdict(minute).items() if key != "at"}
            found.append({"id": str(minute.at), "minute": datetime.fromtimestamp(minute.at, UTC).isoformat(), **row})
    return found
