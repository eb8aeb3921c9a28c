"""The first tour in a real JupyterLab, in a real browser."""

import re
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import expect

from claudia_core.testing.waiting import eventually
from tests.e2e.jupyter import environment, jupyterlab

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning"),
]
PATIENCE = 90_000
TOUR = Path(__file__).resolve().parents[2] / "notebooks" / "01_first_look.ipynb"

RECORD = """
window.seen = []
setInterval(() => {
    for (const bar of document.querySelectorAll('progress[aria-label="measure the library"]')) seen.push(bar.value)
}, 40)
"""

SLOW_WORK = """
import time
from claudia_core import Claudia
with Claudia(display="off") as claudia:
    for step in claudia.track(range(100_000), name="count the stars"):
        print(step, flush=True)
        time.sleep(0.05)
"""


@contextmanager
def working_elsewhere(folder: Path, private: Path):
    """A process that runs a task on the hub of that folder for as long as it is looked at."""
    command = [sys.executable, "-c", SLOW_WORK]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=folder, env=environment(private), stdout=pipe, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "0\n"
            yield
        finally:
            process.kill()


class Lab:
    """A notebook open in JupyterLab."""

    def __init__(self, page, notebook: Path) -> None:
        self.page = page
        self.sources = [cell.source for cell in nbformat.read(notebook, as_version=4).cells]

    def cell(self, beginning: str):
        """The cell whose source has a line that begins so."""
        at = next(n for n, source in enumerate(self.sources) if re.search(rf"^{re.escape(beginning)}", source, re.M))
        return self.page.locator(".jp-Notebook .jp-Cell").nth(at)

    def wait_for_kernel(self) -> None:
        """Until it is connected, and has nothing to do."""
        state = self.page.get_by_role("button", name="Python 3 (ipykernel) | Idle")
        expect(state).to_be_visible(timeout=PATIENCE)

    def choose(self, menu: str, item: str) -> None:
        """Click through the menu bar."""
        self.page.locator("#jp-MainMenu").get_by_role("menuitem", name=menu, exact=True).click()
        self.page.locator(".lm-Menu-item", has_text=re.compile(f"^{item}")).click()

    def run(self, cell) -> None:
        """Run one cell by the keyboard."""
        cell.locator(".jp-InputArea-editor").click()
        self.page.keyboard.press("Shift+Enter")


def test_the_first_tour_in_jupyterlab(window, tmp_path):
    """A bar moves while its cell runs, the page lives in its cell, and after a restart the hub is found as it is.

    A click on a task opens it below, in the same cell.

    Nothing is asked of any other machine meanwhile.
    """
    folder, private = tmp_path / "notebooks", tmp_path / "private"
    folder.mkdir()
    private.mkdir()
    shutil.copy(TOUR, folder)
    watched = window(width=1280, height=1000)
    page = watched.page
    page.set_default_timeout(PATIENCE)
    with jupyterlab(folder, private) as address, working_elsewhere(folder, private):
        page.goto(address.format(TOUR.name))
        lab = Lab(page, TOUR)
        lab.wait_for_kernel()
        page.evaluate(RECORD)

        lab.choose("Run", "Run All Cells")
        bar = lab.cell("for file in claudia.track(files").locator("progress")
        expect(bar).to_have_attribute("value", "100.0", timeout=PATIENCE)
        moved = sorted(set(page.evaluate("seen")))
        assert len([value for value in moved if 0 < value < 100]) >= 3, moved

        tasks = lab.cell('claudia.show("tasks")')
        expect(tasks.get_by_role("link", name="measure the library")).to_be_visible(timeout=PATIENCE)
        expect(tasks.get_by_role("link", name="measure encodings")).to_be_visible(timeout=PATIENCE)
        expect(tasks.locator(".bar").first).to_have_css("height", "6px")  # it is dressed as on the web
        tasks.scroll_into_view_if_needed()
        watched.shot("jupyterlab-tasks")
        expect(lab.cell("claudia.show()").locator(".jp-OutputArea-output").first).to_be_attached(timeout=PATIENCE)

        lab.choose("Kernel", "Restart Kernel…")
        page.locator(".jp-Dialog button.jp-mod-accept").click()
        log = private / "server.log"
        eventually(lambda: "Kernel restarted" in log.read_text(encoding="utf-8"), timeout=60)
        lab.wait_for_kernel()
        again = lab.cell('claudia.tasks.list(status="active", roots=True)')
        lab.run(again)
        expect(again.locator('progress[aria-label="count the stars"]')).to_be_visible(timeout=PATIENCE)
        overview = lab.cell("claudia.show()")
        lab.run(overview)
        row = overview.locator(".rows tr:visible", has_text="count the stars").first.locator(".progress .label")
        expect(row).to_be_visible(timeout=PATIENCE)
        first = row.inner_text()
        expect(row).not_to_have_text(first, timeout=PATIENCE)
        expect(overview.locator("svg.drawing").first).to_be_visible(timeout=PATIENCE)
        expect(overview.locator(":text('Drawing the chart'):visible")).to_have_count(0)
        overview.scroll_into_view_if_needed()
        watched.shot("jupyterlab-overview")
        overview.get_by_role("link", name="count the stars").first.click()
        expect(overview.get_by_role("heading", name="count the stars")).to_be_visible(timeout=PATIENCE)
        expect(overview.get_by_role("table", name="Facts")).to_be_visible(timeout=PATIENCE)
        assert "/lab/tree/" in page.url
        watched.shot("jupyterlab-task")
    assert watched.strangers() == []
