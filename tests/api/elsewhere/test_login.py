"""Signing in elsewhere, over real HTTP: the way through, and every way that must not lead in."""

import re
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from claudia_core import Claudia
from claudia_core.api.elsewhere import routes, trips
from claudia_core.errors import StoreUnavailable
from claudia_core.model.identity import Scope
from claudia_core.services.access.users import Users
from claudia_core.settings import default_settings
from tests.api.guarded import TOKEN, guarded
from tests.integrations.oauth.provider import liar

GRANTS = "oidc:group:sre=admin, oidc:id:1=viewer, github:user:octocat=operator"


@pytest.fixture
def lying():
    with liar() as running:
        yield running


@pytest.fixture
def hub(lying):
    settings = default_settings(
        database_url="memory://",
        display="off",
        oidc_issuer=lying.issuer,
        oidc_client_id="me",
        oidc_client_secret="secret",
        oidc_name="Acme",
        github_client_id="gh",
        github_client_secret="secret",
        github_url=lying.issuer,
        sign_in_grants=GRANTS,
        sign_in_limit="",
        trusted_proxies="127.0.0.1",
    )
    with Claudia(settings=settings) as hub:
        yield hub


@pytest.fixture
def server(hub):
    with guarded(hub, extra=lambda app: routes.mount(app, hub)) as running:
        yield running


def begin(server, lying, key="oidc", next="/", **headers):
    """What a browser has when it arrives at the provider: the address's query, and its cookie."""
    answer = server.ask(f"/login/{key}?{urlencode({'next': next})}", **headers)
    assert answer.status == 303
    asked = {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}
    lying.nonce = asked.get("nonce", "")
    return asked, answer.headers["set-cookie"].partition(";")[0]


def back(server, cookie, key="oidc", **query):
    headers = {"Cookie": cookie} if cookie else {}
    return server.ask(f"/login/{key}/callback?{urlencode(query)}", Accept="text/html", **headers)


def session_of(answer):
    found = [line for line in answer.headers.get_all("set-cookie") or () if "-trip=" not in line]
    return found[0].partition(";")[0] if found else ""


def refused(server, answer, match, status=403):
    """Nobody got in, the page says why, and the trip's cookie is gone."""
    assert (answer.status, session_of(answer)) == (status, "")
    assert re.search(match, answer.body), answer.body
    assert "location" not in answer.headers


def test_the_way_in(server, lying, hub):
    """Code, tokens and identity become a user with the scope of the rules, and a session."""
    asked, cookie = begin(server, lying, next="/tasks?status=failed")
    assert asked["redirect_uri"] == f"http://127.0.0.1:{server.port}/login/oidc/callback"
    lying.userinfo = {"groups": ["sre"], "preferred_username": "ada", "email": "a@x.org", "email_verified": True}
    answer = back(server, cookie, code="c", state=asked["state"])
    assert (answer.status, answer.headers["location"]) == (303, "/tasks?status=failed")
    assert server.ask("/thing", Cookie=session_of(answer)).status == 200
    (user,) = hub.users.list()
    assert (user.name, user.scope, user.issuer, user.subject) == ("ada", Scope.ADMIN, lying.issuer, "1")
    assert any('-trip=""' in line or "Max-Age=0" in line for line in answer.headers.get_all("set-cookie"))


def test_the_rules_are_asked_at_each_sign_in(server, lying, hub):
    """Who has left a group has its scope no longer; the user stays the same."""
    for groups, scope in ((["sre"], Scope.ADMIN), ([], Scope.VIEWER)):
        asked, cookie = begin(server, lying)
        lying.userinfo = {"groups": groups, "preferred_username": "ada"}
        assert back(server, cookie, code="c", state=asked["state"]).status == 303
        assert [user.scope for user in hub.users.list()] == [scope]


def test_nobody_gets_in_without_a_rule(server, lying, hub):
    """Somebody whom the provider knows and no rule names: no user, no session, an entry in the audit log."""
    asked, cookie = begin(server, lying)
    lying.claims = {"sub": "2", "preferred_username": "<b>eve</b>"}
    lying.metadata, lying.userinfo = {}, {"sub": "2"}
    answer = back(server, cookie, code="c", state=asked["state"])
    refused(server, answer, "&lt;b&gt;eve&lt;/b&gt; has no access")
    assert hub.users.list() == []
    assert [entry.action for entry in hub.audit.list().entries] == ["auth.refused"]


def test_a_disabled_user_stays_out(server, lying, hub):
    """The operator's word counts more than the provider's."""
    asked, cookie = begin(server, lying)
    assert back(server, cookie, code="c", state=asked["state"]).status == 303
    hub.users.change(hub.users.list()[0].id, enabled=False)
    asked, cookie = begin(server, lying)
    refused(server, back(server, cookie, code="c", state=asked["state"]), "alert", 403)


def test_github(server, lying, hub):
    """The same way with GitHub's own interface."""
    lying.answers["/api/v3/user"] = (200, b'{"id":7,"login":"octocat"}', {})
    lying.answers["/api/v3/user/emails"] = lying.answers["/api/v3/user/orgs"] = (200, b"[]", {})
    lying.answers["/login/oauth/access_token"] = (200, b'{"access_token":"x","token_type":"bearer"}', {})
    asked, cookie = begin(server, lying, "github")
    assert asked["code_challenge_method"] == "S256"
    assert back(server, cookie, "github", code="c", state=asked["state"]).status == 303
    assert [(user.name, user.subject, user.scope) for user in hub.users.list()] == [("octocat", "7", Scope.OPERATOR)]
    (_, form, _) = next(asked for asked in lying.asked if asked[0] == "/login/oauth/access_token")
    assert len(form["code_verifier"]) >= 43


# --- what must not lead in --------------------------------------------------------------------------------------------


def test_another_state(server, lying):
    """A state that was not sent, or none."""
    _, cookie = begin(server, lying)
    for state in ("", "x", "\u00fc"):
        refused(server, back(server, cookie, code="c", state=state), "another sign-in")


def test_another_browser(server, lying):
    """Login CSRF: a good code and state of an attacker's, brought by a browser that did not begin with them."""
    asked, _ = begin(server, lying)
    refused(server, back(server, "", code="c", state=asked["state"]), "begun no sign-in")
    mine, cookie = begin(server, lying)
    assert mine["state"] != asked["state"]
    refused(server, back(server, cookie, code="c", state=asked["state"]), "another sign-in")


def test_a_forged_cookie(server, lying):
    """A trip that this server has not sealed."""
    asked, cookie = begin(server, lying)
    name, _, value = cookie.partition("=")
    changed = value[:-1] + ("1" if value.endswith("0") else "0")
    for forged in (changed, "x" + value, value.partition(".")[0], "", ".", "e30."):
        refused(server, back(server, f"{name}={forged}", code="c", state=asked["state"]), "begun no sign-in")


def test_a_trip_that_took_too_long(server, lying, monkeypatch):
    """After ten minutes it is over."""
    asked, cookie = begin(server, lying)
    monkeypatch.setattr(trips, "SECONDS", -1)
    refused(server, back(server, cookie, code="c", state=asked["state"]), "too long")


def test_a_return_is_taken_once(server, lying):
    """The same return with the same cookie again, as from a history or a log."""
    asked, cookie = begin(server, lying)
    assert back(server, cookie, code="c", state=asked["state"]).status == 303
    refused(server, back(server, cookie, code="c", state=asked["state"]), "completed before")


def test_another_providers_return(server, lying):
    """Mix-up: the answer of one provider at the address of the other, and a return that names another issuer."""
    asked, cookie = begin(server, lying, "github")
    refused(server, back(server, cookie, "oidc", code="c", state=asked["state"]), "another provider")
    asked, cookie = begin(server, lying)
    answer = back(server, cookie, code="c", state=asked["state"], iss="https://evil.example")
    refused(server, answer, "another provider")
    assert not any(path == "/token" for path, _, _ in lying.asked)


@pytest.mark.parametrize("claims", [{"nonce": "x"}, {"aud": "you"}, {"iss": "http://x"}, {"exp": 1}], ids=str)
def test_an_id_token_that_is_not_right(server, lying, claims):
    """Each lie alone is refused."""
    asked, cookie = begin(server, lying)
    lying.claims = claims
    refused(server, back(server, cookie, code="c", state=asked["state"]), "id token")


def test_an_id_token_without_a_signature(server, lying):
    """`alg` none."""
    asked, cookie = begin(server, lying)
    told = lying.id_token().split(".")[1]
    lying.token = f"eyJhbGciOiJub25lIn0.{told}."
    refused(server, back(server, cookie, code="c", state=asked["state"]), "id token")


def test_a_person_who_does_not_agree(server, lying):
    """What the provider says is shown as text."""
    asked, cookie = begin(server, lying)
    answer = back(server, cookie, state=asked["state"], error="<script>access_denied")
    refused(server, answer, "&lt;script&gt;access_denied")


def test_a_provider_that_is_away(server, lying):
    """502 with a way back; the code is lost, the server is not."""
    asked, cookie = begin(server, lying)
    lying.answers["/token"] = (503, b"", {})
    refused(server, back(server, cookie, code="c", state=asked["state"]), "503", 502)


def test_a_store_that_is_away(server, lying, monkeypatch):
    """503: the fault is here, and it passes."""

    def away(*told, **more):
        raise StoreUnavailable("the store is away")

    monkeypatch.setattr(Users, "arrive", away)
    asked, cookie = begin(server, lying)
    refused(server, back(server, cookie, code="c", state=asked["state"]), "The store is away", 503)


@pytest.mark.parametrize(
    "next", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "/x\r\ny", "x"]
)
def test_it_leads_nowhere_else(server, lying, next):
    """Whatever was asked for at first, the browser stays on this server."""
    asked, cookie = begin(server, lying, next=next)
    assert back(server, cookie, code="c", state=asked["state"]).headers["location"] == "/"


def test_unknown_ways(server):
    """There is no such way, and what lies beside a way is closed."""
    for path in ("/login/gitlab", "/login/gitlab/callback", "/login/oidc/x", "/login/oidc/callback/x", "/login/google"):
        assert server.ask(path).status == 401
    assert server.reached == []


def test_the_cookies(server, lying):
    """Out of reach of scripts, for ten minutes; over https of this host alone."""
    plain = server.ask("/login/oidc").headers["set-cookie"]
    assert plain.startswith(f"claudia-{server.port}-trip=")
    assert {"HttpOnly", "SameSite=lax", "Path=/", "Max-Age=600"} <= set(plain.split("; "))
    secure = server.ask("/login/oidc", X_Forwarded_Proto="https").headers["set-cookie"]
    assert secure.startswith(f"__Host-claudia-{server.port}-trip=")
    assert {"HttpOnly", "Secure", "Path=/"} <= set(secure.split("; "))
    assert "Domain" not in secure


def test_the_session_over_https_is_of_this_host(server):
    """Its cookie cannot be set by another port or path, and the plain one does not count there."""
    answer = server.ask(f"/?token={TOKEN}", X_Forwarded_Proto="https")
    cookie = answer.headers["set-cookie"].partition(";")[0]
    assert cookie.startswith(f"__Host-claudia-{server.port}=")
    assert server.ask("/thing", Cookie=cookie, X_Forwarded_Proto="https").status == 200
    assert server.ask("/thing", Cookie=cookie.removeprefix("__Host-"), X_Forwarded_Proto="https").status == 401


def test_the_page_offers_the_ways(server):
    """By name, leading on to where the visitor wanted to go."""
    body = server.ask("/tasks?status=failed", Accept="text/html").body
    assert re.search(r'href="/login/oidc\?next=%2Ftasks%3Fstatus%3Dfailed">Sign in with Acme<', body)
    assert "Sign in with GitHub" in body
