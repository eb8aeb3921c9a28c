"""What a client can subscribe to: a table of channels, each a question to an event's type and subject."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase

import orjson

from claudia_core.api.realtime.entries import Entry
from claudia_core.errors import InvalidValue
from claudia_core.model.event import PERSON

MAX_NAME = 200
_PATTERN = re.compile(r"[a-z0-9_.:*?-]{1,200}")
_KNOWN_TYPES = 1_000


class Channel:
    """A named part of the log: events whose type matches one of `patterns`, and whose subject is `subject` if given.

    `head` is the beginning of its messages, encoded once.
    """

    __slots__ = ("_known", "_patterns", "head", "name", "subject")

    def __init__(self, name: str, patterns: tuple[str, ...], subject: str | None = None) -> None:
        self.name = name
        self.subject = subject
        self.head = b'{"type":"message","channel":' + orjson.dumps(name) + b',"data":'
        self._patterns = patterns
        self._known: dict[str, bool] = {}

    @property
    def is_persons(self) -> bool:
        """Whether it is one person's own, which not everybody may read."""
        return self.name.startswith(PERSON)

    def accepts(self, entry: Entry) -> bool:
        """Whether the event belongs to this channel."""
        if self.subject is not None and entry.subject != self.subject:
            return False
        known = self._known.get(entry.type)
        return self._learn(entry.type) if known is None else known

    def _learn(self, type: str) -> bool:
        if len(self._known) >= _KNOWN_TYPES:
            self._known.clear()
        known = self._known[type] = any(fnmatchcase(type, pattern) for pattern in self._patterns)
        return known

    def __repr__(self) -> str:
        return f"Channel({self.name!r})"


FIXED: Mapping[str, tuple[str, ...]] = {
    "tasks": ("task:*",),
    "progress": ("progress:*", "task:progress"),
    "errors": ("error:*", "issue:*"),
    "health": ("health:*",),
    "agents": ("agent:*",),
}
"""Channels by name: the event types they carry."""


def _task(name: str, id: str) -> Channel:
    return Channel(name, ("*",), subject=id)


def _user(name: str, _: str) -> Channel:
    return Channel(name, ("*",), subject=name)


def pattern(name: str, text: str, field: str = "channel") -> Channel:
    """The channel of all events whose type matches `text`.

    Raises:
        InvalidValue: it is not an event type with `*` and `?`.
    """
    if not _PATTERN.fullmatch(text):
        hint = "use an event type in which * stands for any text, such as task:*"
        raise InvalidValue(f"not a pattern of event types: {text!r:.80}", field=field, hint=hint)
    return Channel(name, (text,))


OPEN: Mapping[str, Callable[[str, str], Channel]] = {"task": _task, "events": pattern, "user": _user}
"""Channels of the form `word:rest`: what makes one from its name and the rest."""

NAMES = ", ".join((*FIXED, "task:ID", "events:PATTERN", "user:ID"))


def channel(name: object) -> Channel:
    """The channel of that name.

    Raises:
        InvalidValue: there is no such channel.
    """
    if not isinstance(name, str) or not 0 < len(name) <= MAX_NAME:
        raise InvalidValue("channel is not a short text", field="channel", hint=f"one of: {NAMES}")
    if name in FIXED:
        return Channel(name, FIXED[name])
    word, _, rest = name.partition(":")
    if word not in OPEN or not rest or not name.isprintable():
        raise InvalidValue(f"no channel {name!r:.80}", field="channel", hint=f"one of: {NAMES}")
    return OPEN[word](name, rest)
