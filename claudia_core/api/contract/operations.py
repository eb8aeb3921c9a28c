"""The table of operations. Adding one is one line here, one method in the proto and nothing elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from claudia_core.api.contract import (
    accounts,
    error_inputs,
    error_outputs,
    error_work,
    health,
    inputs,
    integrations,
    mail,
    notifications,
    outputs,
    webhooks,
    work,
)
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

    @property
    def is_shown_once(self) -> bool:
        """Whether its answer holds a secret, which is kept nowhere."""
        return not {"key", "secret"}.isdisjoint(self.output.model_fields)

    @property
    def is_audited(self) -> bool:
        """Whether it leaves an entry in the audit log by being carried out; accounts write more telling ones."""
        return not self.is_read and self.name not in MEASURED and self.name.partition(".")[0] not in ACCOUNTS


MEASURED = frozenset({"tasks.progress", "progress.update", "agents.heartbeat"})
"""Measurements and signs of life: many in a second, and nobody decides anything."""

ACCOUNTS = frozenset({"users", "keys", "sessions"})


V, O, A = Scope  # noqa: E741 - columns of the table below
i, o, a, w, n, t, m = inputs, outputs, accounts, webhooks, integrations, notifications, mail
ei, eo, ew = error_inputs, error_outputs, error_work

TABLE = (
    Operation("tasks.create", O, "POST", "/tasks", i.CreateTask, o.TaskOut, work.create_task, 201),
    Operation("tasks.create_many", O, "POST", "/tasks/batch", i.CreateTasks, o.TaskListOut, work.create_tasks, 201),
    Operation("tasks.list", V, "GET", "/tasks", i.ListTasks, o.TaskPageOut, work.list_tasks),
    Operation("tasks.counts", V, "GET", "/tasks/counts", i.Nothing, o.CountsOut, work.count_tasks),
    Operation("tasks.types", V, "GET", "/tasks/types", i.ListNames, o.NameListOut, work.list_types),
    Operation("tasks.tags", V, "GET", "/tasks/tags", i.ListNames, o.NameListOut, work.list_tags),
    Operation("tasks.get", V, "GET", "/tasks/{id}", i.ById, o.TaskOut, work.get_task),
    Operation("tasks.children", V, "GET", "/tasks/{id}/children", i.ListChildren, o.TaskPageOut, work.list_children),
    Operation("tasks.result", V, "GET", "/tasks/{id}/result", i.ById, o.ResultOut, work.get_result),
    Operation("tasks.start", O, "POST", "/tasks/{id}/start", i.StartTask, o.TaskOut, work.start_task),
    Operation(
        "tasks.progress",
        O,
        "POST",
        "/tasks/{id}/progress",
        i.ReportClaimedProgress,
        o.TaskOut,
        work.progress_task,
    ),
    Operation("tasks.complete", O, "POST", "/tasks/{id}/complete", i.CompleteTask, o.TaskOut, work.complete_task),
    Operation("tasks.fail", O, "POST", "/tasks/{id}/fail", i.FailTask, o.TaskOut, work.fail_task),
    Operation("tasks.cancel", O, "POST", "/tasks/{id}/cancel", i.CancelTask, o.TaskOut, work.cancel_task),
    Operation("tasks.retry", O, "POST", "/tasks/{id}/retry", i.ById, o.TaskOut, work.retry_task),
    Operation("tasks.rerun", O, "POST", "/tasks/{id}/rerun", i.RerunTask, o.TaskOut, work.rerun_task, 201),
    Operation("filters.list", V, "GET", "/filters", i.Nothing, o.FilterListOut, work.list_filters),
    Operation("filters.save", O, "POST", "/filters", i.SaveFilter, o.FilterOut, work.save_filter, 201),
    Operation("filters.rename", O, "POST", "/filters/{id}/rename", i.RenameFilter, o.FilterOut, work.rename_filter),
    Operation("filters.delete", O, "POST", "/filters/{id}/delete", i.ById, o.FilterOut, work.delete_filter),
    Operation("progress.get", V, "GET", "/tasks/{id}/progress", i.ById, o.ProgressOut, work.get_progress),
    Operation("progress.update", O, "POST", "/progress", i.UpdateProgress, o.NotedOut, work.update_progress),
    Operation("events.list", V, "GET", "/events", i.ListEvents, o.EventPageOut, work.list_events),
    Operation("events.append", O, "POST", "/events", i.AppendEvents, o.AppendedOut, work.append_events, 201),
    Operation("errors.report", O, "POST", "/errors", ei.ReportError, eo.OccurrenceOut, ew.report_error, 201),
    Operation("errors.occurrences", V, "GET", "/errors", ei.ListOccurrences, eo.OccurrencePageOut, ew.list_occurrences),
    Operation("errors.get", V, "GET", "/errors/{id}", i.ById, eo.OccurrenceOut, ew.get_occurrence),
    Operation("errors.issues", V, "GET", "/issues", ei.ListIssues, eo.IssuePageOut, ew.list_issues),
    Operation("errors.change", O, "POST", "/issues/batch", ei.ChangeIssues, eo.IssueListOut, ew.change_issues),
    Operation("errors.issue", V, "GET", "/issues/{id}", i.ById, eo.IssueOut, ew.get_issue),
    Operation("errors.counts", V, "GET", "/issues/{id}/counts", ei.CountIssue, eo.CountListOut, ew.count_issue),
    Operation("errors.affected", V, "GET", "/issues/{id}/affected", ei.ListAffected, eo.IdsOut, ew.list_affected),
    Operation("errors.resolve", O, "POST", "/issues/{id}/resolve", i.ById, eo.IssueOut, ew.resolve_issue),
    Operation("errors.ignore", O, "POST", "/issues/{id}/ignore", ei.IgnoreIssue, eo.IssueOut, ew.ignore_issue),
    Operation("errors.reopen", O, "POST", "/issues/{id}/reopen", i.ById, eo.IssueOut, ew.reopen_issue),
    Operation(
        "errors.comments", V, "GET", "/issues/{id}/comments", ei.ListComments, eo.CommentListOut, ew.list_comments
    ),
    Operation(
        "errors.comment", O, "POST", "/issues/{id}/comments", ei.CommentIssue, eo.CommentOut, ew.comment_issue, 201
    ),
    Operation("agents.list", V, "GET", "/agents", i.ListAgents, o.AgentListOut, work.list_agents),
    Operation("agents.get", V, "GET", "/agents/{id}", i.ById, o.AgentOut, work.get_agent),
    Operation("agents.register", O, "POST", "/agents", i.RegisterAgent, o.AgentOut, work.register_agent, 201),
    Operation("agents.heartbeat", O, "POST", "/agents/{id}/heartbeat", i.ById, o.AgentOut, work.renew_agent),
    Operation("agents.pause", O, "POST", "/agents/{id}/pause", i.ById, o.AgentOut, work.pause_agent),
    Operation("agents.resume", O, "POST", "/agents/{id}/resume", i.ById, o.AgentOut, work.resume_agent),
    Operation("agents.drain", O, "POST", "/agents/{id}/drain", i.ById, o.AgentOut, work.drain_agent),
    Operation("agents.stop", O, "POST", "/agents/{id}/stop", i.ById, o.AgentOut, work.stop_agent),
    Operation("queues.list", V, "GET", "/queues", i.Nothing, o.QueueListOut, work.list_queues),
    Operation("agents.leave", O, "POST", "/agents/{id}/leave", i.ById, o.AgentOut, work.leave_agent),
    Operation("health.get", V, "GET", "/health", i.Nothing, o.HealthOut, work.get_health),
    Operation("health.checks", V, "GET", "/health/checks", i.Nothing, health.StandingListOut, health.list_checks),
    Operation("health.run", O, "POST", "/health/run", health.RunChecks, o.HealthOut, health.run_checks),
    Operation(
        "health.history",
        V,
        "GET",
        "/health/history",
        health.HealthHistory,
        health.HealthHistoryOut,
        health.health_history,
    ),
    Operation("log.status", V, "GET", "/log", i.Nothing, o.LogOut, work.get_log),
    Operation("settings.list", V, "GET", "/settings", i.Nothing, o.SettingsOut, work.list_settings),
    Operation("webhooks.list", O, "GET", "/webhooks", i.Nothing, w.WebhookListOut, w.list_webhooks),
    Operation("webhooks.get", O, "GET", "/webhooks/{id}", i.ById, w.WebhookOut, w.get_webhook),
    Operation("webhooks.create", A, "POST", "/webhooks", w.CreateWebhook, w.NewWebhookOut, w.create_webhook, 201),
    Operation("webhooks.update", A, "POST", "/webhooks/{id}", w.UpdateWebhook, w.WebhookOut, w.update_webhook),
    Operation(
        "webhooks.rotate", A, "POST", "/webhooks/{id}/rotate", w.RotateWebhook, w.NewWebhookOut, w.rotate_webhook
    ),
    Operation("webhooks.delete", A, "POST", "/webhooks/{id}/delete", i.ById, w.DeletedWebhookOut, w.delete_webhook),
    Operation("webhooks.test", O, "POST", "/webhooks/{id}/test", i.ById, w.DeliveryOut, w.test_webhook),
    Operation(
        "webhooks.redrive", O, "POST", "/webhooks/{id}/redrive", w.RedriveWebhook, w.RedrivenOut, w.redrive_webhook
    ),
    Operation("deliveries.list", O, "GET", "/deliveries", w.ListDeliveries, w.DeliveryPageOut, w.list_deliveries),
    Operation("deliveries.get", O, "GET", "/deliveries/{id}", i.ById, w.DeliveryOut, w.get_delivery),
    Operation("deliveries.redrive", O, "POST", "/deliveries/{id}/redrive", i.ById, w.DeliveryOut, w.redrive_delivery),
    Operation("hooks.list", O, "GET", "/hook-sources", i.Nothing, w.SourceListOut, w.list_sources),
    Operation("hooks.create", A, "POST", "/hook-sources", w.CreateSource, w.NewSourceOut, w.create_source, 201),
    Operation("hooks.delete", A, "POST", "/hook-sources/{id}/delete", i.ById, w.DeletedWebhookOut, w.delete_source),
    Operation("integrations.list", V, "GET", "/integrations", i.Nothing, n.IntegrationListOut, n.list_integrations),
    Operation("integrations.calls", O, "GET", "/integrations/calls", n.ListCalls, n.CallListOut, n.list_calls),
    Operation(
        "integrations.debug", O, "POST", "/integrations/debug", n.DebugIntegration, n.DebuggedOut, n.debug_integration
    ),
    Operation("channels.list", O, "GET", "/channels", i.Nothing, t.ChannelListOut, t.list_channels),
    Operation("channels.create", A, "POST", "/channels", t.CreateChannel, t.ChannelOut, t.create_channel, 201),
    Operation("channels.update", A, "POST", "/channels/{id}", t.UpdateChannel, t.ChannelOut, t.update_channel),
    Operation("channels.delete", A, "POST", "/channels/{id}/delete", i.ById, t.ChannelOut, t.delete_channel),
    Operation("channels.test", O, "POST", "/channels/{id}/test", i.ById, t.DispatchOut, t.test_channel),
    Operation("rules.list", O, "GET", "/rules", i.Nothing, t.RuleListOut, t.list_rules),
    Operation("rules.create", A, "POST", "/rules", t.CreateRule, t.RuleOut, t.create_rule, 201),
    Operation("rules.update", A, "POST", "/rules/{id}", t.UpdateRule, t.RuleOut, t.update_rule),
    Operation("rules.delete", A, "POST", "/rules/{id}/delete", i.ById, t.RuleOut, t.delete_rule),
    Operation("rules.offered", O, "GET", "/offered-rules", i.Nothing, t.OfferedListOut, t.list_offered),
    Operation("rules.add_offered", A, "POST", "/offered-rules", t.AddOffered, t.RuleListOut, t.add_offered, 201),
    Operation("dispatches.list", O, "GET", "/dispatches", t.ListDispatches, t.DispatchPageOut, t.list_dispatches),
    Operation("dispatches.redrive", O, "POST", "/dispatches/{id}/redrive", i.ById, t.DispatchOut, t.redrive_dispatch),
    Operation("notices.list", V, "GET", "/notices", t.ListNotices, t.NoticePageOut, t.list_notices),
    Operation(
        "notices.acknowledge",
        V,
        "POST",
        "/notices/acknowledge",
        t.AcknowledgeNotices,
        t.AcknowledgedOut,
        t.acknowledge_notices,
    ),
    Operation("preferences.get", V, "GET", "/preferences", t.GetPreferences, t.PreferencesOut, t.get_preferences),
    Operation("preferences.set", V, "POST", "/preferences", t.SetPreferences, t.PreferencesOut, t.set_preferences),
    Operation("mail.templates", O, "GET", "/mail/templates", i.Nothing, m.TemplateListOut, m.list_templates),
    Operation("mail.preview", O, "GET", "/mail/preview", m.PreviewMail, m.PreviewOut, m.preview_mail),
    Operation("mail.test", O, "POST", "/mail/test", m.TestMail, m.TestedOut, m.test_mail),
    Operation(
        "suppressions.list",
        O,
        "GET",
        "/mail/suppressions",
        m.ListSuppressions,
        m.SuppressionPageOut,
        m.list_suppressions,
    ),
    Operation(
        "suppressions.add",
        O,
        "POST",
        "/mail/suppressions",
        m.SuppressAddress,
        m.SuppressionOut,
        m.suppress_address,
        201,
    ),
    Operation(
        "suppressions.remove",
        O,
        "POST",
        "/mail/suppressions/remove",
        m.UnsuppressAddress,
        m.SuppressionOut,
        m.unsuppress_address,
    ),
    Operation("users.list", A, "GET", "/users", a.ListAccounts, a.UserListOut, a.list_users),
    Operation("users.add", A, "POST", "/users", a.AddUser, a.UserOut, a.add_user, 201),
    Operation("users.change", A, "POST", "/users/{id}", a.ChangeUser, a.UserOut, a.change_user),
    Operation("users.remove", A, "POST", "/users/{id}/remove", i.ById, a.UserOut, a.remove_user),
    Operation("keys.list", A, "GET", "/keys", a.ListAccounts, a.ApiKeyListOut, a.list_keys),
    Operation("keys.create", A, "POST", "/keys", a.CreateKey, a.NewApiKeyOut, a.create_key, 201),
    Operation("keys.revoke", A, "POST", "/keys/{id}/revoke", i.ById, a.ApiKeyOut, a.revoke_key),
    Operation("sessions.list", V, "GET", "/sessions", a.ListSessions, a.SessionListOut, a.list_sessions),
    Operation("sessions.end", V, "POST", "/sessions/{id}/end", i.ById, a.SessionOut, a.end_session),
    Operation("sessions.end_all", V, "POST", "/sessions/end", a.EndSessions, a.EndedOut, a.end_sessions),
    Operation("audit.list", A, "GET", "/audit", a.ListAudit, a.AuditPageOut, a.list_audit),
)

OPERATIONS: Mapping[str, Operation] = {operation.name: operation for operation in TABLE}
