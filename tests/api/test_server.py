"""The server's socket, health, and what it does without pages."""

import socket
import sys
from importlib.metadata import EntryPoint

import pytest
from starlette.testclient import TestClient

from claudia_core.api import server
from claudia_core.errors import SettingsError, StoreUnavailable


@pytest.fixture
def no_pages(monkeypatch):
    monkeypatch.setattr(server, "entry_points", lambda group: [])


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.0.0.2"])
def test_loopback_is_bound(host):
    """Every name of this machine's loopback will do; port 0 takes a free one."""
    with server.listen(host, 0) as listener:
        assert listener.getsockname()[1] > 0


def test_loopback_of_ipv6_is_bound():
    """::1 is loopback too, and its link has the brackets."""
    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    try:
        listener = server.listen("::1", 0)
    except SettingsError:
        pytest.skip("no IPv6 loopback here")
    with listener:
        assert server.address_of(listener, "::1", "t").startswith("http://[::1]:")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org", "", "127.0.0.1.example.org"])
def test_anything_else_is_refused(host):
    """There is no login yet: the error says so, and how to come in from elsewhere. No name is looked up."""
    with pytest.raises(SettingsError, match="no login") as caught:
        server.listen(host, 0)
    assert (caught.value.field, "ssh -L" in str(caught.value.hint)) == ("host", True)


@pytest.mark.usefixtures("no_pages")
def test_an_address_where_nothing_is(claudia):
    """A person gets a page with a way back; a program, and whoever asks the API, a problem document."""
    client = TestClient(server.create_app(claudia))
    page = client.get("/nosuch", headers={"accept": "text/html"})
    assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert '<a href="/">' in page.text
    for path, accept in (("/nosuch", "*/*"), ("/api/v1/nosuch", "text/html")):
        told = client.get(path, headers={"accept": accept})
        assert (told.status_code, told.json()["code"]) == (404, "not_found")


def test_a_taken_port_is_named():
    """The error names the port and the ways out."""
    with server.listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError, match=f"port {port} on 127.0.0.1 is taken") as caught:
            server.listen("127.0.0.1", port)
    assert "--port 0" in str(caught.value.hint)


@pytest.mark.usefixtures("no_pages")
def test_ready_when_store_and_feed_are(claudia):
    """A health document with both checks; liveness says no more than that."""
    client = TestClient(server.create_app(claudia))
    ready = client.get("/readyz")
    assert (ready.status_code, ready.headers["content-type"]) == (200, "application/health+json")
    assert {name: checks[0]["status"] for name, checks in ready.json()["checks"].items()} == {
        "store": "pass",
        "feed": "pass",
    }
    assert client.get("/livez").json() == {"status": "pass", "serviceId": "claudia"}


@pytest.mark.usefixtures("no_pages")
def test_not_ready_while_the_store_is_away(claudia, monkeypatch):
    """503 with the reason; the process itself is still alive."""

    def away():
        raise StoreUnavailable("the disk is gone")

    client = TestClient(server.create_app(claudia))
    monkeypatch.setattr(claudia.store, "head", away)
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json()["status"]) == (503, "fail")
    assert ready.json()["checks"]["store"][0]["output"] == "the disk is gone"
    assert client.get("/livez").status_code == 200


@pytest.mark.usefixtures("no_pages")
def test_without_pages_the_server_says_so(claudia):
    """The start page then is a plain page; the documentation of FastAPI, which loads from a CDN, is not there."""
    client = TestClient(server.create_app(claudia))
    assert "has no pages" in client.get("/").text
    assert [client.get(path).status_code for path in ("/docs", "/redoc")] == [404, 404]


@pytest.mark.parametrize("value", ["no_such_package:mount", "json:no_such_name", "operator:truediv"])
def test_broken_pages_do_not_keep_the_hub_from_starting(claudia, monkeypatch, value):
    """A hub that records work is worth more than its pages: the plain page takes their place."""
    entry = EntryPoint("default", value, server.PAGES)
    monkeypatch.setattr(server, "entry_points", lambda group: [entry])
    assert "has no pages" in TestClient(server.create_app(claudia)).get("/").text


def test_pages_are_mounted(claudia, monkeypatch):
    """An entry point gets the application and the hub."""

    def mount(app, hub):
        app.add_api_route("/", lambda: hub.store.url)

    monkeypatch.setattr(sys.modules[__name__], "mount", mount, raising=False)
    entry = EntryPoint("default", f"{__name__}:mount", server.PAGES)
    monkeypatch.setattr(server, "entry_points", lambda group: [entry])
    assert TestClient(server.create_app(claudia)).get("/").json() == claudia.store.url
