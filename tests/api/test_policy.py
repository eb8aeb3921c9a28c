"""What browsers are told: over real HTTP, with the headers of every kind of answer."""

import re

import pytest
from fastapi import Response

from claudia_core import Claudia
from claudia_core.settings import default_settings
from tests.api.guarded import TOKEN, guarded

PAGE = "<html><script src='a.js'></script><SCRIPT>1</SCRIPT><script\ntype=x></script><scripture></html>"


@pytest.fixture(scope="module")
def server():
    settings = default_settings(
        database_url="memory://",
        display="off",
        frame_ancestors="'self' https://wiki.example.org",
        trusted_proxies="127.0.0.1",
    )
    with Claudia(settings=settings) as hub, guarded(hub, extra=pages) as running:
        yield running


def pages(app):
    @app.get("/page")
    async def page() -> Response:
        return Response(PAGE, media_type="text/html", headers={"x-frame-options": "x"})

    @app.get("/own")
    async def own() -> Response:
        return Response(PAGE, media_type="text/html", headers={"content-security-policy": "default-src 'self'"})


def ask(server, path, **headers):
    return server.ask(path, **{"Authorization": f"Bearer {TOKEN}", **headers})


def directives(answer):
    policy = answer.headers.get_all("content-security-policy")
    assert len(policy) == 1
    return {name: rest.split() for name, _, rest in (part.strip().partition(" ") for part in policy[0].split(";"))}


@pytest.mark.parametrize("path", ["/thing", "/livez", "/static/x.js", "/page", "/own"])
def test_every_answer_says_what_browsers_may_do(server, path):
    """No sniffing, no referrer for others, no use by other sites, no camera; private answers are not kept."""
    headers = ask(server, path).headers
    assert headers.get_all("x-content-type-options") == ["nosniff"]
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cross-origin-opener-policy"] == headers["cross-origin-resource-policy"] == "same-origin"
    assert "camera=()" in headers["permissions-policy"]
    assert headers["cache-control"] == (None if path.startswith("/static/") else "no-store")
    assert headers["strict-transport-security"] is None
    assert headers["server"] is None


def test_a_page_gets_a_policy_and_a_nonce(server):
    """Scripts of the page alone run; nothing comes from elsewhere; plugins and <base> are off."""
    answer = ask(server, "/page")
    policy = directives(answer)
    nonce = re.fullmatch(r"'nonce-([\w-]{22})'", policy["script-src"][1])[1]
    assert answer.body.count(f'<script nonce="{nonce}"') == 3
    assert "<scripture>" in answer.body
    assert int(answer.headers["content-length"]) == len(answer.body)
    assert policy["default-src"] == policy["object-src"] == policy["base-uri"] == ["'none'"]
    assert policy["form-action"] == policy["connect-src"] == ["'self'"]
    assert policy["frame-ancestors"] == ["'self'", "https://wiki.example.org"]
    sources = {source for name, values in policy.items() if name != "frame-ancestors" for source in values}
    assert not any("//" in source or source in ("*", "https:", "http:") for source in sources)
    assert "'unsafe-inline'" not in policy["script-src"]


def test_a_nonce_is_good_once(server):
    """Each answer has its own."""
    assert directives(ask(server, "/page"))["script-src"] != directives(ask(server, "/page"))["script-src"]


def test_a_page_with_a_policy_keeps_it(server):
    """And its body is not touched."""
    answer = ask(server, "/own")
    assert directives(answer) == {"default-src": ["'self'"]}
    assert answer.body == PAGE


@pytest.mark.parametrize("path", ["/thing", "/livez", "/static/x.js"])
def test_data_opened_by_itself_can_do_nothing(server, path):
    """JSON, files and the like are no pages, and are not framed."""
    assert directives(ask(server, path))["default-src"] == ["'none'"]
    assert directives(ask(server, path))["frame-ancestors"] == ["'none'"]


def test_refusals_are_covered(server):
    """So are answers that the application never saw."""
    asked = (("GET", {}), ("GET", {"Host": "evil.example"}), ("POST", {"Origin": "null"}))
    for answer in (server.ask("/thing", method, **headers) for method, headers in asked):
        assert answer.status >= 400
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"


def test_https_is_remembered_only_over_https(server):
    """Behind the configured proxy the browser is told to stay with https, and cookies are for https alone."""
    answer = server.ask(f"/?token={TOKEN}", X_Forwarded_Proto="https")
    assert answer.headers["strict-transport-security"] == "max-age=31536000"
    assert "Secure" in answer.headers["set-cookie"]


def test_forwarded_headers_of_strangers_are_ignored(claudia):
    """Without configured proxies nobody's word about where they come from counts."""
    with guarded(claudia) as server:
        answer = server.ask(f"/?token={TOKEN}", X_Forwarded_Proto="https", X_Forwarded_For="10.1.1.1")
        assert answer.headers["strict-transport-security"] is None
        assert "Secure" not in answer.headers["set-cookie"]
        assert "10.1.1.1" not in str([session.address for session in claudia.sessions.list()])


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
@pytest.mark.parametrize("mode", ["no-cors", "cors", "same-origin", "websocket"])
def test_no_foreign_page_loads_a_part_of_us(server, site, mode):
    """A script tag or fetch of another site gets 403 whatever it asks for; following a link is fine."""
    for path in ("/thing", "/static/x.js", "/livez"):
        assert ask(server, path, Sec_Fetch_Site=site, Sec_Fetch_Mode=mode).status == 403
    assert ask(server, "/page", Sec_Fetch_Site=site, Sec_Fetch_Mode="navigate").status == 200
    assert ask(server, "/thing", Sec_Fetch_Site="same-origin", Sec_Fetch_Mode=mode).status == 200
