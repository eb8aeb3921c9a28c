"""What people are told: a notice in somebody's list, and a dispatch, one message on its way by one channel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from claudia_core.errors import InvalidValue
from claudia_core.model.quiet import QuietHours, quiet_hours
from claudia_core.model.rule import Level
from claudia_core.model.times import from_optional_text, from_text, to_optional_text, to_text

MOST_TITLE = 200
MOST_WORDS = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A notification in a user's list, until it is acknowledged and after.

    Args:
        owner: the user's id, or `token` for whoever comes with the server's own token.
        link: where to look, below the hub's address; empty for nowhere.
        quiet: it came in the owner's quiet hours: pages do not show it by themselves.
        holds: ids of dispatches that are not sent when it is acknowledged before they are due.
    """

    id: str
    owner: str
    rule_id: str
    level: Level
    title: str
    text: str
    link: str = ""
    event_type: str
    quiet: bool = False
    created_at: datetime
    acknowledged_at: datetime | None = None
    holds: tuple[str, ...] = ()

    @property
    def status(self) -> str:
        """`unread` or `acknowledged`."""
        return "unread" if self.acknowledged_at is None else "acknowledged"

    def to_document(self) -> dict[str, Any]:
        """As the store keeps it."""
        return {**self.to_public(), "holds": list(self.holds)}

    def to_public(self) -> dict[str, Any]:
        """As plain JSON."""
        return {
            "id": self.id,
            "owner": self.owner,
            "rule_id": self.rule_id,
            "level": self.level.value,
            "title": self.title,
            "text": self.text,
            "link": self.link,
            "event_type": self.event_type,
            "quiet": self.quiet,
            "created_at": to_text(self.created_at),
            "acknowledged_at": to_optional_text(self.acknowledged_at),
            "status": self.status,
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Notice:
        """The value that `to_document` wrote."""
        values = {name: value for name, value in document.items() if name != "status"}
        times = {
            "created_at": from_text(document["created_at"]),
            "acknowledged_at": from_optional_text(document["acknowledged_at"]),
        }
        holds = tuple(document.get("holds", ()))
        return cls(**{**values, **times, "level": Level(document["level"]), "holds": holds})


class DispatchStatus(StrEnum):
    """How a dispatch stands."""

    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"
    CANCELLED = "cancelled"
    """It was acknowledged before it would have been told further."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatch:
    """One message for one target. Made twice from one event and rule, it is the same dispatch.

    Args:
        target: `channel:ID`, or `user:ID` for a user's own mail.
        data: what templates are filled with.
        together: it is told as one with others that are due then: a digest, behind quiet hours, over the hourly limit.
        next_at: when it is tried next; None when it has ended.
    """

    id: str
    target: str
    rule_id: str
    level: Level
    title: str
    text: str
    link: str = ""
    event_type: str
    subject: str = ""
    template: str = ""
    data: dict[str, Any] = field(default_factory=dict)
    together: bool = False
    status: DispatchStatus = DispatchStatus.PENDING
    tries: int = 0
    next_at: datetime | None = None
    created_at: datetime
    finished_at: datetime | None = None
    error: str = ""

    def settled(self, status: DispatchStatus, now: datetime, error: str = "") -> Dispatch:
        """This after its end."""
        return replace(self, status=status, tries=self.tries + 1, next_at=None, finished_at=now, error=error)

    def to_public(self) -> dict[str, Any]:
        """As plain JSON, without what templates are filled with."""
        return {
            "id": self.id,
            "target": self.target,
            "rule_id": self.rule_id,
            "level": self.level.value,
            "title": self.title,
            "text": self.text,
            "link": self.link,
            "event_type": self.event_type,
            "subject": self.subject,
            "together": self.together,
            "status": self.status.value,
            "tries": self.tries,
            "next_at": to_optional_text(self.next_at),
            "created_at": to_text(self.created_at),
            "finished_at": to_optional_text(self.finished_at),
            "error": self.error,
        }

    def to_document(self) -> dict[str, Any]:
        """As the store keeps it."""
        return {**self.to_public(), "template": self.template, "data": self.data}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Dispatch:
        """The value that `to_document` wrote."""
        times = {name: from_optional_text(document[name]) for name in ("next_at", "finished_at")}
        kinds = {"level": Level(document["level"]), "status": DispatchStatus(document["status"])}
        return cls(**{**document, **times, **kinds, "created_at": from_text(document["created_at"])})


def require_dispatch_status(value: object) -> DispatchStatus:
    """`value` as a status.

    Raises:
        InvalidValue: it is none.
    """
    try:
        return DispatchStatus(str(value))
    except ValueError:
        hint = f"use {', '.join(DispatchStatus)}"
        raise InvalidValue(f"status is {value!r:.80}", field="status", hint=hint) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """How a user wants to be told.

    Args:
        id: the user's id, or `token`.
        email: where their mail goes.
        mail: whether what is in their list comes by mail, too.
        toasts: whether pages show it when it comes.
        level: what matters less than this is not told to them.
        muted: patterns of event types that are not told to them.
        quiet: their quiet hours: no toasts, and mail comes as one behind them.
        digest: minutes for which their mail is gathered into one.
    """

    id: str
    email: str = ""
    mail: bool = False
    toasts: bool = True
    level: Level = Level.INFO
    muted: tuple[str, ...] = ()
    quiet: str = ""
    digest: int = 0

    @property
    def quiet_hours(self) -> QuietHours | None:
        """The quiet hours; None without."""
        return quiet_hours(self.quiet)

    def to_document(self) -> dict[str, Any]:
        """As plain JSON."""
        return {
            "id": self.id,
            "email": self.email,
            "mail": self.mail,
            "toasts": self.toasts,
            "level": self.level.value,
            "muted": list(self.muted),
            "quiet": self.quiet,
            "digest": self.digest,
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Preferences:
        """The value that `to_document` wrote."""
        return cls(**{**document, "level": Level(document["level"]), "muted": tuple(document["muted"])})
