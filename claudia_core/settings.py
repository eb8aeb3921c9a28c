"""Settings: `CLAUDIA_*` environment variables, `.env` and `claudia.toml`, read once into one frozen value."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from claudia_core.errors import SettingsError

PREFIX = "CLAUDIA_"
DEFAULT_URL = "sqlite:///.claudia/claudia.db"
FOREIGN = frozenset({"CLAUDIA_CI", "CLAUDIA_TEST_MONGODB_URI"})
"""Variables with our prefix that are for the project's own tests."""

Seconds = Annotated[float, Field(gt=0, le=86_400)]


class Settings(BaseSettings):
    """Everything that can be set. An argument wins over the environment, that over `.env`, that over `claudia.toml`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=".env", toml_file="claudia.toml", frozen=True, extra="ignore"
    )

    database_url: str = Field(
        DEFAULT_URL, description="Where the store is: sqlite:///FILE, a file's path, or memory://."
    )
    durability: Literal["full", "normal"] = Field(
        "full", description="full: an acknowledged change survives a power cut. normal: it survives a crash."
    )
    busy_timeout: Seconds = Field(30.0, description="Seconds a write waits for another process.")
    host: str = Field("127.0.0.1", description="Address the server binds to.")
    port: int = Field(5006, ge=0, le=65_535, description="Port of the server; 0 takes a free one.")
    token: SecretStr | None = Field(None, description="Token for the server; a random one is made when unset.")
    heartbeat: Seconds = Field(5.0, description="Seconds between signs of life of a process that runs tasks.")
    lease: Seconds = Field(15.0, description="Seconds without a sign of life after which its tasks count as lost.")
    keep_days: float = Field(30.0, gt=0, description="Days for which events are kept.")
    keep_bytes: int = Field(2_000_000_000, gt=0, description="Bytes of events that are kept.")
    display: Literal["auto", "off"] = Field("auto", description="Whether loops show a bar or widget where they run.")
    environment: Literal["development", "test", "production"] = Field(
        "development", description="What this hub is for."
    )
    shutdown_timeout: Seconds = Field(10.0, description="Seconds that closing waits for what is not saved yet.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The order of the sources: arguments, environment, `.env`, `claudia.toml`."""
        return init_settings, env_settings, dotenv_settings, TomlConfigSettingsSource(settings_cls)


def load_settings(**values: Any) -> Settings:
    """The settings, with `values` over all other sources.

    Raises:
        SettingsError: a setting is unknown or malformed; the message names the variable and what would be right.
    """
    _require_known((name for name in os.environ if name.upper().startswith(PREFIX)), "environment variable")
    _require_known(_names_of(Path(".env")), "variable in .env")
    _require_known((f"{PREFIX}{key}".upper() for key in _toml_keys(Path("claudia.toml"))), "setting in claudia.toml")
    try:
        return Settings(**{key: value for key, value in values.items() if value is not None})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = f"{PREFIX}{'_'.join(map(str, first['loc']))}".upper()
        what = Settings.model_fields[str(first["loc"][0])].description if first["loc"] else ""
        raise SettingsError(f"{name} is not right: {first['msg']}", field=name, hint=what) from error


def _require_known(names: Iterable[str], what: str) -> None:
    known = {f"{PREFIX}{field}".upper() for field in Settings.model_fields} | FOREIGN
    for name in names:
        if name.upper() not in known:
            close = difflib.get_close_matches(name.upper(), known, n=1)
            hint = f"did you mean {close[0]}?" if close else f"known are: {', '.join(sorted(known - FOREIGN))}"
            raise SettingsError(f"unknown {what} {name}", field=name, hint=hint)


def _names_of(env_file: Path) -> list[str]:
    if not env_file.is_file():
        return []
    from dotenv import dotenv_values

    return [name for name in dotenv_values(env_file) if name.upper().startswith(PREFIX)]


def _toml_keys(file: Path) -> list[str]:
    if not file.is_file():
        return []
    try:
        return list(tomllib.loads(file.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"claudia.toml cannot be read: {error}", hint="it must be TOML in UTF-8") from error
