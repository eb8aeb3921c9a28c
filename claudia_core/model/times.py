"""Times: always timezone-aware UTC, as text always of one width, so that texts sort as times do."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from functools import lru_cache

from claudia_core.errors import InvalidValue


def utc_now() -> datetime:
    """The present moment, in UTC."""
    return datetime.now(UTC)


def to_text(moment: datetime) -> str:
    """RFC 3339 text of 32 characters with microseconds, such as `2026-11-23T01:26:48.000000+00:00`."""
    return _utc_text(moment) if moment.tzinfo is UTC else moment.isoformat(timespec="microseconds")


@lru_cache(maxsize=1_024)
def _utc_text(moment: datetime) -> str:
    """Remembered, because all that one commit changes has its time. Only of UTC: other zones' equal moments differ."""
    return moment.isoformat(timespec="microseconds")


def to_optional_text(moment: datetime | None) -> str | None:
    """`to_text`, with None for None."""
    return None if moment is None else to_text(moment)


def from_text(text: str) -> datetime:
    """The moment that `to_text` wrote."""
    return datetime.fromisoformat(text)


def from_optional_text(text: str | None) -> datetime | None:
    """`from_text`, with None for None and for the empty text."""
    return datetime.fromisoformat(text) if text else None


def require_utc(moment: datetime, field: str) -> datetime:
    """`moment` in UTC; a naive datetime is refused, because its meaning would be a guess.

    Raises:
        InvalidValue: `moment` is not a datetime, or has no timezone.
    """
    if not isinstance(moment, datetime):
        raise InvalidValue(f"{field} is {type(moment).__name__}, not a datetime: {moment!r:.80}", field=field)
    if moment.tzinfo is None:
        raise InvalidValue(
            f"{field} is a datetime without a timezone: {moment.isoformat()}",
            field=field,
            hint="use datetime.now(timezone.utc) or add tzinfo",
        )
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise InvalidValue(f"{field} is outside the years 1 to 9999 in UTC", field=field) from None


def duration_text(seconds: float | None) -> str:
    """Seconds for people: `0.4 s`, `12 s`, `3 min 05 s`, `2 h 10 min`, `3 d 4 h`; nothing for None."""
    if seconds is None or not math.isfinite(seconds):
        return ""
    if seconds < 9.95:
        return f"{max(0.0, seconds):.1f} s"
    whole = round(seconds)
    for size, unit, part, part_unit in ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            return f"{whole // size} {unit} {whole % size // part:02d} {part_unit}"
    return f"{whole} s"
