"""Errors as they happen: kept as occurrences, grouped into issues."""

from __future__ import annotations

import hashlib
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from claudia_core.errors import NotFound
from claudia_core.model.ids import new_id
from claudia_core.model.issue import Issue, Occurrence
from claudia_core.model.task import TaskError
from claudia_core.model.values import MAX_MESSAGE, MAX_TRACEBACK, clean_text, require_json, require_text
from claudia_core.ports import Query, Store, Transaction
from claudia_core.services import rollups

MAX_CONTEXT_BYTES = 100_000
MAX_PLACE = 500


@dataclass(frozen=True, slots=True)
class IssuePage:
    """Some issues, newest first; `next` asks for the rest."""

    issues: list[Issue]
    next: str | None = None


class Errors:
    """Reports errors and lists what was reported."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def capture(self, error: BaseException, *, task_id: str | None = None, **context: Any) -> Occurrence:
        """Save an error with its traceback and `context` (JSON values); its issue is opened or counted up.

        Raises:
            InvalidValue: the context is not JSON.
        """
        cause = task_error(error)
        checked = _require_context(context)
        place = culprit(error.__traceback__)
        return self._store.write(lambda tx: self.record(tx, cause, place, task_id=task_id, context=checked)).result()

    def report(
        self, error: TaskError, place: str = "", *, task_id: str | None = None, context: Mapping[str, Any] | None = None
    ) -> Occurrence:
        """Save an error that happened elsewhere; `place` is where it was raised, such as `module.function`.

        Raises:
            InvalidValue, TooLarge: the type is empty, or the context is not JSON or over 100,000 bytes.
        """
        cause = TaskError(
            require_text(error.type, "type", 200),
            clean_text(error.message, MAX_MESSAGE),
            traceback=clean_text(error.traceback, MAX_TRACEBACK, "traceback"),
        )
        where = clean_text(place, MAX_PLACE, "place")
        checked = _require_context(dict(context or {}))
        return self._store.write(lambda tx: self.record(tx, cause, where, task_id=task_id, context=checked)).result()

    @staticmethod
    def record(
        tx: Transaction,
        error: TaskError,
        place: str,
        *,
        task_id: str | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> Occurrence:
        """Save an error within a transaction: the occurrence, its issue, the counters and the events."""
        fingerprint = hashlib.sha256(f"1\0{error.type}\0{place}".encode(errors="replace")).hexdigest()[:32]
        occurrence = Occurrence(
            id=new_id(),
            issue_id=fingerprint,
            type=error.type,
            message=error.message,
            time=tx.now,
            traceback=error.traceback,
            task_id=task_id,
            context=dict(context or {}),
        )
        found = tx.get("issues", fingerprint)
        issue = Issue.from_document(found).seen(occurrence) if found else _opened(occurrence, place)
        tx.put("occurrences", occurrence.to_document())
        tx.put("issues", issue.to_document())
        rollups.add(tx, rollups.ERRORS)
        data = {**occurrence.to_document(), "issue": issue.to_document()}
        data.pop("traceback")
        if found is None:
            tx.emit("issue:opened", fingerprint, issue.to_document())
        tx.emit("error:reported", task_id or fingerprint, data)
        return occurrence

    def issues(self, *, status: str | None = None, limit: int = 100, after: str | None = None) -> IssuePage:
        """Issues, the last seen first."""
        where = {"status": status} if status else {}
        page = self._store.find(Query("issues", where, "-last_seen", after, limit))
        return IssuePage([Issue.from_document(document) for document in page.documents], page.next)

    def issue(self, id: str) -> Issue:
        """One issue.

        Raises:
            NotFound: there is no such issue.
        """
        found = self._store.get("issues", id)
        if found is None:
            raise NotFound(f"no issue {id!r}", field="id")
        return Issue.from_document(found)

    def occurrences(
        self, *, issue_id: str | None = None, task_id: str | None = None, limit: int = 100
    ) -> list[Occurrence]:
        """Occurrences of an issue or of a task, newest first."""
        wanted = {"issue_id": issue_id, "task_id": task_id}
        where = {column: value for column, value in wanted.items() if value is not None}
        page = self._store.find(Query("occurrences", where, limit=limit))
        return [Occurrence.from_document(document) for document in page.documents]


def _require_context(context: dict[str, Any]) -> dict[str, Any]:
    checked = require_json(context, "context", MAX_CONTEXT_BYTES)
    assert isinstance(checked, dict), "a dict gives a dict"
    return checked


def _opened(occurrence: Occurrence, place: str) -> Issue:
    return Issue(
        id=occurrence.issue_id,
        type=occurrence.type,
        title=occurrence.message or occurrence.type,
        culprit=place,
        first_seen=occurrence.time,
        last_seen=occurrence.time,
    )


def task_error(error: BaseException) -> TaskError:
    """An exception as a task keeps it: type, message and traceback, each within its limit. Never raises."""
    try:
        message = str(error)
    except Exception as broken:  # noqa: BLE001 - a user's __str__ may do anything
        message = f"<the error's text could not be made: {type(broken).__name__}>"
    try:
        lines = "".join(traceback.format_exception(error))
    except Exception as broken:  # noqa: BLE001 - the same holds for its repr, notes and source
        lines = f"<the traceback could not be made: {type(broken).__name__}>"
    if len(lines) > MAX_TRACEBACK:
        half = MAX_TRACEBACK // 2 - 20
        lines = f"{lines[:half]}\n… shortened …\n{lines[-half:]}"
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    return TaskError(
        clean_text(name, 200), clean_text(message, MAX_MESSAGE), traceback=clean_text(lines, MAX_TRACEBACK)
    )


def culprit(trace: TracebackType | None) -> str:
    """Where an error was raised, without line numbers: `module.function` of the innermost frame."""
    if trace is None:
        return ""
    while trace.tb_next is not None:
        trace = trace.tb_next
    frame = trace.tb_frame
    return f"{frame.f_globals.get('__name__', '?')}.{frame.f_code.co_qualname}"
