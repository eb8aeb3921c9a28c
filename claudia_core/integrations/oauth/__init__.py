"""Tokens and identities from elsewhere: OAuth 2 and OpenID Connect. Needs the extra `auth`.

github = GitHub(client_id, client_secret, "http://127.0.0.1:5006/login/github/callback")
request = github.authorization_request(["read:user"])     # send the browser to request.url, keep the request
tokens = github.exchange(code, request)                   # once it is back, with the same state
vault.save("github:octocat", tokens)                      # encrypted
"""

from claudia_core.integrations.oauth.github import GitHub
from claudia_core.integrations.oauth.identity import Claims
from claudia_core.integrations.oauth.keyring import Keyring
from claudia_core.integrations.oauth.oidc import OpenIDProvider
from claudia_core.integrations.oauth.provider import AuthorizationRequest, OAuthProvider
from claudia_core.integrations.oauth.tokens import Tokens
from claudia_core.integrations.oauth.vault import Vault

__all__ = ["AuthorizationRequest", "Claims", "GitHub", "Keyring", "OAuthProvider", "OpenIDProvider", "Tokens", "Vault"]
