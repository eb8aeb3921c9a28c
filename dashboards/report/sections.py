"""A report's sections, made from its facts: pure functions."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from math import ceil

import claudia_core
from claudia_core.model.issue import Issue, Occurrence
from claudia_core.model.task import Status, Task
from dashboards import units
from dashboards.report.blocks import (
    Block,
    Chart,
    Column,
    Document,
    Entries,
    Entry,
    Meter,
    Mono,
    Named,
    Section,
    Span,
    Table,
    Value,
    Words,
)  # fmt: skip
from dashboards.report.facts import MOST_ENDED, MOST_FAILURES, MOST_ISSUES, MOST_RUNNING, Facts
from dashboards.report.verdict import key_figures, verdict

MOST_LISTED = 100
MOST_SLOW = 10
MOST_TEXT = 300
"""Characters of a message; names of tasks have at most 200."""

MOST_CODE = 6_000
"""Characters of a traceback."""

WIDTHS = {60: "minute", 3_600: "hour", 86_400: "day", 604_800: "week"}
EDGES = (0, 0.1, 1, 10, 60, 600, 3_600, 21_600, 86_400)
RANGES = ("under 0.1 s", "0.1 to 1 s", "1 to 10 s", "10 s to 1 min", "1 to 10 min", "10 min to 1 h", "1 to 6 h",
          "6 h to 1 day", "over 1 day")  # fmt: skip

STATUS, NAME, TYPE = Column("Status"), Column("Name", wide=True), Column("Type", priority=3)
STARTED, ENDED = Column("Started", priority=3), Column("Ended", priority=2)
DURATION, PROGRESS, ID = Column("Duration", right=True), Column("Progress", priority=2), Column("Id", priority=3)


def document(facts: Facts, title: str) -> Document:
    """The whole report."""
    period = facts.period
    lines = (
        f"{period.start:%Y-%m-%d %H:%M} to {period.until:%Y-%m-%d %H:%M} UTC · {period.length}",
        f"Hub: {facts.url}",
    )
    if facts.is_new:
        return Document(title, lines, (verdict(facts),), _foot(facts))
    sections = [verdict(facts), key_figures(facts), throughput(facts), failures(facts), errors(facts), running(facts),
                durations(facts), tasks(facts)]  # fmt: skip
    return Document(title, lines, tuple(section for section in sections if section is not None), _foot(facts))


def _foot(facts: Facts) -> tuple[str, ...]:
    unit = "minutes" if facts.period.width == 60 else "hours"
    return (
        f"Written by Claudia {claudia_core.__version__} on {facts.now:%Y-%m-%d at %H:%M:%S} UTC. All times are UTC.",
        f"Counts are of whole {unit} and of everything that happened in them; a task that failed and was tried again "
        f"counts each time, and is listed as it is now. Lists are bounded, and each says what it leaves out; "
        f"durations are taken from at most {MOST_ENDED:,} tasks.",
    )


def throughput(facts: Facts) -> Section:
    """Tasks that ended, bar by bar."""
    step = facts.period.step
    title = f"Throughput by the {WIDTHS[step]}" if step in WIDTHS else f"Throughput, {units.span(step)} a bar"
    if not facts.tally.ended:
        return Section(title, (Words(f"No task ended {facts.period.words}.", "note"),))
    top = max(facts.bars, key=lambda bar: bar.ended)
    within = f"one {WIDTHS[step]}" if step in WIDTHS else units.span(step)
    summary = (
        f"{facts.tally.ended:,} {'task' if facts.tally.ended == 1 else 'tasks'} ended {facts.period.words}, "
        f"at most {top.ended:,} in {within}: from {_clock(top.start)} UTC."
    )
    return Section(title, (Chart("Tasks that ended", summary, facts.bars),))


def _clock(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M}"


def failures(facts: Facts) -> Section:
    """Failed tasks with their errors."""
    if not facts.failures:
        return Section("Failures", (Words(f"No task failed {facts.period.words}.", "note"),))
    left = max(0, facts.tally.failed - len(facts.failures))
    note = f"The {MOST_FAILURES} that failed last; {left:,} more are left out." if left and _full(facts) else ""
    items = tuple(_failure(task) for task in facts.failures)
    return Section("Failures", (Entries("Failed tasks", items, note),), "bad")


def _full(facts: Facts) -> bool:
    return len(facts.failures) == MOST_FAILURES


def _failure(task: Task) -> Entry:
    error = task.error
    said = "no error was told" if error is None else f"{error.type}: {error.message}"
    facts: list[tuple[str, Value]] = [("Progress", _meter(task)), ("Ran", _span(task)), ("Type", task.type)]
    if task.attempts > 1:
        facts.append(("Attempt", f"{task.attempt} of {task.attempts}"))
    trace = "" if error is None else shorten(error.traceback, MOST_CODE)
    return Entry(task.name, shorten(said, MOST_TEXT), task.finished_at, (*facts, ("Id", Mono(task.id))), trace)


def errors(facts: Facts) -> Section:
    """Issues seen in the period, and the newest errors."""
    if not facts.issues and not facts.errors:
        return Section("Errors", (Words(f"No error was reported {facts.period.words}.", "note"),))
    blocks: list[Block] = []
    if facts.issues:
        columns = (Column("Issue", wide=True), Column("Errors", right=True), Column("First seen", priority=2),
                   Column("Last seen"), Column("State", priority=3))  # fmt: skip
        note = f"The {MOST_ISSUES} seen last; there are more. " if facts.more_issues else ""
        rows = [_issue(issue, facts) for issue in facts.issues]
        blocks.append(Table("Issues", columns, rows, f"{note}Errors of an issue are counted over all time."))
    if facts.errors:
        told = {task.id for task in facts.failures}
        left = max(0, facts.tally.errors - len(facts.errors))
        note = f"{left:,} older errors of this period are left out." if left else ""
        errors = Table(
            "Newest errors",
            (Column("Error", wide=True), Column("When")),
            [_error(*pair, told) for pair in facts.errors],
            note,
        )
        blocks.append(errors)
    return Section("Errors", tuple(blocks))


def _issue(issue: Issue, facts: Facts) -> list[Value]:
    place = f" in {issue.culprit}" if issue.culprit else ""
    state = (
        "new" if issue.first_seen >= facts.period.start else ("regressed" if issue.regressed_at else issue.status.value)
    )
    title = Named(shorten(issue.title, MOST_TEXT), shorten(f"{issue.type}{place}", MOST_TEXT))
    return [title, issue.count, issue.first_seen, issue.last_seen, state]


def _error(error: Occurrence, issue: Issue | None, told: Collection[str]) -> list[Value]:
    """An error; its traceback is left out where its task's failure tells it already."""
    place = f" in {issue.culprit}" if issue is not None and issue.culprit else ""
    trace = "" if error.task_id in told else shorten(error.traceback, MOST_CODE)
    said = Named(shorten(error.message or error.type, MOST_TEXT), shorten(f"{error.type}{place}", MOST_TEXT), trace)
    return [said, error.time]


def running(facts: Facts) -> Section:
    """What runs when the period ends."""
    title = "Running now" if facts.period.live else "Running at the end"
    if not facts.running:
        return Section(title, (Words("No task was running.", "note"),))
    columns: Sequence[Column] = (
        NAME,
        Column("Progress"),
        Column("Rate", right=True, priority=3),
        Column("To go", right=True),
        STARTED,
    )
    rows: list[list[Value]] = [_runs(task) for task in facts.running]
    if not facts.period.live:
        columns = (NAME, Column("Since then"), STARTED)
        rows = [[Named(task.name), task.status, task.started_at] for task in facts.running]
    left = facts.counts[Status.ACTIVE] - len(facts.running)
    note = f"{left:,} more are left out." if facts.period.live and left > 0 else ""
    if not facts.period.live and facts.more_running:
        note = f"At least {MOST_RUNNING}; the rest are left out."
    return Section(title, (Table(title, columns, rows, note),))


def _runs(task: Task) -> list[Value]:
    progress = task.progress
    to_go = None if progress.eta is None else Span(progress.eta)
    return [Named(task.name, shorten(progress.message, MOST_TEXT)), _meter(task),
            units.rate(progress.rate, progress.unit), to_go, task.started_at]  # fmt: skip


def durations(facts: Facts) -> Section | None:
    """How long tasks took, and which took longest."""
    timed = sorted((task for task in facts.ended if task.duration is not None), key=_lasted)
    if not timed:
        return None
    seconds = [_lasted(task) for task in timed]
    words = f"Of {len(seconds):,} tasks, half took at most {Span(_rank(seconds, 0.5))}"
    words += f" and nine in ten at most {Span(_rank(seconds, 0.9))}; the longest took {Span(seconds[-1])}."
    left = facts.tally.ended - len(seconds)
    note = f"Of the {len(seconds):,} that ended last; {left:,} ends are left out." if left > 0 else ""
    spread = Table("How long tasks took", (Column("Duration"), Column("Tasks", right=True), Column("Share", wide=True)),
                   _spread(seconds), note)  # fmt: skip
    slow = Table("Slowest tasks", (STATUS, NAME, TYPE, ENDED, DURATION),
                 [[task.status, Named(task.name), task.type, task.finished_at, _span(task)]
                  for task in timed[: -MOST_SLOW - 1 : -1]], note, heading=1)  # fmt: skip
    return Section("Durations", (Words(words), spread, slow))


def _lasted(task: Task) -> float:
    return max(0.0, task.duration or 0.0)


def _rank(ordered: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of all do not exceed (nearest rank)."""
    return ordered[max(0, ceil(share * len(ordered)) - 1)]


def _spread(seconds: Sequence[float]) -> list[list[Value]]:
    """Counts by range of duration, without the empty ranges at both ends."""
    counts = [sum(low <= value < high for value in seconds) for low, high in pairwise((*EDGES, float("inf")))]
    filled = [place for place, count in enumerate(counts) if count]
    top = max(counts)
    return [
        [RANGES[place], counts[place], Meter(100 * counts[place] / top, f"{counts[place] / len(seconds):.1%}", "plain")]
        for place in range(filled[0], filled[-1] + 1)
    ]


def tasks(facts: Facts) -> Section:
    """The tasks that ended last."""
    if not facts.ended:
        return Section("Tasks", (Words(f"No task ended {facts.period.words}.", "note"),))
    shown = facts.ended[:MOST_LISTED]
    left = max(facts.tally.ended, len(facts.ended)) - len(shown)
    note = f"{len(shown):,} that ended last; {left:,} more are left out." if left > 0 else ""
    columns = (STATUS, NAME, TYPE, PROGRESS, DURATION, ENDED, ID)
    table = Table("Tasks that ended", columns, [_task(task) for task in shown], note, heading=1)
    return Section("Tasks", (table,))


def _task(task: Task) -> list[Value]:
    said = "" if task.error is None else f"{task.error.type}: {task.error.message}"
    name = Named(task.name, shorten(said or task.progress.message, MOST_TEXT))
    return [task.status, name, task.type, _meter(task), _span(task), task.finished_at, Mono(task.id[-12:])]


def _span(task: Task) -> Span | None:
    return None if task.duration is None else Span(max(0.0, task.duration))


def _meter(task: Task) -> Meter | None:
    progress = task.progress
    if not progress.total and not progress.current:
        return None
    whole = task.status is Status.COMPLETED and progress.current == progress.total
    label = units.done(progress.current, None if whole else progress.total, progress.unit)
    percent = progress.percentage
    if percent is None and task.status.is_terminal:
        percent = 100.0
    return Meter(percent, label, task.status.value)


def shorten(text: str, most: int) -> str:
    """The text with its middle left out where it is longer than `most` characters."""
    if len(text) <= most:
        return text
    half = most // 2
    return f"{text[:half]} … {len(text) - 2 * half:,} characters left out … {text[-half:]}"
