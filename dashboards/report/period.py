"""The stretch of time a report is about."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from claudia_core.errors import InvalidValue
from claudia_core.model.times import require_utc
from claudia_core.services import rollups
from dashboards import units

type Moment = str | datetime | timedelta
"""A moment: itself, ISO text, or how long ago as `90m`, `24h`, `7d` or a timedelta."""

UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
LONGEST = 366 * 86_400
"""Most seconds of a report: it then reads at most some 100,000 numbers, whatever the store holds."""

FINE = 2 * 86_400
"""Most seconds that are counted minute by minute; longer periods are counted hour by hour."""

STEPS = ((96, 60), (96, 300), (96, 900), (96, 3_600), (64, 21_600), (96, 86_400), (60, 604_800))
"""Widths of a bar in seconds, from narrow to wide, each with the most bars it may give."""

WORDS = ((3_600, "hour", 3_600, 259_200), (60, "minute", 0, 7_200), (86_400, "day", 259_200, 10**9))
"""Units that a length may be told in, each with the seconds from which on and below which it reads well."""

_AGO = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)\s*([smhdw])")


@dataclass(frozen=True, slots=True)
class Period:
    """From `start` to `end`, in whole buckets of the rollups; `until` is the end as it was asked for.

    `live` is true where it ends in the present.
    """

    start: datetime
    end: datetime
    until: datetime
    width: int
    live: bool

    @property
    def seconds(self) -> int:
        """Its length, whole buckets."""
        return round((self.end - self.start).total_seconds())

    @property
    def step(self) -> int:
        """Width of a bar of its chart in seconds."""
        fitting = (step for most, step in STEPS if self.seconds <= most * step and step % self.width == 0)
        return next(fitting, STEPS[-1][1])

    @property
    def before(self) -> datetime:
        """The start of the period of the same length before it."""
        return self.start - timedelta(seconds=self.seconds)

    @property
    def length(self) -> str:
        """Its length in words, such as `24 hours` or `7 days`."""
        seconds = round((self.until - self.start).total_seconds())
        for size, noun, least, most in WORDS:
            if least <= seconds < most and seconds % size < self.width:
                return units.plural(max(1, seconds // size), noun)
        return units.span(seconds) or ""

    @property
    def words(self) -> str:
        """The period within a sentence: `in the last 24 hours`."""
        return f"in the last {self.noun}" if self.live else "in this period"

    @property
    def noun(self) -> str:
        """Its length as what follows "the": `24 hours`, and `hour` instead of `1 hour`."""
        number, _, unit = self.length.partition(" ")
        return unit if number == "1" and unit.isalpha() else self.length


def period(since: Moment, until: Moment | None = None, *, now: datetime) -> Period:
    """The period between two moments; an end that is left out or lies ahead is `now`.

    It is widened to whole minutes, or to whole hours where it is longer than two days: that is how a hub counts.

    Raises:
        InvalidValue: a moment cannot be read, the period is empty, or it is longer than 366 days.
    """
    start = moment(since, "since", now)
    stop = now if until is None else min(now, moment(until, "until", now))
    seconds = (stop - start).total_seconds()
    if seconds <= 0:
        raise InvalidValue(
            f"the report would begin at {start:%Y-%m-%d %H:%M} and end at {stop:%Y-%m-%d %H:%M} UTC",
            field="since",
            hint="let it begin before it ends, and in the past",
        )
    if seconds > LONGEST:
        raise InvalidValue(
            f"the report would be about {seconds / 86_400:,.0f} days",
            field="since",
            hint="at most 366 are read at once",
        )
    width = rollups.MINUTE if seconds <= FINE + rollups.MINUTE else rollups.HOUR
    floor = rollups.bucket(start, width)
    ceiling = -(-int(-(-stop.timestamp() // 1)) // width) * width
    end = datetime.fromtimestamp(ceiling, UTC)
    return Period(datetime.fromtimestamp(floor, UTC), end, stop, width, stop == now)


def moment(value: Moment, field: str, now: datetime) -> datetime:
    """A moment in UTC. Text without an offset is read as UTC, in which every time of a report is told.

    Raises:
        InvalidValue: it cannot be read, or is a datetime without a timezone.
    """
    if isinstance(value, timedelta):
        return _ago(value, field, now)
    if not isinstance(value, str):
        return require_utc(value, field)
    found = _AGO.fullmatch(value.strip().lower())
    if found:
        return _ago(timedelta(seconds=float(found[1]) * UNITS[found[2]]), field, now)
    try:
        read = datetime.fromisoformat(value.strip())
    except ValueError:
        raise InvalidValue(
            f"{field} is {value!r:.80}", field=field, hint="use 90m, 24h, 7d or a time such as 2026-11-23T08:00"
        ) from None
    return require_utc(read if read.tzinfo else read.replace(tzinfo=UTC), field)


def _ago(span: timedelta, field: str, now: datetime) -> datetime:
    try:
        return now - span
    except OverflowError:
        raise InvalidValue(f"{field} lies before the year 1", field=field, hint="use a shorter time") from None
