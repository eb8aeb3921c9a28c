"""What the tasks page can be asked for: its state in the address, as the core's filters; pure functions, no panel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from claudia_core.model.task import Status

if TYPE_CHECKING:
    from claudia_core import Claudia

SPANS: Mapping[str, tuple[str, timedelta]] = {
    "15m": ("Last 15 minutes", timedelta(minutes=15)),
    "1h": ("Last hour", timedelta(hours=1)),
    "24h": ("Last 24 hours", timedelta(hours=24)),
    "7d": ("Last 7 days", timedelta(days=7)),
    "30d": ("Last 30 days", timedelta(days=30)),
}
"""Times since when something has happened to a task."""

ORDERS: Mapping[str, str] = {
    "created": "created_at",
    "updated": "updated_at",
    "started": "started_at",
    "finished": "finished_at",
    "duration": "duration",
    "name": "name",
    "status": "status",
    "type": "type",
}
"""What the heads of columns sort by, and how the core calls it."""

UPWARDS = ("name", "type", "status")
"""What is sorted from the beginning of the alphabet by the first click; the rest begins with the latest or longest."""

SORTS = ("", *ORDERS, *(f"-{order}" for order in ORDERS))

STATE = ("status", "type", "tag", "agent", "parent", "since", "name", "sort")
"""The parts of an address that make a filter, in the order they are shown."""


@dataclass(frozen=True, slots=True)
class Builtin:
    """A filter that is always there."""

    name: str
    query: Mapping[str, str]


BUILTIN = (
    Builtin("Running", {"status": "active"}),
    Builtin("Failed in the last hour", {"status": "failed", "since": "1h"}),
    Builtin("Slowest today", {"since": "24h", "sort": "-duration"}),
    Builtin("Running longest", {"status": "active", "sort": "started"}),
    Builtin("Waiting longest", {"status": "pending", "sort": "created"}),
)


def turned(sort: str, column: str) -> str:
    """What a click on a column's head makes of the order: its own, the other way round, then none."""
    first = column if column in UPWARDS else f"-{column}"
    second = f"-{column}" if column in UPWARDS else column
    return {first: second, second: ""}.get(sort, first)


def order(sort: str, status: str) -> str | None:
    """The core's order; running tasks have no duration yet: the longest is the one that began first."""
    name = sort.removeprefix("-")
    if not name:
        return None
    down = sort.startswith("-")
    if name == "duration" and status == Status.ACTIVE.value:
        return "started_at" if down else "-started_at"
    return f"{'-' if down else ''}{ORDERS[name]}"


def since(span: str, now: datetime | None = None) -> datetime | None:
    """The beginning of a time, to the minute."""
    if span not in SPANS:
        return None
    moment = (datetime.now(UTC) if now is None else now) - SPANS[span][1]
    return moment.replace(second=0, microsecond=0)


def types(claudia: Claudia, text: str) -> str | list[str] | None:
    """The types that a text in the type's field means: this one where there is such, or else all that begin so."""
    if not text:
        return None
    found = claudia.tasks.types(text, limit=50)
    return text if text in found or not found else list(found)


def filters(claudia: Claudia, state: Mapping[str, str]) -> dict[str, Any]:
    """The arguments of `tasks.list` for a page's state."""
    status = state.get("status", "")
    return {
        "status": status or None,
        "type": types(claudia, state.get("type", "")),
        "name": state.get("name") or None,
        "tag": state.get("tag") or None,
        "agent_id": state.get("agent") or None,
        "parent_id": state.get("parent") or None,
        "since": since(state.get("since", "")),
        "order": order(state.get("sort", ""), status) or "-id",
        "after": state.get("after") or None,
    }
