"""Signing in, by page and by token: what ends a session, what steals none, and what another user cannot reach."""

import json
import re
import time

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from claudia_core.api.access.access import Access
from claudia_core.model.identity import Scope
from claudia_core.services.access.keys import Keys
from tests.api.access.serving import TOKEN

PASSWORD = "four random words here"


@pytest.fixture(scope="module", autouse=True)
def people(site):
    for name, scope in (("vera", "viewer"), ("olga", "operator"), ("adam", "admin")):
        site.hub.users.add(name, PASSWORD, scope=scope)


def me(site, cookie):
    status, _, body = site.ask("GET", "/api/v1/auth/me", Cookie=cookie)
    return json.loads(body)["name"] if status == 200 else status


# --- the page -------------------------------------------------------------------------------------------------------


def test_a_person_signs_in_and_out(site):
    """Name and password give a cookie and lead to where the person wanted; signing out ends the session itself."""
    status, headers, _ = site.form("/login", {"name": "VERA", "password": PASSWORD, "next": "/tasks?status=failed"})
    assert (status, headers["location"]) == (303, "/tasks?status=failed")
    assert {"HttpOnly", "SameSite=lax", "Path=/"} <= set(headers["set-cookie"].split("; "))
    cookie = headers["set-cookie"].partition(";")[0]
    assert me(site, cookie) == "vera"
    status, headers, _ = site.form("/logout", {}, cookie)
    assert (status, headers["location"]) == (303, "/login")
    assert "max-age=0" in headers["set-cookie"].lower()
    assert me(site, cookie) == 401


@pytest.mark.parametrize(
    "next",
    ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "\t//evil", "/a\r\nx: y", ""],
)
def test_a_sign_in_leads_nowhere_else(site, next):
    """No open redirect, whatever the form says; the page does not repeat it as an address either."""
    _, headers, _ = site.form("/login", {"name": "vera", "password": PASSWORD, "next": next})
    assert headers["location"] == "/"


def test_the_page_works_without_scripts(site):
    """A form with labels, a policy that lets no script run, and the way back kept in a field; also where it refuses."""
    for status, headers, body in (
        site.ask("GET", "/tasks?id=1", Accept="text/html"),
        site.ask("GET", "/login?next=/tasks%3Fid%3D1", Accept="text/html"),
        site.form("/login", {"name": "vera", "password": "a wrong password", "next": "/tasks?id=1"}),
    ):
        assert status in (200, 401)
        assert '<label for="password">' in body
        assert 'name="next" value="/tasks?id=1"' in body
        assert "<script" not in body
        assert "default-src 'none'" in headers["content-security-policy"]
    assert 'role="alert"' in body
    assert "a wrong password" not in body


def test_what_is_shown_is_escaped(site):
    """An address with markup in it stays text."""
    _, _, body = site.ask("GET", '/login?next=/"><script>alert(1)</script>'.replace('"', "%22").replace("<", "%3C"))
    assert "<script" not in body


def test_a_foreign_page_signs_nobody_in(site):
    """Login CSRF: a form that another site's page sends is refused, so nobody works in an attacker's name."""
    fields = {"name": "vera", "password": PASSWORD}
    status, headers, _ = site.form("/login", fields, Origin="http://evil.example")
    assert (status, headers["set-cookie"]) == (403, None)
    status, _, _ = site.form("/login", fields, Origin="null")
    assert status == 403
    cookie = site.sign_in("vera", PASSWORD)
    assert site.form("/logout", {}, cookie, Origin="http://evil.example")[0] == 403
    assert me(site, cookie) == "vera"


def test_what_a_browser_had_before_is_worth_nothing_after(site):
    """Session fixation: each sign-in has a new id, a planted one is not taken, and the session before ends."""
    before = site.sign_in("vera", PASSWORD)
    after = site.sign_in("olga", PASSWORD, cookie=before)
    assert before != after
    assert (me(site, before), me(site, after)) == (401, "olga")
    name = after.partition("=")[0]
    planted = f"{name}=01932f3e-7b5a-7cc0-9c5d-1f2e3d4c5b6a.planted"
    assert site.sign_in("vera", PASSWORD, cookie=planted) != planted
    assert me(site, planted) == 401


def test_wrong_passwords_are_slowed_down(site):
    """After five the answer is 429 with a time to wait, for the right one too."""
    site.hub.users.add("slow", PASSWORD)
    codes = [site.form("/login", {"name": "slow", "password": "a wrong password"})[0] for _ in range(5)]
    status, headers, body = site.form("/login", {"name": "slow", "password": PASSWORD})
    assert (codes, status) == ([401] * 5, 429)
    assert int(headers["retry-after"]) >= 1
    assert "too many wrong passwords" in body.lower()


def test_the_token_still_lets_in_by_the_form(site):
    """Whoever can read the token's file is an admin; a wrong one is refused in words."""
    status, headers, _ = site.form("/login", {"token": TOKEN})
    assert status == 303
    assert me(site, headers["set-cookie"].partition(";")[0]) == "token"
    assert site.form("/login", {"token": "wrong"})[0] == 401


# --- tokens ---------------------------------------------------------------------------------------------------------


def pair_of(site, **credentials):
    status, pair = site.post("/api/v1/auth/token", credentials)
    assert status == 200, pair
    return pair


def test_a_program_gets_a_pair_for_a_password_or_a_key(site):
    """The access token lets in with its owner's scope; the refresh token does not."""
    for pair in (pair_of(site, name="vera", password=PASSWORD), pair_of(site, key=site.keys[Scope.VIEWER])):
        assert (pair["token_type"], pair["scope"], pair["expires_in"]) == ("Bearer", "viewer", 3_600)
        assert site.ask("GET", "/api/v1/tasks", pair["access_token"])[0] == 200
        assert site.post("/api/v1/tasks", {"name": "x"}, pair["access_token"])[0] == 403
        status, _, body = site.ask("GET", "/api/v1/tasks", pair["refresh_token"])
        assert (status, json.loads(body)["code"]) == (401, "token_invalid")
    assert site.post("/api/v1/auth/token", {"name": "vera", "password": "a wrong password"})[0] == 401
    assert site.post("/api/v1/auth/token", {"key": "claudia_00000000_none"})[0] == 401
    assert site.post("/api/v1/auth/token", {"key": pair["access_token"]})[0] == 401


def test_a_refresh_token_is_used_once(site):
    """The next pair replaces it; whoever comes with it again ends the family, the newest access token included."""
    first = pair_of(site, name="vera", password=PASSWORD)
    status, second = site.post("/api/v1/auth/refresh", {"refresh_token": first["refresh_token"]})
    assert (status, site.ask("GET", "/api/v1/tasks", second["access_token"])[0]) == (200, 200)
    assert site.post("/api/v1/auth/refresh", {"refresh_token": first["access_token"]})[0] == 401
    status, answer = site.post("/api/v1/auth/refresh", {"refresh_token": first["refresh_token"]})
    assert (status, answer["code"]) == (401, "token_invalid")
    assert site.post("/api/v1/auth/refresh", {"refresh_token": second["refresh_token"]})[0] == 401
    assert site.ask("GET", "/api/v1/tasks", second["access_token"])[0] == 401
    assert site.hub.audit.list(action="auth.reuse").entries


def test_a_revoked_family_is_over(site):
    """By either of its tokens; what is not good any more is no error to revoke."""
    for kind in ("access_token", "refresh_token"):
        pair = pair_of(site, name="vera", password=PASSWORD)
        assert site.post("/api/v1/auth/revoke", {"token": pair[kind]})[0] == 204
        assert site.ask("GET", "/api/v1/tasks", pair["access_token"])[0] == 401
        assert site.post("/api/v1/auth/refresh", {"refresh_token": pair["refresh_token"]})[0] == 401
        assert site.post("/api/v1/auth/revoke", {"token": pair[kind]})[0] == 204
    assert site.post("/api/v1/auth/revoke", {"token": "nonsense"})[0] == 204


def test_a_tokens_secret_is_no_cookie(site):
    """What is in a refresh token does not make a browser's session."""
    cookie = site.sign_in("vera", PASSWORD)
    pair = pair_of(site, name="vera", password=PASSWORD)
    claims = site.app.state.hub.sessions.list(owner=site.hub.users.named("vera").id)
    family = next(session for session in claims if session.kind == "tokens")
    import base64

    text = pair["refresh_token"].split(".")[1]
    secret = json.loads(base64.urlsafe_b64decode(text + "=="))["jti"]
    assert me(site, f"{cookie.partition('=')[0]}={family.id}.{secret}") == 401


# --- what ends access -------------------------------------------------------------------------------------------------


def test_whoever_is_disabled_is_out_at_once(site):
    """Cookie and tokens; and what is open closes within seconds: sockets and streams."""
    user = site.hub.users.add("gone", PASSWORD)
    cookie, pair = site.sign_in("gone", PASSWORD), pair_of(site, name="gone", password=PASSWORD)
    shown = {"Authorization": f"Bearer {pair['access_token']}"}
    with connect(f"ws://127.0.0.1:{site.port}/ws", additional_headers=shown, proxy=None) as socket:
        socket.recv(timeout=10)
        site.hub.users.change(user.id, enabled=False)
        assert me(site, cookie) == 401
        assert site.ask("GET", "/api/v1/tasks", pair["access_token"])[0] == 401
        with pytest.raises(ConnectionClosed) as caught:
            socket.recv(timeout=10)
    assert (caught.value.rcvd.code, caught.value.rcvd.reason) == (1008, "signed out")
    assert site.form("/login", {"name": "gone", "password": PASSWORD})[0] == 401


def test_a_stream_ends_with_its_key(site):
    """A key that is revoked ends what it opened."""
    key, text = site.hub.keys.create("short", scope="viewer")
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=20)
    connection.request("GET", "/api/v1/events/stream", headers={"Authorization": f"Bearer {text}"})
    answer = connection.getresponse()
    assert answer.status == 200
    site.hub.keys.revoke(key.id)
    began = time.monotonic()
    while answer.readline():
        assert time.monotonic() - began < 15
    connection.close()


def test_a_changed_scope_counts_at_once(site):
    """A user who is made a viewer cannot go on writing."""
    user = site.hub.users.add("less", PASSWORD, scope="operator")
    pair = pair_of(site, name="less", password=PASSWORD)
    assert site.post("/api/v1/tasks", {"name": "x"}, pair["access_token"])[0] == 201
    site.hub.users.change(user.id, scope="viewer")
    assert site.post("/api/v1/tasks", {"name": "x"}, pair["access_token"])[0] == 403


@pytest.mark.parametrize("change", [{"scope": "viewer"}, {"projects": ["etl"]}], ids=["scope", "projects"])
def test_what_is_open_ends_when_its_owner_may_less(site, change):
    """Who is made a viewer or is confined to projects keeps no socket with the rights of before."""
    user = site.hub.users.add(f"less by {next(iter(change))}", PASSWORD, scope="operator")
    pair = pair_of(site, name=user.name, password=PASSWORD)
    shown = {"Authorization": f"Bearer {pair['access_token']}"}
    with connect(f"ws://127.0.0.1:{site.port}/ws", additional_headers=shown, proxy=None) as socket:
        socket.recv(timeout=10)
        site.hub.users.change(user.id, **change)
        with pytest.raises(ConnectionClosed) as caught:
            socket.recv(timeout=10)
    assert (caught.value.rcvd.code, caught.value.rcvd.reason) == (1008, "signed out")


def test_what_is_open_stays_where_nothing_was_taken_away(site):
    """A new sign-in and a change that leaves the rights as they are end nothing."""
    user = site.hub.users.add("same", PASSWORD, scope="operator")
    pair = pair_of(site, name="same", password=PASSWORD)
    shown = {"Authorization": f"Bearer {pair['access_token']}"}
    with connect(f"ws://127.0.0.1:{site.port}/ws", additional_headers=shown, proxy=None) as socket:
        socket.recv(timeout=10)
        site.hub.users.change(user.id, scope="operator")
        site.sign_in("same", PASSWORD)
        with pytest.raises(TimeoutError):
            socket.recv(timeout=5)


def test_a_key_revoked_while_it_is_looked_up_is_not_known_by_heart(site, monkeypatch):
    """What was read before a change is not taken for what is true after it."""
    key, text = site.hub.keys.create("racing", scope="viewer")
    access, accept = Access(site.hub, TOKEN, site.port), Keys.accept

    def slow(keys, shown):
        found = accept(keys, shown)
        keys.revoke(key.id)
        return found

    monkeypatch.setattr(Keys, "accept", slow)
    access.bearer(text)
    assert access.known(text, "") is None


# --- another user -----------------------------------------------------------------------------------------------------


def test_another_user_reaches_nothing_of_the_first(site):
    """Every id of the first user, tried by a second: sessions are not listed, nor ended, nor told apart from none."""
    first, second = site.sign_in("olga", PASSWORD), pair_of(site, name="vera", password=PASSWORD)["access_token"]
    olga = site.hub.users.named("olga").id
    ids = [session.id for session in site.hub.sessions.list(owner=olga)]
    status, _, body = site.ask("GET", f"/api/v1/sessions?owner={olga}", second)
    assert status == 200
    assert {item["name"] for item in json.loads(body)["items"]} == {"vera"}
    unknown = site.post("/api/v1/sessions/01932f3e-7b5a-7cc0-9c5d-1f2e3d4c5b6a/end", {}, second)
    for id in ids:
        status, answer = site.post(f"/api/v1/sessions/{id}/end", {}, second)
        assert (status, answer["code"]) == (404, unknown[1]["code"]) == (unknown[0], "not_found")
    assert site.post("/api/v1/sessions/end", {"owner": olga}, second)[0] == 403
    for path in (f"/api/v1/users/{olga}", f"/api/v1/users/{olga}/remove"):
        assert site.post(path, {}, second)[0] == 403
    for name in (olga, "olga", "OLGA"):
        assert site.ask("GET", f"/events/{name}", second)[0] == 403
    assert me(site, first) == "olga"


def test_an_equal_idempotency_key_gives_nobody_anothers_answer(site):
    """Two users who send the same request with the same key both get their own task."""
    pairs = [pair_of(site, name=name, password=PASSWORD)["access_token"] for name in ("olga", "adam")]
    made = []
    for token in (*pairs, pairs[0]):
        kind = {"Content_Type": "application/json", "Idempotency_Key": "the-same"}
        _, _, body = site.ask("POST", "/api/v1/tasks", token, b'{"name": "mine"}', **kind)
        made.append(json.loads(body)["id"])
    assert made[0] != made[1]
    assert made[0] == made[2]


# --- the pages about access -------------------------------------------------------------------------------------------


def test_sessions_are_ended_on_a_page(site):
    """A user sees their own, ends one, and signs out everywhere."""
    site.hub.users.add("many", PASSWORD)
    here, there = site.sign_in("many", PASSWORD), site.sign_in("many", PASSWORD)
    _, _, body = site.ask("GET", "/access", Cookie=here, Accept="text/html")
    assert body.count("<tr>") == 3
    assert "this one" in body
    assert "/access/keys" not in body
    ids = set(re.findall(r'name="id" value="([^"]+)"', body))
    other = next(id for id in ids if id not in here)
    assert site.form("/access/sessions/end", {"id": other}, here)[0] == 303
    assert (me(site, here), me(site, there)) == ("many", 401)
    assert site.form("/access/sessions/end-all", {}, here)[0] == 303
    assert me(site, here) == 401


def test_keys_and_users_are_managed_on_pages(site):
    """An admin makes a key, which is shown once, and revokes it; adds a user and disables them. Nobody else may."""
    admin, viewer = site.sign_in("adam", PASSWORD), site.sign_in("vera", PASSWORD)
    _, _, body = site.form("/access/keys/create", {"name": "<b>ci</b>", "scope": "viewer", "days": "3"}, admin)
    text = re.search(r"<code>(claudia_[^<]+_[^<]+)</code>", body)[1]
    assert site.ask("GET", "/api/v1/tasks", text)[0] == 200
    _, _, body = site.ask("GET", "/access/keys", Cookie=admin)
    assert text not in body
    assert "&lt;b&gt;ci&lt;/b&gt;" in body
    id = next(key.id for key in site.hub.keys.list() if key.prefix == text[:16])
    assert site.form("/access/keys/revoke", {"id": id}, admin)[0] == 303
    assert site.ask("GET", "/api/v1/tasks", text)[0] == 401
    fields = {"name": "newcomer", "password": PASSWORD, "scope": "viewer", "projects": ""}
    assert site.form("/access/users/add", fields, admin)[0] == 303
    new = site.hub.users.named("newcomer")
    assert site.form("/access/users/change", {"id": new.id, "enabled": "no"}, admin)[0] == 303
    assert not site.hub.users.get(new.id).enabled
    _, _, body = site.form("/access/users/add", {**fields, "password": "short"}, admin)
    assert 'role="alert"' in body
    for path in ("/access/keys/create", "/access/users/add", "/access/users/remove"):
        assert site.form(path, fields, viewer)[0] == 403


def test_the_audit_log_is_a_page_and_a_file(site):
    """Filtered, escaped, page by page; exported as CSV and JSON lines."""
    admin = site.sign_in("adam", PASSWORD)
    site.hub.audit.record("page.test", "<script>alert(1)</script>")
    status, _, body = site.ask("GET", "/access/audit?action=page.test", Cookie=admin)
    assert (status, body.count("<tr>")) == (200, 2)
    assert "<script>alert" not in body
    status, headers, body = site.ask("GET", "/access/audit/export?format=csv&action=page.test", Cookie=admin)
    assert (status, headers.get_content_type(), len(body.splitlines())) == (200, "text/csv", 2)
    _, _, body = site.ask("GET", "/access/audit/export?format=jsonl&action=page.test", Cookie=admin)
    assert json.loads(body)["action"] == "page.test"
    _, _, body = site.ask("GET", "/access/audit?action=users.add", Cookie=admin)
    assert "<td>adam</td>" in body


# --- sockets from elsewhere -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/ws", "/tasks/ws", "/graphql", "/ws/tasks/x"])
def test_a_foreign_page_opens_no_socket(site, path):
    """With the visitor's cookie and another site's origin: 403, Panel's own sockets included."""
    cookie = site.sign_in("vera", PASSWORD)
    for origin in ("http://evil.example", "null", "http://localhost:1"):
        headers = {"Cookie": cookie, "Origin": origin}
        with (
            pytest.raises(InvalidStatus) as caught,
            connect(f"ws://127.0.0.1:{site.port}{path}", additional_headers=headers, proxy=None),
        ):
            pass
        assert caught.value.response.status_code == 403
