"""OpenIDProvider: any OpenID Connect provider by its issuer's address alone (Discovery 1.0, Core 1.0)."""

from __future__ import annotations

import threading
import time
from typing import Any, Literal

from claudia_core.errors import MissingExtra, ProviderRefused
from claudia_core.integrations.oauth.identity import Claims, Expected, verified
from claudia_core.integrations.oauth.provider import AuthorizationRequest, OAuthProvider
from claudia_core.integrations.oauth.tokens import Tokens
from claudia_core.integrations.oauth.web import Web, checked_url, document

try:
    from joserfc import jws
    from joserfc.errors import JoseError
    from joserfc.jwk import KeySet
except ImportError as error:
    raise MissingExtra("OpenID Connect needs joserfc", hint="pip install 'claudia-core[auth]'") from error

GOOGLE = "https://accounts.google.com"
KEYS_KEPT = 3_600.0
"""Seconds after which the keys are read anew: one that the provider has withdrawn is believed no longer than that."""

KEYS_AGAIN = 30.0
"""Seconds between two looks for a key that is not there: forged tokens must not make us ask all the time."""


class OpenIDProvider(OAuthProvider):
    """An OAuth provider that also says who somebody is.

    Discovery happens at construction: the addresses come from `ISSUER/.well-known/openid-configuration`.

    Raises:
        SettingsError: the issuer is not https, or names an address that is not.
        ProviderRefused: what is found is of another issuer, or lacks an address.
        ProviderUnavailable: the issuer does not answer.
    """

    def __init__(
        self,
        issuer: str,
        client_id: str,
        client_secret: str | None,
        redirect_uri: str,
        *,
        groups_claim: str = "groups",
        web: Web | None = None,
    ) -> None:
        web = web or Web()
        found = _discovered(issuer, web)
        super().__init__(
            client_id,
            client_secret,
            redirect_uri,
            found["authorization_endpoint"],
            found["token_endpoint"],
            client_auth=_client_auth(found),
            web=web,
        )
        self.issuer = issuer
        self.sends_issuer = found.get("authorization_response_iss_parameter_supported") is True
        self._userinfo_url = found.get("userinfo_endpoint")
        self._groups_claim = groups_claim
        self._keys = Keys(checked_url(found["jwks_uri"], "jwks_uri"), web)

    def require_issuer(self, told: str | None) -> None:
        """Refuse a return that comes from another provider (RFC 9207).

        Raises:
            ProviderRefused: the `iss` of the return is another, or missing where the provider sends one.
        """
        if told != self.issuer and (told is not None or self.sends_issuer):
            raise ProviderRefused("the answer comes from another provider", hint="begin the sign-in again")

    def identify(self, tokens: Tokens, request: AuthorizationRequest) -> Claims:
        """Who the tokens are of. What the id token leaves out is asked for with the access token.

        Raises:
            ProviderRefused: there is no id token, or it is not what it must be.
            ProviderUnavailable: the provider does not answer.
        """
        if tokens.id_token is None:
            raise ProviderRefused("the provider gave no id token", hint="ask for the scope openid")
        expected = Expected(self.issuer, self.client_id, request.nonce)
        told = verified(tokens.id_token, self._keys.of(tokens.id_token), expected)
        if self._userinfo_url and not {"email", "preferred_username", self._groups_claim} <= told.keys():
            told = {**self._userinfo(tokens, told), **told}
        return Claims.of(self.issuer, told, self._groups_claim)

    def _userinfo(self, tokens: Tokens, told: dict[str, Any]) -> dict[str, Any]:
        where = checked_url(str(self._userinfo_url), "userinfo_endpoint")
        found = document(self.web.get(where, {"authorization": f"Bearer {tokens.access_token}"}), where)
        if found.get("sub") != told.get("sub"):
            raise ProviderRefused("the provider's userinfo is of somebody else")
        return found


class Keys:
    """A provider's public keys, read when they are needed and again when one is missing."""

    def __init__(self, url: str, web: Web) -> None:
        self._url = url
        self._web = web
        self._lock = threading.Lock()
        self._found: KeySet | None = None
        self._read_at = 0.0

    def of(self, token: str) -> KeySet:
        """The keys among which the token's is, as far as the provider knows it.

        Raises:
            ProviderRefused: the token is none, or the keys cannot be read.
        """
        kid = _kid(token)
        with self._lock:
            age = time.monotonic() - self._read_at
            if self._found is None or age > KEYS_KEPT or (age > KEYS_AGAIN and not _has(self._found, kid)):
                self._found = self._read()
                self._read_at = time.monotonic()
            return self._found

    def _read(self) -> KeySet:
        try:
            return KeySet.import_key_set(self._web.get(self._url))
        except (JoseError, KeyError, TypeError, ValueError) as error:
            raise ProviderRefused("the provider's keys cannot be read") from error


def _has(keys: KeySet, kid: str | None) -> bool:
    return kid is None or any(key.kid == kid for key in keys.keys)


def _kid(token: str) -> str | None:
    try:
        kid = jws.extract_compact(token.encode()).headers().get("kid")
    except (JoseError, ValueError, TypeError) as error:
        raise ProviderRefused("the id token cannot be read") from error
    return kid if isinstance(kid, str) else None


def _discovered(issuer: str, web: Web) -> dict[str, Any]:
    where = checked_url(issuer, "issuer").rstrip("/") + "/.well-known/openid-configuration"
    found = document(web.get(where), where)
    if found.get("issuer") != issuer:
        raise ProviderRefused(f"{issuer} calls itself {found.get('issuer')!r:.120}", hint="use that as the issuer")
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
        if not isinstance(found.get(name), str):
            raise ProviderRefused(f"{issuer} does not tell its {name}")
    return found


def _client_auth(found: dict[str, Any]) -> Literal["basic", "post"]:
    methods = found.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    return "basic" if "client_secret_basic" in methods else "post"
