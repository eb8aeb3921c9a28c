"""What ran: the tasks of a timeline, read from the store. Without panel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from claudia_core.boards import Minute, minutes
from claudia_core.model.task import Status
from claudia_core.model.times import from_text, to_text
from claudia_core.ports import Condition, Prefix, Query, Range, Reader
from dashboards.figures import lanes

MINUTE = len("2026-11-23T01:26")
"""Characters of a time's text that tell the minute."""

MOST_COUNTED = 2_000_000
"""Most tasks that are looked through for what fits a filter."""

ENDS = tuple(status.value for status in Status if status.is_terminal)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which tasks to draw; an empty text is no condition. `type` and `name` are what those begin with."""

    status: str = ""
    type: str = ""
    name: str = ""
    tag: str = ""
    agent: str = ""
    parent: str = ""

    def __call__(self, task: Mapping[str, Any]) -> bool:
        """Whether a task's summary fits."""
        return (
            self.status in ("", task["status"])
            and str(task["type"]).startswith(self.type)
            and str(task["name"]).casefold().startswith(self.name.casefold())
            and (not self.tag or self.tag in task["tags"])
            and self.agent in ("", task["agent_id"])
            and self.parent in ("", task["parent_id"])
        )

    @property
    def ends(self) -> tuple[str, ...]:
        """The statuses of tasks to read: those that ended."""
        return tuple(status for status in ENDS if self.status in ("", status))

    @property
    def is_counted(self) -> bool:
        """Whether the hub's counters tell how many there are."""
        return replace(self, status="") == Wanted()

    def where(self, since: float) -> dict[str, Condition]:
        """The conditions for what ended since a moment (Unix seconds)."""
        found: dict[str, Condition] = {
            "status": self.ends,
            "updated_at": Range(to_text(datetime.fromtimestamp(since, UTC))),
            "type": Prefix(self.type),
            "name_key": Prefix(self.name.casefold()),
            "tags": self.tag,
            "agent_id": self.agent,
            "parent_id": self.parent,
        }
        return {column: value for column, value in found.items() if value and value != Prefix("")}


type Known = tuple[dict[str, Mapping[str, Any]], tuple[Minute, ...]]


def read(reader: Reader, wanted: Wanted, since: float, now: float) -> Known:
    """The newest tasks that ended since a moment, one more than can be drawn, and what ended by the minute.

    The hub's counters tell that of all tasks; with a filter it is counted, where there are more than can be drawn.
    """
    query = Query("tasks", wanted.where(since), "-updated_at", limit=lanes.MOST_BARS + 1)
    tasks = reader.find(query).documents if wanted.ends else []
    known: dict[str, Mapping[str, Any]] = {str(task["id"]): task for task in tasks}
    whole = minutes(reader, now, int((now - since) // 60) + 1)
    if wanted.is_counted:
        return known, whole
    if len(tasks) <= lanes.MOST_BARS or sum(map(_ended, whole)) > MOST_COUNTED:
        return known, ()
    return known, _tallied(reader, wanted.where(since))


def _ended(minute: Minute) -> int:
    return minute.completed + minute.failed + minute.cancelled


def _tallied(reader: Reader, where: Mapping[str, Condition]) -> tuple[Minute, ...]:
    """What fits, by the minute."""
    counts: dict[str, dict[str, int]] = {}
    for (status, minute), count in reader.tally(Query("tasks", where), {"status": 9, "updated_at": MINUTE}).items():
        counts.setdefault(minute, {})[status] = count
    return tuple(Minute(int(from_text(f"{at}:00+00:00").timestamp()), **counts[at]) for at in sorted(counts))
