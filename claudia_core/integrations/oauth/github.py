"""GitHub: OAuth 2 without OpenID Connect; who somebody is has to be asked for."""

from __future__ import annotations

from typing import Any

from claudia_core.errors import ProviderRefused
from claudia_core.integrations.oauth.identity import Claims
from claudia_core.integrations.oauth.provider import AuthorizationRequest, OAuthProvider
from claudia_core.integrations.oauth.tokens import Tokens
from claudia_core.integrations.oauth.web import Web, checked_url

GITHUB = "https://github.com"
SCOPES = ("read:user", "user:email", "read:org")
"""What `identify` needs: the account, its verified addresses, its organisations."""


class GitHub(OAuthProvider):
    """GitHub, or a GitHub Enterprise Server at `url`; arguments and errors are those of `OAuthProvider`."""

    def __init__(
        self,
        client_id: str,
        client_secret: str | None,
        redirect_uri: str,
        *,
        url: str = GITHUB,
        web: Web | None = None,
    ) -> None:
        self.issuer = checked_url(url, "github_url").rstrip("/")
        self._api = "https://api.github.com" if self.issuer == GITHUB else f"{self.issuer}/api/v3"
        base = f"{self.issuer}/login/oauth"
        addresses = (f"{base}/authorize", f"{base}/access_token")
        super().__init__(client_id, client_secret, redirect_uri, *addresses, client_auth="post", web=web)

    def identify(self, tokens: Tokens, _: AuthorizationRequest | None = None) -> Claims:
        """Who the tokens are of: the account's number, its name, its verified main address, its organisations.

        Raises:
            ProviderRefused: the tokens do not allow to ask.
            ProviderUnavailable: GitHub does not answer.
        """
        user, emails, orgs = (self._look(path, tokens) for path in ("/user", "/user/emails", "/user/orgs"))
        if not isinstance(user, dict) or not isinstance(user.get("id"), int):
            raise ProviderRefused("GitHub does not say who it is")
        found = (one for one in _objects(emails) if one.get("primary") is True and one.get("verified") is True)
        told = {
            "sub": str(user["id"]),
            "preferred_username": user.get("login"),
            "name": user.get("name"),
            "email": next(found, {}).get("email"),
            "email_verified": True,
            "groups": [one.get("login") for one in _objects(orgs)],
        }
        return Claims.of(self.issuer, told)

    def _look(self, path: str, tokens: Tokens) -> Any:
        headers = {"authorization": f"Bearer {tokens.access_token}", "accept": "application/vnd.github+json"}
        return self.web.get(self._api + path, headers)


def _objects(found: Any) -> list[dict[str, Any]]:
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
