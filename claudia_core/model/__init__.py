"""Values and their rules, one noun a file. Nothing here reads a clock, a file or a socket but `times` and `ids`."""

from claudia_core.model.agent import Agent, AgentStatus
from claudia_core.model.event import Cursor, Event, EventSlice, Gap
from claudia_core.model.health import Check, Health, HealthReport
from claudia_core.model.issue import Issue, Occurrence
from claudia_core.model.progress import Progress
from claudia_core.model.task import Status, Task, TaskError
from claudia_core.model.values import JSON

__all__ = [
    "JSON",
    "Agent",
    "AgentStatus",
    "Check",
    "Cursor",
    "Event",
    "EventSlice",
    "Gap",
    "Health",
    "HealthReport",
    "Issue",
    "Occurrence",
    "Progress",
    "Status",
    "Task",
    "TaskError",
]
