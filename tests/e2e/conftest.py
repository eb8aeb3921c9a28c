"""A real browser on a real server, which sees what another process writes into the same file."""

import re
import shutil
from pathlib import Path

import pytest
from fastapi import FastAPI

import dashboards
from claudia_core import Claudia
from claudia_core.settings import default_settings
from tests.dashboards.serving import serving
from tests.servers import require

SCREENSHOTS = Path(__file__).resolve().parents[2] / "screenshots"

FLAGS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
HARMLESS = re.compile(r"GL Driver Message|GPU stall|preloaded using link preload but not used within")
"""What a browser says of a slow machine, and not of a page."""


@pytest.fixture(scope="session")
def browser():
    """Chromium, once for all tests."""
    program = require("chromium", shutil.which("chromium") or shutil.which("chromium-browser"))
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(program), args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def hub(claudia_file):
    """The hub that writes."""
    return claudia_file


@pytest.fixture
def site(hub):
    """The address of a server that reads the same file by a hub of its own."""
    url = hub.store.url
    with Claudia(settings=default_settings(database_url=url, display="off")) as reading:
        app = FastAPI()
        dashboards.mount(app, reading)
        with serving(app) as address:
            yield address


class Watched:
    """A browser window, and everything it asked for or complained about."""

    def __init__(self, browser, scheme="light", width=1280, height=900):
        self.context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme, reduced_motion="reduce"
        )
        self.page = self.context.new_page()
        self.requests, self.complaints = [], []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", self._on_console)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _on_console(self, message):
        if message.type in ("error", "warning") and not HARMLESS.search(message.text):
            self.complaints.append(message.text)

    def strangers(self):
        """Requests that left this machine."""
        home = ("http://127.0.0.1:", "ws://127.0.0.1:", "blob:http://127.0.0.1:", "data:")
        return [url for url in self.requests if not url.startswith(home)]

    def shot(self, name):
        """Keep a picture for people to look at."""
        SCREENSHOTS.mkdir(exist_ok=True)
        self.page.screenshot(path=SCREENSHOTS / f"{name}.png")


@pytest.fixture
def window(browser):
    """Opens windows, and closes them at the end."""
    opened = []

    def open_window(**options):
        opened.append(Watched(browser, **options))
        return opened[-1]

    yield open_window
    for watched in opened:
        watched.context.close()
