"""Reading the log for people: newest first, filtered by patterns, page by page over any history. Without panel."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase

from claudia_core.errors import InvalidValue
from claudia_core.model.event import Event, Gap
from claudia_core.model.identity import Identity
from claudia_core.ports import Reader
from claudia_core.services.notifications.people import may_read
from dashboards.cells.events import Names, named

PAGE = 50
"""Events of a page."""

MOST_LOOKED = 10_000
"""Most events read for one page; a pattern that matches rarely goes on with the next page."""

WINDOW = 500
BATCH = 2_000

_AGO = re.compile(r"(\d{1,6}) ?(s|m|min|h|d)(?: ago)?")
_UNITS = {"s": "seconds", "m": "minutes", "min": "minutes", "h": "hours", "d": "days"}
_TIME = re.compile(r"\d{1,2}:\d{2}(:\d{2})?")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events to show: `pattern` is one or several types with `*` and `?`, left out where a `!` stands before.

    `who` looks at them: what is about another's notices is left out; None for whoever may see all.
    """

    pattern: str = ""
    subject: str = ""
    who: Identity | None = None

    def __call__(self, event: Event) -> bool:
        if self.subject and event.subject != self.subject:
            return False
        if self.who is not None and not may_read(self.who, event):
            return False
        chosen, barred = self._sides()
        type = event.type
        if any(fnmatchcase(type, pattern) for pattern in barred):
            return False
        return not chosen or any(fnmatchcase(type, pattern) for pattern in chosen)

    @property
    def types(self) -> tuple[str, ...]:
        """The types that an index finds; none where only reading can tell."""
        chosen, barred = self._sides()
        return () if barred or any(set("*?[") & set(word) for word in chosen) else chosen

    @property
    def is_indexed(self) -> bool:
        """True when the store finds the events without reading others."""
        return bool(self.types or self.subject)

    def _sides(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        words = self.pattern.replace(",", " ").split()
        chosen = tuple(word for word in words if not word.startswith("!"))
        return chosen, tuple(word[1:] for word in words if word.startswith("!") and len(word) > 1)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Events, newest first. `below` is where the page before begins, 0 where the log does.

    `gap` tells what is no longer kept; `is_cut` that reading ended at its limit before the page was full.
    """

    events: tuple[Event, ...] = ()
    below: int = 0
    gap: Gap | None = None
    is_cut: bool = False


def older(reader: Reader, wanted: Wanted, top: int, limit: int = PAGE) -> Stretch:
    """The newest events that are wanted, at or before the sequence `top`."""
    found: list[Event] = []
    high, size, looked = top, WINDOW if wanted.pattern or wanted.subject else limit, 0
    gap = None
    while high > 0 and len(found) < limit and looked < MOST_LOOKED:
        low = max(0, high - size)
        most = min(high - low, BATCH)
        part = reader.events(low, most, wanted.types, wanted.subject or None)
        looked += len(part.events)
        if len(part.events) == most < high - low and part.events[-1].sequence < high:
            size = max(most, size // 4)  # more than one reading takes: nearer to the top
            continue
        found = [event for event in part.events if event.sequence <= high and wanted(event)] + found
        gap, high = part.gap, 0 if part.gap else low
        size = size * 4 if wanted.is_indexed else min(size * 4, BATCH)
    page = tuple(reversed(found[-limit:]))
    below = page[-1].sequence - 1 if len(found) >= limit and page else high
    return Stretch(page, below, gap if len(found) <= limit else None, is_cut=len(found) < limit and high > 0)


def newer(reader: Reader, wanted: Wanted, after: int, limit: int = PAGE) -> int | None:
    """The top of the page above `after`; None where that is the log's end."""
    found = looked = 0
    while looked < MOST_LOOKED:
        part = reader.events(after, BATCH, wanted.types, wanted.subject or None)
        for event in part.events:
            found += wanted(event)
            if found == limit:
                return event.sequence
        if len(part.events) < BATCH:
            return None
        looked += len(part.events)
        after = part.position
    return after


class Arrivals:
    """Counts the wanted events behind a sequence, reading each once."""

    def __init__(self) -> None:
        self.count = 0
        self._since: tuple[Wanted, int] | None = None
        self._position = 0

    def look(self, reader: Reader, wanted: Wanted, since: int, head: int) -> int:
        """How many there are by now, as far as one reading tells."""
        if self._since != (wanted, since):
            self._since, self._position, self.count = (wanted, since), since, 0
        if wanted == Wanted(who=wanted.who):
            self.count = max(0, head - since)
        elif head > self._position:
            part = reader.events(self._position, BATCH, wanted.types, wanted.subject or None)
            self.count += sum(map(wanted, part.events))
            self._position = part.position
        return self.count


def place(text: str, now: datetime, sequence_at: Callable[[datetime], int]) -> int:
    """The sequence that is meant by `812`, `15 min`, `2h ago`, `14:30` or `2026-11-23 14:30` (UTC unless told).

    Raises:
        InvalidValue: it is none of these, or nothing is kept from then.
    """
    text = text.strip()
    if text.replace(",", "").isdecimal() and len(text) <= 18:
        return max(1, int(text.replace(",", "")))
    moment = _moment(text, now)
    found = sequence_at(moment)
    if not found:
        raise InvalidValue(f"no event is kept from before {moment:%Y-%m-%d %H:%M:%S} UTC", field="place")
    return found


def _moment(text: str, now: datetime) -> datetime:
    ago = _AGO.fullmatch(text)
    try:
        if ago:
            return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        if _TIME.fullmatch(text):
            text = f"{now:%Y-%m-%d}T{text.zfill(8 if text.count(':') == 2 else 5)}"
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidValue(
            f"{text!r:.40} is neither a sequence nor a time",
            field="place",
            hint="use 812, 15 min, 14:30 or 2026-11-23 14:30 (UTC)",
        ) from None


@dataclass(frozen=True, slots=True)
class Sight:
    """What a page of the log shows: a stretch, the names of what it is about, and how much is newer than its top."""

    wanted: Wanted = Wanted()
    stretch: Stretch = Stretch()
    names: Names = field(default_factory=dict)
    waiting: int = 0

    @property
    def is_named(self) -> bool:
        """Whether the names of all that it shows are known."""
        return all(event.subject in self.names or not event.subject for event in self.stretch.events)


def look(
    reader: Reader,
    wanted: Wanted,
    top: int,
    head: int,
    known: Names,
    arrivals: Arrivals,
    stretch: Stretch | None = None,
) -> Sight:
    """Read the page below `top`, 0 for the log's end at `head`; `stretch` is it where that is known already."""
    found = older(reader, wanted, top or head) if stretch is None else stretch
    waiting = arrivals.look(reader, wanted, top, head) if top else 0
    return Sight(wanted, found, named(reader, found.events, known), waiting)
