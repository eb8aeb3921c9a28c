"""Quiet hours: from when to when, in whose time, nothing but what is critical is sent."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

from claudia_core.errors import InvalidValue

_FORM = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)(?: ([A-Za-z][A-Za-z0-9_+/-]{0,60}))?")
HINT = "use 22:00-07:00 Europe/Berlin (UTC without a name), or leave it empty"


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From `start` to `end` each day in a timezone, over midnight where `end` is earlier."""

    start: time
    end: time
    zone: tzinfo

    def until(self, now: datetime) -> datetime | None:
        """When the quiet hours that hold now are over, in UTC; None where there are none now."""
        here = now.astimezone(self.zone)
        clock = here.time().replace(tzinfo=None)
        is_over_midnight = self.end <= self.start
        is_quiet = (clock >= self.start or clock < self.end) if is_over_midnight else self.start <= clock < self.end
        if not is_quiet:
            return None
        day = here.date() + timedelta(days=1 if is_over_midnight and clock >= self.start else 0)
        return datetime.combine(day, self.end, self.zone).astimezone(UTC)


def quiet_hours(text: str) -> QuietHours | None:
    """The quiet hours that a text tells; None for the empty text.

    Raises:
        InvalidValue: it tells none.
    """
    if not text:
        return None
    found = _FORM.fullmatch(text)
    if found is None or found[0][:5] == found[0][6:11]:
        raise InvalidValue(f"quiet is {text!r:.80}", field="quiet", hint=HINT)
    hours, minutes, end_hours, end_minutes = (int(found[place]) for place in range(1, 5))
    return QuietHours(time(hours, minutes), time(end_hours, end_minutes), _zone(found[5] or "UTC"))


def _zone(name: str) -> tzinfo:
    try:
        return UTC if name == "UTC" else ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:  # ZoneInfoNotFoundError is a KeyError
        raise InvalidValue(f"no timezone {name!r:.80}", field="quiet", hint=HINT) from error


def require_quiet(value: object) -> str:
    """`value` where it tells quiet hours, or is empty.

    Raises:
        InvalidValue: it does not.
    """
    if not isinstance(value, str):
        raise InvalidValue(f"quiet is {value!r:.80}", field="quiet", hint=HINT)
    quiet_hours(value)
    return value
