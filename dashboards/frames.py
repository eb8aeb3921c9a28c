"""Values of the core as DataFrames, figures and HoloViews specs: pure functions, without panel."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from claudia_core.boards import Minute, Picture
from claudia_core.model.task import Status
from dashboards import units
from dashboards.theme import CHART_COLOURS

if TYPE_CHECKING:
    import pandas as pd

SERIES = tuple(CHART_COLOURS)
"""What a bar of the throughput chart is stacked from, from the bottom up."""

BAR = 46_000
"""Width of a minute's bar in milliseconds."""


def throughput_frame(minutes: Iterable[Minute]) -> pd.DataFrame:
    """One row a minute, oldest first: `minute` (UTC) and counts of tasks and errors."""
    import pandas as pd  # half a second: only when a table is asked for

    frame = pd.DataFrame([asdict(minute) for minute in minutes], columns=list(Minute.__dataclass_fields__))
    frame.insert(0, "minute", pd.to_datetime(frame.pop("at"), unit="s", utc=True))
    return frame


def bars(minutes: Sequence[Minute]) -> dict[str, dict[str, list[float]]]:
    """The rectangles of the throughput chart by series.

    `left` and `right` are milliseconds of Unix time, `bottom` and `top` tasks.
    """
    found: dict[str, dict[str, list[float]]] = {}
    base = [0.0] * len(minutes)
    for series in SERIES:
        top = [low + getattr(minute, series) for low, minute in zip(base, minutes, strict=True)]
        left = [minute.at * 1e3 + (60_000 - BAR) / 2 for minute in minutes]
        found[series] = {"left": left, "bottom": base, "right": [x + BAR for x in left], "top": top}
        base = top
    return found


def throughput_spec(minutes: Sequence[Minute], height: int = 220) -> Any:
    """The throughput chart as a HoloViews overlay of one layer of rectangles per series."""
    import holoviews as hv
    import holoviews.plotting.bokeh  # draws without the hv.extension of a notebook

    layers = [
        hv.Rectangles(_columns(rectangles), kdims=["left", "bottom", "right", "top"], label=series).opts(
            color=CHART_COLOURS[series], line_alpha=0, fill_alpha=1.0
        )
        for series, rectangles in bars(minutes).items()
    ]
    return hv.Overlay(layers).opts(
        height=height,
        responsive=True,
        show_legend=False,
        xlabel="",
        ylabel="tasks per minute",
        toolbar=None,
        default_tools=[],
        show_frame=False,
        padding=0,
    )


def _columns(rectangles: dict[str, list[float]]) -> list[tuple[float, ...]]:
    return list(zip(*(rectangles[key] for key in ("left", "bottom", "right", "top")), strict=True))


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


def key_figures(picture: Picture) -> list[dict[str, Any]]:
    """The tiles of the overview."""
    minutes = picture.minutes
    failed = sum(minute.failed for minute in minutes)
    completed = sum(minute.completed for minute in minutes)
    errors = sum(minute.errors for minute in minutes)
    active, pending = picture.counts[Status.ACTIVE], picture.counts[Status.PENDING]
    pace = last_minutes(minutes, picture.as_of.timestamp())
    return [
        _tile("Running", active, f"{units.number(pending)} waiting", "./tasks?status=active", "busy" if active else ""),
        _tile("Failed", failed, "last hour", "./tasks?status=failed", "bad" if failed else "good"),
        _tile("Completed", completed, "last hour", "./tasks?status=completed", "good" if completed else ""),
        {**_tile("Throughput", pace, "last 5 minutes", "./tasks", ""), "unit": "/min"},
        _tile("Errors", errors, "last hour", "./tasks?status=failed", "bad" if errors else "good"),
    ]


def _tile(label: str, value: float, hint: str, href: str, tone: str) -> dict[str, Any]:
    return {"label": label, "value": units.number(round(value, 1)), "hint": hint, "href": href, "tone": tone}


def verdict(picture: Picture) -> tuple[str, str]:
    """Whether everything is all right: a tone (`good`, `bad` or empty) and a sentence."""
    failed = sum(minute.failed for minute in picture.minutes)
    errors = sum(minute.errors for minute in picture.minutes)
    running = units.plural(picture.counts[Status.ACTIVE], "task")
    if failed:
        return "bad", f"✖ {units.plural(failed, 'task')} failed in the last hour · {running} running"
    if errors:
        return "bad", f"✖ {units.plural(errors, 'error')} in the last hour · {running} running"
    if not any(picture.counts.values()):
        return "", "No task has been recorded yet"
    return "good", f"✔ All is well: nothing failed in the last hour · {running} running"


def twin_rows(minutes: Iterable[Minute]) -> list[dict[str, Any]]:
    """The throughput chart as a table: minutes in which something happened, newest first."""
    found = []
    for minute in reversed(tuple(minutes)):
        if ended(minute) or minute.created or minute.errors:
            row = {key: units.number(value) for key, value in asdict(minute).items() if key != "at"}
            found.append({"id": str(minute.at), "minute": datetime.fromtimestamp(minute.at, UTC).isoformat(), **row})
    return found
