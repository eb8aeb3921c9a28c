"""Settings of the server towards browsers and the network: who frames it, how often it is asked, who signs in."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, Field, SecretStr, model_validator

from claudia_core.errors import InvalidValue
from claudia_core.model.grants import parse_grants

ANCESTOR = re.compile(r"'self'|https?://(?:\*\.)?[A-Za-z0-9.-]+(?::\d{1,5})?|https?://\[[0-9a-f:]+\](?::\d{1,5})?")
RATE = re.compile(r"[1-9]\d{0,8}/(?:second|minute|hour|day)")
STORAGES = ("memory://", "redis://", "rediss://", "unix://")


def _ancestors(value: str) -> str:
    named = value.split()
    if value != "'none'" and (not named or not all(ANCESTOR.fullmatch(one) for one in named)):
        raise ValueError("use 'self', 'none', or origins such as https://wiki.example.org, with spaces between")
    return " ".join(named)


def _rate(value: str) -> str:
    if value and not RATE.fullmatch(value):
        raise ValueError("use NUMBER/second, /minute, /hour or /day, such as 600/minute; empty for no limit")
    return value


def _storage(value: str) -> str:
    if value and not value.startswith(STORAGES):
        raise ValueError("use memory:// or redis://HOST:PORT/NUMBER")
    return value


def _proxies(value: str) -> str:
    for one in value.replace(",", " ").split():
        ipaddress.ip_network(one)  # raises ValueError
    return value


def _origin(value: str) -> str:
    parts = urlsplit(value)
    if value and (parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.query):
        raise ValueError("use the address that people open, such as https://hub.example.org")
    return value.rstrip("/")


def _grants(value: str) -> str:
    try:
        parse_grants(value)
    except InvalidValue as error:
        raise ValueError(str(error)) from error
    return value


Rate = Annotated[str, AfterValidator(_rate)]


class WebSettings(BaseModel):
    """The part of `Settings` that is about browsers, limits and signing in elsewhere."""

    frame_ancestors: Annotated[str, AfterValidator(_ancestors)] = Field(
        "'self'", description="Who may show pages in a frame: 'self', 'none', or origins with spaces between."
    )
    trusted_proxies: Annotated[str, AfterValidator(_proxies)] = Field(
        "", description="Addresses or networks of proxies whose X-Forwarded-For and -Proto are believed."
    )
    public_url: Annotated[str, AfterValidator(_origin)] = Field(
        "", description="The address that people open, where it is not the server's own: behind a proxy."
    )
    rate_limit: Rate = Field("60000/minute", description="Most requests and messages of one key or user.")
    stranger_limit: Rate = Field("300/minute", description="Most refused requests of one address.")
    sign_in_limit: Rate = Field("30/minute", description="Most tries to sign in of one address.")
    rate_storage: Annotated[str, AfterValidator(_storage)] = Field(
        "",
        description="Where requests are counted: memory:// or redis://HOST:PORT/NUMBER; CLAUDIA_REDIS_URL unless set.",
    )
    otel_requests: bool = Field(False, description="Whether requests that are answered are told as spans, too.")
    max_connections: int = Field(2_500, ge=10, le=1_000_000, description="Most connections open at once.")
    max_body: int = Field(32_000_000, ge=1_000, description="Most bytes of any request's body.")
    sign_in_grants: Annotated[str, AfterValidator(_grants)] = Field(
        "",
        description="Who of those that sign in elsewhere may do what: PROVIDER:KIND:VALUE=SCOPE, with commas between.",
    )
    github_client_id: str = Field("", description="To sign in with GitHub: the OAuth app's id.")
    github_client_secret: SecretStr | None = Field(None, min_length=1, description="The OAuth app's secret.")
    github_url: str = Field("https://github.com", description="GitHub, or a GitHub Enterprise Server.")
    google_client_id: str = Field("", description="To sign in with Google: the client's id.")
    google_client_secret: SecretStr | None = Field(None, min_length=1, description="The client's secret.")
    oidc_issuer: str = Field("", description="To sign in with any OpenID Connect provider: its address.")
    oidc_client_id: str = Field("", description="The client's id there.")
    oidc_client_secret: SecretStr | None = Field(None, min_length=1, description="The client's secret there.")
    oidc_name: str = Field("single sign-on", min_length=1, max_length=60, description="What people call it.")
    oidc_groups_claim: str = Field("groups", min_length=1, description="The claim that lists somebody's groups.")
    oidc_scopes: str = Field("openid email profile", description="What it is asked for, with spaces between.")

    @model_validator(mode="after")
    def _providers_are_whole(self) -> Self:
        for name in ("github", "google"):
            if bool(getattr(self, f"{name}_client_id")) != bool(getattr(self, f"{name}_client_secret")):
                raise ValueError(f"CLAUDIA_{name.upper()}_CLIENT_ID and _SECRET belong together: set both")
        if bool(self.oidc_issuer) != bool(self.oidc_client_id):
            raise ValueError("CLAUDIA_OIDC_ISSUER and CLAUDIA_OIDC_CLIENT_ID belong together: set both")
        if "openid" not in self.oidc_scopes.split():
            raise ValueError("CLAUDIA_OIDC_SCOPES must hold openid")
        return self
