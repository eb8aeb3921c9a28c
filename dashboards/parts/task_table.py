"""TaskTable: tasks as a live table, with their status, progress, rate and time to go."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import param

from dashboards import cells
from dashboards.live import LiveView
from dashboards.parts.rows import Column, Rows

if TYPE_CHECKING:
    from claudia_core import Claudia

NAME = Column("name", "Name", "link")
STATUS = Column("status", "Status", "status")
PROGRESS = Column("progress", "Progress", "progress")
RATE = Column("rate", "Rate", "text", 2)
ETA = Column("eta", "To go", "left", 2)
DURATION = Column("duration", "Duration", "span", 2)
STARTED = Column("started", "Started", "ago", 2)
TYPE = Column("type", "Type", "text", 3)
TAGS = Column("tags", "Tags", "tags", 3)
ENDED = Column("ended", "Ended", "ago")

COLUMNS = (STATUS, NAME, PROGRESS, RATE, ETA, DURATION, STARTED, TYPE, TAGS)

FIRST_STEPS = """from claudia_core import Claudia
claudia = Claudia()
for row in claudia.track(rows, name="clean rows"): ..."""
NO_TASKS = ("No task yet", "Track a loop in a notebook or script on the same store, and it appears here:", FIRST_STEPS)
NO_MATCH = ("No task matches", "Choose another status, or clear the name and the type.")


class TaskTable(LiveView):
    """Tasks of a hub, newest first, page by page; filtered by status, type and the beginning of the name."""

    status = param.String("", doc="Only tasks of this status; empty for all.")
    type = param.String("", doc="Only tasks of this type; empty for all.")
    name_prefix = param.String("", doc="Only tasks whose name begins so; case does not matter.")
    parent_id = param.String("", doc="Only children of this task.")
    after = param.String("", doc="The cursor of the page; empty for the first.")
    limit = param.Integer(50, bounds=(1, 500), doc="Tasks of a page.")

    def __init__(
        self,
        claudia: Claudia,
        *,
        on_open: Callable[[str], None] | None = None,
        label: str = "Tasks",
        title: str = "",
        **params: Any,
    ) -> None:
        super().__init__(claudia, **params)
        self.next: str | None = None
        opens = "here" if on_open else "there"
        self.table = Rows(COLUMNS, label=label, title=title, opens=opens, on_open=on_open)
        self.layout = self.table
        self._shown: tuple[Any, ...] = ()

    def refresh(self) -> None:
        """Ask for the page's tasks, unless nothing happened since."""
        state = (self.claudia.boards.tasks.version, self._filters())
        if state == self._shown:
            return
        page = self.claudia.tasks.list(**self._filters())
        self.next = page.next
        zero = NO_MATCH if self.status or self.type or self.name_prefix or self.after else NO_TASKS
        self.table.put(cells.task_rows(task.to_summary() for task in page.tasks), zero)
        self._shown = state

    def _filters(self) -> dict[str, Any]:
        return {
            "status": self.status or None,
            "type": self.type or None,
            "name": self.name_prefix or None,
            "parent_id": self.parent_id or None,
            "after": self.after or None,
            "limit": self.limit,
        }
