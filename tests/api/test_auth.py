"""The guard: who gets in, how, and what everybody else gets. Over real HTTP and WebSockets."""

import json
import re

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from claudia_core import Claudia
from claudia_core.errors import StoreUnavailable
from claudia_core.services.access.keys import Keys
from tests.api.guarded import TOKEN, guarded

HTML = "text/html,application/xhtml+xml"


@pytest.fixture(scope="module")
def server():
    with Claudia("memory://", display="off") as hub, guarded(hub) as running:
        yield running


@pytest.fixture(autouse=True)
def nothing_reached(server):
    server.reached.clear()


def socket(server, **headers):
    extra = {name.replace("_", "-"): value for name, value in headers.items()}
    return connect(f"ws://127.0.0.1:{server.port}/socket", additional_headers=extra, proxy=None, open_timeout=10)


# --- the token ------------------------------------------------------------------------------------------------------


def test_a_bearer_token_lets_in(server):
    """`Authorization: Bearer TOKEN` reaches the application; the scheme's case does not matter."""
    assert server.ask("/thing", Authorization=f"Bearer {TOKEN}").status == 200
    assert server.ask("/thing", Authorization=f"bearer {TOKEN}").status == 200


def test_a_socket_while_the_store_is_away(server, monkeypatch):
    """Who calls cannot be known: the answer is 503, as for any request, and the client may come back."""

    def away(keys, shown):
        raise StoreUnavailable("away")

    monkeypatch.setattr(Keys, "accept", away)
    shown = {"Authorization": "Bearer claudia_00000000_none"}
    assert server.ask("/thing", **shown).status == 503
    with pytest.raises(InvalidStatus) as caught, socket(server, **shown):
        pass
    assert caught.value.response.status_code == 503
    assert json.loads(caught.value.response.body)["code"] == "store_unavailable"


def test_a_link_gives_a_cookie_and_leads_to_itself_without_the_token(server):
    """The cookie is out of reach of scripts and of other sites, and does not hold the token; it then lets in."""
    answer = server.ask(f"/tasks?b=2%203&token={TOKEN}&a=1")
    assert (answer.status, answer.headers["location"]) == (303, "/tasks?b=2+3&a=1")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"claudia-{server.port}=")
    assert {"HttpOnly", "SameSite=lax", "Path=/", "Max-Age=2592000"} <= set(cookie.split("; "))
    assert TOKEN not in cookie
    assert answer.headers["cache-control"] == "no-store"
    assert server.reached == []
    assert server.ask("/tasks", Cookie=f"other=1; {cookie.partition(';')[0]}; x=y").status == 200


@pytest.mark.parametrize("path", ["//evil.example/x", "/%5Cevil.example", "/%2Fevil.example", "/\\evil.example"])
def test_the_link_leads_nowhere_else(server, path):
    """No address makes the redirect leave this server."""
    location = server.ask(f"{path}?token={TOKEN}").headers["location"]
    assert re.match(r"/(?![/\\])", location), location


def test_line_breaks_do_not_reach_the_redirect(server):
    """An encoded line break in the path stays encoded in the answer's header."""
    answer = server.ask(f"/a%0D%0Ax-evil:%201?token={TOKEN}")
    assert answer.headers["location"] == "/a%0D%0Ax-evil:%201"
    assert "x-evil" not in answer.headers


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": f"Bearer {TOKEN[:-1]}"},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer a.b.c"},
        {"Authorization": "Bearer claudia_00000000_none"},
        {"Authorization": "Bearer gr\u00fcn"},
        {"Cookie": f"claudia={TOKEN}"},
    ],
    ids=repr,
)
def test_without_the_right_token_programs_get_a_problem(server, headers):
    """401 with a problem document and the scheme to use; the application is not reached."""
    answer = server.ask("/thing", **headers)
    assert answer.status == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert json.loads(answer.body)["code"] in ("unauthenticated", "token_invalid")
    assert answer.headers["www-authenticate"] == 'Bearer realm="claudia"'
    assert server.reached == []


def test_without_the_token_people_get_a_page(server):
    """401 with a page that says where the link is, has a labelled field, and loads nothing from anywhere."""
    answer = server.ask("/tasks", Accept=HTML)
    assert (answer.status, server.reached) == (401, [])
    assert "claudia serve" in answer.body
    assert '<label for="token">' in answer.body
    assert '<html lang="en">' in answer.body
    assert not re.search(r"""(?:src|href)=(?!"data:,")|https?://|@import|url\(""", answer.body)
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_a_wrong_link_says_so(server):
    """The page of a wrong link tells it from a missing one, and does not repeat what was sent."""
    answer = server.ask("/?token=<script>wrong", Accept=HTML)
    assert answer.status == 401
    assert 'role="alert"' in answer.body
    assert "<script>" not in answer.body
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD"])
def test_only_reading_takes_the_token_from_the_link(server, method):
    """A token in the address of anything but GET is ignored: addresses end up in logs."""
    assert server.ask(f"/thing?token={TOKEN}", method).status == 401


def test_a_forged_or_foreign_cookie_is_refused(server):
    """The token itself, another id, a changed secret, or another port's cookie do not let in."""
    name, _, value = server.cookie().partition("=")
    id, _, secret = value.partition(".")
    forged = [TOKEN, "", ".", id, f"{id}.", f".{secret}", f"{id}.{secret[:-1]}", f"{id}.{secret}x", f"x.{secret}"]
    assert {server.ask(Cookie=f"{name}={value}").status for value in forged} == {401}
    assert server.ask(Cookie=f"claudia-1={value}").status == 401
    assert server.ask(Cookie=f"{name}={value}").status == 200


def test_liveness_is_open(server):
    """`/livez` needs no token; what only looks like it does."""
    assert server.ask("/livez").status == 200
    assert [server.ask(path).status for path in ("/livez/", "//livez", "/livez/../thing", "/LIVEZ")] == [401] * 4


# --- where a request comes from -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:1", "127.0.0.1:80", "[::1]", "[::1]:5006", "LOCALHOST:5006", "localhost."]
)
def test_loopback_names_are_known(server, host):
    """All names of this machine's loopback are fine, with any port: a tunnel may change it."""
    assert server.ask("/livez", Host=host).status == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:5006", "127.0.0.1.evil.example", "localhost@evil.example", "", "[::1", "a:b", "[]"],
)
def test_a_foreign_host_is_refused_even_with_the_token(server, host):
    """DNS rebinding: a name that is made to point here gets 400, for liveness too."""
    for path in ("/thing", "/livez", f"/?token={TOKEN}"):
        assert server.ask(path, Host=host, Authorization=f"Bearer {TOKEN}").status == 400
    assert server.reached == []


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://localhost:1", "https://127.0.0.1", "http://["]
)
def test_a_foreign_page_cannot_change_anything(server, origin):
    """An unsafe request whose Origin is not this server is refused, though the browser sent the cookie along."""
    answer = server.ask("/thing", "POST", Cookie=server.cookie(), Origin=origin)
    assert (answer.status, server.reached) == (403, [])
    assert '"code":"foreign_origin"' in answer.body


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_foreign_page_without_origin_is_known_by_its_site(server, site):
    """Where a browser leaves the Origin out, Sec-Fetch-Site tells."""
    assert server.ask("/thing", "POST", Cookie=server.cookie(), Sec_Fetch_Site=site).status == 403


def test_own_pages_and_programs_may_change_things(server):
    """The same origin, and a program that sends none, are let through."""
    own = f"http://127.0.0.1:{server.port}"
    assert server.ask("/thing", "POST", Cookie=server.cookie(), Origin=own).status == 200
    assert server.ask("/thing", "POST", Cookie=server.cookie(), Sec_Fetch_Site="same-origin").status == 200
    assert server.ask("/thing", "POST", Authorization=f"Bearer {TOKEN}").status == 200


def test_a_link_from_elsewhere_may_be_followed(server):
    """Reading is safe whatever page the link was on."""
    answer = server.ask("/thing", Cookie=server.cookie(), Sec_Fetch_Site="cross-site", Referer="http://evil.example/")
    assert answer.status == 200


# --- sockets --------------------------------------------------------------------------------------------------------


def test_a_socket_opens_with_cookie_or_token(server):
    """A page's socket brings the cookie and its own origin; a program's brings the token."""
    own = f"http://127.0.0.1:{server.port}"
    with socket(server, Cookie=server.cookie(), Origin=own) as opened:
        opened.send("hello")
        assert opened.recv(timeout=5) == "hello"
    with socket(server, Authorization=f"Bearer {TOKEN}") as opened:
        opened.send("hello")
        assert opened.recv(timeout=5) == "hello"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": f"Bearer {TOKEN}", "Origin": "http://evil.example"},
        {"Authorization": f"Bearer {TOKEN}", "Origin": "null"},
        {"Authorization": f"Bearer {TOKEN}", "Sec_Fetch_Site": "cross-site"},
    ],
    ids=repr,
)
def test_a_socket_without_right_is_refused(server, headers):
    """403 before it opens: no token, a wrong one, or a foreign page."""
    with pytest.raises(InvalidStatus) as caught, socket(server, **headers):
        pass
    assert caught.value.response.status_code == 403
    assert server.reached == []


# --- headers --------------------------------------------------------------------------------------------------------


def test_refusals_are_not_stored(server):
    """A 401 for a static file must not be kept by the browser and shown after the sign-in."""
    assert server.ask("/static/x.js").headers["cache-control"] == "no-store"
