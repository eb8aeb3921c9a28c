"""TaskTree: everything below one task, each part below the one it belongs to."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import param

from dashboards import cells
from dashboards.live import LiveView
from dashboards.parts.rows import Rows
from dashboards.parts.task_table import SORTLESS

if TYPE_CHECKING:
    from claudia_core import Claudia

MOST = 300
NONE = ("No part", "A task or loop that begins inside this one would be listed here.")


class TaskTree(LiveView):
    """The tasks below a task, set in by their depth, with status and progress; at most 300."""

    task_id = param.String("", doc="The task at the root.")

    def __init__(self, claudia: Claudia, *, on_open: Callable[[str], None] | None = None, **params: Any) -> None:
        super().__init__(claudia, **params)
        opens = "here" if on_open else "there"
        self.table = Rows(SORTLESS, label="Parts", title="Parts", opens=opens, on_open=on_open, zero=list(NONE))
        self.layout = self.table
        self._shown: tuple[Any, ...] = ()

    def refresh(self) -> None:
        """Read the tree anew when something happened."""
        state = (self.claudia.boards.tasks.version, self.task_id)
        if state != self._shown:
            found = self.claudia.tasks.below(self.task_id, limit=MOST) if self.task_id else []
            self.table.put(cells.tree_rows(found, self.task_id))
            self._shown = state
