"""What operations are called in GraphQL."""

from __future__ import annotations

from collections.abc import Mapping

from claudia_core.api.contract.operations import Operation

NAMES: Mapping[str, str] = {
    "tasks.create_many": "create_tasks",
    "tasks.list": "tasks_page",
    "tasks.counts": "task_counts",
    "tasks.progress": "report_progress",
    "progress.get": "progress",
    "progress.update": "update_progress",
    "events.append": "append_events",
    "errors.issues": "issues",
    "errors.issue": "issue",
    "errors.occurrences": "occurrences",
    "errors.get": "occurrence",
    "errors.counts": "issue_counts",
    "errors.affected": "affected",
    "errors.comments": "issue_comments",
    "errors.comment": "comment_issue",
    "errors.resolve": "resolve_issue",
    "errors.ignore": "ignore_issue",
    "errors.reopen": "reopen_issue",
    "errors.change": "change_issues",
    "health.get": "health",
    "log.status": "log",
    "audit.list": "audit",
    "mail.preview": "mail_preview",
    "suppressions.add": "suppress_address",
    "suppressions.remove": "unsuppress_address",
    "rules.offered": "offered_rules",
    "rules.add_offered": "add_offered_rules",
    "dispatches.redrive": "redrive_dispatch",
    "notices.acknowledge": "acknowledge_notices",
    "preferences.get": "preferences",
    "preferences.set": "set_preferences",
    "sessions.end_all": "end_sessions",
}
"""Names that are not what `name_of` makes by its rule."""


def name_of(operation: Operation) -> str:
    """The field's name: `startTask` for `tasks.start`, `tasks` for a list, `task` for one, `taskResult` for a part."""
    noun, _, verb = operation.name.partition(".")
    one = noun.removesuffix("s")
    if not operation.is_read:
        return NAMES.get(operation.name, f"{verb}_{one}")
    by_rule = {"list": noun, "get": one}.get(verb, f"{one}_{verb}")
    return NAMES.get(operation.name, by_rule)
