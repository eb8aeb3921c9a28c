"""Files of the pages: sent as Panel sends them, but compressed, and kept by browsers."""

import gzip
import re
from collections import Counter

import httpx2
import pytest
from fastapi import FastAPI

import dashboards
from claudia_core.testing.waiting import eventually
from dashboards.assets import Assets
from dashboards.theme import LIVE
from tests.dashboards.serving import serving

SCRIPT = "/static/js/bokeh-widgets.min.js"


@pytest.fixture(scope="module")
def site():
    """A server with one page of Panel behind `Assets`."""
    from panel.io.fastapi import add_applications

    app = FastAPI()
    add_applications({"/": lambda: "hello"}, app=app, title="Hello")
    app.add_middleware(Assets)
    with serving(app) as address, httpx2.Client(base_url=address) as client:
        yield client


def test_a_file_is_kept_by_its_tag(site):
    """Without a version it is asked for again, and not sent again while it is the same."""
    first = site.get(SCRIPT)
    assert first.status_code == 200
    assert first.headers["cache-control"] == "private, no-cache"
    assert first.headers["content-type"].startswith(("text/javascript", "application/javascript"))
    again = site.get(SCRIPT, headers={"If-None-Match": f"W/{first.headers['etag']}"})
    assert (again.status_code, again.content) == (304, b"")
    assert site.get(SCRIPT, headers={"If-None-Match": '"other"'}).content == first.content


@pytest.mark.parametrize("query", ["v=1.10.0", "a9a9cc4f19fadba2c108149eeaf498f3"])
def test_a_file_with_a_version_is_kept_for_long(site, query):
    """A new version has another address."""
    assert "immutable" in site.get(f"{SCRIPT}?{query}").headers["cache-control"]


@pytest.mark.parametrize("query", ["", "v=", "x&y=1", "<script>"])
def test_other_queries_are_no_version(site, query):
    """What does not look like a version does not make a file last."""
    assert site.get(f"{SCRIPT}?{query}").headers["cache-control"] == "private, no-cache"


def test_text_is_compressed_once_it_is_known(site):
    """From the second request on, for those that can read it; the bytes are the same."""
    plain = site.get(SCRIPT, headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    packed = lambda: site.send(site.build_request("GET", SCRIPT, headers={"Accept-Encoding": "gzip"}), stream=True)  # noqa: E731

    def is_packed():
        answer = packed()
        raw = b"".join(answer.iter_raw())
        return answer.headers.get("content-encoding") == "gzip" and gzip.decompress(raw) == plain.content

    eventually(is_packed)
    head = site.head(SCRIPT)
    assert head.content == b""
    assert int(head.headers["content-length"]) < len(plain.content)


def test_what_is_no_file_passes(site):
    """Pages are made anew for everybody, and what does not exist stays so."""
    page = site.get("/")
    assert page.headers["cache-control"] == "no-store"
    assert site.get("/static/none.js").status_code == 404
    assert site.head("/static/none.js").content == b""
    assert site.post(SCRIPT).status_code == 405
    assert site.get("/static/../../etc/passwd").status_code == 404


def test_every_page_is_served_so(claudia):
    """The pages of a hub come with it."""
    app = FastAPI()
    dashboards.mount(app, claudia)
    with serving(app) as address:
        assert "etag" in httpx2.get(f"{address}{SCRIPT}").headers


def test_the_module_of_the_parts_names_each_thing_once():
    """A name that is declared twice at its top level is a syntax error: no part of any page would be drawn."""
    names = re.findall(
        r"^(?:const|let|class|(?:async )?function) (\w+)", LIVE.read_text(encoding="utf-8"), re.MULTILINE
    )
    assert len(names) > 50
    assert [name for name, count in Counter(names).items() if count > 1] == []
