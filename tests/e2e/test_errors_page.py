"""The errors page in a real browser: live, for everybody, and with nothing run that users wrote."""

import threading
from importlib import resources

import pytest

from claudia_core.model.report import ErrorReport
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


def hostile(text):
    """A report with the text in every field."""
    frame = {"file": text, "function": text, "module": text, "line": 3, "code": text, "before": [text], "after": [text]}
    stack = {"type": text, "message": text, "notes": [text], "frames": [{**frame, "locals": {text: text}}]}
    objects = {"user": {text: text}, "request": {"url": text}, "context": {text: text}}
    return ErrorReport(
        type=text, message=text, traceback=text, culprit=text, exceptions=(stack,), fingerprint=(text,),
        service=text, release=text, environment=text, host=text, tags={text: text}, kind="x",
        breadcrumbs=({"message": text, "category": text, "level": text[:20]},), **objects,
    )  # fmt: skip


@pytest.fixture
def failing(hub):
    """Errors that become more until the test is over; returns the issue's id."""
    stop = threading.Event()
    made = ErrorReport(type="KeyError", message="customer_id is missing", culprit="shop.cart.total", service="shop")
    id = hub.errors.report(made).issue_id

    def work():
        while not stop.wait(0.2):
            hub.errors.report(made)

    thread = threading.Thread(target=work)
    thread.start()
    yield id
    stop.set()
    thread.join()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_list_and_an_issue_are_live_and_for_everybody(site, window, hub, failing, scheme, width):
    """Counts rise while one looks; axe-core finds nothing, nothing is cut, no request leaves."""
    source = (resources.files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")
    try:
        {}["customer_id"]
    except KeyError as error:
        with hub.errors.scope(tags={"shard": "3"}):
            hub.errors.breadcrumb("read orders", category="shop.db")
            id = hub.errors.capture(error, order=17)
    hub.flush()
    hub.errors.comment(failing, "seen before")
    watched = window(scheme=scheme, width=width)
    page = watched.page
    page.goto(f"{site}/errors")
    count = row(page, "customer_id is missing").locator("td.c-count")
    expect(count).to_be_visible(timeout=PATIENCE)
    first = count.inner_text()
    expect(count).not_to_have_text(first, timeout=PATIENCE)
    issue = hub.errors.occurrence(id).issue_id
    for path in ("/errors", f"/errors?id={failing}", f"/errors?id={issue}"):
        page.goto(site + path)
        expect(page.locator(".rows tr:visible").first).to_be_visible(timeout=PATIENCE)
        page.wait_for_timeout(1500)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.evaluate(source)
        found = page.evaluate("axe.run()")["violations"]
        assert [(path, fault["id"], fault["nodes"][0]["html"]) for fault in found] == []
        watched.shot(f"{'issue' if 'id=' in path else 'errors'}-{scheme}-{width}")
    assert watched.strangers() == []
    assert watched.complaints == []


def test_from_the_list_through_all_that_can_be_done(site, window, hub):
    """Search, open, comment, resolve; it comes back as regressed; several are resolved at once."""
    made = [ErrorReport(type="OSError", message=f"disk {n} is full", culprit=f"disk.f{n}") for n in range(3)]
    for report in made:
        hub.errors.report(report)
    page = window().page
    page.goto(f"{site}/errors")
    expect(row(page, "disk 0")).to_be_visible(timeout=PATIENCE)
    page.locator(".find input").fill("disk 1")
    expect(row(page, "disk 0")).to_be_hidden(timeout=PATIENCE)
    row(page, "disk 1").locator("a").click()
    expect(page.locator("h1:visible", has_text="disk 1 is full")).to_be_visible(timeout=PATIENCE)
    assert "find=disk+1" in page.url
    page.locator(".comment textarea").first.fill("rm -rf logs")
    page.get_by_role("button", name="Add comment").click()
    expect(row(page, "rm -rf logs")).to_be_visible(timeout=PATIENCE)
    page.get_by_role("button", name="Resolve", exact=True).click()
    expect(page.get_by_text("✔ resolved")).to_be_visible(timeout=PATIENCE)
    hub.errors.report(made[1])
    expect(page.get_by_text("↩ regressed").first).to_be_visible(timeout=PATIENCE)
    page.go_back()
    page.goto(f"{site}/errors")
    for name in ("disk 0", "disk 2"):
        row(page, name).locator("input").check(timeout=PATIENCE)
    page.get_by_role("button", name="Resolve", exact=True).click(timeout=PATIENCE)
    expect(row(page, "disk 0")).to_be_hidden(timeout=PATIENCE)
    assert [issue.title for issue in hub.errors.issues(status="unresolved").issues] == ["disk 1 is full"]


def test_what_errors_say_is_never_run(site, window, hub):
    """Markup and scripts in every field of an error, a comment and the address are shown as text."""
    ids = [hub.errors.report(hostile(text)).issue_id for text in XSS]
    for id, text in zip(ids, XSS, strict=True):
        hub.errors.comment(id, text)
    watched = window()
    page = watched.page
    page.goto(f"{site}/errors")
    for text in XSS:
        expect(row(page, text)).to_be_visible(timeout=PATIENCE)
    for id in (*ids, "%3Cimg src=x onerror=window.pwned=1%3E"):
        page.goto(f"{site}/errors?id={id}")
        expect(page.locator("h1:visible")).not_to_have_text("", timeout=PATIENCE)
        page.wait_for_timeout(600)
    assert page.evaluate("window.pwned") is None
    assert watched.strangers() == []
    assert watched.complaints == []


def test_a_hub_without_errors_says_how_to_capture_one(site, window):
    """With lines to copy."""
    page = window().page
    page.goto(f"{site}/errors")
    expect(page.locator("pre:visible", has_text="claudia.errors.capture(").first).to_be_visible(timeout=PATIENCE)
