"""A message as every channel gets it: one notification, or several told as one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from claudia_core.model.notice import Dispatch
from claudia_core.model.rule import Level

MOST_LINES = 30
MOST_TITLES = 3


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What is sent.

    Args:
        key: the same for every message about one thing: PagerDuty keeps one incident for it.
        resolves: it says that the thing is well again.
        link: a whole address; empty where the hub does not know its own.
        dispatches: what it tells.
    """

    id: str
    key: str
    title: str
    text: str
    level: Level
    link: str
    dispatches: tuple[Dispatch, ...]
    resolves: bool = False

    @property
    def plain(self) -> str:
        """Title, text and link, a line each."""
        return "\n".join(filter(None, (self.title, self.text, self.link)))

    def to_document(self) -> dict[str, Any]:
        """As a webhook tells it."""
        told = [dispatch.to_public() for dispatch in self.dispatches]
        names = ("id", "event_type", "subject", "title", "text", "level", "created_at")
        return {
            "title": self.title,
            "text": self.text,
            "level": self.level.value,
            "link": self.link,
            "notifications": [{name: one[name] for name in names} for one in told],
        }


def one(dispatch: Dispatch, base: str) -> Outgoing:
    """One notification as a message; `base` is the hub's own address."""
    return Outgoing(
        id=dispatch.id,
        key=f"claudia {dispatch.event_type.partition(':')[0]} {dispatch.subject or dispatch.id}",
        title=dispatch.title,
        text=dispatch.text,
        level=dispatch.level,
        link=_whole(dispatch.link, base),
        dispatches=(dispatch,),
        resolves=dispatch.level is Level.INFO and dispatch.event_type == "health:changed",
    )


def several(dispatches: Sequence[Dispatch], base: str) -> Outgoing:
    """Several notifications as one message: a line each, the oldest first, and how many more there are."""
    lines = [f"{one.created_at:%d %b %H:%M} {one.title}" for one in dispatches[:MOST_LINES]]
    if len(dispatches) > MOST_LINES:
        lines.append(f"and {len(dispatches) - MOST_LINES:,} more")
    kinds = Counter(one.event_type for one in dispatches).most_common(MOST_TITLES)
    told = ", ".join(f"{number} {kind}" for kind, number in kinds)
    return Outgoing(
        id=dispatches[0].id,
        key=f"claudia digest {dispatches[0].id}",
        title=f"{len(dispatches):,} notifications: {told}",
        text="\n".join(lines),
        level=max((one.level for one in dispatches), key=lambda level: level.rank),
        link=_whole("/events", base),
        dispatches=tuple(dispatches),
    )


def _whole(link: str, base: str) -> str:
    return f"{base}{link}" if base and link else ""
