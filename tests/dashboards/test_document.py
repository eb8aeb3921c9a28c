"""The document around a page: what it asks for is what its parts need, and its lists are made once."""

import re

import httpx2
import panel as pn
import panel.io.server
import pytest
from fastapi import FastAPI

import dashboards
from dashboards import PAGES
from dashboards.document import Bundles, keep_bundles
from tests.dashboards.serving import serving

ASKED = re.compile(r'(?:src|href)="([^"]+)"')


@pytest.fixture
def site(claudia):
    """All pages, and one of somebody else on the same server."""
    from panel.io.fastapi import add_applications

    app = FastAPI()
    dashboards.mount(app, claudia)
    add_applications({"/other": lambda: pn.pane.HTML("theirs")}, app=app, title="Other")
    with serving(app) as address, httpx2.Client(base_url=address) as client:
        yield client


@pytest.mark.parametrize("spec", PAGES, ids=lambda spec: spec.title)
def test_what_the_head_asks_for_exists(site, spec):
    """Every script, module and style of every page is there, at the first request and at the next."""
    for _ in range(2):
        page = site.get(spec.path)
        asked = [path for path in ASKED.findall(page.text) if not path.startswith("data:")]
        assert any(path.endswith("live.js") for path in asked)
        for path in asked:
            assert site.get(page.url.join(path)).status_code == 200, path


def test_lists_are_made_once_for_ours_and_each_time_for_others(site, monkeypatch):
    """Two visits cost one list of scripts; a page of others has all that Panel gives it."""
    bundles = Bundles()
    made = []
    original = bundles._make._make if isinstance(bundles._make, Bundles) else bundles._make
    bundles._make = lambda *args, **options: made.append(args) or original(*args, **options)
    monkeypatch.setattr(panel.io.server, "bundle_resources", bundles)
    first, second = site.get("/").text, site.get("/").text
    assert len(made) == 1
    assert scripts(first) == scripts(second)
    assert not [path for path in scripts(first) if "bokeh-gl" in path]
    others = site.get("/other").text
    assert len(made) == 2
    assert [path for path in scripts(others) if "bokeh-gl" in path]
    assert "modulepreload" not in others
    site.get("/other")
    assert len(made) == 3


def scripts(page):
    """The scripts that a document loads."""
    return re.findall(r'<script[^>]* src="([^"]+)"', page)


def test_keeping_twice_is_keeping_once():
    """Mounting two hubs in one process wraps Panel's function once."""
    keep_bundles()
    first = panel.io.server.bundle_resources
    keep_bundles()
    assert panel.io.server.bundle_resources is first
