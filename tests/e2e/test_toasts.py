"""A notification in a real browser."""

import pytest
from playwright.sync_api import expect

from claudia_core.testing.waiting import eventually

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.timeout(240),
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning"),
]
PATIENCE = 60_000


def test_a_notice_appears_on_an_open_page(hub, site, window):
    """A rule tells of a failed task: the page that is open shows a toast, whose text is no markup."""
    hub.notifications.rules.add_offered()
    notifier = hub.send_notifications()
    eventually(lambda: notifier.is_sending)
    watched = window(scheme="dark", width=390)
    watched.page.goto(f"{site}/tasks")
    expect(watched.page.locator(".live .word")).to_have_text("Live", timeout=PATIENCE)
    hub.tasks.fail(hub.tasks.create("<img src=x onerror=window.pwned=1>", start=True).id, ValueError("no rows"))
    toast = watched.page.locator(".toast", has_text="failed")
    expect(toast).to_be_visible(timeout=PATIENCE)
    watched.shot("toast")
    assert toast.locator("img").count() == 0
    assert watched.page.evaluate("window.pwned") is None
