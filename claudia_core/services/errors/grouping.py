"""Which errors belong together, and why.

A client's own fingerprint decides, else the stack (the exception's type and the program's own functions, without line
numbers), else the type and the message without what changes from case to case. The mechanism has a version: an error
that a former version knows stays in its issue, and only what is new is grouped by the present one.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from claudia_core.model.report import ErrorReport
from claudia_core.model.values import JSON

DEFAULT = re.compile(r"^\{\{\s*default\s*\}\}$")
MOST_FRAMES = 30
LONGEST = 300

_CHANGING = (
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE), "<id>"),
    (re.compile(r"\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?)?"), "<time>"),
    (re.compile(r"\b[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64})+"), "<address>"),
    (re.compile(r"\b0x[0-9a-f]+", re.IGNORECASE), "<hex>"),
    (re.compile(r"\b(?=[0-9a-f]{0,40}[0-9])(?=[0-9a-f]{0,40}[a-f])[0-9a-f]{8,}\b", re.IGNORECASE), "<hex>"),
    (re.compile(r"\"[^\"\n]{0,200}\"|'[^'\n]{0,200}'|`[^`\n]{0,200}`"), "<value>"),
    (re.compile(r"\d+(?:[.,:]\d+)*"), "<number>"),
)


@dataclass(frozen=True, slots=True)
class Grouping:
    """Why errors are together: the mechanism, its version, and the parts that are equal."""

    mechanism: str
    version: int
    parts: tuple[str, ...]

    @property
    def id(self) -> str:
        """The id of the issue."""
        text = "\0".join((str(self.version), self.mechanism, *self.parts))
        return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:32]

    def to_document(self) -> dict[str, JSON]:
        """As plain JSON."""
        return {"mechanism": self.mechanism, "version": self.version, "parts": list(self.parts)}


type Mechanism = Callable[[ErrorReport], Grouping]


def first_version(report: ErrorReport) -> Grouping:
    """The mechanism of version 1."""
    mechanism, parts = _by_default(report)
    if report.fingerprint:
        own = [part for text in report.fingerprint for part in (parts if DEFAULT.match(text) else (text,))]
        return Grouping("fingerprint", 1, tuple(own))
    return Grouping(mechanism, 1, parts)


VERSIONS: Sequence[Mechanism] = (first_version,)
"""All versions that issues may have been opened with, the present one first."""


def groupings(report: ErrorReport, versions: Sequence[Mechanism] = VERSIONS) -> tuple[Grouping, ...]:
    """What each version says about an error. It goes to the first issue of them that there is, or opens the first."""
    return tuple(version(report) for version in versions)


def _by_default(report: ErrorReport) -> tuple[str, tuple[str, ...]]:
    places = _places(report.exceptions)
    if places:
        return "stack", (report.type, *places)
    if report.culprit and not report.exceptions:
        return "stack", (report.type, report.culprit)
    return "message", (report.type, normal(report.message))


def _places(exceptions: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """`module.function` of the program's own frames, oldest first; of all where none is its own.

    They are those of the raised exception. A group has few frames of its own: those of its first member stand for it.
    """
    if not exceptions:
        return ()
    members = [one for one in exceptions if one["relation"] == "group" and one["parent"] == 0]
    frames = [*exceptions[0]["frames"], *(members[0]["frames"] if members else [])]
    own = [frame for frame in frames if frame["in_app"]] or frames
    places = [_place(frame) for frame in own]
    different = [place for at, place in enumerate(places) if at == 0 or place != places[at - 1]]  # recursion is one
    if all(place == "__main__.<module>" for place in different):
        return ()  # cells of notebooks and lines of a console: what is in them is not told by their names
    kinds = [f"{one['type']} in the group" for one in members]
    return (*different[-MOST_FRAMES:], *kinds)


def _place(frame: Mapping[str, Any]) -> str:
    module, file = frame["module"], frame["file"]
    if module in ("__main__", "__mp_main__") and not file.startswith("<") and "ipykernel" not in file:
        module = re.split(r"[\\/]", file)[-1].removesuffix(".py")
    return f"{module}.{frame['function']}"


def normal(message: str) -> str:
    """A message without what changes from case to case: ids, times, addresses, hex, quoted values and numbers."""
    text = message[: 4 * LONGEST]
    for pattern, name in _CHANGING:
        text = pattern.sub(name, text)
    return " ".join(text.split())[:LONGEST]
