"""Forms of the integrations page: endpoints, channels and rules made, changed and deleted, and what is refused."""

import asyncio

import pytest

from claudia_core import Claudia
from claudia_core.model.identity import Identity, Kind, Scope, acting_as
from claudia_core.settings import default_settings
from dashboards.pages.integrations import IntegrationsPage
from dashboards.parts.webhooks.endpoint_form import KEPT
from tests.dashboards.conftest import XSS

URL = "https://ci.example/hooks"


@pytest.fixture
def hub(tmp_path):
    """A hub that keeps secrets."""
    with Claudia(settings=default_settings(database_url=str(tmp_path / "hub.db"), display="off")) as opened:
        yield opened


def opened(hub, **address):
    """The page at an address, and the part it shows."""
    page = IntegrationsPage(hub, **address)
    page.refresh()
    name = next((one for one in ("endpoint", "delivery") if one in address), address["view"])
    return page, page.parts[name]


def fill(form, **values):
    """What somebody does in a form."""
    for key, value in values.items():
        widget = form.inputs[key]
        assert widget.visible, key
        widget.value = value


def save(form):
    """A click on the button that means it."""
    asyncio.run(form._on_yes(None))


def faults(form):
    """What stands at fields as an error."""
    return {key: widget.helper_text for key, widget in form.inputs.items() if getattr(widget, "error_state", False)}


def test_an_endpoint_is_made(hub):
    """What is wrong stands at its field and nothing is lost; the secret is shown once, and verifies."""
    page, part = opened(hub, view="webhooks")
    part.form.make()
    form = part.form.form
    fill(form, url="ftp://x", events="task:failed, issue:*\nagent:lost", filter='{"data.type": ')
    save(form)
    assert faults(form) == {"filter": 'This is not JSON at line 1, column 15 (such as {"data.type": ["etl"]})'}
    fill(form, filter='{"data.type": ["etl"]}')
    save(form)
    assert list(faults(form)) == ["url"]
    fill(form, url=URL, headers="X-Team")
    save(form)
    assert list(faults(form)) == ["headers"]
    fill(form, headers="X-Team: blue; X-Key: never-shown")
    assert hub.webhooks.list() == []
    save(form)
    (endpoint,) = hub.webhooks.list()
    assert (endpoint.url, endpoint.events) == (URL, ("task:failed", "issue:*", "agent:lost"))
    assert (endpoint.filter, endpoint.name) == ({"data.type": ["etl"]}, "ci.example")
    assert page.notice[:2] == ("ci.example is told events from now on", "good")
    assert form.dialog.open
    assert form.secret.rows[0]["value"].startswith("whsec_")
    form._on_no(None)
    assert (form.dialog.open, form.secret.rows) == (False, [])
    assert [row["name"]["text"] for row in part.endpoints.table.rows] == ["ci.example"]


def test_an_endpoint_is_changed(hub):
    """Values of headers are not shown, and stay unless they are written anew."""
    id = hub.webhooks.create(URL, headers={"X-Team": "blue", "X-Key": "never-shown", "X-Old": "1"})[0].id
    page, part = opened(hub, view="webhooks", endpoint=id)
    part._open(part.form.change)
    form = part.form.form
    shown = form.inputs["headers"].value
    assert shown == f"X-Key: {KEPT}; X-Old: {KEPT}; X-Team: {KEPT}"
    fill(form, name=f"new {XSS}", headers=f"X-Key: {KEPT}; X-Team: red", ordered=True)
    save(form)
    assert page.notice[1] == "good"
    changed = part.form._claudia.webhooks._safe.endpoint(hub.webhooks.get(id))
    assert changed.headers == {"X-Key": "never-shown", "X-Team": "red"}
    assert changed.ordered
    assert XSS not in part.title.object


def test_a_secret_is_made_anew(hub):
    """It is shown once; the one before signs for as long as was said."""
    id = hub.webhooks.create(URL)[0].id
    _, part = opened(hub, view="webhooks", endpoint=id)
    part._open(part.form.rotate)
    fill(part.form.rotation, hours="a day")
    save(part.form.rotation)
    assert faults(part.form.rotation) == {"hours": "This is no whole number (0 to 720)"}
    fill(part.form.rotation, hours="2")
    save(part.form.rotation)
    assert len(hub.webhooks.get(id).secrets) == 2
    assert part.form.form.secret.rows[0]["value"].startswith("whsec_")


def test_deleting_asks_before(hub):
    """And leads back to the list."""
    id = hub.webhooks.create(URL, name="CI")[0].id
    page, part = opened(hub, view="webhooks", endpoint=id)
    part._open(part.form.change)
    form = part.form.form
    form._on_delete(None)
    assert (form.dialog.title, form.yes.label, form.fields.visible) == ("Delete CI?", "Yes, delete it", False)
    form._on_no(None)
    assert hub.webhooks.list()
    part._open(part.form.change)
    form._on_delete(None)
    save(form)
    assert hub.webhooks.list() == []
    assert page.endpoint == ""


def test_channels(hub):
    """The address is asked for as the kind has it, and not shown again; the kind stays."""
    endpoint = hub.webhooks.create(URL, name="CI")[0]
    page, part = opened(hub, view="notifications")
    part.channel_form.make()
    form = part.channel_form.form
    assert form.inputs["address"].label == "Addresses"
    fill(form, kind="slack")
    assert "hooks.slack.com" in form.inputs["address"].helper_text
    fill(form, name="ops", address="nothing", digest="10", quiet="25:00")
    save(form)
    assert list(faults(form)) == ["quiet"]
    fill(form, quiet="22:00-07:00 Europe/Berlin")
    save(form)
    assert list(faults(form)) == ["address"]
    fill(form, address="https://hooks.slack.com/services/never-shown")
    save(form)
    (ops,) = hub.notifications.channels.list()
    assert (ops.name, ops.kind, ops.digest, ops.per_hour) == ("ops", "slack", 10, 60)
    assert page.notice[1] == "good"
    part._on_channel(ops.id)
    assert form.inputs["address"].value == ""
    assert "Empty keeps hooks.slack.com" in form.inputs["address"].helper_text
    assert not form.inputs["kind"].visible
    fill(form, name="on call")
    save(form)
    assert hub.notifications.channels.address(hub.notifications.channels.get(ops.id)).endswith("never-shown")
    part.channel_form.make()
    fill(form, kind="webhook")
    fill(form, name="by webhook", endpoint=endpoint.id)
    save(form)
    assert [one.shown for one in hub.notifications.channels.list()] == ["CI", "hooks.slack.com"]
    part._on_channel(ops.id)
    form._on_delete(None)
    save(form)
    assert [one.name for one in hub.notifications.channels.list()] == ["by webhook"]


def test_rules(hub):
    """Events, a condition, level, channels by name and people; changed and deleted the same way."""
    ops = hub.notifications.channels.create("ops", "mail", "ops@example.org")
    page, part = opened(hub, view="notifications")
    part.rule_form.make()
    form = part.rule_form.form
    fill(form, name="etl failed")
    save(form)
    assert list(faults(form)) == ["events"]
    fill(form, events="task:failed", filter='{"elsewhere": 1}')
    save(form)
    assert list(faults(form)) == ["filter"]
    fill(form, filter='{"data.type": "etl"}', level="critical", channels=[ops.id], users="ann\nbob")
    save(form)
    (rule,) = hub.notifications.rules.list()
    assert (rule.name, rule.level, rule.channels, rule.users) == ("etl failed", "critical", (ops.id,), ("ann", "bob"))
    part._on_rule(rule.id)
    assert form.inputs["channels"].value == [ops.id]
    hub.notifications.channels.delete(ops.id)
    part._on_rule(rule.id)
    assert form.inputs["channels"].value == [], "a channel that is gone is not asked for"
    fill(form, active=False)
    save(form)
    assert not hub.notifications.rules.get(rule.id).active
    part._on_rule(rule.id)
    form._on_delete(None)
    save(form)
    assert hub.notifications.rules.list() == []
    part._on_rule(rule.id)
    assert page.notice[0] == "etl failed is deleted"


def test_it_takes_an_admin_and_is_audited(hub):
    """Others see no buttons; who asks all the same is refused in the form, and nothing is changed."""
    olga = Identity(Kind.USER, "u1", "olga", frozenset({Scope.OPERATOR}))
    with acting_as(olga):
        _, part = opened(hub, view="webhooks")
        assert not part.new.visible
        part.form.make()
        fill(part.form.form, url=URL)
        save(part.form.form)
        assert "takes the scope admin" in part.form.form.words.object
        _, told = opened(hub, view="notifications")
        assert (told.new_rule.visible, told.new_channel.visible, told.rules.opens) == (False, False, "")
    assert hub.webhooks.list() == []
    with acting_as(Identity(Kind.USER, "u2", "ada", frozenset({Scope.ADMIN}))):
        _, part = opened(hub, view="webhooks")
        part.form.make()
        fill(part.form.form, url=URL)
        save(part.form.form)
        (endpoint,) = hub.webhooks.list()
        part.form.change(endpoint)
        part.form.form._on_delete(None)
        save(part.form.form)
    entries = hub.audit.list().entries
    assert [(one.action, one.actor, one.subject) for one in entries] == [
        ("webhooks.delete", "user:u2", endpoint.id), ("webhooks.create", "user:u2", endpoint.id),
    ]  # fmt: skip
