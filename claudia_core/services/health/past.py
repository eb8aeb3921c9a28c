"""The days of all checks, asked for by many pages: days that are over are read once."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import datetime, timedelta

from claudia_core.model.times import utc_now
from claudia_core.ports import Reader
from claudia_core.services import rollups
from claudia_core.services.health.history import HealthPeriod, periods_of

DAY = 24 * rollups.HOUR


class Past:
    """Remembers what checks came to on days that are over; safe for many threads."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._lock = threading.Lock()
        self._over: dict[str, list[HealthPeriod]] = {}
        self._asked: tuple[datetime, int] | None = None

    def days(self, names: Sequence[str], days: int, now: datetime | None = None) -> dict[str, list[HealthPeriod]]:
        """The last `days` days of each check, oldest first; days without a run are left out."""
        today = (now or utc_now()).replace(hour=0, minute=0, second=0, microsecond=0)
        end = today + timedelta(days=1)
        fresh = periods_of(self._reader, names, today, end, DAY)
        with self._lock:
            if self._asked != (today, days):
                self._over, self._asked = {}, (today, days)
            new = [name for name in names if name not in self._over]
            if new:
                self._over |= periods_of(self._reader, new, today - timedelta(days=days - 1), today, DAY)
            return {name: self._over[name] + fresh[name] for name in names}
