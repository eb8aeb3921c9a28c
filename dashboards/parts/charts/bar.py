"""ProgressBar: one task's progress."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dashboards.cells import tasks as cells
from dashboards.live import LiveView
from dashboards.parts.frame.rows import Column, Rows
from dashboards.parts.tasks.task_table import DURATION, ETA, NAME, PROGRESS, RATE, STATUS

if TYPE_CHECKING:
    from claudia_core import Claudia
    from claudia_core.model.task import Task

COLUMNS = (STATUS, NAME, PROGRESS, RATE, ETA, DURATION)


class ProgressBar(LiveView):
    """Name, status, bar, rate and time to go of one task, given as a task or its id."""

    def __init__(self, claudia: Claudia, task: Task | str, **params: Any) -> None:
        super().__init__(claudia, **params)
        self.task_id = task if isinstance(task, str) else task.id
        columns: tuple[Column, ...] = COLUMNS
        self.table = Rows(columns, label="Progress of a task", opens="there")
        self.layout = self.table

    def refresh(self) -> None:
        """Bring the bar up to date."""
        task = self.claudia.tasks.get(self.task_id)
        self.table.put([cells.task_row(task.to_summary())])
