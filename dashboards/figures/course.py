"""How a task went: its progress over time and what it said, folded from its events; pure, without panel."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from claudia_core.model.event import Event
from claudia_core.model.times import to_text
from dashboards import units

MOST_POINTS = 400
MOST_MESSAGES = 100
ENDS = ("task:completed", "task:failed", "task:cancelled")
TYPES = ("progress:updated", "task:started", *ENDS)


@dataclass
class Course:
    """Points of a task's progress, thinned out evenly where there are many, and its last messages."""

    at: list[float] = field(default_factory=list)
    """Milliseconds of Unix time."""
    done: list[float] = field(default_factory=list)
    total: float | None = None
    unit: str = "items"
    messages: list[dict[str, Any]] = field(default_factory=list)
    is_over: bool = False
    """Whether the task ended."""
    _each: int = 1
    _seen: int = 0
    _said: str = ""

    def add(self, events: Iterable[Event]) -> None:
        """Fold in what happened next."""
        for event in events:
            progress = event.data.get("progress", event.data)
            if event.type == "task:started":  # a new attempt begins at zero
                self.at, self.done, self._each, self._seen = [], [], 1, 0
            self.is_over = event.type in ENDS
            self.total, self.unit = progress.get("total"), progress.get("unit", self.unit)
            self._point(event.time.timestamp() * 1e3, progress.get("current", 0), event.type != "progress:updated")
            self._say(event, progress.get("message") or "")

    def _point(self, at: float, done: float, keep: bool) -> None:
        self._seen += 1
        if keep or self._seen % self._each == 0 or not self.at:
            self.at.append(at)
            self.done.append(done)
        if len(self.at) > MOST_POINTS:
            self.at, self.done, self._each = self.at[::2], self.done[::2], self._each * 2

    def _say(self, event: Event, message: str) -> None:
        if message and message != self._said:
            row = {"id": str(event.sequence), "at": to_text(event.time), "says": message[:500]}
            self.messages = [row, *self.messages[: MOST_MESSAGES - 1]]
        self._said = message

    def twin(self, most: int = 30) -> list[dict[str, Any]]:
        """The points as rows of a table, newest first, at most about `most`."""
        step = max(1, len(self.at) // most)
        places = range(len(self.at) - 1, -1, -step)
        return [
            {
                "id": str(place),
                "at": _moment(self.at[place]),
                "done": units.done(self.done[place], self.total, self.unit),
            }
            for place in places
        ]


def _moment(at: float) -> str:
    return to_text(datetime.fromtimestamp(at / 1e3, UTC))
