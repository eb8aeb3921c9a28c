"""The explorer page in a real browser: it asks, changes, follows and shows the schema, all from this server."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from tests.api.graphql.conftest import Endpoint
from tests.servers import require

pytestmark = pytest.mark.browser
FLAGS = ["--no-sandbox", "--disable-background-networking", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]


class Window:
    """A page, what it asked for and what it complained about."""

    def __init__(self, browser: Any, address: str, **options: Any) -> None:
        self.page = browser.new_page(**options)
        self.page.set_default_timeout(20_000)
        self.asked: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(f"http://{address}/graphql")

    def ask(self, query: str, variables: str = "") -> None:
        self.page.fill("#query", query)
        self.page.fill("#variables", variables)
        self.page.press("#query", "Control+Enter")

    def wait_for(self, selector: str, text: str) -> None:
        self.page.locator(selector).filter(has_text=text).wait_for()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    program = require("chromium", shutil.which("chromium") or shutil.which("chromium-browser"))
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(program), args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def window(browser: Any, endpoint: Endpoint) -> Iterator[Window]:
    opened = Window(browser, endpoint.address)
    yield opened
    opened.page.close()


def test_example_is_answered(endpoint: Endpoint, window: Window) -> None:
    """The first example is the guide's query; it runs as it stands, and nothing comes from elsewhere."""
    endpoint.hub.tasks.create("<b>rows</b>", start=True)
    window.page.click("#run")
    window.wait_for("#status", "Answered in")
    window.wait_for("#answer", "<b>rows</b>")
    window.wait_for("#schema", "Subscription")
    assert not window.complaints
    assert all(url.startswith((f"http://{endpoint.address}/graphql", "data:")) for url in window.asked)


def test_mistakes_are_told(window: Window) -> None:
    """A refused query and malformed variables say what is wrong, in words that are read aloud."""
    window.ask('{ task(id: "nothing") { id } }')
    window.wait_for("#status[role=status]", "Refused: no task 'nothing'")
    window.wait_for("#answer", "task_not_found")
    window.ask("{ health { status } }", "{nonsense")
    window.wait_for("#variables-problem[role=alert]", "not JSON")
    assert window.page.evaluate("document.activeElement.id") == "variables"


def test_subscription_is_followed_and_stopped(endpoint: Endpoint, window: Window) -> None:
    """Messages come as things happen, the newest on top; a stream that ends says so."""
    task = endpoint.hub.tasks.create("rows", start=True)
    window.ask("subscription($id: ID!) { task(id: $id) { status } }", f'{{"id": "{task.id}"}}')
    window.wait_for("#answer", "active")
    endpoint.hub.tasks.complete(task.id)
    window.wait_for("#status", "The stream has ended.")
    window.wait_for("#answer", "completed")
    window.ask('subscription { events(types: ["test:*"]) { cursor } }')
    window.wait_for("#status", "Following")
    window.page.click("#stop")
    window.wait_for("#status", "Stopped.")
    assert not window.complaints


def test_schema_can_be_searched_and_walked(window: Window) -> None:
    """A word finds the types that mention it; a type's name leads to it; all by keyboard."""
    window.wait_for("#schema", "Subscription")
    window.page.fill("#search", "percentage")
    window.wait_for("#found", "types mention it.")
    assert window.page.locator("[data-type=Progress]").is_visible()
    assert not window.page.locator("[data-type=Agent]").is_visible()
    window.page.fill("#search", "")
    window.page.locator("[data-type=Query] > summary").press("Enter")
    window.page.locator("[data-type=Query] .link").filter(has_text="TaskPage!").first.press("Enter")
    assert window.page.evaluate("document.activeElement.parentElement.dataset.type") == "TaskPage"
    assert window.page.locator("[data-type=TaskPage] dl").is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 380])
def test_page_fits_and_can_be_read(browser: Any, endpoint: Endpoint, scheme: str, width: int) -> None:
    """In both colour schemes the text stands out, and a phone needs no sideways scrolling."""
    size = {"width": width, "height": 900}
    page = Window(browser, endpoint.address, viewport=size, color_scheme=scheme).page
    colours = "getComputedStyle(document.body)"
    ink, paper = (luminance(page.evaluate(f"{colours}.{name}")) for name in ("color", "backgroundColor"))
    assert (max(ink, paper) + 0.05) / (min(ink, paper) + 0.05) > 7
    assert (paper > ink) == (scheme == "light")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.locator("textarea:not([id])").count() == 0
    page.close()


def luminance(colour: str) -> float:
    """Relative luminance of `rgb(r, g, b)`, as WCAG 2 defines it."""
    parts = [int(part) / 255 for part in colour.removeprefix("rgb(").rstrip(")").split(",")[:3]]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
