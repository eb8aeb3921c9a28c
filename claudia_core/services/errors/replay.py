"""Issues folded again from the log: each event of an issue tells the whole issue after it, so the last one counts."""

from __future__ import annotations

from typing import Any

from claudia_core.model.event import Event
from claudia_core.model.issue import Issue
from claudia_core.ports import Document, Store, Transaction

TOGETHER = 1_000


def rebuild(store: Store) -> int:
    """Make the issues what the log says; returns how many were wrong or missing.

    Issues whose events are no longer kept stay as they are. An issue that moves on meanwhile is left alone.
    """
    told = folded(store)
    ids = list(told)
    mended = 0
    for start in range(0, len(ids), TOGETHER):
        part = {id: told[id] for id in ids[start : start + TOGETHER]}
        mended += store.write(lambda tx, part=part: _mend(tx, part)).result()  # type: ignore[misc]
    return mended


def folded(store: Store) -> dict[str, Document]:
    """The issues as the kept log tells them."""
    issues: dict[str, Document] = {}
    position, head = 0, store.head()
    while position < head:
        part = store.events(position, TOGETHER)
        position = part.position
        for event in part.events:
            told = issue_of(event)
            if told is not None:
                issues[told["id"]] = told
    return issues


def issue_of(event: Event) -> Document | None:
    """The whole issue that an event tells; None where it tells of none."""
    if event.type == "error:reported":
        issue: Document = event.data["issue"]
        return issue
    return _issue(event.data) if event.type.startswith("issue:") else None


def _issue(data: dict[str, Any]) -> Document:
    """An issue's document out of an event that may tell more."""
    return Issue.from_document(data).to_document()


def _mend(tx: Transaction, told: dict[str, Document]) -> int:
    mended = 0
    for id, document in told.items():
        if is_wrong(tx.get("issues", id), document):
            tx.put("issues", document)
            mended += 1
    return mended


def is_wrong(present: Document | None, told: Document) -> bool:
    """Whether a document is missing, or is not what the log says and has not moved on since."""
    return present is None or (present["version"] <= told["version"] and present != told)
