"""IssueList: issues as a live table, with how often, how lately and whom they affected."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import param

from claudia_core.model.issue import IssueStatus
from dashboards.cells import issues as issue_cells
from dashboards.live import LiveView
from dashboards.parts.frame.rows import Column, Rows

if TYPE_CHECKING:
    from claudia_core import Claudia

STATUSES = {"": (IssueStatus.UNRESOLVED,), "resolved": (IssueStatus.RESOLVED,), "ignored": (IssueStatus.IGNORED,)}
"""What the choices of a status mean; any other word is all."""

COLUMNS = (
    Column("status", "Status", "status"),
    Column("name", "Issue", "link"),
    Column("day", "Last day", "spark", 2),
    Column("trend", "Trend", "text", 2),
    Column("count", "Times", "number", 1, "count_key"),
    Column("tasks", "Tasks", "number", 3),
    Column("agents", "Agents", "number", 3),
    Column("last", "Last seen", "ago", 1, "last_seen"),
    Column("first", "First seen", "ago", 3, "first_seen"),
)
SORTS = ("", *(f"{turn}{column.sort}" for column in COLUMNS if column.sort for turn in ("-", "")))
FIRST_STEPS = """try:
    risky()
except Exception as error:
    claudia.errors.capture(error, order=17)"""
NO_ISSUE = ("No error so far", "Tasks report theirs by themselves; others are captured like this:", FIRST_STEPS)
NO_MATCH = ("No issue matches", "Choose another status, or clear the search.")
ALL_DONE = ("Nothing unresolved", "Every error so far is resolved or ignored.")
PAUSE = 0.8
"""Seconds for which the list is not asked for again, however much happens."""


class IssueList(LiveView):
    """Issues of a hub page by page, the last seen first or as sorted; `status` empty for those that are unresolved."""

    status: Any = param.Selector(default="", objects=["", "resolved", "ignored", "all"], doc="Only issues like this.")
    find = param.String("", doc="Words that all are in type, message, place or release.")
    service = param.String("", doc="Only issues of this service.")
    environment = param.String("", doc="Only issues of this environment.")
    task_id = param.String("", doc="Only issues of this task.")
    sort: Any = param.Selector(default="", objects=list(SORTS), doc="What they are sorted by; `-` for downwards.")
    after = param.String("", doc="The cursor of the page; empty for the first.")
    limit = param.Integer(50, bounds=(1, 500), doc="Issues of a page.")

    def __init__(
        self, claudia: Claudia, *, on_open: Callable[[str], None] | None = None,
        on_sort: Callable[[str], None] | None = None, on_pick: Callable[[], None] | None = None,
        title: str = "", **params: Any,
    ) -> None:  # fmt: skip
        super().__init__(claudia, **params)
        self.next: str | None = None
        self._on_sort = on_sort
        self.table = Rows(
            COLUMNS, label="Issues", title=title, opens="here" if on_open else "there", on_open=on_open,
            on_sort=self._on_head, on_pick=on_pick, selects=on_pick is not None,
        )  # fmt: skip
        self.layout = self.table
        self._shown: tuple[Any, ...] = ()
        self._at = 0.0

    @property
    def picked(self) -> dict[str, Any]:
        """The selected rows by their issue's id."""
        return self.table.picked

    def refresh(self) -> None:
        """Ask for the page's issues, unless nothing happened since or the last question was just now."""
        asked = self._asked()
        version = self.claudia.boards.tasks.version
        now = time.monotonic()
        if self._shown[1:] == (asked,) and (self._shown[0] == version or now - self._at < PAUSE):
            return
        if self._shown and self._shown[1] != asked:
            self.table.unpick()  # what is selected belongs to what is seen
        page = self.claudia.errors.issues(**asked)
        self.next = page.next
        self.table.sort = self.sort or "-last_seen"
        recent = self.claudia.errors.recent(page.issues)
        self.table.put(issue_cells.issue_rows(page.issues, recent), self._zero())
        self._shown, self._at = (version, asked), now

    def _asked(self) -> dict[str, Any]:
        return {
            "status": STATUSES.get(self.status, ()),
            "text": self.find,
            "service": self.service,
            "environment": self.environment,
            "task_id": self.task_id or None,
            "order": self.sort or "-last_seen",
            "after": self.after or None,
            "limit": self.limit,
        }

    def _zero(self) -> tuple[str, ...]:
        if self.find or self.service or self.environment or self.task_id or self.after or self.status:
            return NO_MATCH
        return ALL_DONE if self.claudia.errors.issues(limit=1).issues else NO_ISSUE

    def _on_head(self, column: str) -> None:
        if column not in SORTS:
            return
        sort = column if (self.sort or "-last_seen") == f"-{column}" else f"-{column}"
        if self._on_sort is not None:
            self._on_sort(sort)
            return
        self.param.update(sort=sort, after="")
        self.pull()
