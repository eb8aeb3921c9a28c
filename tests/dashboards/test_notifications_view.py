"""Notifications on the integrations page: one's own notices to acknowledge, rules, channels, messages."""

import asyncio
from pathlib import Path

import pytest

from claudia_core import Claudia
from claudia_core.model.identity import Identity, Kind, Scope, acting_as
from claudia_core.services.notifications.queueing import Directory, queue
from claudia_core.settings import default_settings
from dashboards.cells import notices as cells
from dashboards.pages.integrations import IntegrationsPage
from tests.dashboards.conftest import XSS, settle


@pytest.fixture
def told(tmp_path: Path):
    """A hub whose rules told people of a task that failed: everybody's lists, and a chat."""
    with Claudia(settings=default_settings(database_url=str(tmp_path / "hub.db"), display="off")) as hub:
        chat = hub.notifications.channels.create("ops", "slack", "https://hooks.slack.com/services/T0/B0/never-shown")
        hub.notifications.rules.create(
            "loads", ["task:failed"], level="critical", channels=[chat.id], users=["*"], filter={"data.type": "load"}
        )
        hub.users.add("ann")
        before = hub.store.head()
        task = hub.tasks.create(f"load {XSS}", type="load", start=True)
        hub.tasks.fail(task.id, ValueError("empty"))
        telling = hub.notifications
        lists = Directory(telling.rules.list(), {chat.id: chat}, telling.people.all())
        events = hub.store.events(before).events
        hub.store.write(lambda tx: queue(tx, lists, events)).result()
        settle(hub)
        yield hub


def view(hub):
    """The page at its notifications, and the part it shows."""
    page = IntegrationsPage(hub, view="notifications")
    page.refresh()
    return page, page.parts["notifications"]


def test_what_one_was_told_and_by_which_rule(told):
    """Level and text, with a way to the task; the rule with its channels and people by name; no secret."""
    _, part = view(told)
    (notice,) = part.notices.table.rows
    assert (notice["status"]["word"], notice["seen"]) == ("critical", "new")
    assert XSS in notice["name"]["text"]
    assert notice["name"]["href"].startswith("./tasks?id=")
    assert "1 notice to acknowledge" in part.notices.head.object
    (rule,) = part.rules.rows
    assert (rule["name"]["text"], rule["channels"], rule["people"]) == ("loads", "ops", "everybody")
    assert rule["name"]["hint"] == "data.type is load"
    (channel,) = part.channels.rows
    assert (channel["name"]["text"], channel["status"]["word"]) == ("ops", "on")
    (message,) = part.sent.rows
    assert (message["status"]["word"], message["name"]["hint"]) == ("pending", "to ops")
    assert "never-shown" not in str((channel, rule, message))


def test_notices_are_acknowledged(told):
    """Those that are selected, or all; the list says so."""
    page, part = view(told)
    part.notices.table._on_message({"pick": [part.notices.table.rows[0]["id"]], "on": True})
    assert part.notices.seen.visible
    asyncio.run(part.notices._on_seen(None))
    assert page.notice[:2] == ("Acknowledged: 1 notice", "good")
    assert part.notices.table.rows[0]["seen"] == "seen"
    assert (part.notices.seen.visible, part.notices.all_seen.visible) == (False, False)
    asyncio.run(part.notices._on_all_seen(None))
    assert page.notice[0] == "Acknowledged: no notice"


def test_everybody_sees_their_own(told):
    """Also where the page is brought up to date by somebody else's beat."""
    ann = told.users.list()[0]
    with acting_as(Identity(Kind.USER, ann.id, "ann", frozenset({Scope.OPERATOR}))):
        page = IntegrationsPage(told, view="notifications")
    page.refresh()
    part = page.parts["notifications"]
    told.notifications.notices.acknowledge()
    part.notices.again()
    part.refresh()
    assert [row["seen"] for row in part.notices.table.rows] == ["new"], "another one's acknowledgement is not hers"


def test_channels_are_tested_and_messages_sent_again(told):
    """By an operator; the messages are seen at once."""
    page, part = view(told)
    part.channels._on_message({"pick": [part.channels.rows[0]["id"]], "on": True})
    asyncio.run(part._on_test(None))
    assert page.notice[0] == "1 message is on the way"
    assert len(part.sent.rows) == 2
    part.sent._on_message({"pick": [row["id"] for row in part.sent.rows], "on": True})
    asyncio.run(part._on_again(None))
    assert page.notice[0] == "2 messages are on the way again"


def test_offered_rules_are_a_start(claudia):
    """An empty hub offers them; adding them takes an admin."""
    page, part = view(claudia)
    assert part.offered.visible
    with acting_as(Identity(Kind.USER, "u1", "olga", frozenset({Scope.OPERATOR}))):
        asyncio.run(part._on_offered(None))
    assert page.notice[1] == "bad"
    asyncio.run(part._on_offered(None))
    assert page.notice[1] == "good"
    assert len(part.rules.rows) == len(claudia.notifications.rules.list()) > 3
    assert not part.offered.visible


@pytest.mark.parametrize(
    ("link", "href"), [("/tasks?id=1", "./tasks?id=1"), ("//evil.example", None), ("javascript:x", None), ("", None)]
)
def test_notices_lead_to_pages_only(link, href):
    """Never elsewhere."""
    assert cells.page_href(link) == href


def test_an_admin_sees_everybodys_notices(told):
    """By a choice that stands in the address, with names and page by page; others have no such choice."""
    page, part = view(told)
    part.notices.tabs._on_message({"choose": "all"})
    page.refresh()
    assert page.whose == "all"
    assert {row["owner"] for row in part.notices.everybodys.rows} == {"ann", "token"}
    assert "Everybody&#x27;s notices" in part.notices.head.object
    assert "2 notices to acknowledge" in part.notices.head.object
    assert (part.notices.table.visible, part.notices.all_seen.visible) == (False, False)
    ann = told.users.list()[0]
    with acting_as(Identity(Kind.USER, ann.id, "ann", frozenset({Scope.OPERATOR}))):
        hers = IntegrationsPage(told, view="notifications", whose="all")
    hers.refresh()
    mine = hers.parts["notifications"].notices
    assert (mine.tabs.visible, mine.everybodys.visible, len(mine.table.rows)) == (False, False, 1)


def test_pages_of_notices(told, monkeypatch):
    """The cursor stands in the address; one that was made by hand gives the first page."""
    monkeypatch.setattr("dashboards.parts.notifications.notice_list.MOST", 1)
    page, part = view(told)
    page.whose = "all"
    page.refresh()
    first = part.notices.everybodys.rows[0]["id"]
    part.notices.pager._on_message({"choose": "older"})
    page.refresh()
    assert page.after
    assert part.notices.everybodys.rows[0]["id"] != first
    page.after = "made up"
    page.refresh()
    assert part.notices.everybodys.rows[0]["id"] == first
