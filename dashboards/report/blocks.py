"""What a report is made of, whatever form it takes: sections of words, figures, tables and charts.

A cell of a table is a plain value; what it looks like is decided by its type, in `as_html` and `as_markdown`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from claudia_core.model.task import Status
from dashboards import units
from dashboards.report.facts import Tally

NOTHING = "—"
"""What stands where there is no value."""


@dataclass(frozen=True, slots=True)
class Span:
    """A duration in seconds."""

    seconds: float

    def __str__(self) -> str:
        if 0 < self.seconds < 0.1:
            return f"{max(1.0, self.seconds * 1_000):.0f} ms"
        return units.span(self.seconds) or ""


@dataclass(frozen=True, slots=True)
class Meter:
    """A bar of `percent` (None while that is unknown) in the colour of a status, with its words."""

    percent: float | None
    label: str
    tone: str = "active"


@dataclass(frozen=True, slots=True)
class Named:
    """A text with a quieter one below it, and perhaps a traceback folded away."""

    text: str
    hint: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True)
class Mono:
    """An id, or something else that is for machines."""

    text: str


type Value = str | int | float | datetime | Status | Span | Meter | Named | Mono | None


@dataclass(frozen=True, slots=True)
class Column:
    """A column. Those of `priority` 3, then 2, are left out where there is little room; `wide` takes what is left."""

    label: str
    right: bool = False
    priority: int = 1
    wide: bool = False


@dataclass(frozen=True, slots=True)
class Words:
    """A paragraph; `tone` is `good`, `bad`, `note` or empty."""

    text: str
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Points:
    """A list of sentences."""

    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Code:
    """Text as it was written, such as a traceback."""

    text: str


@dataclass(frozen=True, slots=True)
class Figure:
    """A number at a glance: the present one, and how it was before."""

    label: str
    value: str
    hint: str = ""
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Figures:
    """Numbers at a glance."""

    caption: str
    items: tuple[Figure, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells; `note` says what is not in it, and `heading` which cell of a row names it."""

    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Value]]
    note: str = ""
    heading: int = 0


@dataclass(frozen=True, slots=True)
class Chart:
    """Tasks that ended, step by step, as stacked bars with a table as their twin."""

    caption: str
    summary: str
    bars: tuple[Tally, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that went wrong: where, what, when, and the folded details."""

    title: str
    error: str
    at: datetime | None
    facts: tuple[tuple[str, Value], ...]
    code: str = ""


@dataclass(frozen=True, slots=True)
class Entries:
    """Things that went wrong; `note` says what is left out."""

    caption: str
    items: tuple[Entry, ...]
    note: str = ""


type Block = Words | Points | Code | Figures | Table | Chart | Entries


@dataclass(frozen=True, slots=True)
class Section:
    """A titled part of a report."""

    title: str
    blocks: tuple[Block, ...]
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """A whole report. `lines` stand below the title, `foot` at the end; a report of a part has none."""

    title: str
    lines: tuple[str, ...]
    sections: tuple[Section, ...]
    foot: tuple[str, ...] = ()
