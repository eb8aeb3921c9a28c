"""The providers that the settings name, each opened when somebody first signs in there."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, Self

from claudia_core.errors import ClaudiaError
from claudia_core.model.grants import granted, parse_grants
from claudia_core.model.identity import Scope
from claudia_core.settings import Settings

if TYPE_CHECKING:
    from claudia_core.integrations.oauth import AuthorizationRequest, Claims, Tokens


PAUSE = 5.0
"""Seconds before a provider that could not be opened is tried again."""


class Identifies(Protocol):
    """What signing in needs of a provider; see `integrations.oauth`."""

    def returning_to(self, redirect_uri: str) -> Self:
        """The same, with another address to come back to."""

    def authorization_request(self, scopes: Sequence[str]) -> AuthorizationRequest:
        """A new trip for a browser."""

    def require_issuer(self, told: str | None) -> None:
        """Refuse a return from another provider."""

    def exchange(self, code: str, request: AuthorizationRequest) -> Tokens:
        """Tokens for a code."""

    def identify(self, tokens: Tokens, request: AuthorizationRequest) -> Claims:
        """Who the tokens are of."""


@dataclass(frozen=True, slots=True)
class Provider:
    """One way to sign in elsewhere.

    Args:
        key: its part of addresses and rules: `github`, `google` or `oidc`.
        label: what people read on the button.
        scopes: what it is asked for.
        open: opens it; may ask it for its addresses, and block.
    """

    key: str
    label: str
    scopes: tuple[str, ...]
    open: Callable[[], Identifies]


class Providers:
    """The configured providers by key. Opening is done once and shared; what fails is tried again next time."""

    def __init__(self, settings: Settings) -> None:
        self._known = {provider.key: provider for provider in _configured(settings)}
        self._grants = parse_grants(settings.sign_in_grants)
        self._opened: dict[str, Identifies] = {}
        self._failed: dict[str, tuple[float, ClaudiaError]] = {}
        self._lock = threading.Lock()

    def __iter__(self) -> Iterator[Provider]:
        return iter(self._known.values())

    def get(self, key: str) -> Provider | None:
        """The provider of that key, if there is one."""
        return self._known.get(key)

    def opened(self, provider: Provider) -> Identifies:
        """The provider, ready to be asked. Blocks at the first time.

        Raises:
            ProviderUnavailable, ProviderRefused, SettingsError, MissingExtra: it cannot be.
        """
        with self._lock:
            if provider.key in self._opened:
                return self._opened[provider.key]
            until, error = self._failed.get(provider.key, (0.0, None))
            if error is not None and time.monotonic() < until:
                raise error
            try:
                found = self._opened[provider.key] = provider.open()
            except ClaudiaError as error:
                self._failed[provider.key] = (time.monotonic() + PAUSE, error)
                raise
            return found

    def scope_of(self, provider: Provider, claims: Claims) -> Scope | None:
        """What somebody may do, by the operator's rules; None for nothing."""
        domain = claims.domain if provider.key == "google" else claims.email.rpartition("@")[2]
        known = [
            ("id", claims.subject),
            ("user", claims.username),
            ("email", claims.email),
            ("domain", domain),
            *(("group", group) for group in claims.groups),
        ]
        return granted(self._grants, provider.key, known)


HERE = "http://127.0.0.1/"
"""Stands for the address to come back to, until a browser tells by which name it knows this server."""


def _configured(settings: Settings) -> Iterator[Provider]:
    if settings.github_client_id:
        scopes: tuple[str, ...] = ("read:user", "user:email", "read:org")
        yield Provider("github", "Sign in with GitHub", scopes, lambda: _github(settings))
    if settings.google_client_id:
        yield Provider("google", "Sign in with Google", ("openid", "email", "profile"), lambda: _google(settings))
    if settings.oidc_issuer:
        scopes = tuple(settings.oidc_scopes.split())
        yield Provider("oidc", f"Sign in with {settings.oidc_name}", scopes, lambda: _oidc(settings))


def _github(settings: Settings) -> Identifies:
    from claudia_core.integrations.oauth import GitHub

    assert settings.github_client_secret is not None, "the settings require both"
    secret = settings.github_client_secret.get_secret_value()
    return GitHub(settings.github_client_id, secret, HERE, url=settings.github_url)


def _google(settings: Settings) -> Identifies:
    from claudia_core.integrations.oauth import OpenIDProvider
    from claudia_core.integrations.oauth.oidc import GOOGLE

    assert settings.google_client_secret is not None, "the settings require both"
    return OpenIDProvider(GOOGLE, settings.google_client_id, settings.google_client_secret.get_secret_value(), HERE)


def _oidc(settings: Settings) -> Identifies:
    from claudia_core.integrations.oauth import OpenIDProvider

    secret = settings.oidc_client_secret
    return OpenIDProvider(
        settings.oidc_issuer,
        settings.oidc_client_id,
        secret.get_secret_value() if secret else None,
        HERE,
        groups_claim=settings.oidc_groups_claim,
    )
