"""`track()` and `task()`: loops and blocks of this process as tasks."""

from claudia_core.tracking.run import Run, current_run
from claudia_core.tracking.task import TaskBlock
from claudia_core.tracking.track import Tracked

__all__ = ["Run", "TaskBlock", "Tracked", "current_run"]
