"""The agents page in a real browser, with an agent that is a process of its own and another that was killed."""

from importlib import resources

import pytest
from fastapi import FastAPI

import dashboards
from claudia_core import Claudia
from claudia_core.model.agent import AgentMode, AgentStatus
from claudia_core.settings import default_settings
from claudia_core.testing.waiting import eventually
from tests.dashboards.serving import serving
from tests.e2e.test_pages import PATIENCE, XSS, row
from tests.engines.agents import agent, online

pytest.importorskip("playwright")
from playwright.sync_api import expect

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.timeout(240),
    pytest.mark.filterwarnings(
        "ignore::ResourceWarning", "ignore::DeprecationWarning", "ignore:reference already known"
    ),
]
QUICK = {"CLAUDIA_LEASE": "6", "CLAUDIA_HEARTBEAT": "1"}


@pytest.fixture(scope="module")
def plant(tmp_path_factory):
    """A hub and its address: one agent runs a task, another was killed, and some types have nobody."""
    path = tmp_path_factory.mktemp("agents") / "claudia.db"
    settings = default_settings(database_url=f"sqlite:///{path}", display="off", lease=6, heartbeat=1)
    with Claudia(settings=settings) as hub:
        hub.watch_agents()
        for text in XSS:
            hub.tasks.create(text[:100], type=text[:100])
        with (
            agent(path, "--name", "survivor", "--capacity", "3", **QUICK),
            agent(path, "--name", "victim", **QUICK) as victim,
        ):
            online(hub, 2)
            victim.kill()
            eventually(lambda: hub.agents.list(status=AgentStatus.LOST), timeout=60)
            note = {"file": str(path.with_name("notes")), "seconds": 600}
            hub.tasks.create("A long note", type="note", payload=note)
            eventually(lambda: hub.tasks.list(status="active").tasks, timeout=60)
            app = FastAPI()
            dashboards.mount(app, hub)
            with serving(app) as address:
                yield hub, address


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_the_list_and_an_agent_are_for_everybody(plant, window, scheme, width):
    """Axe-core finds nothing, nothing is cut, no request leaves, no text runs; on the overview, too."""
    hub, address = plant
    survivor = next(one for one in hub.agents.list() if one.name == "survivor")
    source = (resources.files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")
    watched = window(scheme=scheme, width=width)
    page = watched.page
    for name, path in (("agents", "/agents"), ("agent", f"/agents?id={survivor.id}"), ("agent-strip", "/")):
        page.goto(address + path)
        expect(page.locator("h1:visible")).to_be_visible(timeout=PATIENCE)
        expect(page.get_by_text("survivor").first).to_be_visible(timeout=PATIENCE)
        page.wait_for_timeout(1500)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.evaluate(source)
        found = page.evaluate("axe.run()")["violations"]
        assert [(path, fault["id"], fault["nodes"][0]["html"]) for fault in found] == []
        watched.shot(f"{name}-{scheme}-{width}")
    assert page.evaluate("window.pwned") is None
    assert watched.strangers() == []
    assert watched.complaints == []


def test_who_works_who_was_lost_and_what_nobody_runs(plant, window):
    """By name, with words; a task leads to its page, an agent opens in place; pause asks nothing, stop asks."""
    hub, address = plant
    page = window().page
    page.goto(f"{address}/agents")
    expect(row(page, "victim")).to_contain_text("lost", timeout=PATIENCE)
    expect(row(page, "survivor")).to_contain_text("1 of 3 busy", timeout=PATIENCE)
    expect(page.get_by_text("no agent can run it").first).to_be_visible(timeout=PATIENCE)
    page.get_by_role("link", name="A long note").click()
    expect(page).to_have_url(f"{address}/tasks?id={hub.tasks.list(status='active').tasks[0].id}", timeout=PATIENCE)
    page.go_back()
    page.get_by_role("link", name="survivor").click()
    expect(page.locator("h1:visible", has_text="survivor")).to_be_visible(timeout=PATIENCE)
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("Paused: survivor")).to_be_visible(timeout=PATIENCE)
    survivor = next(one for one in hub.agents.list() if one.name == "survivor")
    assert survivor.mode is AgentMode.PAUSED
    page.get_by_role("button", name="Stop …").click()
    expect(page.get_by_text("Stop this agent?")).to_be_visible(timeout=PATIENCE)
    page.get_by_role("button", name="No, leave it").click()
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_text("Takes tasks again: survivor")).to_be_visible(timeout=PATIENCE)
    assert hub.agents.get(survivor.id).mode is AgentMode.WORKING
