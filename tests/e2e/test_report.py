"""The report in a real browser: from a file, without a server, in both themes and widths, and on paper."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from dashboards.report import write_report
from tests.dashboards.staged import lively, past
from tests.dashboards.test_report import hostile

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning"),
]

CONTRAST = """() => {
  const rgb = (text) => text.match(/[\\d.]+/g).map(Number)
  const linear = (v) => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4
  const light = ([r, g, b]) => [r, g, b].map((v) => linear(v / 255))
    .reduce((sum, v, at) => sum + v * [.2126, .7152, .0722][at], 0)
  const ground = (element) => {
    for (; element; element = element.parentElement) {
      const colour = rgb(getComputedStyle(element).backgroundColor)
      if (colour[3] !== 0) { return colour }
    }
    return [255, 255, 255]
  }
  const faint = new Map()
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim())
    if (!own || element.closest("style, svg, .unseen, .skip")) { continue }
    const [a, b] = [light(rgb(getComputedStyle(element).color)), light(ground(element))].sort((x, y) => y - x)
    const ratio = (a + .05) / (b + .05)
    if (ratio < 4.5) { faint.set(element.className || element.tagName, ratio.toFixed(2)) }
  }
  return [...faint]
}"""
"""Texts whose contrast with their ground is below that of WCAG AA."""


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """A report of a hub with a past, as a file."""
    file = tmp_path_factory.mktemp("report") / "report.html"
    with past(hours=5) as (hub, clock):
        lively(hub, clock, 150)
        for place in range(3):
            task = hub.tasks.create(f"Train model {place}", start=True, estimated_steps=10, unit="epochs")
            clock.move(1)
            hub.tasks.progress(task.id, 3 * place + 1, message="learning")
        write_report(hub, file, since="6h")
    return file


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_it_opens_as_a_file(report, window, scheme, width):
    """Nothing is asked for but the file, nothing complains or is cut off, and every text can be read."""
    watched = window(scheme=scheme, width=width)
    page = watched.page
    page.goto(report.as_uri())
    assert page.title() == "Report of tasks and errors"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert watched.requests == [report.as_uri()]
    assert watched.complaints == []
    assert page.evaluate(CONTRAST) == []
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(15, 20, 28)"
    assert dark == (scheme == "dark")
    watched.shot(f"report-{scheme}-{width}")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(report, window, scheme):
    """No violation of any rule of axe-core, with everything unfolded."""
    page = window(scheme=scheme).page
    page.goto(report.as_uri())
    page.evaluate("document.querySelectorAll('details').forEach((fold) => { fold.open = true })")
    found = Axe().run(page).response["violations"]
    assert [(rule["id"], [node["html"] for node in rule["nodes"]][:3]) for rule in found] == []


def test_it_is_used_by_keyboard(report, window):
    """The first tab offers to skip to the report; a traceback opens with the enter key; tables are tables."""
    page = window().page
    page.goto(report.as_uri())
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the report"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    summary = page.get_by_text("Show the chart as a table")
    summary.focus()
    page.keyboard.press("Enter")
    table = page.get_by_role("table", name="Tasks that ended").first
    assert table.is_visible()
    assert table.get_by_role("columnheader", name="Completed").is_visible()
    assert page.get_by_role("img", name="Tasks that ended").is_visible()
    assert page.get_by_role("region", name="Key figures").is_visible()


def test_it_prints(report, window):
    """Paper is light and has room: the contents list goes, folded tracebacks open."""
    page = window(scheme="dark").page
    page.emulate_media(media="print")
    page.goto(report.as_uri())
    assert not page.get_by_role("navigation").is_visible()
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(27, 36, 51)"
    assert page.evaluate("document.querySelector('.entries pre').getBoundingClientRect().height") > 0
    assert page.evaluate(CONTRAST) == []


def test_nothing_that_users_wrote_is_run(claudia, window, tmp_path):
    """Scripts in every field stay text, and the file's own policy would stop them."""
    hostile(claudia)
    file = tmp_path / "hostile.html"
    write_report(claudia, file)
    watched = window()
    watched.page.goto(file.as_uri())
    watched.page.wait_for_timeout(300)
    assert watched.page.evaluate("window.pwned") is None
    assert watched.requests == [file.as_uri()]
    assert watched.complaints == []
    watched.shot("report-hostile")
