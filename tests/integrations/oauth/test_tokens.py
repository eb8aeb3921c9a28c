"""Tokens: how they are asked for, what is refused, and GitHub's own ways."""

import base64

import pytest

from claudia_core.errors import ProviderRefused, ProviderUnavailable
from claudia_core.integrations.oauth import GitHub, OAuthProvider, Tokens
from claudia_core.integrations.oauth.web import MOST_BYTES, Web
from tests.integrations.oauth.provider import liar

BACK = "http://127.0.0.1:5006/login/oidc/callback"


@pytest.fixture
def lying():
    with liar() as running:
        yield running


def test_the_secret_is_quoted_in_the_header(lying):
    """RFC 6749 wants both parts form-encoded before Basic; nothing of them is in the form then."""
    provider = OAuthProvider("me:you", "s e%c", BACK, f"{lying.issuer}/authorize", f"{lying.issuer}/token")
    provider.exchange("c", provider.authorization_request())
    _, form, headers = lying.asked[-1]
    assert base64.b64decode(headers["authorization"].split()[1]) == b"me%3Ayou:s+e%25c"
    assert {"client_id", "client_secret"}.isdisjoint(form)


def test_github_gets_the_secret_in_the_form_and_says_errors_with_200(lying):
    """GitHub's two peculiarities; a public client sends its id alone."""
    lying.answers["/login/oauth/access_token"] = (200, b'{"error":"bad_verification_code"}', {})
    provider = GitHub("me", "hush", BACK, url=lying.issuer)
    with pytest.raises(ProviderRefused, match="bad_verification_code") as caught:
        provider.exchange("the-code", provider.authorization_request())
    _, form, headers = lying.asked[-1]
    assert (form["client_id"], form["client_secret"], form["code"]) == ("me", "hush", "the-code")
    assert "authorization" not in headers
    assert not any(secret in str(caught.value) for secret in ("hush", "the-code"))


def test_a_refresh_keeps_what_does_not_change(lying):
    """The refresh token stays where the provider sends none; without one there is nothing to refresh."""
    provider = OAuthProvider("me", None, BACK, f"{lying.issuer}/authorize", f"{lying.issuer}/token")
    renewed = provider.refresh(Tokens("old", "keep", scope="a b"))
    assert (renewed.access_token, renewed.refresh_token, renewed.scope) == ("at", "keep", "a b")
    assert lying.asked[-1][1] == {"grant_type": "refresh_token", "refresh_token": "keep", "client_id": "me"}
    with pytest.raises(ProviderRefused, match="no refresh token"):
        provider.refresh(Tokens("old"))


def test_tokens_do_not_show_themselves():
    """Neither in a log nor in a traceback."""
    assert "hush" not in repr(Tokens("hush", "hush", "hush", 1.0, "a"))


@pytest.mark.parametrize(
    ("answer", "error", "match"),
    [
        ((500, b"{}", {}), ProviderUnavailable, "500"),
        ((429, b"{}", {}), ProviderUnavailable, "429"),
        ((302, b"", {"location": "http://169.254.169.254/"}), ProviderRefused, "302"),
        ((200, b"<html>", {}), ProviderRefused, "no JSON"),
        ((200, b"[]", {}), ProviderRefused, "no object"),
        ((200, b"{}", {}), ProviderRefused, "no bearer token"),
        ((200, b'{"access_token":"x","token_type":"mac"}', {}), ProviderRefused, "no bearer token"),
        ((400, b'{"error":"invalid_grant"}', {}), ProviderRefused, "invalid_grant"),
        ((200, b'"' + b"x" * (MOST_BYTES + 1) + b'"', {}), ProviderRefused, "more than"),
    ],
    ids=lambda value: str(value)[:40],
)  # fmt: skip
def test_answers_that_are_none(lying, answer, error, match):
    """Trouble is told apart from refusals; redirects are not followed, and an answer is not read for ever."""
    lying.answers["/token"] = answer
    provider = OAuthProvider("me", "s", BACK, f"{lying.issuer}/authorize", f"{lying.issuer}/token")
    with pytest.raises(error, match=match):
        provider.exchange("c", provider.authorization_request())


def test_a_provider_that_is_away():
    """A closed port is unavailable, which a retry may help."""
    provider = OAuthProvider("me", "s", BACK, "http://127.0.0.1:1/a", "http://127.0.0.1:1/t", web=Web(seconds=2))
    with pytest.raises(ProviderUnavailable) as caught:
        provider.exchange("c", provider.authorization_request())
    assert caught.value.retryable


def test_github_says_who_it_is(lying):
    """The account's number, its name, its main address where that is verified, and its organisations."""
    lying.answers["/api/v3/user"] = (200, b'{"id":583231,"login":"octocat","name":"Octo"}', {})
    lying.answers["/api/v3/user/orgs"] = (200, b'[{"login":"acme"},{"login":"tools"}]', {})
    lying.answers["/api/v3/user/emails"] = (
        200,
        b'[{"email":"b@x.org","primary":false,"verified":true},{"email":"a@x.org","primary":true,"verified":true}]',
        {},
    )
    github = GitHub("me", "s", BACK, url=lying.issuer)
    claims = github.identify(Tokens("the-token"))
    assert (claims.issuer, claims.subject, claims.username) == (lying.issuer, "583231", "octocat")
    assert (claims.email, claims.groups) == ("a@x.org", frozenset({"acme", "tools"}))
    assert {headers["authorization"] for _, _, headers in lying.asked} == {"Bearer the-token"}
    lying.answers["/api/v3/user/emails"] = (200, b'[{"email":"a@x.org","primary":true,"verified":false}]', {})
    assert github.identify(Tokens("t")).email == ""
    lying.answers["/api/v3/user"] = (200, b'{"message":"hello"}', {})
    with pytest.raises(ProviderRefused, match="does not say"):
        github.identify(Tokens("t"))
