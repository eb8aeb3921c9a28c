"""The errors of a hub: reported, listed, and worked on as issues."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from datetime import datetime, timedelta
from typing import Self

from claudia_core.capture.capturing import Capturing
from claudia_core.capture.reporter import Reporter
from claudia_core.capture.scrubbing import Scrubber
from claudia_core.errors import ClaudiaError, InvalidValue, NotFound, TooLarge
from claudia_core.model.identity import Kind, current
from claudia_core.model.issue import Comment, Issue, IssueStatus, Occurrence
from claudia_core.model.report import ErrorReport
from claudia_core.model.times import require_utc, to_text, utc_now
from claudia_core.ports import Query, Range, Store, Transaction
from claudia_core.services.errors import changes, counts, replay
from claudia_core.services.errors.changes import Ignoring
from claudia_core.services.errors.counts import Count, Recent
from claudia_core.services.errors.quota import Quota
from claudia_core.services.errors.recording import prepare, record, scrubbed
from claudia_core.services.errors.retention import KEPT
from claudia_core.services.errors.search import IssuePage, IssueQuery, find_issues

LONGEST = timedelta(days=366)


class Errors(Capturing):
    """Captures what goes wrong in this program, takes reports of what went wrong elsewhere, and keeps both as issues.

    Args:
        store: where they are kept.
        reporter: carries what is captured; without one it is saved at once.
        scrubber: takes secrets out of all that comes in.
        keep: occurrences kept of one issue.
        per_minute: errors that one caller from elsewhere may report.
    """

    def __init__(
        self,
        store: Store,
        *,
        reporter: Reporter | None = None,
        scrubber: Scrubber | None = None,
        keep: int = KEPT,
        per_minute: int = 6_000,
    ) -> None:
        super().__init__(reporter)
        self._store = store
        self.scrubber = scrubber or Scrubber()
        self._keep = keep
        self.quota = Quota(per_minute)

    def over(self, store: Store) -> Self:
        """The same with its changes made through another store."""
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__, _store=store)  # each change by the API makes one: `copy` takes longer
        return other

    # --- reports ------------------------------------------------------------------------------------------------

    def report(self, report: ErrorReport) -> Occurrence:
        """Save an error that happened elsewhere: without secrets, and in its issue. Told twice it counts once.

        Raises:
            InvalidValue, TooLarge: a value breaks a rule; `field` names it.
        """
        return self.report_soon(report).result()

    def report_soon(self, report: ErrorReport) -> Future[Occurrence]:
        """The same without waiting for the commit.

        Raises:
            InvalidValue, TooLarge: a value breaks a rule; `field` names it.
        """
        new = prepare(report, self.scrubber)
        keep = self._keep
        return self._store.write(lambda tx: record(tx, new, keep=keep))

    def report_many(self, reports: Sequence[ErrorReport]) -> list[ClaudiaError | None]:
        """Save several, each for itself; what became of each: None, or why it was not saved."""
        soon = [self._begun(report) for report in reports]
        return [one if isinstance(one, ClaudiaError) else _outcome(one) for one in soon]

    def _begun(self, report: ErrorReport) -> Future[Occurrence] | ClaudiaError:
        try:
            return self.report_soon(report)
        except ClaudiaError as error:
            return error

    def scrubbed(self, report: ErrorReport) -> ErrorReport:
        """The report without secrets."""
        return scrubbed(report, self.scrubber)

    # --- questions ----------------------------------------------------------------------------------------------

    def issues(
        self,
        *,
        status: str | Iterable[str] | None = None,
        text: str = "",
        service: str = "",
        environment: str = "",
        release: str = "",
        level: str = "",
        task_id: str | None = None,
        agent_id: str | None = None,
        order: str = "-last_seen",
        limit: int = 100,
        after: str | None = None,
    ) -> IssuePage:
        """Issues, the last seen first unless `order` says otherwise; see `search.IssueQuery` for what is asked.

        Raises:
            InvalidValue, BadCursor: a value breaks a rule, or `after` belongs to another order.
        """
        several = () if not status else (status,) if isinstance(status, str) else tuple(status)
        asked = IssueQuery(
            several, text, service, environment, release, level, task_id, agent_id, order, limit, after
        ).checked()
        return self._find(asked)

    def _find(self, asked: IssueQuery) -> IssuePage:
        return find_issues(self._store, asked)

    def issue(self, id: str) -> Issue:
        """One issue.

        Raises:
            NotFound: there is no such issue.
        """
        found = self._store.get("issues", id)
        if found is None:
            raise changes.unknown(id)
        return Issue.from_document(found)

    def occurrences(
        self, *, issue_id: str | None = None, task_id: str | None = None, limit: int = 100, after: str | None = None
    ) -> list[Occurrence]:
        """Occurrences of an issue or of a task, newest first, without their detail."""
        return self.occurrence_page(issue_id=issue_id, task_id=task_id, limit=limit, after=after)[0]

    def occurrence_page(
        self, *, issue_id: str | None = None, task_id: str | None = None, limit: int = 100, after: str | None = None
    ) -> tuple[list[Occurrence], str | None]:
        """The same with what asks for the rest."""
        wanted = {"issue_id": issue_id, "task_id": task_id}
        where = {column: value for column, value in wanted.items() if value is not None}
        page = self._store.find(Query("occurrences", where, "-id", after, limit))
        return [Occurrence.from_document(one) for one in page.documents], page.next

    def occurrence(self, id: str) -> Occurrence:
        """One error with all that is known about it.

        Raises:
            NotFound: there is no such error, or it is no longer kept.
        """
        found = self._store.get("occurrences", id)
        if found is None:
            raise NotFound(f"no error {id!r:.80} is kept", field="id")
        return Occurrence.from_document(found, self._store.get("details", id))

    def recent(self, issues: Iterable[Issue]) -> dict[str, Recent]:
        """The last 24 hours of issues and their trend, by id."""
        return counts.recent(self._store, issues, utc_now())

    def counts(self, issue_id: str, *, since: datetime | None = None, daily: bool = False) -> list[Count]:
        """How often an issue happened by the hour, or day, from `since` (a day, or 30, ago) until now.

        Raises:
            NotFound: there is no such issue.
            InvalidValue: `since` has no timezone, or is more than a year ago.
        """
        self.issue(issue_id)
        now = utc_now()
        start = now - timedelta(days=29 if daily else 0, hours=0 if daily else 23)
        begin = start if since is None else require_utc(since, "since")
        if now - begin > LONGEST:
            raise InvalidValue("since is more than a year ago", field="since", hint="use a later time")
        return counts.counts(self._store, issue_id, begin, now, daily=daily)

    def affected(self, issue_id: str, kind: str = "task", *, limit: int = 20) -> list[str]:
        """Ids of the tasks (or agents: `kind="agent"`) that an issue affected, the last first."""
        return counts.affected(self._store, issue_id, kind, limit)

    # --- work on issues -----------------------------------------------------------------------------------------

    def resolve(self, id: str) -> Issue:
        """Say that it is mended; if it happens again, it comes back as regressed.

        Raises:
            NotFound: there is no such issue.
        """
        return self.change_many([id], "resolve")[0]

    def ignore(self, id: str, *, until: datetime | None = None, more: int | None = None) -> Issue:
        """Do not tell about it until a time, until `more` occurrences, or for ever.

        Raises:
            NotFound: there is no such issue.
            InvalidValue: the time has passed or has no timezone, or the number is not positive.
        """
        return self.change_many([id], "ignore", until=until, more=more)[0]

    def reopen(self, id: str) -> Issue:
        """Say that it is to be worked on after all.

        Raises:
            NotFound: there is no such issue.
        """
        return self.change_many([id], "reopen")[0]

    def change_many(
        self, ids: Iterable[str], action: str, *, until: datetime | None = None, more: int | None = None
    ) -> list[Issue]:
        """Resolve, ignore or reopen several issues: all of them, or none.

        Raises:
            NotFound: one does not exist.
            InvalidValue, TooLarge: the action is unknown, its values break a rule, or there are over 1,000 issues.
        """
        each = list(dict.fromkeys(ids))
        if len(each) > changes.MOST_AT_ONCE:
            raise TooLarge(f"{len(each)} issues at once, over the limit of {changes.MOST_AT_ONCE}", field="ids")
        verb = changes.verb_of(action, Ignoring(until, more))
        event, told = changes.VERBS[action], {"by": author()}

        def work(tx: Transaction) -> list[Issue]:
            return [changes.change(tx, id, verb, event, told) for id in each]

        return self._store.write(work).result()

    def comment(self, id: str, text: str) -> Comment:
        """Say something about an issue.

        Raises:
            NotFound: there is no such issue.
            InvalidValue, TooLarge: the text is empty or over 10,000 characters.
        """
        checked = self.scrubber.text(changes.require_comment(text))
        who = author()
        return self._store.write(lambda tx: changes.commenting(tx, id, checked, who)).result()

    def comments(self, id: str, *, limit: int = 100) -> list[Comment]:
        """What was said about an issue, oldest first.

        Raises:
            NotFound: there is no such issue.
        """
        self.issue(id)
        page = self._store.find(Query("comments", {"issue_id": id}, "id", limit=limit))
        return [Comment.from_document(document) for document in page.documents]

    # --- keep ---------------------------------------------------------------------------------------------------

    def wake(self) -> int:
        """Reopen the issues whose time of being ignored is over; returns how many. The server does it every minute."""
        where = {"status": IssueStatus.IGNORED.value, "ignored_until": Range("0", to_text(utc_now()))}
        due = [one["id"] for one in self._store.find(Query("issues", where, "ignored_until", limit=1_000)).documents]
        return len(self.change_many(due, "reopen")) if due else 0

    def rebuild(self) -> int:
        """Fold the issues again from the log; returns how many were wrong or missing."""
        return replay.rebuild(self._store)


def _outcome(done: Future[Occurrence]) -> ClaudiaError | None:
    try:
        done.result()
    except ClaudiaError as error:
        return error
    return None


def author() -> str:
    """Who does something, as people read it; empty where nobody is known."""
    identity = current()
    return identity.name if identity.kind is not Kind.ANONYMOUS else ""
