"""A rule: which events somebody is told about, how much they matter, and by which channels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from claudia_core.errors import InvalidValue, TooLarge
from claudia_core.model.event import Event
from claudia_core.model.times import from_text, to_text
from claudia_core.model.values import require_text
from claudia_core.model.webhook import holds, matches

EVERYBODY = "*"
MOST_CHANNELS = 20
MOST_USERS = 100
MOST_MINUTES = 7 * 24 * 60
"""Minutes that somebody has for acknowledging, at most."""

NEVER_TOLD = frozenset({"webhook:delivered", "webhook:queued", "progress:updated"})
"""Events that come by the thousand or are made by telling; those of notifications themselves are not told either."""


class Level(StrEnum):
    """How much a notification matters. What is critical is told in quiet hours, too."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for what matters least."""
        return list(Level).index(self)


def require_level(value: object) -> Level:
    """`value` as a level.

    Raises:
        InvalidValue: it is none.
    """
    try:
        return Level(str(value))
    except ValueError:
        raise InvalidValue(f"level is {value!r:.80}", field="level", hint=f"use {', '.join(Level)}") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Tells people about events.

    Args:
        events: patterns of event types, such as `task:*`; one that matches is enough.
        filter: conditions on the event, all of which must hold; as for webhook endpoints.
        channels: ids of the channels that are told.
        users: names or ids of users who get it into their list; `*` for everybody who may sign in.
        template: the mail template that mail of it is made with; the built-in one where empty.
        escalate_after: minutes after which further channels are told where nobody has acknowledged it; 0 for never.
        escalate_to: ids of those channels.
    """

    id: str
    name: str
    events: tuple[str, ...]
    filter: dict[str, Any] = field(default_factory=dict)
    level: Level = Level.WARNING
    channels: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    template: str = ""
    active: bool = True
    escalate_after: int = 0
    escalate_to: tuple[str, ...] = ()
    created_at: datetime
    updated_at: datetime

    def wants(self, event: Event) -> bool:
        """Whether it tells about this event."""
        if not self.active or event.type in NEVER_TOLD or event.type.startswith("notification:"):
            return False
        return matches(self.events, event.type) and holds(self.filter, event)

    def to_document(self) -> dict[str, Any]:
        """As plain JSON; it holds no secrets."""
        return {
            "id": self.id,
            "name": self.name,
            "events": list(self.events),
            "filter": self.filter,
            "level": self.level.value,
            "channels": list(self.channels),
            "users": list(self.users),
            "template": self.template,
            "active": self.active,
            "escalate_after": self.escalate_after,
            "escalate_to": list(self.escalate_to),
            "created_at": to_text(self.created_at),
            "updated_at": to_text(self.updated_at),
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Rule:
        """The value that `to_document` wrote."""
        lists = {name: tuple(document.get(name, ())) for name in ("events", "channels", "users", "escalate_to")}
        times = {name: from_text(document[name]) for name in ("created_at", "updated_at")}
        return cls(**{**document, **lists, **times, "level": Level(document["level"])})


def require_escalation(rule: Rule) -> Rule:
    """A rule whose escalation can happen: after some time, to somebody, where somebody could have acknowledged.

    Raises:
        InvalidValue: it cannot.
    """
    if rule.escalate_after and not rule.escalate_to:
        raise InvalidValue("nobody is told then", field="escalate_to", hint="name a channel, or leave out the minutes")
    if rule.escalate_to and not rule.escalate_after:
        hint = f"use minutes, 1 to {MOST_MINUTES:,}"
        raise InvalidValue("it is not said after how long", field="escalate_after", hint=hint)
    if rule.escalate_to and not rule.users:
        hint = "name people, or * for everybody"
        raise InvalidValue("nobody could acknowledge it before it is escalated", field="users", hint=hint)
    return rule


def require_names(value: object, name: str, most: int) -> tuple[str, ...]:
    """A list of ids or names, each once.

    Raises:
        InvalidValue, TooLarge: it is none, or too long.
    """
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise InvalidValue(f"{name} is no list", field=name, hint="use a list of ids")
    if len(value) > most:
        raise TooLarge(f"{len(value)} {name}, over the limit of {most}", field=name)
    return tuple(dict.fromkeys(require_text(one, name, 100) for one in value))
