"""Saving an error within a transaction: the occurrence, its issue, the counters and the events."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from claudia_core.capture.scrubbing import Scrubber
from claudia_core.model.ids import new_id
from claudia_core.model.issue import Issue, IssueStatus, Occurrence
from claudia_core.model.report import ErrorReport
from claudia_core.ports import Transaction
from claudia_core.services import rollups
from claudia_core.services.errors.grouping import Grouping, groupings
from claudia_core.services.errors.retention import KEPT, thin

OLDEST = timedelta(days=30)
"""An error that claims to be older counts as that old; one that claims to be of the future counts as of now."""

HOURLY = 3_600
TASK_FAILURE = "TASK_FAILURE"


@dataclass(frozen=True, slots=True)
class Recorded:
    """A report that is checked, without secrets, and grouped; made before the transaction, which may run twice."""

    report: ErrorReport
    groupings: tuple[Grouping, ...]
    id: str

    def about(self, *, id: str, task_id: str, agent_id: str | None, culprit: str) -> Recorded:
        """This as the error of a task; grouped anew where it has no place of its own."""
        report = replace(self.report, task_id=task_id, agent_id=agent_id, culprit=culprit)
        again = self.groupings if culprit == self.report.culprit else groupings(report)
        return Recorded(report, again, id)


def prepare(report: ErrorReport, scrubber: Scrubber) -> Recorded:
    """Check a report, take its secrets out and group it.

    Raises:
        InvalidValue, TooLarge: a value breaks a rule; `field` names it.
    """
    checked = scrubbed(report.checked(), scrubber)
    return Recorded(checked, groupings(checked), checked.id or new_id())


def scrubbed(report: ErrorReport, scrubber: Scrubber) -> ErrorReport:
    """The report without secrets."""
    return replace(
        report,
        message=scrubber.text(report.message),
        traceback=scrubber.traceback(report.traceback),
        exceptions=tuple(_exception(one, scrubber) for one in report.exceptions),
        fingerprint=tuple(map(scrubber.text, report.fingerprint)),
        user=scrubber.mapping(report.user),
        tags={name: str(value) for name, value in scrubber.mapping(report.tags).items()},
        request=scrubber.mapping(report.request),
        context=scrubber.mapping(report.context),
        breadcrumbs=tuple(scrubber.mapping(one) for one in report.breadcrumbs),
    )


def _exception(one: dict[str, object], scrubber: Scrubber) -> dict[str, object]:
    frames = one["frames"]
    notes = one["notes"]
    assert isinstance(frames, list), "checked"
    assert isinstance(notes, list), "checked"
    return {
        **one,
        "message": scrubber.text(str(one["message"])),
        "notes": [scrubber.text(note) for note in notes],
        "frames": [_frame(frame, scrubber) for frame in frames],
    }


def _frame(frame: dict[str, object], scrubber: Scrubber) -> dict[str, object]:
    before, code, after = frame["before"], frame["code"], frame["after"]
    assert isinstance(before, list), "checked"
    assert isinstance(after, list), "checked"
    lines = scrubber.lines([*before, str(code), *after])
    variables = frame["locals"]
    assert isinstance(variables, dict), "checked"
    return {
        **frame,
        "before": lines[: len(before)],
        "code": lines[len(before)],
        "after": lines[len(before) + 1 :],
        "locals": scrubber.mapping(variables),
    }


def record(tx: Transaction, new: Recorded, *, keep: int = KEPT) -> Occurrence:
    """Save an error. One whose id is known already is given back as it is: telling twice counts once.

    What is resolved and happens again is unresolved (`issue:regressed`); what was ignored for a time or a number comes
    back (`issue:reopened`) when that is over.
    """
    known = tx.get("occurrences", new.id)
    if known is not None:
        return _enriched(tx, new, Occurrence.from_document(known, tx.get("details", new.id)))
    grouping, found = _issue_of(tx, new)
    occurrence = _occurrence(new, grouping.id, tx.now)
    task, agent = _is_new(tx, occurrence, "task"), _is_new(tx, occurrence, "agent")
    if found is None:
        issue, events = _opened(occurrence, grouping), ["issue:opened"]
    else:
        issue, events = _come_back(found.seen(occurrence, task=task, agent=agent), occurrence, tx.now)
    tx.put("occurrences", occurrence.to_summary())
    tx.put("details", occurrence.to_detail())
    if issue.kept > keep + max(20, keep // 2):
        issue = issue.changed(kept=thin(tx, issue.id, keep))
    tx.put("issues", issue.to_document())
    rollups.add(tx, rollups.ERRORS)
    tx.increment(hourly(issue.id), rollups.bucket(occurrence.time, HOURLY))
    document = issue.to_document()
    for event in events:
        tx.emit(event, issue.id, document)
    tx.emit("error:reported", occurrence.task_id or issue.id, {**occurrence.to_summary(), "issue": document})
    return occurrence


def _enriched(tx: Transaction, new: Recorded, known: Occurrence) -> Occurrence:
    """What was captured within a task knows more than the task's own report of it, which may have come first."""
    if known.kind != TASK_FAILURE or new.report.kind == TASK_FAILURE:
        return known
    more = _occurrence(new, known.issue_id, tx.now)
    both = replace(more, time=known.time, kind=known.kind, task_id=known.task_id, agent_id=known.agent_id)
    tx.put("occurrences", both.to_summary())
    tx.put("details", both.to_detail())
    return both


def hourly(issue_id: str) -> str:
    """The rollup that counts an issue's occurrences by the hour."""
    return f"issue.{issue_id}/hour"


def _issue_of(tx: Transaction, new: Recorded) -> tuple[Grouping, Issue | None]:
    for grouping in new.groupings:
        document = tx.get("issues", grouping.id)
        if document is not None:
            return grouping, Issue.from_document(document)
    return new.groupings[0], None


def _occurrence(new: Recorded, issue_id: str, now: datetime) -> Occurrence:
    report = new.report
    claimed = report.time or now
    return Occurrence(
        id=new.id,
        issue_id=issue_id,
        type=report.type,
        message=report.message,
        time=min(max(claimed, now - OLDEST), now),
        culprit=report.culprit,
        level=report.level,
        kind=report.kind,
        handled=report.handled,
        task_id=report.task_id,
        agent_id=report.agent_id,
        service=report.service,
        release=report.release,
        environment=report.environment,
        host=report.host,
        tags=report.tags,
        traceback=report.traceback,
        exceptions=report.exceptions,
        user=report.user,
        request=report.request,
        context=report.context,
        breadcrumbs=report.breadcrumbs,
    )


def _is_new(tx: Transaction, occurrence: Occurrence, kind: str) -> bool:
    """Note that an issue affected a task or an agent; whether it had not before."""
    subject = occurrence.task_id if kind == "task" else occurrence.agent_id
    if subject is None:
        return False
    id = f"{occurrence.issue_id}/{kind}/{subject}"
    if tx.get("affected", id) is not None:
        return False
    tx.put("affected", {"id": id, "issue": f"{occurrence.issue_id}/{kind}", "subject": f"{kind}/{subject}"})
    return True


def _opened(occurrence: Occurrence, grouping: Grouping) -> Issue:
    words = {"services": occurrence.service, "environments": occurrence.environment, "releases": occurrence.release}
    return Issue(
        id=occurrence.issue_id,
        type=occurrence.type,
        title=occurrence.message or occurrence.type,
        culprit=occurrence.culprit,
        level=occurrence.level,
        first_seen=occurrence.time,
        last_seen=occurrence.time,
        grouping=grouping.to_document(),
        tasks=int(occurrence.task_id is not None),
        agents=int(occurrence.agent_id is not None),
        **{name: (word,) if word else () for name, word in words.items()},  # type: ignore[arg-type]
    )


def _come_back(issue: Issue, occurrence: Occurrence, now: datetime) -> tuple[Issue, list[str]]:
    """The issue after what its status makes of one more occurrence, and the events of that."""
    if issue.status is IssueStatus.RESOLVED and issue.resolved_at is not None:
        if occurrence.time <= issue.resolved_at:  # told late: it happened before
            return issue, []
        return (
            replace(
                issue,
                status=IssueStatus.UNRESOLVED,
                resolved_at=None,
                regressed_at=occurrence.time,
                regressions=issue.regressions + 1,
            ),
            ["issue:regressed"],
        )
    if issue.status is IssueStatus.IGNORED and is_over(issue, now):
        return awake(issue), ["issue:reopened"]
    return issue, []


def is_over(issue: Issue, now: datetime) -> bool:
    """Whether the time or the number for which an issue is ignored has come."""
    by_time = issue.ignored_until is not None and issue.ignored_until <= now
    return by_time or (issue.ignored_count is not None and issue.count >= issue.ignored_count)


def awake(issue: Issue) -> Issue:
    """The issue without what it was ignored for."""
    return replace(issue, status=IssueStatus.UNRESOLVED, ignored_until=None, ignored_count=None)
