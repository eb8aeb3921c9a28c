"""What the doctor finds out: one fact, how good it is, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class State(Enum):
    """How good a fact is; the value is its mark."""

    GOOD = "✔"
    NOTE = "·"
    WARNING = "!"
    BROKEN = "✖"

    @property
    def mark(self) -> str:
        """Tells the states apart without colour."""
        return self.value


@dataclass(frozen=True, slots=True)
class Finding:
    """One fact. `cure` says what to do, where something should be done."""

    name: str
    state: State
    text: str
    cure: str = ""
