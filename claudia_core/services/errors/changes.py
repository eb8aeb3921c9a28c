"""What people do to issues, each as it is saved within one transaction: the document and its event."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from claudia_core.errors import InvalidValue, NotFound
from claudia_core.model.ids import new_id
from claudia_core.model.issue import Comment, Issue, IssueStatus
from claudia_core.model.times import require_utc
from claudia_core.model.values import require_text, shown
from claudia_core.ports import Transaction
from claudia_core.services.errors.recording import awake

MOST_AT_ONCE = 1_000
MAX_COMMENT = 10_000
MOST_MORE = 10**9


@dataclass(frozen=True, slots=True)
class Ignoring:
    """For how long an issue is ignored: until a moment, until `more` occurrences, or for ever."""

    until: datetime | None = None
    more: int | None = None

    def checked(self) -> Ignoring:
        """This with its values checked.

        Raises:
            InvalidValue: `until` has no timezone, or `more` is not 1 to 1,000,000,000, or both are given.
        """
        if self.until is not None and self.more is not None:
            raise InvalidValue("an issue is ignored until a time or until a number, not both", field="more")
        if self.more is not None and (isinstance(self.more, bool) or not 1 <= self.more <= MOST_MORE):
            raise InvalidValue(f"more is {shown(self.more)}", field="more", hint=f"use 1 to {MOST_MORE}")
        return Ignoring(None if self.until is None else require_utc(self.until, "until"), self.more)


type Change = Callable[[Transaction, Issue], Issue]


def change(tx: Transaction, id: str, verb: Change, event: str, told: Mapping[str, Any]) -> Issue:
    """Change one issue and emit what happened with it; one that is in that state already stays as it is.

    Raises:
        NotFound: there is no such issue.
    """
    document = tx.get("issues", id)
    if document is None:
        raise unknown(id)
    before = Issue.from_document(document)
    after = verb(tx, before)
    if after is not before:
        tx.put("issues", after.to_document())
        tx.emit(event, id, {**after.to_document(), **told})
    return after


def unknown(id: str) -> NotFound:
    """The error for an id that no issue has."""
    return NotFound(f"no issue {id!r:.80}", field="id")


def resolving(tx: Transaction, issue: Issue) -> Issue:
    """Resolved: it comes back as regressed if it happens again."""
    if issue.status is IssueStatus.RESOLVED:
        return issue
    return awake(issue).changed(status=IssueStatus.RESOLVED, resolved_at=tx.now, regressed_at=None)


def ignoring(how: Ignoring) -> Change:
    """Ignored for a time, a number, or for ever.

    Raises (when carried out):
        InvalidValue: the time has passed.
    """

    def verb(tx: Transaction, issue: Issue) -> Issue:
        if how.until is not None and how.until <= tx.now:
            raise InvalidValue("until has passed already", field="until", hint="use a time in the future")
        return issue.changed(
            status=IssueStatus.IGNORED,
            ignored_until=how.until,
            ignored_count=None if how.more is None else issue.count + how.more,
            resolved_at=None,
            regressed_at=None,
        )

    return verb


def reopening(_: Transaction, issue: Issue) -> Issue:
    """Unresolved, as something to work on."""
    if issue.status is IssueStatus.UNRESOLVED:
        return issue
    return awake(issue).changed(resolved_at=None, regressed_at=None)


def commenting(tx: Transaction, id: str, text: str, author: str) -> Comment:
    """Add a comment to an issue.

    Raises:
        NotFound: there is no such issue.
    """
    document = tx.get("issues", id)
    if document is None:
        raise unknown(id)
    before = Issue.from_document(document)
    issue = before.changed(comments=before.comments + 1)
    comment = Comment(id=new_id(), issue_id=id, text=text, time=tx.now, author=author)
    tx.put("comments", comment.to_document())
    tx.put("issues", issue.to_document())
    tx.emit("issue:commented", id, {**issue.to_document(), "comment": comment.to_document()})
    return comment


def require_comment(text: str) -> str:
    """A comment's text.

    Raises:
        InvalidValue, TooLarge: it is empty, over 10,000 characters, or no printable text.
    """
    return require_text(text, "text", MAX_COMMENT).strip()


VERBS: Mapping[str, str] = {"resolve": "issue:resolved", "ignore": "issue:ignored", "reopen": "issue:reopened"}
"""What can be done to issues, and the event it makes."""


def verb_of(action: str, how: Ignoring) -> Change:
    """The change of an action's name.

    Raises:
        InvalidValue: there is no such action, or it takes no time or number.
    """
    if action not in VERBS:
        raise InvalidValue(f"action is {shown(action)}", field="action", hint=f"use {', '.join(VERBS)}")
    if action == "ignore":
        return ignoring(how.checked())
    if how != Ignoring():
        raise InvalidValue(f"{action} takes neither until nor more", field="until" if how.until else "more")
    return resolving if action == "resolve" else reopening
