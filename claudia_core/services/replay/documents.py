"""Documents folded again from the log, compared with those that are kept, and put right."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import batched
from typing import Protocol

from claudia_core.model.event import Event
from claudia_core.ports import Document, Reader, Store, Transaction
from claudia_core.services.errors.recording import TASK_FAILURE
from claudia_core.services.errors.replay import is_wrong, issue_of
from claudia_core.services.tasks.progress import after

TOGETHER = 1_000
"""Documents that are compared in one transaction."""

MOST_TOLD = 50_000
"""Documents that are remembered until they are compared."""


@dataclass(slots=True)
class Replayed:
    """What a replay came to: how many values were compared, and how many of them were wrong or missing."""

    name: str
    compared: int = 0
    wrong: int = 0


class Fold(Protocol):
    """One projection while the log is read."""

    found: Replayed

    @property
    def is_full(self) -> bool:
        """Whether so much has been told that it is to be compared before more is."""
        ...

    def apply(self, event: Event) -> None:
        """Take the next event."""
        ...

    def compare(self, reader: Reader) -> None:
        """Find out what differs from what has been told so far."""
        ...

    def mend(self, store: Store) -> None:
        """Put right what was found to differ."""
        ...


class Documents:
    """A projection whose events tell the whole document."""

    def __init__(self, name: str) -> None:
        self.found = Replayed(name)
        self._told: dict[str, Document] = {}
        self._wrong: dict[str, Document] = {}

    @property
    def is_full(self) -> bool:
        """See `Fold.is_full`."""
        return len(self._told) >= MOST_TOLD

    def apply(self, event: Event) -> None:
        """See `Fold.apply`."""
        raise NotImplementedError

    def compare(self, reader: Reader) -> None:
        """See `Fold.compare`."""
        for ids in batched(list(self._told), TOGETHER):
            present = reader.get_many(self.found.name, ids)
            for id in ids:
                if self._is_wrong(present.get(id), self._told[id]):
                    self._wrong[id] = self._told[id]
        self.found.compared += len(self._told)
        self.found.wrong += len(self._wrong)
        self._told.clear()

    def mend(self, store: Store) -> None:
        """See `Fold.mend`."""
        for ids in batched(list(self._wrong), TOGETHER):
            store.write(lambda tx, ids=ids: self._put_right(tx, ids)).result()  # type: ignore[misc]
        self._wrong.clear()

    def _put_right(self, tx: Transaction, ids: Iterable[str]) -> None:
        for id in ids:
            present, told = tx.get(self.found.name, id), self._wrong[id]
            if self._is_wrong(present, told):
                tx.put(self.found.name, self._whole(present, told))

    def _is_wrong(self, present: Document | None, told: Document) -> bool:
        return is_wrong(present, told)

    def _whole(self, present: Document | None, told: Document) -> Document:  # noqa: ARG002 - for those told in parts
        return told


class IssueDocuments(Documents):
    """Issues."""

    def apply(self, event: Event) -> None:
        """See `Fold.apply`."""
        told = issue_of(event)
        if told is not None:
            self._told[told["id"]] = told


class TaskDocuments(Documents):
    """Tasks with their progress; payload, result and traceback are not in the log."""

    def apply(self, event: Event) -> None:
        """See `Fold.apply`."""
        if event.type == "progress:updated":
            before = self._told.get(event.subject)
            self._told[event.subject] = dict(event.data) if before is None else _advanced(before, event.data)
        elif event.type.startswith("task:") and "status" in event.data:
            self._told[event.subject] = event.data

    def _is_wrong(self, present: Document | None, told: Document) -> bool:
        if "status" in told:
            return is_wrong(_timeless(present), _timeless(told) or {})
        return present is not None and (
            present["version"] < told["version"]
            or (present["version"] == told["version"] and present != _advanced(present, told))
        )

    def _whole(self, present: Document | None, told: Document) -> Document:
        return told if "status" in told or present is None else _advanced(present, told)


def _advanced(row: Document, data: Document) -> Document:
    """A task's document, or a part of it, after `progress:updated`."""
    return after(row, data) if "status" in row else dict(data)


def _timeless(row: Document | None) -> Document | None:
    """A task without the moment at which somebody looks for its lateness: a look that finds nothing moves it, and is
    no event. Only whether there is one counts."""
    return row and {**row, "watch_at": row.get("watch_at") is not None}


class OccurrenceDocuments(Documents):
    """Errors without their stacks, which are not in the log."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._thinned: dict[str, bool] = {}

    def apply(self, event: Event) -> None:
        """See `Fold.apply`."""
        if event.type == "error:reported":
            issue = event.data["issue"]
            self._told[event.data["id"]] = {name: value for name, value in event.data.items() if name != "issue"}
            self._thinned[issue["id"]] = _is_thinned(issue)

    def compare(self, reader: Reader) -> None:
        """See `Fold.compare`."""
        issues = reader.get_many("issues", {told["issue_id"] for told in self._told.values()})
        self._thinned |= {id: _is_thinned(issue) for id, issue in issues.items()}
        super().compare(reader)

    def _is_wrong(self, present: Document | None, told: Document) -> bool:
        if present is None:  # of an issue with many, some are deleted
            return not self._thinned[told["issue_id"]]
        if told["kind"] == TASK_FAILURE:  # what was captured later may have told more, without an event
            return any(present.get(name) != told[name] for name in ("id", "issue_id", "time", "kind", "task_id"))
        return present != told


def _is_thinned(issue: Document) -> bool:
    return bool(issue["kept"] < issue["count"])
