"""Mail on the integrations page: what a template comes to, with data to try, and a test to oneself."""

import asyncio
import html
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest

from claudia_core import Claudia
from claudia_core.model.identity import Identity, Kind, Scope, acting_as
from claudia_core.settings import default_settings
from dashboards.pages.integrations import IntegrationsPage
from tests.dashboards.conftest import XSS


@pytest.fixture
def carried(tmp_path: Path):
    """A hub whose mail goes into a folder."""
    settings = default_settings(
        database_url="memory://", display="off", mail_url=f"file://{tmp_path}/out", mail_from="hub@example.org"
    )
    with Claudia(settings=settings) as hub:
        yield hub


def opened(hub, **address):
    """The page at its mail, and the part it shows."""
    page = IntegrationsPage(hub, view="mail", **address)
    page.refresh()
    return page, page.parts["mail"]


def facts(part):
    """Facts by their label."""
    return {row["label"]: row["value"][1] for row in part.facts.rows}


def write(part, text):
    """What typing the data does."""
    part.data.value_input = text


def test_a_template_with_its_sample(carried):
    """The built-in ones have one; subject, sender and carrier are told, and the parts one after the other."""
    page, part = opened(carried, template="task_completed")
    assert "night run is done" in part.head.object
    told = facts(part)
    assert told["From"] == "hub@example.org"
    assert told["Sent by"].startswith("file ")
    assert '<iframe sandbox=""' in part.letter.object
    assert html.escape("“night run” has been completed") in part.letter.object
    page.shown = "text"
    page.refresh()
    assert "Duration: 2 h 10 min" in part.content.rows[0]["value"]
    assert not part.letter.visible
    page.shown = "source"
    page.refresh()
    assert part.content.rows[0]["value"].startswith("<h1>Task completed</h1>")


def test_templates_of_ones_own(carried):
    """Those that are registered can be chosen; the choice stands in the address."""
    carried.mail_templates.register("lost", subject="{{ name }} is lost", html="<p>{{ name }}</p>")
    page, part = opened(carried)
    (field,) = part.fields.items
    assert [key for key, _ in field["choices"]] == ["lost", "notification", "task_completed"]
    part.fields._on_message({"field": "template", "value": "task_completed"})
    page.refresh()
    assert page.template == "task_completed"
    assert "night run is done" in part.head.object


def test_data_to_try(carried):
    """What is written is filled in at once, and escaped; what is missing or no JSON is told in a sentence."""
    carried.mail_templates.register("lost", subject="{{ name }} is lost", html="<p>{{ name }}</p>")
    _, part = opened(carried, template="lost")
    assert html.escape("cannot be filled: 'name' is undefined") in part.head.object
    assert (part.letter.visible, part.send.disabled) == (False, True)
    write(part, '{"name": "<img src=x onerror=window.pwned=1>"}')
    assert XSS not in part.head.object
    assert html.escape("&lt;img src=x") in part.letter.object, "escaped in the mail, and its markup in the attribute"
    write(part, '{"name": ')
    assert part.data.error_state
    assert "data is not JSON" in part.data.helper_text
    write(part, '{"name": "w1"}')
    assert "w1 is lost" in part.head.object
    assert (part.data.error_state, part.send.disabled) == (False, False)


def test_a_template_that_is_not_there(carried):
    """Also where markup stands in the address."""
    _, part = opened(carried, template=XSS)
    assert "no template" in part.head.object
    assert XSS not in part.head.object


def test_a_test_to_oneself(carried, tmp_path):
    """With what is in the form; to one's own address, and for admins to another. It stands in the audit log."""
    olga = Identity(Kind.USER, "u1", "olga", frozenset({Scope.OPERATOR}))
    carried.users.add("olga")
    with acting_as(olga):
        carried.notifications.people.change(email="olga@example.org")
        page, part = opened(carried, template="task_completed")
        assert part.to.value == "olga@example.org"
        write(part, '{"taskName": "other run"}')
        asyncio.run(part._on_send(None))
        assert page.notice[:2] == ("A test is on its way to olga@example.org", "good")
        part.to.value_input = part.to.value = "cleo@example.org"
        asyncio.run(part._on_send(None))
        assert page.notice[1] == "bad"
        assert "only an admin may send to other addresses" in page.notice[0]
    (file,) = (tmp_path / "out").iterdir()
    sent = message_from_bytes(file.read_bytes(), policy=default)
    assert (sent["subject"], sent["to"]) == ("other run is done", "olga@example.org")
    assert [entry.actor for entry in carried.audit.list(action="mail.test").entries] == ["user:u1"]
    (told,) = carried.store.events(0, 10, ("mail:tested",)).events
    assert (told.subject, told.data) == ("task_completed", {})  # every viewer reads it: no addresses
    page, part = opened(carried, template="task_completed")
    part.to.value_input = "cleo@example.org"
    asyncio.run(part._on_send(None))
    assert page.notice[1] == "good"


def test_without_a_carrier(claudia):
    """It is looked at all the same, and the facts say what to set."""
    _, part = opened(claudia)
    assert not part.trial.visible
    assert "CLAUDIA_MAIL_URL" in facts(part)["Sent by"]
    assert "night run: failed" in part.head.object


def test_a_viewer_sends_nothing(carried):
    """There is no button for them."""
    with acting_as(Identity(Kind.USER, "u2", "vera", frozenset({Scope.VIEWER}))):
        _, part = opened(carried)
    assert not part.trial.visible
