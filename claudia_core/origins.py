"""Where each setting comes from: an argument, a variable, a file, the preset of the environment, or nowhere."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from claudia_core.model.address import MASK, without_password
from claudia_core.settings import ALIASES, PREFIX, PRESETS, Settings, load_settings, values_of

DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Origin:
    """A setting as people may see it: secrets are masked. `origin` says where its value comes from."""

    name: str
    shown: str
    origin: str

    @property
    def is_given(self) -> bool:
        """Whether somebody or something said so."""
        return self.origin != DEFAULT


def explain(arguments: Mapping[str, str] | None = None, **values: Any) -> list[Origin]:
    """Every setting in force and where it comes from, by name.

    Args:
        arguments: what arguments are called, by the setting they give; the setting's own name where left out.
        values: what arguments give; a None counts as not given.

    Raises:
        SettingsError: a setting is unknown or malformed.
    """
    settings = load_settings(**values)
    named = arguments or {}
    given = {name: f"argument {named.get(name, name)}" for name, value in values.items() if value is not None}
    origins = {**preset_origins(settings), **_outside(), **given}
    return [
        Origin(name, shown(getattr(settings, name)), origins.get(name, DEFAULT))
        for name in sorted(Settings.model_fields)
    ]


def shown(value: object) -> str:
    """A value as people may see it."""
    if isinstance(value, SecretStr):
        return MASK
    return (value is not None and without_password(str(value))) or "not set"


def preset_origins(settings: Settings) -> dict[str, str]:
    """The settings that the environment's preset gives where nothing else does."""
    return dict.fromkeys(PRESETS[settings.environment], f"preset {settings.environment}")


def _outside() -> dict[str, str]:
    """By setting; the later ones win, in the order of `settings.load_settings`."""
    file, env = Path("claudia.toml"), Path(".env")
    in_toml = tomllib.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    in_env = {name: value for name, value in values_of(env).items() if value is not None}
    return {
        **dict.fromkeys(in_toml, "claudia.toml"),
        **_by_alias(in_env, ".env"),
        **_by_prefix(in_env, ".env"),
        **_by_alias(os.environ, "environment variable"),
        **_by_prefix(os.environ, "environment variable"),
    }


def _by_alias(variables: Mapping[str, str], place: str) -> dict[str, str]:
    return {alias.field: f"{place} {name}" for name, alias in ALIASES.items() if variables.get(name)}


def _by_prefix(names: Iterable[str], place: str) -> dict[str, str]:
    return {
        name.upper().removeprefix(PREFIX).lower(): f"{place} {name}"
        for name in names
        if name.upper().startswith(PREFIX)
    }
