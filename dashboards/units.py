"""Numbers as people read them: short, and never without their unit."""

from __future__ import annotations

from datetime import datetime, timedelta

from claudia_core.model.progress import whole_percent

STEPS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
LARGE = ((1e9, "G"), (1e6, "M"), (1e4, "k"))


def number(value: float) -> str:
    """A count or measure in at most five characters or so: `7`, `0.25`, `9,870`, `12.3k`, `4.56M`."""
    for size, letter in LARGE:
        if abs(value) >= size:
            return f"{value / (1e3 if letter == 'k' else size):.3g}{letter}" if abs(value) < 1e12 else f"{value:.2e}"
    if float(value).is_integer():
        return f"{int(value):,}"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def rate(value: float | None, unit: str) -> str | None:
    """Units per second, or per minute or hour where that is the readable number; None where unknown or at rest."""
    if value is None or value <= 0:
        return None
    for factor, per in ((1, "s"), (60, "min"), (3_600, "h")):
        if value * factor >= 1 or per == "h":
            return f"{number(value * factor)} {unit}/{per}"
    return None


def span(seconds: float | None) -> str | None:
    """A duration: `0.4 s`, `42 s`, `3 min 20 s`, `2 h 5 min`, `4 d 1 h`."""
    if seconds is None:
        return None
    if seconds < 10:
        return f"{max(0.0, seconds):.1f} s"
    for place, (size, unit) in enumerate(STEPS):
        if seconds >= size:
            whole = int(seconds // size)
            small, name = STEPS[place + 1] if unit != "s" else (1, "s")
            rest = int((seconds - whole * size) // small)
            return f"{whole} {unit} {rest} {name}" if rest and unit != "s" else f"{whole} {unit}"
    return None


def quick(seconds: float) -> str:
    """How long a call took: `7.4 µs`, `0.42 ms`, `12 ms`, `340 ms`, `1.2 s`."""
    if seconds >= 0.9995:
        return span(seconds) or ""
    if 0 < seconds < 0.0000995:
        return f"{seconds * 1e6:.2g} µs"
    return f"{seconds * 1e3:.0f} ms" if seconds >= 0.00995 else f"{max(0.0, seconds) * 1e3:.2g} ms"


def done(current: float, total: float | None, unit: str) -> str:
    """How far something has come: `3 of 10 items · 30%` or `3 items`; `100%` of nothing to count."""
    if total is None:
        return f"{number(current)} {unit}"
    if total <= 0:
        return "100%"
    percent = min(100.0, 100.0 * current / total)
    return f"{number(current)} of {number(total)} {unit} · {whole_percent(percent)}%"


def plural(count: int, noun: str) -> str:
    """`no task`, `1 task`, `2 tasks`."""
    return f"no {noun}" if count == 0 else f"{number(count)} {noun}{'' if count == 1 else 's'}"


def due(seconds: float | None, since: datetime | None) -> datetime | None:
    """The moment that is `seconds` after `since`; None where either is unknown or it is beyond a year."""
    if seconds is None or since is None or seconds > 31_536_000:
        return None
    return since + timedelta(seconds=seconds)
