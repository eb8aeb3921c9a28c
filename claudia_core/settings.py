"""Settings: `CLAUDIA_*` environment variables, `.env` and `claudia.toml`, read once into one frozen value."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self
from urllib.parse import quote

from pydantic import ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from claudia_core.errors import SettingsError
from claudia_core.model.address import without_password
from claudia_core.web_settings import WebSettings

PREFIX = "CLAUDIA_"
DEFAULT_URL = "sqlite:///.claudia/claudia.db"
FOREIGN = frozenset({"CLAUDIA_CI", "CLAUDIA_TEST_MONGODB_URI"})
"""Variables with our prefix that are for the project's own tests."""


class Alias(NamedTuple):
    """The setting that a variable of another name gives, and how its value is read."""

    field: str
    read: Callable[[str], str] = str


def _sendgrid(key: str) -> str:
    return f"sendgrid://{quote(key, safe='')}"


ALIASES: Mapping[str, Alias] = {
    **{
        name.upper(): Alias(name)
        for name in (
            "jwt_secret",
            "github_client_id",
            "github_client_secret",
            "google_client_id",
            "google_client_secret",
        )
    },
    "MONGODB_URI": Alias("database_url"),
    "REDIS_URL": Alias("redis_url"),
    "SENDGRID_API_KEY": Alias("mail_url", _sendgrid),
}
"""Variables that are known by another name too. The name with our prefix wins."""

OTEL = tuple(f"OTEL_EXPORTER_OTLP_{part}ENDPOINT" for part in ("", "TRACES_", "METRICS_"))
"""OpenTelemetry's own variables that say where to; its SDK reads them."""

PRESETS: Mapping[str, Mapping[str, Any]] = {
    "development": {},
    "test": {"database_url": "memory://", "display": "off", "port": 0, "grpc_port": 0},
    "production": {"display": "off"},
}
"""What an environment sets where nothing else does."""

Seconds = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]


class Settings(WebSettings):
    """Everything that can be set. Made by `load_settings` and `default_settings`."""

    model_config = ConfigDict(frozen=True, extra="ignore", validate_default=True)

    database_url: str = Field(
        DEFAULT_URL, description="Where the store is: sqlite:///FILE, a file's path, mongodb://..., or memory://."
    )
    redis_url: SecretStr | None = Field(None, description="A Redis for the cache: redis://HOST:6379/0; memory without.")
    broker_url: SecretStr | None = Field(
        None, description="A RabbitMQ to tell events to and take commands from: amqp://NAME:PASSWORD@HOST:5672/."
    )
    broker_exchange: str = Field("claudia.events", min_length=1, max_length=200, description="Where events are told.")
    broker_queue: str = Field("claudia.in", min_length=1, max_length=200, description="Where commands come from.")
    celery_app: str | None = Field(
        None, max_length=400, description="A Celery app whose workers run tasks that have handlers: MODULE:NAME."
    )
    dask_scheduler: str | None = Field(
        None, max_length=400, description="A Dask cluster that runs tasks that have handlers: tcp://HOST:8786."
    )
    durability: Literal["full", "normal"] = Field(
        "full", description="full: an acknowledged change survives a power cut. normal: it survives a crash."
    )
    busy_timeout: Seconds = Field(30.0, description="Seconds a write waits for another process.")
    connect_timeout: Seconds = Field(5.0, description="Seconds to wait for a server such as MongoDB to answer.")
    host: str = Field("127.0.0.1", description="Address the server binds to.")
    port: int = Field(5006, ge=0, le=65_535, description="Port of the server; 0 takes a free one.")
    grpc_port: int = Field(5007, ge=0, le=65_535, description="Port of the gRPC server; 0 takes a free one.")
    token: SecretStr | None = Field(
        None, min_length=1, description="Token for the server; a random one is made when unset."
    )
    jwt_secret: SecretStr | None = Field(
        None, min_length=32, description="Signs access and refresh tokens; 32 characters or more. Made when unset."
    )
    jwt_previous_secret: SecretStr | None = Field(
        None, min_length=32, description="The one before, still accepted: set it while tokens of it are about."
    )
    access_token_seconds: Seconds = Field(3_600.0, description="Seconds for which an access token is good.")
    refresh_token_seconds: float = Field(
        604_800.0, gt=0, le=31_536_000, allow_inf_nan=False, description="Seconds for which a refresh token is good."
    )
    session_days: float = Field(30.0, gt=0, le=365, allow_inf_nan=False, description="Days a browser stays signed in.")
    audit_days: float = Field(
        365.0, gt=0, le=36_500, allow_inf_nan=False, description="Days for which the audit log is kept."
    )
    heartbeat: Seconds = Field(5.0, description="Seconds between signs of life of a process that runs tasks.")
    lease: Seconds = Field(15.0, description="Seconds without a sign of life after which its tasks count as lost.")
    keep_days: float = Field(30.0, gt=0, le=36_500, allow_inf_nan=False, description="Days for which events are kept.")
    keep_results_days: float | None = Field(
        None,
        gt=0,
        le=36_500,
        description="Days for which files of large results are kept; as long as their task without.",
    )
    keep_bytes: int = Field(2_000_000_000, gt=0, description="Bytes of events that are kept.")
    display: Literal["auto", "off"] = Field("auto", description="Whether loops show a bar or widget where they run.")
    environment: Literal["development", "test", "production"] = Field(
        "development", description="What this hub is for; it has presets of its own."
    )
    service: str = Field("", max_length=200, description="The program's name, told with each error.")
    release: str = Field("", max_length=200, description="The program's version, told with each error.")
    capture_locals: bool = Field(False, description="Whether errors tell the variables of the program's own functions.")
    scrub_names: tuple[str, ...] = Field(
        (), max_length=100, description="Further words in the names of secrets, as a JSON list."
    )
    scrub_patterns: tuple[str, ...] = Field(
        (), max_length=100, description="Further forms of secrets: regular expressions, as a JSON list."
    )
    keep_occurrences: int = Field(200, ge=10, le=100_000, description="Occurrences that are kept of one issue.")
    errors_per_minute: int = Field(
        6_000, ge=1, le=10_000_000, description="Errors that one key or user may report in a minute."
    )
    mail_url: SecretStr | None = Field(
        None,
        description="Who carries mail: smtp://USER:PASSWORD@HOST:587, sendgrid://KEY, mailgun://KEY@DOMAIN, "
        "ses://KEY:SECRET@REGION, file:///FOLDER.",
    )
    mail_from: str = Field("claudia@localhost", max_length=400, description="From whom mail is.")
    secret_keys: SecretStr | None = Field(
        None,
        description="What encrypts secrets in the store: 32 random bytes in URL-safe Base64, or several with commas, "
        "the newest first. Made in a file beside the database when unset.",
    )
    outgoing_allow: tuple[str, ...] = Field(
        (),
        max_length=100,
        description="Hosts and networks of this machine or a private net that webhooks and probes may call, as JSON.",
    )
    results: str = Field(
        "", description="Folder for results of tasks over the limit of the store; by default beside the store."
    )
    otel_endpoint: str = Field(
        "",
        max_length=2_000,
        description="Where telemetry is sent: an OTLP/HTTP receiver, such as http://localhost:4318.",
    )
    spool: str = Field("", description="Folder where errors wait while the hub is away; by default beside the store.")
    shutdown_timeout: Seconds = Field(10.0, description="Seconds that closing waits for what is not saved yet.")

    @model_validator(mode="after")
    def _lease_outlives_heartbeats(self) -> Self:
        if self.lease < 2 * self.heartbeat:
            least = 2 * self.heartbeat
            raise ValueError(
                f"CLAUDIA_LEASE is {self.lease:g}: use at least twice CLAUDIA_HEARTBEAT, {least:g} seconds"
            )
        return self

    def get(self, path: str) -> Any:
        """A setting by a dotted path, such as `database.url`; of a group, such as `github`, all of it by name.

        Secrets stay wrapped: `get("mail.url").get_secret_value()`.

        Raises:
            SettingsError: there is nothing of that name; the hint names what is close.
        """
        name = path.replace(".", "_").lower()
        fields = type(self).model_fields
        if name in fields:
            return getattr(self, name)
        group = {
            field.removeprefix(f"{name}_"): getattr(self, field) for field in fields if field.startswith(f"{name}_")
        }
        if not group:
            raise _unknown(path, "setting", fields)
        return group

    def changed(self, **values: Any) -> Settings:
        """These settings with single values changed.

        Raises:
            SettingsError: a setting is unknown or malformed.
        """
        return default_settings(**{**dict(self), **values}) if values else self


SECRETS = frozenset(name for name, field in Settings.model_fields.items() if "Secret" in str(field.annotation))
"""Settings whose value is never shown."""


class _Sources(Settings, BaseSettings):
    """Settings from outside. An argument wins over variables, those over `.env`, that over `claudia.toml`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=".env", toml_file="claudia.toml", frozen=True, extra="ignore"
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic-settings passes it by name
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The order of the sources: arguments, environment, `.env`, `claudia.toml`, the environment's preset."""
        aliases = InitSettingsSource(settings_cls, _by_alias(os.environ))
        in_file = InitSettingsSource(settings_cls, _by_alias(values_of(Path(".env"))))
        file = TomlConfigSettingsSource(settings_cls)
        return init_settings, env_settings, aliases, dotenv_settings, in_file, file, _Preset(settings_cls)


class _Preset(InitSettingsSource):
    """What the environment that the sources before it name sets; it comes last."""

    def __init__(self, settings_cls: type[BaseSettings]) -> None:
        super().__init__(settings_cls, {})

    def __call__(self) -> dict[str, Any]:
        """See pydantic-settings."""
        return dict(PRESETS.get(str(self.current_state.get("environment", "development")), {}))


def _by_alias(variables: Mapping[str, str | None]) -> dict[str, Any]:
    given = {name: variables.get(name) for name in ALIASES}
    return {ALIASES[name].field: ALIASES[name].read(value) for name, value in given.items() if value}


def load_settings(**values: Any) -> Settings:
    """The settings, with `values` over all other sources; a None counts as not given.

    Raises:
        SettingsError: a setting is unknown or malformed; the message names the variable and what would be right.
    """
    _require_known((name for name in os.environ if name.upper().startswith(PREFIX)), "environment variable")
    _require_known(_names_of(Path(".env")), "variable in .env")
    _require_known_keys(Path("claudia.toml"))
    return _checked(_Sources, values)


def otel_is_wanted(settings: Settings, variables: Mapping[str, str] = os.environ) -> bool:
    """Whether the setting, or one of OpenTelemetry's own variables, says where telemetry is sent."""
    if variables.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    return bool(settings.otel_endpoint) or any(variables.get(name) for name in OTEL)


def default_settings(**values: Any) -> Settings:
    """The default settings with `values` over them, whatever the environment and the files say.

    Raises:
        SettingsError: a setting is unknown or malformed.
    """
    return _checked(Settings, values)


def _checked(kind: type[Settings], values: dict[str, Any]) -> Settings:
    given = {name: value for name, value in values.items() if value is not None}
    for name in given:
        if name not in kind.model_fields:
            raise _unknown(name, "setting", kind.model_fields)
    try:
        return kind(**given)
    except ValidationError as error:
        raise _malformed(error) from error


def _malformed(error: ValidationError) -> SettingsError:
    first = error.errors(include_url=False)[0]
    reason = first["msg"].removeprefix("Value error, ")
    if first["type"] == "too_short":  # of a secret, which pydantic counts in items
        least = first["ctx"]["min_length"]
        reason = "it is empty" if least == 1 else f"it is shorter than {least} characters"
    if not first["loc"]:  # a rule over several settings names them itself
        return SettingsError(reason)
    field = str(first["loc"][0])
    name = f"{PREFIX}{field}".upper()
    given = "" if field in SECRETS else f" ({without_password(repr(first['input'])):.80})"
    return SettingsError(
        f"{name}{given} is not right: {reason}", field=name, hint=Settings.model_fields[field].description
    )


def _require_known(names: Iterable[str], what: str) -> None:
    known = {f"{PREFIX}{field}".upper() for field in Settings.model_fields}
    for name in names:
        if name.upper() not in known | FOREIGN:
            raise _unknown(name, what, known)


def _unknown(name: str, what: str, known: Iterable[str]) -> SettingsError:
    names = {_bare(other): other for other in known}
    close = difflib.get_close_matches(_bare(name), names, n=1)
    hint = f"did you mean {names[close[0]]}?" if close else f"known are: {', '.join(sorted(names.values()))}"
    return SettingsError(f"unknown {what} {name}", field=name, hint=hint)


def _bare(name: str) -> str:
    return name.lower().removeprefix(PREFIX.lower())


def _names_of(env_file: Path) -> list[str]:
    return [name for name in values_of(env_file) if name.upper().startswith(PREFIX)]


def values_of(env_file: Path) -> Mapping[str, str | None]:
    """The variables in a file such as `.env`; none where it is not there.

    Raises:
        SettingsError: it cannot be read.
    """
    if not env_file.is_file():
        return {}
    from dotenv import dotenv_values

    try:
        return dotenv_values(env_file)
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f".env cannot be read: {error}", hint="it must be UTF-8") from error


def _require_known_keys(file: Path) -> None:
    if not file.is_file():
        return
    try:
        keys = list(tomllib.loads(file.read_text(encoding="utf-8")))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"claudia.toml cannot be read: {error}", hint="it must be TOML in UTF-8") from error
    for key in keys:
        if key not in Settings.model_fields:
            raise _unknown(key, "setting in claudia.toml", Settings.model_fields)
