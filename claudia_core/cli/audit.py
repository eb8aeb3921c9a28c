"""`claudia audit`: who changed what."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

from claudia_core.cli.hub import Database, open_hub
from claudia_core.cli.table import day, print_table
from claudia_core.cli.terminal import note, say
from claudia_core.model.audit import AuditEntry
from claudia_core.services.access.audit_export import csv_lines, json_lines

EXPORTS: Mapping[str, Callable[[Iterable[AuditEntry]], Iterable[str]]] = {"jsonl": json_lines, "csv": csv_lines}


def audit(
    *,
    actor: str | None = None,
    action: str | None = None,
    subject: str | None = None,
    limit: int = 50,
    format: Literal["table", "jsonl", "csv"] = "table",
    database: Database = None,
) -> None:
    """Show who changed what, the newest first; or export all of it, the oldest first.

    Args:
        actor: Only who this is: user:ID, key:ID, token or local:NAME.
        action: Only this, such as tasks.cancel.
        subject: Only what was done to this id.
        limit: Most rows of the table.
        format: table, jsonl (one JSON object a line) or csv.
    """
    filters: dict[str, Any] = {"actor": actor, "action": action, "subject": subject}
    with open_hub(database) as claudia:
        if format != "table":
            for line in EXPORTS[format](claudia.audit.every(**filters)):
                say(line)
            return
        page = claudia.audit.list(**filters, limit=limit)
    if not page.entries:
        note("No entries.")
        return
    rows = [
        (day(e.to_document()["time"]), e.actor_name or e.actor, e.via, e.address, e.action, e.about, _told(e))
        for e in page.entries
    ]
    print_table(("time (UTC)", "who", "by", "from", "action", "about", "details"), rows)
    if page.next is not None:
        note("There are more: --limit shows more, --format jsonl all of them.")


def _told(entry: AuditEntry) -> str:
    """What there is to say beside the name; empty values are left out."""
    return ", ".join(f"{key}: {_plain(value)}" for key, value in entry.details.items() if key != "name" and value)


def _plain(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)
