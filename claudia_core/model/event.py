"""What happened: one entry of the log, and a position in it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from claudia_core.errors import BadCursor
from claudia_core.model.times import to_text

SOURCE = "/claudia"
PERSON = "user:"
"""What the subject of an event begins with that is about one person."""


class Cursor(NamedTuple):
    """A position in one log. `epoch` names the log: it changes when the log is restored or replaced."""

    epoch: str
    sequence: int

    def __str__(self) -> str:
        return f"{self.epoch}:{self.sequence}"

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """The cursor that `str` wrote.

        Raises:
            BadCursor: the text is not `epoch:sequence`.
        """
        epoch, _, sequence = text.rpartition(":")
        if not epoch or not (sequence.isascii() and sequence.isdigit()) or len(sequence) > 18:
            raise BadCursor(f"not a cursor: {text!r:.80}", field="cursor", hint="use the form epoch:sequence")
        return cls(epoch, int(sequence))


def private_to(type: str, subject: str) -> str:
    """Whose an event is that is about one person's list of notices: their id; empty for what every viewer may see."""
    is_private = subject.startswith(PERSON) and type.startswith("notification:")
    return subject.removeprefix(PERSON) if is_private else ""


@dataclass(frozen=True, slots=True)
class Event:
    """A fact in the past tense. `type` is `noun:verb` such as `task:completed`; `subject` is the id it is about."""

    sequence: int
    epoch: str
    type: str
    subject: str
    time: datetime
    data: dict[str, Any]

    @property
    def cursor(self) -> Cursor:
        """The position just after this event: a reader that resumes here does not see it again."""
        return Cursor(self.epoch, self.sequence)

    def to_cloudevent(self) -> dict[str, Any]:
        """As a CloudEvents 1.0 event in JSON format, with the `sequence` extension; an empty subject is left out."""
        return {
            "specversion": "1.0",
            "id": f"{self.epoch}:{self.sequence}",
            "source": SOURCE,
            "type": self.type,
            **({"subject": self.subject} if self.subject else {}),
            "time": to_text(self.time),
            "datacontenttype": "application/json",
            "sequence": f"{self.sequence:020d}",
            "data": self.data,
        }


@dataclass(frozen=True, slots=True)
class Gap:
    """Events that a reader wanted and that are no longer kept: sequences `first` to `last`, both included."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class EventSlice:
    """A stretch of the log.

    `position` is the last sequence looked at, kept or filtered out: read on from there. `gap` says what is missing
    before the first event.
    """

    events: list[Event]
    position: int
    gap: Gap | None = None
