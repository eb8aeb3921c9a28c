"""The settings in force, and where each comes from."""

from __future__ import annotations

import os
import re
from pathlib import Path

from pydantic import SecretStr

from claudia_core.cli.doctor.findings import Finding, State
from claudia_core.errors import ClaudiaError
from claudia_core.settings import PREFIX, Settings, load_settings

PASSWORD = re.compile(r"(://[^:/@]*:)[^@]*@")
"""The password within an address."""


def examine_settings(database: str | None) -> tuple[Settings | None, list[Finding]]:
    """The settings, or what is wrong with them."""
    try:
        return load_settings(database_url=database), []
    except ClaudiaError as error:
        return None, [Finding(error.field or "settings", State.BROKEN, error.message, error.hint or "")]


def configuration(settings: Settings, database: str | None) -> list[Finding]:
    """Every setting with its origin; secrets are masked."""
    given = {"database_url": "--database"} if database is not None else {}
    origins = {**_file_origins(), **_environment_origins(), **given}
    return [
        Finding(name, State.NOTE, f"{_shown(getattr(settings, name))}  ({origins.get(name, 'default')})")
        for name in Settings.model_fields
    ]


def _shown(value: object) -> str:
    if isinstance(value, SecretStr):
        return "********"
    return "not set" if value is None else PASSWORD.sub(r"\1********@", str(value))


def _environment_origins() -> dict[str, str]:
    return {
        name.upper().removeprefix(PREFIX).lower(): f"environment variable {name}"
        for name in os.environ
        if name.upper().startswith(PREFIX)
    }


def _file_origins() -> dict[str, str]:
    """The same for `claudia.toml`, and for `.env`, which wins over it."""
    origins: dict[str, str] = {}
    toml, env = Path("claudia.toml"), Path(".env")
    if toml.is_file():
        import tomllib

        origins = dict.fromkeys(tomllib.loads(toml.read_text(encoding="utf-8")), "claudia.toml")
    if env.is_file():
        from dotenv import dotenv_values

        names = (name.upper() for name in dotenv_values(env))
        origins |= {name.removeprefix(PREFIX).lower(): ".env" for name in names if name.startswith(PREFIX)}
    return origins
