"""Health as rows of cells: pure functions without panel, whose output `theme/live.js` draws as text."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from claudia_core.model.health import Health
from claudia_core.model.times import to_optional_text, to_text
from claudia_core.services.health import HealthPeriod, Standing
from dashboards import units
from dashboards.cells.tasks import Row, fact

DAYS = 90
WEEK = 7
NOTHING = "\u00a0"
ENOUGH = 0.99
"""Availability below which a day is a bad one; above, with some fails or warnings, it is a mixed one."""

WORDS: Mapping[Health | None, tuple[str, str, str]] = {
    Health.PASS: ("pass", "✔", "completed"),
    Health.WARN: ("warn", "▲", "cancelled"),
    Health.FAIL: ("fail", "✖", "failed"),
    None: ("not run yet", "…", "pending"),
}
SILENCED = ("silenced", "◌", "pending")
MISSED = ("not watched", "?", "pending")


def health_href(name: str = "") -> str:
    """The address of a check's detail, relative to any page; of the health page without a name."""
    return "./health" + (f"?{urlencode({'id': name})}" if name else "")


def state(standing: Standing, now: datetime) -> str:
    """One word: `pass`, `warn`, `fail`, `silenced`, `not watched` or `not run yet`."""
    return _words(standing, now)[0]


def _words(standing: Standing, now: datetime) -> tuple[str, str, str]:
    if standing.silenced_by:
        return SILENCED
    return MISSED if standing.is_missed(now) else WORDS[standing.status]


def status(standing: Standing, now: datetime) -> Row:
    """The cell of a check's state: mark and word."""
    word, mark, tone = _words(standing, now)
    return {"word": word, "mark": mark, "tone": tone}


def says(standing: Standing, now: datetime) -> str:
    """What there is to say about a check's state in a line."""
    if standing.silenced_by:
        return f"silent while {standing.silenced_by} fails"
    if standing.is_missed(now):
        return "no process has run it for long; it said: " + (standing.output or str(standing.status))
    return standing.output


def check_row(standing: Standing, days: Sequence[HealthPeriod], now: datetime) -> Row:
    """A check as a row of the list."""
    return {
        "id": standing.name,
        "name": {
            "text": standing.name,
            "href": health_href(standing.name),
            "key": standing.name,
            "hint": says(standing, now),
        },
        "status": status(standing, now),
        "latency": None if standing.at is None else units.quick(standing.seconds),
        "runs": run_bars(standing),
        "days": day_bars(days, now),
        "available": percent(days),
        "last": to_optional_text(standing.at),
        "failed": to_optional_text(standing.failed_at),
    }


def run_bars(standing: Standing) -> Row | None:
    """The seconds of the last runs as small bars."""
    if not standing.runs:
        return None
    seconds = [run.seconds for run in standing.runs]
    span = f"{units.quick(min(seconds))} to {units.quick(max(seconds))}"
    label = f"{span} in the last {units.plural(len(seconds), 'run')}"
    return {"counts": [round(one * 1e6) for one in seconds], "label": label, "tone": "plain"}


def day_bars(days: Sequence[HealthPeriod], now: datetime, *, titled: bool = False) -> Row | None:
    """The last 90 days as bars, the present one last; their height tells the same as their colour."""
    if not days:
        return None
    by_date = {day.start.date(): day for day in days}
    dates = [now.date() - timedelta(days=back) for back in reversed(range(DAYS))]
    row: Row = {"days": [_tone(by_date.get(one)) for one in dates], "label": _told(days)}
    if titled:
        row["titles"] = [_title(one, by_date.get(one)) for one in dates]
    return row


def _tone(day: HealthPeriod | None) -> str:
    if day is None:
        return "none"
    if not day.failed and not day.warned:
        return "good"
    return "mixed" if day.availability >= ENOUGH else "poor"


def _told(days: Sequence[HealthPeriod]) -> str:
    bad = sum(day.failed > 0 for day in days)
    fails = f"fails on {units.plural(bad, 'day')}" if bad else "no fail"
    return f"{percent(days)} of the runs of {units.plural(len(days), 'day')} did not fail; {fails}"


def _title(at: date, day: HealthPeriod | None) -> str:
    if day is None:
        return f"{at:%Y-%m-%d}: not run"
    runs = day.passed + day.warned + day.failed
    return f"{at:%Y-%m-%d}: {units.number(day.failed)} of {units.plural(runs, 'run')} failed"


def percent(days: Sequence[HealthPeriod]) -> str | None:
    """The share of runs that did not fail; rounded down, so that a fail is never lost."""
    runs = sum(day.passed + day.warned + day.failed for day in days)
    if not runs:
        return None
    share = 1 - sum(day.failed for day in days) / runs
    return f"{math.floor(share * 10_000 + 1e-6) / 100:g}%"


def verdict(standings: Sequence[Standing], now: datetime) -> tuple[str, str]:
    """How it stands in a line, with its tone: the worst first, by name."""
    by_state: dict[str, list[str]] = {}
    for one in standings:
        by_state.setdefault(state(one, now), []).append(one.name)
    parts = [
        f"{mark} {_listed(by_state[word])} {verb[len(by_state[word]) > 1]}"
        for word, mark, verb in (("fail", "✖", ("fails", "fail")), ("warn", "▲", ("warns", "warn")))
        if word in by_state
    ]
    well = len(by_state.get("pass", ()))
    parts += [f"✔ {units.plural(well, 'check')} well"] if well else []
    parts += [
        f"{len(by_state[word])} {word}" for word in ("silenced", "not watched", "not run yet") if word in by_state
    ]
    tone = "failed" if "fail" in by_state else "cancelled" if "warn" in by_state else "completed" if well else ""
    return tone, " · ".join(parts)


def _listed(names: Sequence[str], most: int = 3) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def strip_items(standings: Iterable[Standing], now: datetime) -> list[Row]:
    """Checks as chips of a strip: what is not well first."""
    order = ["fail", "warn", "not watched", "silenced", "not run yet", "pass"]
    ordered = sorted(standings, key=lambda one: order.index(state(one, now)))
    return [
        {"label": one.name, "href": health_href(one.name), "hint": says(one, now), **status(one, now)}
        for one in ordered
    ]


def check_facts(standing: Standing, all_: Sequence[Standing], days: Sequence[HealthPeriod], now: datetime) -> list[Row]:
    """What there is to know about a check."""
    below = [one.name for one in all_ if standing.name in one.after]
    week = [day for day in days if now - day.start < timedelta(days=WEEK)]
    facts = (
        fact("State", "status", status(standing, now)),
        fact("Since", "when", to_optional_text(standing.since)),
        fact("Says", "text", says(standing, now)),
        fact("Latency", "text", None if standing.at is None else units.quick(standing.seconds)),
        fact("Last runs", "spark", run_bars(standing)),
        fact("Last run", "when", to_optional_text(standing.at)),
        fact("Failed last", "when", to_optional_text(standing.failed_at)),
        fact("It said", "text", standing.failure),
        fact("7 days", "text", percent(week)),
        fact("90 days", "text", percent(days)),
        *_links("Depends on", standing.after),
        *_links("Silences", below),
        fact("Run", "text", f"every {units.span(standing.every)}" if standing.every else None),
        fact("Run by", "text", "the process that serves this page" if standing.is_here else "another process"),
    )
    return [row for row in facts if row is not None]


def _links(label: str, names: Sequence[str]) -> list[Row]:
    links = [{"text": name, "href": health_href(name), "key": name} for name in names[:20]]
    return [
        {"id": f"{label} {at}", "label": NOTHING if at else label, "value": ["link", link]}
        for at, link in enumerate(links)
    ]


def day_rows(days: Sequence[HealthPeriod]) -> list[Row]:
    """The last week, and days before that were not all well, as rows of a table, the newest first."""
    chosen = [day for day in days[:-WEEK] if day.failed or day.warned] + list(days[-WEEK:])
    return [
        {
            "id": to_text(day.start),
            "day": f"{day.start:%Y-%m-%d}",
            "available": percent([day]),
            "failed": units.number(day.failed) if day.failed else None,
            "warned": units.number(day.warned) if day.warned else None,
            "runs": units.number(day.passed + day.warned + day.failed),
            "latency": units.quick(day.mean_seconds),
        }
        for day in reversed(chosen)
    ]


def change_rows(events: Iterable[Any]) -> list[Row]:
    """Changes of a check's state as rows, from its events `health:changed`."""
    return [
        {
            "id": str(event.sequence),
            "at": to_text(event.time),
            "says": f"{event.data.get('before', '?')} → {event.data.get('status', '?')}",
            "output": event.data.get("output", ""),
        }
        for event in events
    ]
