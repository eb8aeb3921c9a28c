"""Notifications as rows of cells: pure functions without panel, whose output `theme/live.js` draws as text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from claudia_core.model.notice import Dispatch, DispatchStatus, Notice
from claudia_core.model.notify_channel import NotifyChannel
from claudia_core.model.rule import Level, Rule
from claudia_core.model.times import to_optional_text, to_text
from dashboards import units
from dashboards.cells.tasks import Row

LEVELS: Mapping[Level, tuple[str, str]] = {
    Level.INFO: ("●", "active"),
    Level.WARNING: ("▲", "cancelled"),
    Level.CRITICAL: ("✖", "failed"),
}
STATUSES: Mapping[DispatchStatus, tuple[str, str]] = {
    DispatchStatus.PENDING: ("…", "pending"),
    DispatchStatus.SENT: ("✔", "completed"),
    DispatchStatus.FAILED: ("✖", "failed"),
    DispatchStatus.CANCELLED: ("⊘", "pending"),
}
ON = {"word": "on", "mark": "✔", "tone": "completed"}
OFF = {"word": "off", "mark": "⊘", "tone": "pending"}
FAILING = {"word": "failing", "mark": "▲", "tone": "cancelled"}
MOST_NAMED = 5


def level(of: Level) -> Row:
    """The cell of a level: mark and word."""
    mark, tone = LEVELS[of]
    return {"word": of.value, "mark": mark, "tone": tone}


def notice_row(notice: Notice, people: Mapping[str, str] | None = None) -> Row:
    """A notice as a row of somebody's list; it leads where the notice does. `people` are names by id, for all lists."""
    return {
        "owner": None if people is None else people.get(notice.owner, "somebody who is gone"),
        "id": notice.id,
        "name": {"text": notice.title, "href": page_href(notice.link), "key": None, "hint": notice.text},
        "status": level(notice.level),
        "seen": "seen" if notice.acknowledged_at else "new",
        "at": to_text(notice.created_at),
    }


def page_href(link: str) -> str | None:
    """A notice's link relative to any page; None for one that leads elsewhere."""
    return f".{link}" if link.startswith("/") and not link.startswith("//") else None


def rule_row(rule: Rule, channels: Mapping[str, str], *, opens: bool = False) -> Row:
    """A rule as a row; `channels` are names by id. With `opens`, a click on it can be told from others."""
    named = [channels.get(id, "a channel that was deleted") for id in rule.channels]
    people = ["everybody" if user == "*" else user for user in rule.users]
    return {
        "id": rule.id,
        "name": {"text": rule.name, "hint": _further(rule, channels), **_opening(rule.id, opens=opens)},
        "status": ON if rule.active else OFF,
        "level": rule.level.value,
        "events": ", ".join(rule.events[:MOST_NAMED]),
        "channels": ", ".join(named[:MOST_NAMED]) or None,
        "people": ", ".join(people[:MOST_NAMED]) or None,
    }


def _further(rule: Rule, channels: Mapping[str, str]) -> str:
    """The conditions of a rule, and what happens when nobody acknowledges."""
    conditions = " and ".join(f"{path} is {wanted}" for path, wanted in rule.filter.items())[:200]
    named = ", ".join(channels.get(id, "a channel that was deleted") for id in rule.escalate_to[:MOST_NAMED])
    later = f"after {units.span(rule.escalate_after * 60)} without acknowledgement: {named}" if named else ""
    return " · ".join(filter(None, (conditions, later)))


def _opening(id: str, *, opens: bool) -> Row:
    return {"href": "#", "key": id} if opens else {"href": None, "key": None}


def channel_row(channel: NotifyChannel, *, opens: bool = False) -> Row:
    """A channel as a row; its address stands there without what is secret in it."""
    state = OFF if not channel.active else FAILING if channel.failing_since else ON
    return {
        "id": channel.id,
        "name": {
            "text": channel.name,
            **_opening(channel.id, opens=opens),
            "hint": channel.last_error if channel.failing_since else f"{channel.kind.value}: {channel.shown}",
        },
        "status": state,
        "digest": f"every {units.span(channel.digest * 60)}" if channel.digest else None,
        "quiet": channel.quiet or None,
        "failing": to_optional_text(channel.failing_since),
    }


def dispatch_row(dispatch: Dispatch, targets: Mapping[str, str]) -> Row:
    """A message on its way as a row; `targets` are names by target."""
    mark, tone = STATUSES[dispatch.status]
    again = dispatch.status is DispatchStatus.PENDING and dispatch.tries > 0
    state = {"word": "retrying", "mark": "↻", "tone": "cancelled"}
    return {
        "id": dispatch.id,
        "name": {
            "text": dispatch.title,
            "href": page_href(dispatch.link),
            "key": None,
            "hint": f"to {targets.get(dispatch.target, 'somebody')}",
        },
        "status": state if again else {"word": dispatch.status.value, "mark": mark, "tone": tone},
        "error": dispatch.error or None,
        "tries": units.number(dispatch.tries) if dispatch.tries else None,
        "next": to_optional_text(dispatch.next_at),
        "at": to_text(dispatch.created_at),
    }


def channel_names(channels: Iterable[NotifyChannel]) -> dict[str, str]:
    """Names by the target of their dispatches."""
    return {f"channel:{channel.id}": channel.name for channel in channels}
