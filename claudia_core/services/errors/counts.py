"""How often an issue happened, by the hour or the day, and where that is going."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from claudia_core.model.issue import Issue
from claudia_core.ports import Reader
from claudia_core.services.errors.recording import HOURLY, hourly

HOURS = 24
NEW = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Count:
    """Occurrences in the bucket that starts `at`."""

    at: datetime
    count: int


@dataclass(frozen=True, slots=True)
class Recent:
    """An issue's last day: `hours` are 24 counts, the present hour last; `trend` is one word about them.

    `new`: first seen within the hour; `rising`, `falling`: the last two hours against the mean of the 22 before, twice
    or half; `steady`; `quiet`: nothing within the day.
    """

    hours: tuple[int, ...]
    trend: str


def recent(reader: Reader, issues: Iterable[Issue], now: datetime) -> dict[str, Recent]:
    """The last day of each issue, by its id."""
    wanted = list(issues)
    start = _hour(now) - (HOURS - 1) * HOURLY
    hours = {hourly(issue.id): [0] * HOURS for issue in wanted}
    for sample in reader.samples(hours, start) if hours else ():
        at = (sample.at - start) // HOURLY
        if at < HOURS:
            hours[sample.series][at] += int(sample.value)
    return {issue.id: _recent(issue, hours[hourly(issue.id)], now) for issue in wanted}


def _recent(issue: Issue, hours: list[int], now: datetime) -> Recent:
    return Recent(tuple(hours), trend(hours, is_new=now - issue.first_seen < NEW))


def trend(hours: list[int], *, is_new: bool = False) -> str:
    """One word about 24 counts by the hour."""
    last, before = sum(hours[-2:]), sum(hours[:-2]) / (len(hours) - 2) * 2
    if is_new:
        return "new"
    if not any(hours):
        return "quiet"
    if last >= 3 and last >= 2 * before:
        return "rising"
    return "falling" if before >= 1 and last <= before / 2 else "steady"


def counts(reader: Reader, issue_id: str, since: datetime, until: datetime, *, daily: bool) -> list[Count]:
    """Occurrences by the hour or day (UTC) from `since` on, buckets without any included, oldest first."""
    width = 24 * HOURLY if daily else HOURLY
    first = int(since.timestamp()) // width * width
    last = int(until.timestamp()) // width * width
    found: dict[int, int] = {}
    for sample in reader.samples([hourly(issue_id)], first, last + width):
        at = sample.at // width * width
        found[at] = found.get(at, 0) + int(sample.value)
    return [Count(datetime.fromtimestamp(at, UTC), found.get(at, 0)) for at in range(first, last + width, width)]


def _hour(now: datetime) -> int:
    return int(now.timestamp()) // HOURLY * HOURLY


def affected(reader: Reader, issue_id: str, kind: str, limit: int) -> list[str]:
    """Ids of the tasks or agents that an issue affected, the last ones first."""
    from claudia_core.ports import Query

    rows = reader.find(Query("affected", {"issue": f"{issue_id}/{kind}"}, limit=limit)).documents
    return [row["subject"].partition("/")[2] for row in rows]


def trends(found: Mapping[str, Recent]) -> dict[str, str]:
    """The words alone."""
    return {id: one.trend for id, one in found.items()}
