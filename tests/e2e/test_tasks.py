"""The tasks page in a real browser: everything that can be done there. All tests share one server and its tasks."""

import re
import threading
import time
from importlib import resources

import pytest
from fastapi import FastAPI
from playwright.sync_api import expect

import dashboards
from claudia_core import Claudia
from claudia_core.errors import TaskCancelled
from claudia_core.model.task import Status
from claudia_core.settings import default_settings
from claudia_core.testing.waiting import eventually
from tests.dashboards.serving import serving
from tests.dashboards.staged import XSS

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.timeout(240),
    pytest.mark.filterwarnings(
        "ignore::ResourceWarning",
        "ignore::DeprecationWarning",
        # Bokeh's, when a browser and the server tell each other of the same new part; as an error it drops the message.
        "ignore:reference already known",
    ),
]
PATIENCE = 30_000


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """A hub with some tasks, and the address of its pages."""
    url = f"sqlite:///{tmp_path_factory.mktemp('tasks') / 'claudia.db'}"
    with Claudia(settings=default_settings(database_url=url, display="off")) as hub:
        for name, kind, tags in (("alpha", "etl", ["nightly"]), ("beta", "etl.read", []), ("gamma", "ml", ["gpu"])):
            hub.tasks.complete(hub.tasks.create(name, start=True, type=kind, tags=tags, payload={"of": name}).id)
            time.sleep(0.01)
        app = FastAPI()
        dashboards.mount(app, hub)
        with serving(app) as address:
            yield hub, address


@pytest.fixture
def hub(shared):
    """The hub of the page."""
    return shared[0]


@pytest.fixture
def opened(shared, window):
    """Opens the tasks page; a fault of any script fails the test."""
    seen = []

    def open_page(path="", **options):
        watched = window(**options)
        seen.append(watched)
        watched.page.goto(f"{shared[1]}/tasks{path}")
        return watched.page

    yield open_page
    for watched in seen:
        assert watched.complaints == []
        assert watched.strangers() == []


def names(page):
    """The names in the table, from the top."""
    return page.locator("table[aria-label=Tasks] tbody a.name").all_inner_texts()


def box(page, name):
    """The checkbox of a row."""
    return page.get_by_role("checkbox", name=f"Select {name}", exact=True)


def wait_for(page, *expected):
    """Wait until these are the rows."""
    eventually(lambda: page.wait_for_timeout(50) or names(page) == list(expected), timeout=30)


def test_heads_sort_by_mouse_and_keyboard(opened):
    """The head says which way, the address holds it, and back leads back."""
    page = opened("?status=completed")
    head = page.get_by_role("columnheader", name="Name")
    head.get_by_role("button").click(timeout=PATIENCE)
    wait_for(page, "alpha", "beta", "gamma")
    expect(head).to_have_attribute("aria-sort", "ascending", timeout=PATIENCE)
    head.get_by_role("button").press("Enter")
    wait_for(page, "gamma", "beta", "alpha")
    expect(head).to_have_attribute("aria-sort", "descending", timeout=PATIENCE)
    assert "sort=-name" in page.url
    page.go_back()
    expect(head).to_have_attribute("aria-sort", "ascending", timeout=PATIENCE)
    wait_for(page, "alpha", "beta", "gamma")
    page.go_forward()
    wait_for(page, "gamma", "beta", "alpha")


def test_filters_by_field(opened):
    """Types and tags are offered; what is typed filters, and the address opens the same view elsewhere."""
    page = opened("?sort=name")
    field = page.get_by_label("Type")
    field.fill("etl", timeout=PATIENCE)
    wait_for(page, "alpha")
    assert page.locator("#offers-type option").evaluate_all("nodes => nodes.map(node => node.value)")[:2] == [
        "etl",
        "etl.read",
    ]
    field.fill("et")
    wait_for(page, "alpha", "beta")
    field.fill("")
    page.get_by_label("Tag").fill("gpu")
    wait_for(page, "gamma")
    page.get_by_label("Changed").select_option("24h")
    eventually(lambda: page.wait_for_timeout(50) or "since=24h" in page.url)
    other = opened(page.url[page.url.index("?") :])
    wait_for(other, "gamma")
    expect(other.get_by_label("Changed")).to_have_value("24h")
    other.locator('.filter-verbs button[data-key="clear"]').click()
    expect(other.get_by_label("Tag")).to_have_value("", timeout=PATIENCE)


def test_a_filter_is_saved_applied_renamed_and_deleted(opened, hub):
    """Everybody sees it, by any name that people think of."""
    page = opened("?type=ml&sort=name")
    page.locator('button[data-key="save"]').click(timeout=PATIENCE)
    page.get_by_label("Name", exact=True).fill(XSS[0])
    page.locator(".filter-yes button").click()
    expect(page.locator(".toast", has_text="Saved")).to_be_visible(timeout=PATIENCE)
    other = opened()
    other.locator(".saved button", has_text=XSS[0]).click(timeout=PATIENCE)
    wait_for(other, "gamma")
    other.locator('button[data-key="rename"]').click(timeout=PATIENCE)
    other.get_by_label("Name", exact=True).fill("Learning")
    other.locator(".filter-yes button").click()
    expect(other.locator(".saved button", has_text="Learning")).to_be_visible(timeout=PATIENCE)
    other.locator('button[data-key="delete"]').click(timeout=PATIENCE)
    expect(other.get_by_role("dialog")).to_be_visible(timeout=PATIENCE)
    other.locator(".filter-yes button").click()
    expect(other.locator(".saved button", has_text="Learning")).to_have_count(0, timeout=PATIENCE)
    assert hub.filters.list() == []
    assert page.evaluate("window.pwned") is None


def test_many_are_cancelled_with_one_question(opened, hub):
    """Selected by keyboard and by mouse with shift, while rows move; a toast tells what was refused and why."""
    ids = [hub.tasks.create(f"bulk {n}", start=True, estimated_steps=9).id for n in range(4)]
    page = opened("?name=bulk&sort=name")
    box(page, "bulk 0").focus(timeout=PATIENCE)
    page.keyboard.press("Space")
    page.keyboard.press("Shift+ArrowDown")
    expect(page.get_by_text("2 tasks selected")).to_be_visible(timeout=PATIENCE)
    hub.tasks.progress(ids[0], 5)
    expect(page.locator("tr", has_text="bulk 0").get_by_text("5 of 9")).to_be_visible(timeout=PATIENCE)
    expect(box(page, "bulk 0")).to_be_checked()
    box(page, "bulk 3").click(modifiers=["Shift"])
    expect(page.get_by_text("4 tasks selected")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_role("checkbox", name="Select all on this page")).to_be_checked()
    hub.tasks.complete(ids[2])
    page.locator('.bulk button[data-key="cancel"]').click()
    expect(page.get_by_role("dialog")).to_contain_text("Cancel 4 tasks?", timeout=PATIENCE)
    page.get_by_role("button", name="Yes, cancel them").click()
    toast = page.locator(".toast")
    expect(toast).to_contain_text("Cancelled: 3 of 4 tasks. 1 refused:", timeout=PATIENCE)
    expect(toast).to_contain_text("bulk 2: is completed and cannot become cancelled")
    assert [hub.tasks.get(id).status for id in ids] == [Status.CANCELLED] * 2 + [Status.COMPLETED, Status.CANCELLED]
    expect(page.get_by_text("tasks selected")).to_be_hidden(timeout=PATIENCE)
    page.get_by_role("checkbox", name="Select all on this page").click()
    page.locator('.bulk button[data-key="rerun"]').click(timeout=PATIENCE)
    page.get_by_role("button", name="Yes, rerun them").click(timeout=PATIENCE)
    expect(page.locator(".toast", has_text="Made anew: 4 tasks")).to_be_visible(timeout=PATIENCE)
    assert len(hub.tasks.list(name="bulk", status="pending").tasks) == 4


@pytest.mark.parametrize("width", [1280, 390])
def test_rerun_with_another_payload(opened, hub, width):
    """A fault is told where it is; then the new task is shown, and leads back to the old one."""
    id = hub.tasks.list(name="alpha", status="completed").tasks[0].id
    page = opened(f"?id={id}", width=width)
    page.locator(".rerun button").click(timeout=PATIENCE)
    text = page.get_by_label("Payload (JSON; empty for none)")
    expect(text).to_have_value(re.compile("alpha"), timeout=PATIENCE)
    text.fill('{"of": }')
    page.locator(".run button").click()
    expect(page.get_by_text("line 1, column 8")).to_be_visible(timeout=PATIENCE)
    text.fill('{"of": "omega"}')
    page.locator(".run button").click()
    expect(page.locator("pre", has_text="omega")).to_be_visible(timeout=PATIENCE)
    assert id not in page.url
    assert hub.tasks.list(name="alpha", status="pending", order="-id").tasks[0].labels["rerun_of"] == id
    page.get_by_role("table", name="Facts").get_by_role("link", name="alpha").click()
    eventually(lambda: page.wait_for_timeout(50) or id in page.url)


def test_cancel_stops_the_loop_that_works_on_it(opened, hub):
    """The page's button ends a loop in this very process within seconds; its progress is kept."""
    seen = []

    def work():
        for step in hub.track(iter(range(10_000)), name="endless loop", total=10_000):
            seen.append(step)
            time.sleep(0.01)

    ends = []

    def run():
        try:
            work()
        except TaskCancelled as error:
            ends.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    page = opened("?name=endless")
    page.get_by_role("link", name="endless loop").click(timeout=PATIENCE)
    expect(page.locator("canvas").first).to_be_visible(timeout=PATIENCE)
    page.locator(".cancel button").click(timeout=PATIENCE)
    page.get_by_role("button", name="Yes, cancel it").click(timeout=PATIENCE)
    thread.join(20)
    assert [error.reason for error in ends] == ["cancelled on the tasks page"]
    task = hub.tasks.list(name="endless").tasks[0]
    assert (task.status, task.progress.total) == (Status.CANCELLED, 10_000)
    assert 0 < task.progress.current <= len(seen)


def test_what_users_write_is_never_run(opened, hub):
    """Markup and scripts in every field of the page and of the detail are shown as text."""
    agents = [hub.agents.register(text[:100]).id for text in XSS]
    for text, agent in zip(XSS, agents, strict=True):
        task = hub.tasks.create(
            text, start=True, type=text[:100], tags=[text[:100]], labels={"label": text}, payload={text: text},
            unit=text[:50], agent_id=agent,
        )  # fmt: skip
        hub.tasks.create(text, parent_id=task.id)
        hub.tasks.progress(task.id, 1, total=3, message=text)
        hub.tasks.progress(task.id, 2, message=text[::-1])
        hub.tasks.fail(task.id, RuntimeError(text), result={text: [text]})
        hub.filters.save(text[:60], {"tag": text[:100]})
    failed = hub.tasks.list(status="failed").tasks
    page = opened("?status=failed")
    expect(page.get_by_role("link", name=XSS[0])).to_be_visible(timeout=PATIENCE)
    expect(page.locator(".saved button", has_text=XSS[0][:60])).to_be_visible(timeout=PATIENCE)
    box(page, XSS[0]).click()
    page.locator('.bulk button[data-key="cancel"]').click(timeout=PATIENCE)
    page.get_by_role("button", name="Yes, cancel it").click(timeout=PATIENCE)
    expect(page.locator(".toast", has_text="cannot become cancelled")).to_be_visible(timeout=PATIENCE)
    assert page.evaluate("window.pwned") is None
    for task in failed:
        page.goto(f"{page.url.partition('?')[0]}?id={task.id}")
        expect(page.locator("h1:visible")).to_have_text(task.name, timeout=PATIENCE)
        expect(page.locator("pre", has_text="RuntimeError").first).to_be_visible(timeout=PATIENCE)
        expect(page.get_by_role("table", name="Messages")).to_be_visible(timeout=PATIENCE)
        assert page.evaluate("window.pwned") is None
    image, bold = "%3Cimg src=x onerror=window.pwned=1%3E", "%3Cb%3E"
    page.goto(f"{page.url.partition('?')[0]}?tag={image}&type={bold}&agent={bold}&parent={bold}")
    expect(page.get_by_text("No task matches")).to_be_visible(timeout=PATIENCE)
    assert page.evaluate("window.pwned") is None


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_everybody_can_select_and_sort(opened, hub, scheme, width):
    """axe-core finds nothing with rows selected and sorted, and nothing is cut off sideways."""
    page = opened("?sort=name&status=completed", scheme=scheme, width=width)
    box(page, "alpha").click(timeout=PATIENCE)
    expect(page.get_by_text("1 task selected")).to_be_visible(timeout=PATIENCE)
    page.wait_for_timeout(1500)  # until colours have faded over to the theme
    page.evaluate((resources.files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8"))
    found = page.evaluate("axe.run()")["violations"]
    assert [(fault["id"], fault["nodes"][0]["html"]) for fault in found] == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
