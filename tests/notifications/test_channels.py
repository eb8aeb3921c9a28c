"""Every kind of channel against real receivers; what services document is what they get."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from claudia_core.errors import InvalidValue, NotFound
from claudia_core.integrations.addresses import Allowed
from claudia_core.integrations.notifications import apprise
from claudia_core.integrations.notifications.chat import EVENTS, EVENTS_EU, pagerduty
from claudia_core.integrations.notifications.outgoing import Outgoing, one
from claudia_core.integrations.webhooks.sender import WebhookSender
from claudia_core.model.notice import Dispatch
from claudia_core.model.rule import Level
from claudia_core.resilience.integrations import Integrations
from claudia_core.services.webhooks.service import Webhooks
from claudia_core.testing.waiting import eventually
from tests.notifications.conftest import Stage
from tests.webhooks.receiver import Message, receiving

NASTY = "<!channel> *bold* [link](http://evil.example) @everyone"


def message(**values: Any) -> Outgoing:
    """A message about something nasty."""
    given = {
        "id": "dsp_1",
        "target": "channel:1",
        "rule_id": "r",
        "level": Level.CRITICAL,
        "title": NASTY,
        "text": "On <host>.",
        "link": "/tasks?id=1",
        "event_type": "agent:lost",
        "subject": "a1",
        "created_at": datetime(2026, 1, 1, tzinfo=UTC),
    }
    return one(Dispatch(**given | values), "https://hub.example")


def told(stage: Stage, kind: str, answer: Any = None) -> list[Message]:
    """What a receiver got of one event by a channel of this kind."""
    with receiving(answer) as receiver:
        stage.channel(kind, f"{receiver.url}/secret")
        stage.start(base="https://hub.example")
        stage.happen(type="invoice:paid", words=NASTY)
        eventually(lambda: bool(receiver.messages))
        eventually(lambda: stage.dispatches()[0].tries == 1)
        return receiver.messages


def test_slack(stage: Stage) -> None:
    """Blocks of plain text, so that user text neither formats nor mentions; the fallback text is escaped."""
    (got,) = told(stage, "slack")
    body = json.loads(got.body)
    assert (got.path, got.headers["content-type"]) == ("/secret", "application/json")
    assert {block["text"]["type"] for block in body["blocks"] if "text" in block} == {"plain_text"}
    assert body["text"] == "invoice:paid s0"
    assert "&lt;!channel&gt;" not in str(body["blocks"])
    assert NASTY in str(body["blocks"])


def test_discord(stage: Stage) -> None:
    """One embed in which nothing formats, and nobody is mentioned."""
    (got,) = told(stage, "discord")
    body = json.loads(got.body)
    assert body["allowed_mentions"] == {"parse": []}
    (embed,) = body["embeds"]
    assert embed["title"] == "invoice:paid s0"
    assert r"\*bold\* \[link\]\(http://evil.example\)" in embed["description"]


def test_teams(stage: Stage) -> None:
    """An adaptive card, as workflows post it."""
    (got,) = told(stage, "teams")
    body = json.loads(got.body)
    (attachment,) = body["attachments"]
    assert (body["type"], attachment["contentType"]) == ("message", "application/vnd.microsoft.card.adaptive")
    card = attachment["content"]
    assert (card["type"], card["version"], card["body"][0]["text"]) == ("AdaptiveCard", "1.4", r"invoice:paid s0")


def test_pagerduty() -> None:
    """An event of the Events API v2; the same thing has the same key, and being well again resolves it."""
    url, body = pagerduty("0" * 32, message())
    assert url == EVENTS
    assert body == {
        "routing_key": "0" * 32,
        "event_action": "trigger",
        "dedup_key": "claudia agent a1",
        "payload": {
            "summary": NASTY,
            "source": "claudia",
            "severity": "critical",
            "custom_details": {"text": "On <host>."},
        },
        "links": [{"href": "https://hub.example/tasks?id=1", "text": "Open"}],
    }
    url, body = pagerduty("eu:" + "0" * 32, message(level=Level.INFO, event_type="health:changed"))
    assert url == EVENTS_EU
    assert body == {"routing_key": "0" * 32, "event_action": "resolve", "dedup_key": "claudia health a1"}


@pytest.mark.parametrize(("status", "end"), [(429, "pending"), (500, "pending"), (404, "failed"), (301, "failed")])
def test_answers(stage: Stage, status: int, end: str) -> None:
    """What is overloaded or broken is asked again, as late as it says; a no is a no, and redirects are not followed."""
    answer = (status, {"retry-after": "100", "location": "http://127.0.0.1:1/"}, b"no")
    told(stage, "slack", lambda message, number: answer)
    (dispatch,) = stage.dispatches()
    assert (dispatch.status.value, f"HTTP {status}" in dispatch.error) == (end, True)
    if end == "pending":
        assert dispatch.next_at is not None
        assert (dispatch.next_at - stage.clock.now()).total_seconds() == 100


def test_private_addresses_are_not_called(stage: Stage) -> None:
    """Without being allowed to, a channel leads to no address of this machine; the dispatch says why."""
    with receiving() as receiver:
        stage.channel("slack", receiver.url)
        stage.start(allow=())
        stage.happen()
        (failed,) = stage.settled("failed")
        assert "private network" in failed.error
        assert receiver.messages == []


def test_a_webhook_endpoint(stage: Stage) -> None:
    """It gets a signed `notification:sent`, through the deliveries of webhooks."""
    with receiving() as receiver:
        endpoint, secret = Webhooks(stage.store).create(receiver.url, ["nothing:*"])
        stage.channel("webhook", endpoint.id)
        stage.start()
        stage.happen()
        stage.settled()
        sender = WebhookSender(stage.store, Integrations(), allowed=Allowed(["127.0.0.0/8"]), lease=5.0)
        try:
            eventually(lambda: bool(receiver.messages))
        finally:
            sender.stop()
        (got,) = receiver.messages
        Webhook(secret).verify(got.body, got.headers)
        body = json.loads(got.body)
        assert (body["type"], body["data"]["notifications"][0]["event_type"]) == ("notification:sent", "invoice:paid")
    with pytest.raises(NotFound):
        stage.of.channels.create("x", "webhook", "nothing")


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "json://127.0.0.1/",
        "syslog://",
        "dbus://",
        "tgram://1:a/2?template=/etc/passwd",
        "pover://u@t?verify=no",
        "ntfy://host/topic?+path=x",
        "tgram://1:a/2?x=1;template=/etc/passwd",
        "tgram://1:a/2#?template=/etc/passwd",
        "tgram://1:a/2?%74emplate=/etc/passwd",
        "ntfy://host/topic, tgram://1:a/2?x=/etc/passwd",
        "ntfy://host/topic,json://host/etc/passwd",
        "ntfy://host/topic syslog://etc/passwd",
        "nothing",
    ],
)
def test_what_of_apprise_is_refused(stage: Stage, url: str) -> None:
    """Services of this machine, and arguments that name files or turn off checks, cannot be named."""
    with pytest.raises(InvalidValue) as caught:
        stage.of.channels.create("x", "apprise", url)
    assert "passwd" not in str(caught.value)


def test_apprise(stage: Stage) -> None:
    """A message arrives by apprise; the address is not shown."""
    pytest.importorskip("apprise")
    with receiving(lambda message, number: (200, {}, b"{}")) as receiver:
        host = receiver.url.removeprefix("http://")
        made = stage.channel("apprise", f"ntfy://{host}/topic-secret")
        assert "secret" not in str(made.to_public())
        stage.start()
        stage.happen()
        stage.settled()
        assert "invoice:paid s0" in receiver.messages[0].body.decode()


def test_apprise_is_told_one_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """What apprise would take for several addresses is not told to a second one, whatever was checked before."""
    pytest.importorskip("apprise")
    monkeypatch.setattr(apprise, "require_service", lambda url: url)
    with receiving() as first, receiving() as second:
        hosts = [one.url.removeprefix("http://") for one in (first, second)]
        with suppress(OSError):
            apprise.send(f"ntfy://{hosts[0]}/topic,json://{hosts[1]}/", message(), ("127.0.0.0/8",))
        assert second.messages == []


def test_apprise_cannot_reach_private_addresses() -> None:
    """What the guard would refuse is refused to apprise's own clients, also by a name and by a redirect."""
    pytest.importorskip("apprise")
    moved = (302, {}, b"")
    with receiving() as inner, receiving(lambda message, number: moved) as outer:
        moved = (302, {"location": inner.url.replace("127.0.0.1", "127.0.0.2")}, b"")
        for url in (inner.url, inner.url.replace("127.0.0.1", "localhost")):
            with pytest.raises(ConnectionError):
                apprise.send(f"ntfy://{url.removeprefix('http://')}/t", message(), ())
        with pytest.raises(ConnectionError):
            apprise.send(f"ntfy://{outer.url.removeprefix('http://')}/t?redirect=yes", message(), ("127.0.0.1",))
        assert (inner.messages, len(outer.messages)) == ([], 1)
