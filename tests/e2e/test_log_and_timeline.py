"""The log and the timeline in a real browser."""

import re
from importlib import resources

import pytest
from playwright.sync_api import expect

from claudia_core.services.events import NewEvent
from dashboards.pages.events import EventsPage
from dashboards.report import save
from tests.dashboards.staged import XSS

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.timeout(240),
    pytest.mark.filterwarnings(
        "ignore::ResourceWarning", "ignore::DeprecationWarning", "ignore:reference already known"
    ),
]
PATIENCE = 30_000
LOG = "Events, newest first"


@pytest.fixture
def ran(hub):
    """A parent with two children, one that failed, one that runs."""
    parent = hub.tasks.create("Nightly load", start=True, type="etl")
    for name in ("Read orders.csv", "Check totals"):
        child = hub.tasks.create(name, start=True, parent_id=parent.id, estimated_steps=3)
        hub.tasks.complete(child.id)
    hub.tasks.fail(hub.tasks.create("Import customers", start=True, type="crm").id, KeyError("customer_id"))
    hub.tasks.progress(parent.id, 4, total=10)
    return parent


def faults(page):
    """What axe-core finds."""
    source = (resources.files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")
    page.wait_for_timeout(1500)  # until colours have faded over to the theme
    page.evaluate(source)
    return [(fault["id"], fault["nodes"][0]["html"]) for fault in page.evaluate("axe.run()")["violations"]]


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_everybody_can_use_the_timeline(site, window, ran, scheme, width):
    """Drawn, described, and a table for those who cannot see it; nothing is cut off or asked of others."""
    watched = window(scheme=scheme, width=width)
    page = watched.page
    page.goto(f"{site}/tasks?view=timeline")
    expect(page.locator("canvas").first).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text("4 tasks, children below their parents.")).to_be_visible()
    assert faults(page) == []
    watched.shot(f"timeline-{scheme}-{width}")
    page.get_by_role("button", name="Show as table").click()
    table = page.get_by_role("table", name="Tasks of the timeline")
    expect(table.get_by_role("link", name="Import customers")).to_be_visible(timeout=PATIENCE)
    assert faults(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert watched.strangers() == []
    assert watched.complaints == []


def test_the_address_holds_span_and_filters_of_the_timeline(site, window, ran):
    """The same address shows the same in another window."""
    page = window().page
    page.goto(f"{site}/tasks?view=timeline&type=crm")
    expect(page.get_by_text("1 task, children below their parents.")).to_be_visible(timeout=PATIENCE)
    page.locator('button[data-key="1h"]').click()
    expect(page).to_have_url(re.compile("span=1h"))
    other = window().page
    other.goto(page.url)
    expect(other.locator('button[data-key="1h"]')).to_have_attribute("aria-pressed", "true", timeout=PATIENCE)
    expect(other.get_by_text("1 task, children below their parents.")).to_be_visible(timeout=PATIENCE)


def test_the_log_is_filtered_paused_and_searched(site, window, hub, ran):
    """Types are offered; a pause stands still and counts; a sequence is gone to; an event is shown to be copied."""
    watched = window()
    page = watched.page
    page.goto(f"{site}/events")
    table = page.get_by_role("table", name=LOG)
    expect(table.get_by_role("link", name="task:failed")).to_be_visible(timeout=PATIENCE)
    field = page.locator(".f-type input")
    assert "task:failed" in field.locator("xpath=../datalist").locator("option").evaluate_all(
        "options => options.map((option) => option.value)"
    )
    field.fill("task:c*")
    expect(table.get_by_role("link", name="task:failed")).to_have_count(0, timeout=PATIENCE)
    expect(table.get_by_role("link", name="task:completed").first).to_be_visible()
    expect(page).to_have_url(re.compile("type=task"))
    field.fill("")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text(re.compile("Paused at"))).to_be_visible(timeout=PATIENCE)
    hub.events.append([NewEvent("shop:sold", "7")])
    expect(page.get_by_role("button", name="Resume 1 new")).to_be_visible(timeout=PATIENCE)
    place = page.locator(".f-goto input")
    place.fill("2")
    place.press("Enter")
    expect(page.get_by_role("heading", name="Event 2")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_role("button", name=re.compile("^Copy: {"))).to_be_visible()
    watched.shot("events-detail-light-1280")
    place.fill("nonsense")
    place.press("Enter")
    expect(page.locator(".toast", has_text="neither a sequence nor a time")).to_be_visible(timeout=PATIENCE)
    assert watched.complaints == []


def test_what_users_write_into_events_is_never_run(site, window, hub, tmp_path):
    """Subject and content of events of one's own: in the log, in full, in addresses and in a frozen page."""
    hub.events.append(
        NewEvent("shop:order", text[:200], {"message": text, "type": text, "nested": {text: [text]}, text: text})
        for text in XSS
    )
    watched = window()
    page = watched.page
    for path in ("/events", *(f"/events?seq={at}" for at in range(1, len(XSS) + 1))):
        page.goto(site + path)
        expect(page.get_by_role("table", name=LOG).get_by_text(XSS[0]).first).to_be_visible(timeout=PATIENCE)
        page.wait_for_timeout(300)
    for name in ("type", "subject", "at", "seq"):
        page.goto(f"{site}/events?{name}=%3Cimg%20src%3Dx%20onerror%3Dwindow.pwned%3D1%3E")
        expect(page.get_by_role("heading", name="Events", exact=True)).to_be_visible(timeout=PATIENCE)
        page.wait_for_timeout(500)
    watched.shot("xss-events-light-1280")
    assert page.evaluate("window.pwned") is None
    assert watched.strangers() == []
    assert [text for text in watched.complaints if "404" not in text] == []
    file = tmp_path / "events.html"
    view = EventsPage(hub)
    save(view, file)
    frozen = window().page
    frozen.goto(file.as_uri())
    expect(frozen.get_by_text(XSS[0]).first).to_be_visible()
    assert frozen.evaluate("window.pwned") is None


@pytest.mark.parametrize("path", ["/", "/events", "/tasks?view=timeline"])
def test_every_view_of_an_empty_hub_says_what_to_do(site, window, path):
    """Three lines of Python that give the first row."""
    watched = window()
    watched.page.goto(site + path)
    expect(watched.page.locator("pre:visible", has_text="claudia.track(").first).to_be_visible(timeout=PATIENCE)
    assert watched.complaints == []
