"""From events to notices and dispatches: who is told what, when, and how much of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from claudia_core.model.event import Event
from claudia_core.model.notice import MOST_TITLE, Dispatch, Notice
from claudia_core.model.notify_channel import ChannelKind, NotifyChannel
from claudia_core.model.quiet import QuietHours, quiet_hours
from claudia_core.model.rule import Level, Rule
from claudia_core.model.times import to_text
from claudia_core.ports import Transaction
from claudia_core.services.notifications.people import Person, meant
from claudia_core.services.notifications.wording import template_data, words_of

LIST_PER_HOUR = 200
"""Notices an hour in somebody's list; of further ones only the number is told."""

HELD_PER_HOUR = 500
"""Messages an hour that wait to be told with others; of further ones only the number is told."""

MAIL_PER_HOUR = 60
"""Mails an hour to one user; further ones come as one in the next hour."""


@dataclass(frozen=True, slots=True)
class Directory:
    """The rules, channels and people as they are now."""

    rules: Sequence[Rule]
    channels: Mapping[str, NotifyChannel]
    people: Sequence[Person]


class Pace(NamedTuple):
    """How often a target may be told: its quiet hours, minutes of its digest, most messages an hour."""

    quiet: QuietHours | None
    digest: int
    per_hour: int


def queue(tx: Transaction, directory: Directory, events: Iterable[Event]) -> int:
    """Note what people are to be told about events; returns how many dispatches wait. Twice is as once."""
    made = 0
    for event in events:
        for rule in directory.rules:
            if rule.wants(event):
                made += _tell(tx, directory, rule, event)
    return made


def _tell(tx: Transaction, directory: Directory, rule: Rule, event: Event) -> int:
    made = 0
    for target, pace in _targets(directory, rule.channels, event):
        made += _dispatch(tx, target, pace, rule, event)
    later = [_escalate(tx, target, pace, rule, event) for target, pace in _targets(directory, rule.escalate_to, event)]
    for person in meant(rule, directory.people):
        if person.wants(rule, event):
            made += _list(tx, person, rule, event, later)
    return made + len(later)


def _targets(directory: Directory, ids: Iterable[str], event: Event) -> Iterable[tuple[str, Pace]]:
    for id in ids:
        channel = directory.channels.get(id)
        if channel is not None and channel.active and not _is_loop(channel, event):
            yield f"channel:{id}", Pace(quiet_hours(channel.quiet), channel.digest, channel.per_hour)


def _escalate(tx: Transaction, target: str, pace: Pace, rule: Rule, event: Event) -> str:
    """Put a message on its way that is sent unless somebody acknowledges; returns its id. Too many come as one."""
    id = _id("dsp", event, rule.id, f"{target} escalated")
    if tx.get("dispatches", id) is None:
        at, together = _when(tx.now + timedelta(minutes=rule.escalate_after), pace, rule.level)
        number = _count(tx, f"{target} escalated", pace.per_hour).number
        if number <= HELD_PER_HOUR:
            made = _message(tx, id, target, rule, event)
            words = f"Nobody acknowledged it in {rule.escalate_after} min.\n{made.text}".strip()
            title = f"Not acknowledged: {made.title}"[:MOST_TITLE]
            data = {**made.data, "title": title, "text": words}
            late = replace(made, title=title, text=words, data=data, next_at=at)
            tx.put("dispatches", replace(late, together=together or number > pace.per_hour).to_document())
    return id


def _is_loop(channel: NotifyChannel, event: Event) -> bool:
    """Whether telling it by this channel would bring the next: a webhook that fails, told by webhook."""
    return channel.kind is ChannelKind.WEBHOOK and event.type.startswith("webhook:")


def _list(tx: Transaction, person: Person, rule: Rule, event: Event, holds: Sequence[str]) -> int:
    id = _id("ntc", event, rule.id, person.id)
    if tx.get("notices", id) is not None:
        return 0
    owner, quiet = person.id, person.preferences.quiet_hours
    is_quiet = rule.level is not Level.CRITICAL and quiet is not None and quiet.until(tx.now) is not None
    words = words_of(event)
    notice = Notice(
        id=id,
        owner=owner,
        rule_id=rule.id,
        level=rule.level,
        title=words.title,
        text=words.text,
        link=words.link,
        event_type=event.type,
        quiet=is_quiet or not person.preferences.toasts,
        created_at=tx.now,
        holds=tuple(holds),
    )
    count = _count(tx, f"list:{owner}", LIST_PER_HOUR)
    if count.left_out and count.is_new:
        _put(tx, _about_limit(notice, f"{count.left_out:,} notifications of the hour before were left out"))
    if count.number <= LIST_PER_HOUR:
        _put(tx, notice)
    elif count.number == LIST_PER_HOUR + 1:
        _put(tx, _about_limit(notice, f"Over {LIST_PER_HOUR} notifications this hour: further ones are left out"))
        tx.emit("notification:limited", f"user:{owner}", {"per_hour": LIST_PER_HOUR})
    if not (person.preferences.mail and person.preferences.email):
        return 0
    return _dispatch(tx, f"user:{owner}", Pace(quiet, person.preferences.digest, MAIL_PER_HOUR), rule, event)


def _put(tx: Transaction, notice: Notice) -> None:
    tx.put("notices", notice.to_document())
    tx.emit("notification:sent", f"user:{notice.owner}", notice.to_public())


def _about_limit(notice: Notice, title: str) -> Notice:
    text = "They are in the log of events. Mute what you do not want to be told, or narrow the rule."
    id = f"{notice.id}_limit"
    values = {"level": Level.WARNING, "title": title, "text": text, "link": "/events", "quiet": notice.quiet}
    return Notice(
        id=id,
        owner=notice.owner,
        rule_id=notice.rule_id,
        event_type="notification:limited",
        created_at=notice.created_at,
        **values,  # type: ignore[arg-type]
    )


def _dispatch(tx: Transaction, target: str, pace: Pace, rule: Rule, event: Event) -> int:
    id = _id("dsp", event, rule.id, target)
    if tx.get("dispatches", id) is not None:
        return 0
    at, together = _when(tx.now, pace, rule.level)
    if not together:
        count = _count(tx, target, pace.per_hour)
        if count.number > pace.per_hour:
            at, together = _next_hour(tx.now), True
        if count.number == pace.per_hour + 1:
            _tell_limit(tx, target, pace.per_hour, rule, event)
    if together:
        held = _count(tx, f"{target} held", HELD_PER_HOUR)
        if held.number > HELD_PER_HOUR:
            _leave_out(tx, target, rule, at, held.number - HELD_PER_HOUR)
            return 1
    made = replace(_message(tx, id, target, rule, event), together=together, next_at=at)
    tx.put("dispatches", made.to_document())
    return 1


def _message(tx: Transaction, id: str, target: str, rule: Rule, event: Event) -> Dispatch:
    words = words_of(event)
    return Dispatch(
        id=id,
        target=target,
        rule_id=rule.id,
        level=rule.level,
        title=words.title,
        text=words.text,
        link=words.link,
        event_type=event.type,
        subject=event.subject,
        template=rule.template,
        data=template_data(event),
        created_at=tx.now,
    )


def _leave_out(tx: Transaction, target: str, rule: Rule, at: datetime, number: int) -> None:
    """Say in the message that comes at that time how many more there were."""
    mark = hashlib.sha256(f"{target} {to_text(at)} {to_text(tx.now)[:13]}".encode()).hexdigest()[:20]
    made = Dispatch(
        id=f"dsp_left_{mark}",
        target=target,
        rule_id=rule.id,
        level=Level.WARNING,
        title=f"{number:,} further notifications are left out",
        text="They are in the log of events.",
        link="/events",
        event_type="notification:limited",
        together=True,
        next_at=at,
        created_at=tx.now,
    )
    tx.put("dispatches", made.to_document())


def _when(now: datetime, pace: Pace, level: Level) -> tuple[datetime, bool]:
    """When a message is due, and whether it is told as one with others. What is critical is due at once."""
    if level is Level.CRITICAL:
        return now, False
    over = None if pace.quiet is None else pace.quiet.until(now)
    if over is not None:
        return over, True
    if not pace.digest:
        return now, False
    seconds = pace.digest * 60
    return now + timedelta(seconds=seconds - now.timestamp() % seconds), True


def _next_hour(now: datetime) -> datetime:
    return now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)


def _tell_limit(tx: Transaction, target: str, per_hour: int, rule: Rule, event: Event) -> None:
    """Say once an hour that there is more, and when it comes."""
    at = _next_hour(tx.now)
    made = Dispatch(
        id=_id("dsp", event, rule.id, f"{target} limit"),
        target=target,
        rule_id=rule.id,
        level=Level.WARNING,
        title=f"Over {per_hour} notifications this hour",
        text=f"Further ones come as one message at {at:%H:%M} UTC.",
        link="/events",
        event_type="notification:limited",
        next_at=tx.now,
        created_at=tx.now,
    )
    tx.put("dispatches", made.to_document())
    tx.emit("notification:limited", target, {"per_hour": per_hour, "until": to_text(at)})


class _Count(NamedTuple):
    number: int
    is_new: bool
    left_out: int


def _count(tx: Transaction, target: str, most: int) -> _Count:
    """Count one more message of this hour; `left_out` is by how many the hour before was over its limit."""
    hour = to_text(tx.now)[:13]
    found = tx.get("caps", target)
    is_new = found is None or found["hour"] != hour
    before = int(found["count"]) if found is not None and is_new else 0
    number = 1 if is_new or found is None else int(found["count"]) + 1
    tx.put("caps", {"id": target, "hour": hour, "count": number})
    return _Count(number, is_new, max(0, before - most))


def _id(kind: str, event: Event, rule: str, target: str) -> str:
    """An id that follows from what it is about; ids sort by event."""
    mark = hashlib.sha256(f"{event.epoch}:{event.sequence}:{rule}:{target}".encode()).hexdigest()[:20]
    return f"{kind}_{event.sequence:015d}_{mark}"
