"""The table of operations. Adding one is one line here, one method in the proto and nothing elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from claudia_core.api.contract import inputs, outputs, work
from claudia_core.app import Claudia
from claudia_core.model.identity import Scope

__all__ = ["OPERATIONS", "TABLE", "Operation", "Scope"]


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing the hub can be asked to do.

    `name` is `noun.verb`. `run` takes the hub and a checked input and answers plain JSON that `output` describes.
    `method` and `path` are its place under `/api/v1`; fields of the input named in the path are taken from there, the
    others from the query (GET) or the body.
    """

    name: str
    scope: Scope
    method: str
    path: str
    input: type[BaseModel]
    output: type[BaseModel]
    run: Callable[[Claudia, Any], dict[str, Any]]
    status: int = 200

    @property
    def is_read(self) -> bool:
        """True when it changes nothing."""
        return self.method == "GET"


V, O = Scope.VIEWER, Scope.OPERATOR  # noqa: E741 - two columns of the table below
i, o = inputs, outputs

TABLE = (
    Operation("tasks.create", O, "POST", "/tasks", i.CreateTask, o.TaskOut, work.create_task, 201),
    Operation("tasks.create_many", O, "POST", "/tasks/batch", i.CreateTasks, o.TaskListOut, work.create_tasks, 201),
    Operation("tasks.list", V, "GET", "/tasks", i.ListTasks, o.TaskPageOut, work.list_tasks),
    Operation("tasks.counts", V, "GET", "/tasks/counts", i.Nothing, o.CountsOut, work.count_tasks),
    Operation("tasks.get", V, "GET", "/tasks/{id}", i.ById, o.TaskOut, work.get_task),
    Operation("tasks.children", V, "GET", "/tasks/{id}/children", i.ListChildren, o.TaskPageOut, work.list_children),
    Operation("tasks.result", V, "GET", "/tasks/{id}/result", i.ById, o.ResultOut, work.get_result),
    Operation("tasks.start", O, "POST", "/tasks/{id}/start", i.StartTask, o.TaskOut, work.start_task),
    Operation("tasks.progress", O, "POST", "/tasks/{id}/progress", i.ReportProgress, o.TaskOut, work.progress_task),
    Operation("tasks.complete", O, "POST", "/tasks/{id}/complete", i.CompleteTask, o.TaskOut, work.complete_task),
    Operation("tasks.fail", O, "POST", "/tasks/{id}/fail", i.FailTask, o.TaskOut, work.fail_task),
    Operation("tasks.cancel", O, "POST", "/tasks/{id}/cancel", i.CancelTask, o.TaskOut, work.cancel_task),
    Operation("tasks.retry", O, "POST", "/tasks/{id}/retry", i.ById, o.TaskOut, work.retry_task),
    Operation("progress.get", V, "GET", "/tasks/{id}/progress", i.ById, o.ProgressOut, work.get_progress),
    Operation("progress.update", O, "POST", "/progress", i.UpdateProgress, o.NotedOut, work.update_progress),
    Operation("events.list", V, "GET", "/events", i.ListEvents, o.EventPageOut, work.list_events),
    Operation("events.append", O, "POST", "/events", i.AppendEvents, o.AppendedOut, work.append_events, 201),
    Operation("errors.report", O, "POST", "/errors", i.ReportError, o.OccurrenceOut, work.report_error, 201),
    Operation("errors.issues", V, "GET", "/issues", i.ListIssues, o.IssuePageOut, work.list_issues),
    Operation("errors.issue", V, "GET", "/issues/{id}", i.ById, o.IssueOut, work.get_issue),
    Operation("errors.occurrences", V, "GET", "/errors", i.ListOccurrences, o.OccurrenceListOut, work.list_occurrences),
    Operation("agents.list", V, "GET", "/agents", i.ListAgents, o.AgentListOut, work.list_agents),
    Operation("agents.get", V, "GET", "/agents/{id}", i.ById, o.AgentOut, work.get_agent),
    Operation("agents.register", O, "POST", "/agents", i.RegisterAgent, o.AgentOut, work.register_agent, 201),
    Operation("agents.heartbeat", O, "POST", "/agents/{id}/heartbeat", i.ById, o.AgentOut, work.renew_agent),
    Operation("agents.leave", O, "POST", "/agents/{id}/leave", i.ById, o.AgentOut, work.leave_agent),
    Operation("health.get", V, "GET", "/health", i.Nothing, o.HealthOut, work.get_health),
    Operation("log.status", V, "GET", "/log", i.Nothing, o.LogOut, work.get_log),
    Operation("settings.list", V, "GET", "/settings", i.Nothing, o.SettingsOut, work.list_settings),
)

OPERATIONS: Mapping[str, Operation] = {operation.name: operation for operation in TABLE}
