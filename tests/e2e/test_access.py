"""Signing in with a real browser, with and without JavaScript, and what pages let whom do."""

import pytest
from playwright.sync_api import expect

from claudia_core.model.task import Status
from tests.api.access.serving import served

pytestmark = pytest.mark.browser

PASSWORD = "four random words here"
PATIENCE = 20_000


@pytest.fixture(scope="module")
def site():
    with served() as running:
        for name, scope in (("vera", "viewer"), ("olga", "operator"), ("adam", "admin")):
            running.hub.users.add(name, PASSWORD, scope=scope)
        yield running


def sign_in(page, site, name, path="/"):
    page.goto(f"http://127.0.0.1:{site.port}{path}")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def test_an_operator_acts_in_their_own_name(site, window):
    """Whoever opens a task is asked to sign in, lands on it, and what they do to it is theirs in the audit log."""
    task = site.hub.tasks.create("long work", start=True)
    page = window().page
    sign_in(page, site, "olga", f"/tasks?id={task.id}")
    page.locator(".cancel button").click(timeout=PATIENCE)
    page.get_by_role("button", name="Yes, cancel it").click(timeout=PATIENCE)
    expect(page.locator(".toast")).to_contain_text("ancelled", timeout=PATIENCE)
    assert site.hub.tasks.get(task.id).status is Status.CANCELLED
    (entry,) = site.hub.audit.list(action="tasks.cancel", subject=task.id).entries
    assert (entry.actor_name, entry.via, entry.address) == ("olga", "password", "127.0.0.1")


def test_a_viewer_is_offered_nothing_to_change(site, window):
    """The task is shown, its buttons are not."""
    task = site.hub.tasks.create("looked at", start=True)
    page = window().page
    sign_in(page, site, "vera", f"/tasks?id={task.id}")
    expect(page.get_by_text("looked at").first).to_be_visible(timeout=PATIENCE)
    expect(page.locator(".cancel button")).to_be_hidden()
    expect(page.get_by_role("link", name="Access")).to_be_visible()


def test_all_of_it_works_without_scripts(site, browser):
    """Sign in, make a key, read the audit log, sign out: plain pages."""
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        sign_in(page, site, "adam", "/access/keys")
        page.get_by_label("Name").fill("from a page")
        page.get_by_role("button", name="Create").click()
        key = page.locator("p[role=status] code").inner_text()
        assert site.ask("GET", "/api/v1/tasks", key)[0] == 200
        page.get_by_role("link", name="Audit log").click()
        expect(page.get_by_role("cell", name="keys.create").first).to_be_visible()
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        page.goto(f"http://127.0.0.1:{site.port}/access/keys")
        expect(page.get_by_label("Password")).to_be_visible()


def test_a_viewer_who_digs_out_a_button_changes_nothing(site, window):
    """What a browser is not offered can be shown with its tools; the hub asks for the scope all the same."""
    task = site.hub.tasks.create("guarded", start=True)
    page = window().page
    sign_in(page, site, "vera", f"/tasks?id={task.id}")
    expect(page.get_by_text("guarded").first).to_be_visible(timeout=PATIENCE)
    shown = page.evaluate(
        """() => [...Bokeh.documents[0]._all_models.values()]
            .filter((model) => model.css_classes?.includes("cancel"))
            .map((model) => { model.visible = true; return model.visible })"""
    )
    assert shown == [True]
    page.locator(".cancel button").click(timeout=PATIENCE)
    page.get_by_role("button", name="Yes, cancel it").click(timeout=PATIENCE)
    expect(page.locator(".toast")).to_contain_text("takes the scope operator", timeout=PATIENCE)
    assert site.hub.tasks.get(task.id).status is Status.ACTIVE
