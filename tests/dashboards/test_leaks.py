"""A closed page leaves nothing behind: every page of the table, on a real server, with real sessions."""

import gc
import weakref

import pytest
from bokeh.client import pull_session
from bokeh.events import DocumentReady
from fastapi import FastAPI

import dashboards
from claudia_core.testing.waiting import eventually
from dashboards import PAGES
from tests.dashboards.conftest import settle
from tests.dashboards.serving import serving

SESSIONS = 4


@pytest.fixture
def made(monkeypatch):
    """Weak references to all pages that are made, by class."""
    from dashboards.parts.frame.frame import Frame

    found = []
    original = Frame.__init__

    def init(self, page, links):
        original(self, page, links)
        found.extend(weakref.ref(thing) for thing in (page, self, self.root))

    monkeypatch.setattr(Frame, "__init__", init)
    return found


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")
@pytest.mark.parametrize("spec", PAGES, ids=lambda spec: spec.title)
def test_a_closed_page_is_forgotten(busy, made, spec):
    """Some sessions are opened, followed for a moment and closed: no page, frame or window of them stays."""
    import panel as pn

    settle(busy)
    app = FastAPI()
    dashboards.mount(app, busy, check_unused_sessions_milliseconds=300, unused_session_lifetime_milliseconds=300)
    before = len(pn.state.param.watchers.get("busy", {}).get("value", []))
    with serving(app) as address:
        for _ in range(SESSIONS):
            session = pull_session(url=address + spec.path.rstrip("/"))
            assert session.document.roots
            session.document.callbacks.send_event(DocumentReady())  # as a browser does: from now on the page follows
            session.force_roundtrip()
            eventually(lambda: follows(made[-3]()), timeout=30)
            session.close()
        assert len(made) >= 3 * SESSIONS
        eventually(lambda: gone(made), timeout=60, pause=0.5)
    after = len(pn.state.param.watchers.get("busy", {}).get("value", []))
    assert after <= before


def follows(page):
    """Whether the page was brought up to date by the server's beat."""
    return page._ticker is not None and page._ticker._at > 0


def gone(references):
    """Whether all of them are, after collecting what only refers to itself."""
    gc.collect()
    return not [reference for reference in references if reference() is not None]
