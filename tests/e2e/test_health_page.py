"""The health page in a real browser: live, for everybody, run by a button, and with nothing run that checks say."""

from importlib import resources

import pytest
from fastapi import FastAPI

import dashboards
from claudia_core import Claudia
from claudia_core.model.health import Health
from claudia_core.settings import default_settings
from claudia_core.testing.outage import staged_outage
from tests.dashboards.serving import serving
from tests.e2e.test_pages import PATIENCE, XSS, row

pytest.importorskip("playwright")
from playwright.sync_api import expect

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.filterwarnings(
        "ignore::ResourceWarning", "ignore::DeprecationWarning", "ignore:reference already known"
    ),
]


@pytest.fixture(scope="module")
def outage():
    """The address of a hub whose database is away."""
    with staged_outage() as hub:
        hub.feed.start()
        app = FastAPI()
        dashboards.mount(app, hub)
        with serving(app) as address:
            yield address


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_the_list_and_a_check_are_for_everybody(outage, window, scheme, width):
    """Axe-core finds nothing, nothing is cut, no request leaves; on the overview, too, where a strip tells the same."""
    source = (resources.files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")
    watched = window(scheme=scheme, width=width)
    page = watched.page
    for path in ("/health", "/health?id=database", "/"):
        page.goto(outage + path)
        expect(page.locator("h1:visible")).to_be_visible(timeout=PATIENCE)
        expect(page.get_by_text("database").first).to_be_visible(timeout=PATIENCE)
        page.wait_for_timeout(1500)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.evaluate(source)
        found = page.evaluate("axe.run()")["violations"]
        assert [(path, fault["id"], fault["nodes"][0]["html"]) for fault in found] == []
        watched.shot(f"{'check' if 'id=' in path else 'health' if 'health' in path else 'strip'}-{scheme}-{width}")
    assert watched.strangers() == []
    assert watched.complaints == []


def test_from_the_list_to_a_check_by_keyboard(outage, window):
    """The picture's boxes and the list's links open in place and go back; the picture turns into a table."""
    page = window().page
    page.goto(f"{outage}/health")
    box = page.locator(".graph a", has_text="orders api")
    expect(box).to_be_visible(timeout=PATIENCE)
    box.focus()
    page.keyboard.press("Enter")
    expect(page.locator("h1:visible", has_text="orders api")).to_be_visible(timeout=PATIENCE)
    assert page.url.endswith("/health?id=orders+api")
    expect(page.locator("p:visible", has_text="silent while database fails")).to_be_visible(timeout=PATIENCE)
    page.go_back()
    expect(page.locator(".inner")).to_be_visible(timeout=PATIENCE)
    page.get_by_role("button", name="Show as table").click()
    expect(row(page, "orders api, reports")).to_be_visible(timeout=PATIENCE)
    page.get_by_role("button", name="Silenced").click()
    expect(page.locator("tr:visible:has(td.k-days)")).to_have_count(2, timeout=PATIENCE)
    assert "status=silenced" in page.url


def test_checks_are_run_by_a_button_and_say_nothing_that_runs(window):
    """What they come to appears by itself; markup in names and outputs is text."""
    with Claudia(settings=default_settings(database_url="memory://", display="off")) as hub:
        hub.feed.start()
        state = [Health.FAIL]
        hub.health.register("mine", lambda: (state[0], "so it is"))
        for text in XSS:
            hub.health.register(text[:100], lambda text=text: (Health.WARN, text))
        app = FastAPI()
        dashboards.mount(app, hub)
        with serving(app) as address:
            watched = window()
            page = watched.page
            page.goto(f"{address}/health")
            mine = page.locator(".rows tr", has=page.get_by_text("mine", exact=True)).first
            expect(mine).to_contain_text("not run yet", timeout=PATIENCE)
            page.get_by_role("button", name="Run all now").click()
            expect(mine).to_contain_text("fail", timeout=PATIENCE)
            state[0] = Health.PASS
            hub.health.run("mine")
            expect(mine).to_contain_text("pass", timeout=PATIENCE)
            for text in XSS:
                expect(page.locator("a", has_text=text[:100]).first).to_be_visible(timeout=PATIENCE)
            page.locator("a", has_text=XSS[0][:100]).first.click()
            expect(page.get_by_role("button", name="Run now")).to_be_visible(timeout=PATIENCE)
            page.wait_for_timeout(800)
            assert page.evaluate("window.pwned") is None
            assert watched.strangers() == []
            assert watched.complaints == []
