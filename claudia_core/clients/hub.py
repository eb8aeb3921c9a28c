"""The services of a hub elsewhere beside its tasks: the same methods as in `services`, carried out by requests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import asdict
from datetime import datetime
from typing import Any, cast

from claudia_core.clients.http import Connection, prepare
from claudia_core.clients.outbox import Outbox
from claudia_core.clients.streams import EventStream, event_of
from claudia_core.errors import BadCursor, ClaudiaError, StoreError
from claudia_core.model.agent import Agent, AgentMode, AgentStatus, Vitals
from claudia_core.model.event import Cursor, EventSlice, Gap
from claudia_core.model.issue import Comment, Issue, Occurrence
from claudia_core.model.report import ErrorReport
from claudia_core.model.times import from_optional_text, from_text, require_utc, utc_now
from claudia_core.ports import LogStatus, Store
from claudia_core.services.agents import Agents, NewAgent, this_process
from claudia_core.services.errors import Errors, IssuePage
from claudia_core.services.errors.counts import Count, Recent
from claudia_core.services.errors.search import IssueQuery
from claudia_core.services.events import Events, NewEvent


class RemoteErrors(Errors):
    """See `services.Errors`. What is captured waits on disk while the hub is away."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(cast("Store", None))  # every method that would ask it is below
        self._connection = connection

    def report(self, report: ErrorReport) -> Occurrence:
        """See `services.Errors`."""
        return Occurrence.from_document(self._connection.ask("errors.report", **_told(report)))

    def report_soon(self, report: ErrorReport) -> Future[Occurrence]:
        """See `services.Errors`; here it waits for the hub's answer."""
        done: Future[Occurrence] = Future()
        done.set_result(self.report(report))
        return done

    def report_many(self, reports: Sequence[ErrorReport]) -> list[ClaudiaError | None]:
        """See `services.Errors`; after the first that the hub cannot take now, the others are not tried."""
        outcomes: list[ClaudiaError | None] = []
        for report in reports:
            try:
                self._connection.send_once(
                    prepare("errors.report", _told(report), key="")
                )  # its id makes it repeatable
                outcomes.append(None)
            except ClaudiaError as error:
                outcomes.append(error)
                if error.retryable:
                    return outcomes + [error] * (len(reports) - len(outcomes))
        return outcomes

    def _find(self, asked: IssueQuery) -> IssuePage:
        """See `services.Errors`."""
        values = asdict(asked) | {"status": list(asked.status) or None}
        page = self._connection.ask("errors.issues", **{name: value for name, value in values.items() if value != ""})
        return IssuePage([issue_of(document) for document in page["items"]], page["next"])

    def issue(self, id: str) -> Issue:
        """See `services.Errors`."""
        return issue_of(self._connection.ask("errors.issue", id=id))

    def occurrence_page(
        self, *, issue_id: str | None = None, task_id: str | None = None, limit: int = 100, after: str | None = None
    ) -> tuple[list[Occurrence], str | None]:
        """See `services.Errors`."""
        asked: dict[str, Any] = {"issue_id": issue_id, "task_id": task_id, "limit": limit, "after": after}
        found = self._connection.ask("errors.occurrences", **asked)
        return [Occurrence.from_document(document) for document in found["items"]], found["next"]

    def occurrence(self, id: str) -> Occurrence:
        """See `services.Errors`."""
        return Occurrence.from_document(self._connection.ask("errors.get", id=id))

    def counts(self, issue_id: str, *, since: datetime | None = None, daily: bool = False) -> list[Count]:
        """See `services.Errors`."""
        start = None if since is None else require_utc(since, "since")
        found = self._connection.ask("errors.counts", id=issue_id, since=start, daily=daily or None)
        return [Count(from_text(item["at"]), item["count"]) for item in found["items"]]

    def recent(self, issues: Iterable[Issue]) -> dict[str, Recent]:
        """See `services.Errors`; one question for each issue."""
        return {issue.id: _recent(self._connection.ask("errors.issue", id=issue.id)) for issue in issues}

    def affected(self, issue_id: str, kind: str = "task", *, limit: int = 20) -> list[str]:
        """See `services.Errors`."""
        found = self._connection.ask("errors.affected", id=issue_id, kind=kind, limit=limit)
        return [str(id) for id in found["ids"]]

    def change_many(
        self, ids: Iterable[str], action: str, *, until: datetime | None = None, more: int | None = None
    ) -> list[Issue]:
        """See `services.Errors`."""
        moment = None if until is None else require_utc(until, "until")
        asked: dict[str, Any] = {"ids": list(dict.fromkeys(ids)), "action": action, "until": moment, "more": more}
        return [issue_of(document) for document in self._connection.ask("errors.change", **asked)["items"]]

    def comment(self, id: str, text: str) -> Comment:
        """See `services.Errors`."""
        return Comment.from_document(self._connection.ask("errors.comment", id=id, text=text))

    def comments(self, id: str, *, limit: int = 100) -> list[Comment]:
        """See `services.Errors`."""
        found = self._connection.ask("errors.comments", id=id, limit=limit)
        return [Comment.from_document(document) for document in found["items"]]

    def wake(self) -> int:
        """Nothing: the hub does that itself."""
        return 0

    def rebuild(self) -> int:
        """Raises StoreError: the log is the hub's own."""
        raise StoreError("issues are rebuilt where the store is")


def _told(report: ErrorReport) -> dict[str, Any]:
    document = report.to_document()
    return {name: value for name, value in document.items() if value not in (None, "", [], {})}


def issue_of(document: Mapping[str, Any]) -> Issue:
    """An issue as the hub tells it."""
    return Issue.from_document(document)


def _recent(document: Mapping[str, Any]) -> Recent:
    return Recent(tuple(document["hours"]), document["trend"])


def log_status(connection: Connection) -> LogStatus:
    """How the hub's log stands."""
    found = connection.ask("log.status")
    pruned_at = from_optional_text(found["pruned_at"])
    return LogStatus(found["epoch"], found["oldest"], found["head"], found["bytes"], pruned_at, found["pruned_events"])


class RemoteEvents(Events):
    """See `services.Events`; `stream` tells them live."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def append(self, events: Iterable[NewEvent]) -> int:
        """See `services.Events`."""
        documents = [asdict(event.checked()) for event in events]
        return int(self._connection.ask("events.append", events=documents)["appended"]) if documents else 0

    def list(
        self,
        *,
        after: Cursor | str | None = None,
        since: datetime | None = None,
        types: Sequence[str] = (),
        subject: str | None = None,
        limit: int = 100,
    ) -> EventSlice:
        """See `services.Events`."""
        start = None if since is None else require_utc(since, "since")
        asked: dict[str, Any] = {
            "after": None if after is None else str(after),
            "type": list(types),
            "subject": subject,
        }
        page = self._connection.ask("events.list", since=start, limit=limit, **asked)
        gap = None if page["gap"] is None else Gap(**page["gap"])
        return EventSlice([event_of(item) for item in page["items"]], Cursor.parse(page["next"]).sequence, gap)

    def stream(
        self, after: Cursor | str | None = None, types: Sequence[str] = (), subject: str | None = None
    ) -> EventStream:
        """The events as they happen, for `for` or `async for`; see `streams.EventStream`."""
        cursor = None if after is None else str(after)
        return EventStream(self._connection.address, after=cursor, types=types, subject=subject)

    def position_of(self, cursor: Cursor | str) -> int:
        """See `services.Events`."""
        parsed = Cursor.parse(cursor) if isinstance(cursor, str) else cursor
        status = log_status(self._connection)
        if parsed.epoch != status.epoch or parsed.sequence > status.head:
            raise BadCursor(f"the cursor {parsed} is none of this log", field="cursor", hint="begin without one")
        return parsed.sequence

    def cursor(self, sequence: int | None = None) -> Cursor:
        """See `services.Events`."""
        status = log_status(self._connection)
        return Cursor(status.epoch, status.head if sequence is None else sequence)


class RemoteAgents(Agents):
    """See `services.Agents`. Finding lost agents is the hub's own work."""

    def __init__(self, connection: Connection, outbox: Outbox, lease: float) -> None:
        self._connection = connection
        self._outbox = outbox
        self._lease = lease

    def register(self, name: str | None = None) -> Agent:
        """See `services.Agents`. A hub that is away is told later."""
        new = this_process(name, self._lease).checked()
        self._outbox.post(f"agent/{new.id}", "agents.register", once="", **asdict(new))
        now = utc_now()
        return Agent(started_at=now, heartbeat_at=now, **asdict(new))

    def enrol(self, new: NewAgent) -> Agent:
        """See `services.Agents`."""
        return Agent.from_document(self._connection.ask("agents.register", key="", **asdict(new.checked())))

    def announce(self, id: str, capabilities: Iterable[str], capacity: int) -> Agent:  # noqa: ARG002 - as there
        """Raises StoreError: tasks are taken from queues where the store is."""
        raise StoreError("an agent takes tasks from the store itself, and this hub is elsewhere")

    def _ask(self, id: str, mode: AgentMode) -> Agent:
        """See `services.Agents`."""
        return Agent.from_document(self._connection.ask(f"agents.{ASKED[mode]}", id=id))

    def heartbeat(self, id: str, vitals: Vitals | None = None) -> None:  # noqa: ARG002 - vitals are of agents there
        """See `services.Agents`. While the hub is away one waits, and is the first thing it hears."""
        self._outbox.post(f"heartbeat/{id}", "agents.heartbeat", once="", id=id)

    def renew(self, id: str) -> Agent:
        """See `services.Agents`."""
        return Agent.from_document(self._connection.ask("agents.heartbeat", key="", id=id))

    def leave(self, id: str) -> None:
        """See `services.Agents`."""
        self._outbox.post(f"leave/{id}", "agents.leave", once="", id=id)

    def get(self, id: str) -> Agent:
        """See `services.Agents`."""
        return Agent.from_document(self._connection.ask("agents.get", id=id))

    def list(self, *, status: AgentStatus | None = None, limit: int = 100) -> list[Agent]:
        """See `services.Agents`."""
        found = self._connection.ask("agents.list", status=status, limit=limit)
        return [Agent.from_document(document) for document in found["items"]]

    def reap(self, now_text: str) -> int:  # noqa: ARG002 - the same method as there
        """Nothing: the hub does that itself."""
        return 0

    def watch(self) -> int:
        """Nothing: the hub does that itself."""
        return 0


ASKED: Mapping[AgentMode, str] = {
    AgentMode.WORKING: "resume",
    AgentMode.PAUSED: "pause",
    AgentMode.DRAINING: "drain",
    AgentMode.STOPPING: "stop",
}
"""The operation that asks for a mode."""
