"""The settings in force, and where each comes from."""

from __future__ import annotations

from claudia_core.cli.doctor.findings import Finding, State
from claudia_core.errors import ClaudiaError
from claudia_core.origins import explain
from claudia_core.settings import Settings, load_settings


def examine_settings(database: str | None) -> tuple[Settings | None, list[Finding]]:
    """The settings, or what is wrong with them."""
    try:
        return load_settings(database_url=database), []
    except ClaudiaError as error:
        return None, [Finding(error.field or "settings", State.BROKEN, error.message, error.hint or "")]


def configuration(database: str | None) -> list[Finding]:
    """The settings that were given, each with its origin, and how many were not; secrets are masked."""
    found = explain({"database_url": "--database"}, database_url=database)
    given = [Finding(one.name, State.NOTE, f"{one.shown}  ({one.origin})") for one in found if one.is_given]
    others = f"{len(found) - len(given)} as they are by default: claudia config show --all"
    return [*given, Finding("others" if given else "all", State.NOTE, others)]
