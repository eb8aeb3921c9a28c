"""Tasks and events as pandas DataFrames."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from claudia_core.model.event import Event
from claudia_core.model.task import Task

TASK_COLUMNS = {
    "name": "str",
    "type": "str",
    "status": "str",
    "current": "float64",
    "total": "float64",
    "percentage": "float64",
    "rate": "float64",
    "duration": "float64",
    "error": "str",
    "message": "str",
    "attempt": "int64",
    "created_at": "datetime64[us, UTC]",
    "started_at": "datetime64[us, UTC]",
    "finished_at": "datetime64[us, UTC]",
    "updated_at": "datetime64[us, UTC]",
    "parent_id": "str",
    "agent_id": "str",
}


def tasks_frame(tasks: Iterable[Task]) -> pd.DataFrame:
    """One row a task, indexed by id; `rate` in units per second, `duration` in seconds, times in UTC."""
    rows = [
        {
            "id": task.id,
            "name": task.name,
            "type": task.type,
            "status": task.status.value,
            "current": task.progress.current,
            "total": task.progress.total,
            "percentage": task.progress.percentage,
            "rate": task.progress.rate,
            "duration": task.duration,
            "error": f"{task.error.type}: {task.error.message}" if task.error else None,
            "message": task.progress.message,
            "attempt": task.attempt,
            "created_at": task.created_at,
            "started_at": task.started_at,
            "finished_at": task.finished_at,
            "updated_at": task.updated_at,
            "parent_id": task.parent_id,
            "agent_id": task.agent_id,
        }
        for task in tasks
    ]
    return pd.DataFrame(rows, columns=["id", *TASK_COLUMNS]).set_index("id").astype(TASK_COLUMNS)


def events_frame(events: Iterable[Event]) -> pd.DataFrame:
    """One row an event, indexed by sequence; times in UTC."""
    rows = [(event.sequence, event.time, event.type, event.subject, event.data) for event in events]
    frame = pd.DataFrame(rows, columns=["sequence", "time", "type", "subject", "data"]).set_index("sequence")
    return frame.astype({"time": "datetime64[us, UTC]", "type": "str", "subject": "str"})
