"""The integrations page in a real browser, with a real receiver: for everybody, by keyboard, and nothing runs."""

from importlib import resources

import pytest
from fastapi import FastAPI

import dashboards
from claudia_core import Claudia
from claudia_core.settings import default_settings
from claudia_core.testing.refusals import FAILING, staged_refusals
from tests.dashboards.serving import serving
from tests.e2e.test_pages import PATIENCE, XSS, row
from tests.webhooks.receiver import receiving

pytest.importorskip("playwright")
from playwright.sync_api import expect

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.filterwarnings(
        "ignore::ResourceWarning", "ignore::DeprecationWarning", "ignore:reference already known"
    ),
]


@pytest.fixture(scope="module")
def refusals():
    """A hub whose webhooks do not all arrive, and its address."""
    with staged_refusals() as hub:
        hub.notifications.rules.add_offered()
        hub.notifications.channels.create("ops", "slack", "https://hooks.slack.com/services/T0/B0/x")
        hub.notifications.channels.test(hub.notifications.channels.list()[0].id)
        hub.feed.start()
        app = FastAPI()
        dashboards.mount(app, hub)
        with serving(app) as address:
            yield hub, address


@pytest.mark.parametrize(("scheme", "width"), [("dark", 1280), ("light", 390)])
def test_every_view_is_for_everybody(refusals, window, scheme, width):
    """Axe-core finds nothing, nothing is cut, no request leaves, in any view or detail."""
    hub, address = refusals
    endpoint = next(one for one in hub.webhooks.list() if one.name == FAILING).id
    delivery = hub.webhooks.deliveries(endpoint).deliveries[0].id
    source = (resources.files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")
    paths = {
        "services": "", "service": "?service=webhook+alerts.example", "webhooks": "?view=webhooks",
        "sources": "?view=sources", "calls": "?view=calls",
        "notifications": "?view=notifications", "mail": "?view=mail", "mail-text": "?view=mail&shown=text",
        "notices": "?view=notifications&whose=all", "endpoint": f"?view=webhooks&endpoint={endpoint}",
        "delivery": f"?view=webhooks&delivery={delivery}",
    }  # fmt: skip
    watched = window(scheme=scheme, width=width)
    page = watched.page
    for name, query in paths.items():
        page.goto(f"{address}/integrations{query}")
        expect(page.locator("h1:visible")).to_be_visible(timeout=PATIENCE)
        expect(page.locator(".rows tr:visible").first).to_be_visible(timeout=PATIENCE)
        page.wait_for_timeout(1200)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.evaluate(source)
        found = page.evaluate("axe.run()")["violations"]
        assert [(name, fault["id"], fault["nodes"][0]["html"]) for fault in found] == []
        watched.shot(f"integrations-{name}-{scheme}-{width}")
    assert watched.strangers() == []
    assert watched.complaints == []


def test_a_webhook_fails_is_looked_at_and_sent_again(window):
    """A real sender and a real receiver: the test is sent from the page, its answers are seen, and again by a click."""
    settings = default_settings(database_url="memory://", display="off", outgoing_allow=("127.0.0.0/8",))
    with receiving() as receiver, Claudia(settings=settings) as hub:
        receiver.answer = lambda message, number: (503, {}, b"not now") if number == 0 else (204, {}, b"")
        hub.feed.start()
        hub.webhooks.create(receiver.url, ["task:failed"], name="CI")
        hub.send_webhooks()
        app = FastAPI()
        dashboards.mount(app, hub)
        with serving(app) as address:
            page = window().page
            page.goto(f"{address}/integrations")
            page.get_by_role("button", name="Webhooks").click(timeout=PATIENCE)
            link = page.get_by_role("link", name="CI")
            expect(link).to_be_visible(timeout=PATIENCE)
            link.focus()
            page.keyboard.press("Enter")
            page.get_by_role("button", name="Send test").click(timeout=PATIENCE)
            expect(row(page, "HTTP 503")).to_be_visible(timeout=PATIENCE)
            row(page, "HTTP 503").locator("a").click()
            expect(page.get_by_text("not now").first).to_be_visible(timeout=PATIENCE)
            assert "delivery=msg_" in page.url
            page.get_by_role("button", name="Send again").click()
            expect(page.locator("p:visible", has_text="✔ delivered")).to_be_visible(timeout=PATIENCE)
            page.go_back()
            expect(page.locator("h1:visible", has_text="CI")).to_be_visible(timeout=PATIENCE)


def test_what_receivers_and_senders_say_is_never_run(window):
    """Markup in names, events, answers and calls is shown as text."""
    with Claudia(settings=default_settings(database_url="memory://", display="off")) as hub:
        hub.feed.start()
        for text in XSS:
            hub.webhooks.create("https://h.example/", name=text[:100])
            with hub.integration(text[:100]) as call:
                call.sent(text, text)
                call.answered(text)
        endpoint = hub.webhooks.list()[0].id
        hub.webhooks.test(endpoint)
        app = FastAPI()
        dashboards.mount(app, hub)
        with serving(app) as address:
            watched = window()
            page = watched.page
            for query in ("", "?view=webhooks", "?view=calls", f"?view=webhooks&endpoint={endpoint}"):
                page.goto(f"{address}/integrations{query}")
                expect(page.locator(".rows tr:visible").first).to_be_visible(timeout=PATIENCE)
                page.wait_for_timeout(600)
            page.goto(f"{address}/integrations?view=calls&service=%3Cimg src=x onerror=window.pwned=1%3E")
            page.wait_for_timeout(1500)
            assert page.evaluate("window.pwned") is None
            assert watched.strangers() == []
            assert watched.complaints == []


def test_a_mail_that_is_looked_at_does_nothing(window):
    """No script of a template runs, nothing is loaded, no link leads away; typing changes what is seen."""
    with Claudia(settings=default_settings(database_url="memory://", display="off")) as hub:
        hub.feed.start()
        wild = (
            "<script>top.pwned = 1</script><img src='http://192.0.2.1/x.png'><meta http-equiv=refresh "
            "content='0;url=http://192.0.2.1/'><link rel=stylesheet href='http://192.0.2.1/x.css'>"
            "<form action='http://192.0.2.1/'><button>go</button></form><a href='http://192.0.2.1/'>away</a>"
            "<p>{{ who }}</p>"
        )
        hub.mail_templates.register("wild", subject="to {{ who }}", html=wild, sample={"who": XSS[0]})
        app = FastAPI()
        dashboards.mount(app, hub)
        with serving(app) as address:
            watched = window()
            page = watched.page
            page.goto(f"{address}/integrations?view=mail&template=wild")
            mail = page.frame_locator("iframe")
            expect(mail.get_by_text(XSS[0])).to_be_visible(timeout=PATIENCE)
            mail.get_by_text("away").click()
            mail.get_by_text("go").click()
            page.get_by_label("Example data (JSON)").fill('{"who": "Ann"}')
            expect(mail.locator("p", has_text="Ann")).to_be_visible(timeout=PATIENCE)
            page.get_by_role("button", name="HTML source").click()
            expect(page.locator("pre:visible", has_text="top.pwned")).to_be_visible(timeout=PATIENCE)
            assert "shown=source" in page.url
            assert page.evaluate("window.pwned") is None
            assert [one for one in watched.requests if "192.0.2.1" in one] == []
            assert len(watched.context.pages) == 1


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_an_endpoint_a_channel_and_a_rule_are_made(window, tmp_path, scheme, width):
    """By keyboard, in dialogs that axe-core finds nothing in; what is wrong is told at its field."""
    source = (resources.files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")
    settings = default_settings(database_url=str(tmp_path / "hub.db"), display="off")
    with Claudia(settings=settings) as hub:
        hub.feed.start()
        app = FastAPI()
        dashboards.mount(app, hub)
        with serving(app) as address:
            watched = window(scheme=scheme, width=width)
            page = watched.page

            def looks_right(name):
                page.wait_for_timeout(500)
                page.evaluate(source)
                found = page.evaluate("axe.run()")["violations"]
                assert [(name, fault["id"], fault["nodes"][0]["html"]) for fault in found] == []
                watched.shot(f"integrations-{name}-{scheme}-{width}")

            def click(name):
                page.get_by_role("button", name=name).press("Enter", timeout=PATIENCE)

            page.goto(f"{address}/integrations?view=webhooks")
            click("New endpoint …")
            expect(page.get_by_role("dialog", name="New webhook endpoint")).to_be_visible(timeout=PATIENCE)
            click("Save")
            expect(page.get_by_text("url is empty")).to_be_visible(timeout=PATIENCE)
            looks_right("endpoint-form")
            page.get_by_label("Address").fill("https://ci.example/hooks")
            click("Save")
            expect(page.get_by_text("whsec_")).to_be_visible(timeout=PATIENCE)
            looks_right("endpoint-secret")
            click("Done")
            page.goto(f"{address}/integrations?view=notifications")
            click("New channel …")
            form = page.get_by_role("dialog", name="New channel")
            form.get_by_label("Name").fill("ops", timeout=PATIENCE)
            form.get_by_label("Addresses").fill("ops@example.org")
            looks_right("channel-form")
            click("Save")
            link = page.get_by_role("link", name="ops")
            expect(link).to_be_visible(timeout=PATIENCE)
            click("New rule …")
            form = page.get_by_role("dialog", name="New rule")  # the one before may still be fading out
            form.get_by_label("Name").fill("lost", timeout=PATIENCE)
            form.get_by_label("Events").fill("agent:lost")
            looks_right("rule-form")
            click("Save")
            expect(page.get_by_role("link", name="lost")).to_be_visible(timeout=PATIENCE)
            link.press("Enter")
            click("Delete …")
            expect(page.get_by_role("dialog", name="Delete ops?")).to_be_visible(timeout=PATIENCE)
            looks_right("delete-form")
            click("Yes, delete it")
            expect(link).to_be_hidden(timeout=PATIENCE)
            assert [rule.name for rule in hub.notifications.rules.list()] == ["lost"]
            assert watched.strangers() == []
            assert watched.complaints == []
