"""What a report tells, read from the store in one moment. Every question is bounded: a long history costs no more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from claudia_core.model.health import HealthReport
from claudia_core.model.issue import Issue, Occurrence
from claudia_core.model.task import Status, Task
from claudia_core.model.times import to_text
from claudia_core.ports import Query, Range, Reader, Sample
from claudia_core.services import rollups, throughput
from dashboards.report.period import Period

if TYPE_CHECKING:
    from claudia_core import Claudia

MOST_ENDED = 5_000
"""Tasks that durations and the slowest are taken from: those that ended last."""

MOST_FAILURES = 20
MOST_ERRORS = 10
MOST_ISSUES = 15
MOST_RUNNING = 50
MOST_SEARCHED = 2_000
"""Tasks looked at to find those that ran at a past moment."""

SERIES = (*throughput.SERIES, rollups.DURATION)
ENDS = tuple(status.value for status in Status if status.is_terminal)


@dataclass(frozen=True, slots=True)
class Tally:
    """What was counted between two moments (Unix seconds); `seconds` is the sum of the durations of what ended."""

    start: int = 0
    end: int = 0
    created: int = 0
    completed: int = 0
    failed: int = 0
    cancelled: int = 0
    errors: int = 0
    seconds: float = 0.0

    @property
    def ended(self) -> int:
        """Tasks that ended, however."""
        return self.completed + self.failed + self.cancelled

    @property
    def mean(self) -> float | None:
        """Mean duration of what ended, in seconds."""
        return self.seconds / self.ended if self.ended else None

    @property
    def success(self) -> float | None:
        """Percent that completed among what completed or failed."""
        tried = self.completed + self.failed
        return 100.0 * self.completed / tried if tried else None

    @property
    def is_empty(self) -> bool:
        """Whether nothing was counted."""
        return not (self.created or self.ended or self.errors)


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything a report tells. Lists are newest first and bounded; `counts` are those of the present."""

    url: str
    now: datetime
    period: Period
    counts: Mapping[Status, int]
    tally: Tally
    before: Tally
    bars: tuple[Tally, ...]
    ended: tuple[Task, ...]
    failures: tuple[Task, ...]
    errors: tuple[tuple[Occurrence, Issue | None], ...]
    issues: tuple[Issue, ...]
    more_issues: bool
    running: tuple[Task, ...]
    more_running: bool
    health: HealthReport | None

    @property
    def is_new(self) -> bool:
        """Whether the hub has never seen a task or an error."""
        return not any(self.counts.values()) and self.tally.is_empty and not self.errors


def collect(claudia: Claudia, period: Period, now: datetime) -> Facts:
    """Read the facts of a period."""
    health = claudia.health.report() if period.live else None
    with claudia.store.snapshot() as reader:
        samples = reader.samples(_names(period), int(period.before.timestamp()), int(period.end.timestamp()))
        issues = _issues(reader, period)
        running = _running(reader, period)
        return Facts(
            url=claudia.store.url,
            now=now,
            period=period,
            counts=_counts(reader),
            tally=tally(samples, period.start, period.end),
            before=tally(samples, period.before, period.start),
            bars=bars(samples, period),
            ended=tuple(_ended(reader, period, ENDS, MOST_ENDED)),
            failures=tuple(_failures(reader, period)),
            errors=tuple(_errors(reader, period)),
            issues=tuple(issues[:MOST_ISSUES]),
            more_issues=len(issues) > MOST_ISSUES,
            running=tuple(running[:MOST_RUNNING]),
            more_running=len(running) > MOST_RUNNING,
            health=health,
        )


def _names(period: Period) -> list[str]:
    name = rollups.by_minute if period.width == rollups.MINUTE else rollups.by_hour
    return [name(series) for series in SERIES]


def tally(samples: Iterable[Sample], start: datetime, end: datetime) -> Tally:
    """What the rollups counted from `start` on and before `end`."""
    first, last = int(start.timestamp()), int(end.timestamp())
    sums: dict[str, float] = {}
    for series, at, value in samples:
        if first <= at < last:
            name = series.partition("/")[0].removeprefix("tasks.")
            sums[name] = sums.get(name, 0) + value
    seconds = sums.pop("seconds", 0.0)
    return Tally(first, last, seconds=seconds, **{name: round(value) for name, value in sums.items()})


def bars(samples: Iterable[Sample], period: Period) -> tuple[Tally, ...]:
    """The period in steps of the clock; the first and the last may be shorter."""
    step, first, last = period.step, int(period.start.timestamp()), int(period.end.timestamp())
    parts: dict[int, list[Sample]] = {at: [] for at in range(first - first % step, last, step)}
    for sample in samples:
        if first <= sample.at < last:
            parts[sample.at - sample.at % step].append(sample)
    moments = ((at, max(at, first), min(at + step, last)) for at in parts)
    return tuple(tally(parts[at], _utc(start), _utc(end)) for at, start, end in moments)


def _utc(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _counts(reader: Reader) -> dict[Status, int]:
    found = {sample.series: int(sample.value) for sample in reader.samples(map(rollups.present, Status), 0, 1)}
    return {status: found.get(rollups.present(status), 0) for status in Status}


def _ended(reader: Reader, period: Period, status: tuple[str, ...], limit: int) -> list[Task]:
    """Tasks whose last change in the period was their end. A task that was retried later is where it is now."""
    where = {"status": status, "updated_at": Range(to_text(period.start), to_text(period.end))}
    found = reader.find(Query("tasks", where, "-updated_at", limit=limit)).documents
    return [Task.from_document(document) for document in found]


def _failures(reader: Reader, period: Period) -> list[Task]:
    """The same for failed tasks, with their tracebacks."""
    where = {"status": Status.FAILED.value, "updated_at": Range(to_text(period.start), to_text(period.end))}
    found = reader.find(Query("tasks", where, "-updated_at", limit=MOST_FAILURES)).documents
    contents = reader.get_many("contents", [document["id"] for document in found])
    return [Task.from_document(document, contents.get(document["id"])) for document in found]


def _errors(reader: Reader, period: Period) -> list[tuple[Occurrence, Issue | None]]:
    """The newest occurrences: their ids begin with the time they were made at."""
    where = {"id": Range(_first_id(period.start), _first_id(period.end))}
    found = reader.find(Query("occurrences", where, "-id", limit=MOST_ERRORS)).documents
    issues = reader.get_many("issues", {document["issue_id"] for document in found})
    details = reader.get_many("details", [row["id"] for row in found])
    errors = [
        (Occurrence.from_document(row, details.get(row["id"])), _issue(issues.get(row["issue_id"]))) for row in found
    ]
    return [(error, issue) for error, issue in errors if period.start <= error.time < period.end]


def _issue(document: Mapping[str, object] | None) -> Issue | None:
    return None if document is None else Issue.from_document(dict(document))


def _first_id(moment: datetime) -> str:
    """The text before all ids (UUIDv7) made at `moment` or later."""
    stamp = f"{max(0, int(moment.timestamp() * 1_000)):012x}"
    return f"{stamp[:8]}-{stamp[8:]}-"


def _issues(reader: Reader, period: Period) -> list[Issue]:
    where = {"last_seen": Range(to_text(period.start), to_text(period.end))}
    page = reader.find(Query("issues", where, "-last_seen", limit=MOST_ISSUES + 1))
    return [Issue.from_document(document) for document in page.documents]


def _running(reader: Reader, period: Period) -> list[Task]:
    """Tasks that run now; for a period in the past those that ran at its end, as they are now."""
    active = reader.find(Query("tasks", {"status": Status.ACTIVE.value}, "-updated_at", limit=MOST_SEARCHED)).documents
    if period.live:
        return [Task.from_document(document) for document in active[: MOST_RUNNING + 1]]
    end = to_text(period.end)
    where = {"status": ENDS, "updated_at": Range(end)}
    later = reader.find(Query("tasks", where, "updated_at", limit=MOST_SEARCHED)).documents
    return [Task.from_document(row) for row in (*active, *later) if row["started_at"] and row["started_at"] < end]
