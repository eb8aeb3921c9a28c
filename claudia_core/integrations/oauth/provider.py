"""OAuthProvider: OAuth 2 with a code, always with state and PKCE (RFC 6749, RFC 7636, RFC 9700)."""

from __future__ import annotations

import copy
import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Self
from urllib.parse import urlencode, urlsplit

from claudia_core.errors import ProviderRefused, SettingsError
from claudia_core.integrations.oauth.tokens import Tokens
from claudia_core.integrations.oauth.web import Web, checked_url, document

type ClientAuth = Literal["basic", "post"]


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """One trip of a browser to the provider. Keep it where only that browser's return finds it.

    Args:
        url: where to send the browser.
        state: comes back with the browser; anything else is refused.
        verifier: proves that who brings the code began the trip.
        nonce: must be in the id token, where there is one.
    """

    url: str
    state: str = field(repr=False)
    verifier: str = field(repr=False)
    nonce: str = field(repr=False)

    def require_state(self, state: str) -> None:
        """Refuse a return that is not of this trip.

        Raises:
            ProviderRefused: the state is another one.
        """
        if not hmac.compare_digest(state.encode(errors="replace"), self.state.encode()):
            raise ProviderRefused("the state is not the one that was sent", hint="begin the sign-in again")


class OAuthProvider:
    """A service that lends access to somebody's account.

    Args:
        client_id, client_secret: what the service gave this program; without a secret it is a public client.
        redirect_uri: where the browser comes back to, as registered with the service.
        authorization_url, token_url: the service's two addresses, https or on this machine.
        client_auth: how the secret is sent: `basic` as a header, `post` in the form.
        web: asks the service.

    Raises:
        SettingsError: an address is not https, or the id is empty.
    """

    def __init__(
        self,
        client_id: str,
        client_secret: str | None,
        redirect_uri: str,
        authorization_url: str,
        token_url: str,
        *,
        client_auth: ClientAuth = "basic",
        web: Web | None = None,
    ) -> None:
        if not client_id:
            raise SettingsError("the client id is empty", field="client_id")
        self.client_id = client_id
        self.redirect_uri = checked_url(redirect_uri, "redirect_uri")
        self.authorization_url = checked_url(authorization_url, "authorization_url")
        self.token_url = checked_url(token_url, "token_url")
        self.web = web or Web()
        self._secret = client_secret
        self._client_auth = client_auth

    def returning_to(self, redirect_uri: str) -> Self:
        """The same provider with another address for browsers to come back to."""
        other = copy.copy(self)
        other.redirect_uri = checked_url(redirect_uri, "redirect_uri")
        return other

    def require_issuer(self, told: str | None) -> None:
        """Refuse a return that says to come from another provider (RFC 9207); OAuth 2 alone knows no issuers."""

    def authorization_request(
        self, scopes: Sequence[str] = (), *, extra: Mapping[str, str] | None = None
    ) -> AuthorizationRequest:
        """A new trip for a browser, with fresh random state, verifier and nonce."""
        state, verifier, nonce = (secrets.token_urlsafe(32) for _ in range(3))
        url = self.authorization_address(state, scopes, challenge=challenge_of(verifier), nonce=nonce, extra=extra)
        return AuthorizationRequest(url, state, verifier, nonce)

    def authorization_address(
        self,
        state: str,
        scopes: Sequence[str],
        *,
        challenge: str,
        nonce: str = "",
        extra: Mapping[str, str] | None = None,
    ) -> str:
        """Where to send the browser, with a state and a PKCE challenge (S256) of one's own."""
        asked = {
            **(extra or {}),
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": " ".join(scopes),
            "state": state,
            "nonce": nonce if "openid" in scopes else "",
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        joint = "&" if urlsplit(self.authorization_url).query else "?"
        return self.authorization_url + joint + urlencode({name: value for name, value in asked.items() if value})

    def exchange(self, code: str, request: AuthorizationRequest) -> Tokens:
        """The tokens for the code that a browser brought back; check its state first. A code is good once.

        Raises:
            ProviderRefused: the code is not good, or not for this trip.
            ProviderUnavailable: the service does not answer.
        """
        form = {"code": code, "redirect_uri": self.redirect_uri, "code_verifier": request.verifier}
        return Tokens.of(self._ask("authorization_code", form))

    def refresh(self, tokens: Tokens) -> Tokens:
        """New tokens; the refresh token is kept where the service does not change it. Raises as `exchange`.

        Raises:
            ProviderRefused: also when there is no refresh token.
        """
        if tokens.refresh_token is None:
            raise ProviderRefused("there is no refresh token", hint="the account's owner has to agree again")
        return Tokens.of(self._ask("refresh_token", {"refresh_token": tokens.refresh_token}), before=tokens)

    def _ask(self, grant: str, form: dict[str, str]) -> dict[str, object]:
        sent = {"grant_type": grant, **form}
        by_header = self._secret is not None and self._client_auth == "basic"
        if not by_header:
            sent["client_id"] = self.client_id
            if self._secret is not None:
                sent["client_secret"] = self._secret
        auth = (_quoted(self.client_id), _quoted(self._secret or "")) if by_header else None
        return document(self.web.post(self.token_url, sent, auth), self.token_url)


def challenge_of(verifier: str) -> str:
    """The PKCE challenge of a verifier, by S256 (RFC 7636, section 4.2)."""
    return urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _quoted(text: str) -> str:
    """As RFC 6749, section 2.3.1, wants ids and secrets in a header."""
    return urlencode({"": text})[1:]
