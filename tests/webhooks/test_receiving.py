"""Webhooks in: signatures of each service over the raw body, replays, duplicates, and the events that come of them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from standardwebhooks.webhooks import Webhook

from claudia_core import Claudia
from claudia_core.api import hooks
from claudia_core.api.access.rules import OPEN, Rules
from claudia_core.errors import Conflict, InvalidValue, Malformed, SignatureInvalid
from claudia_core.integrations.webhooks.receiving import Incoming, event_of, incoming, proven
from claudia_core.model.source import Scheme, Source
from claudia_core.services.events import NewEvent

SECRET = "a secret of the service"
BODY = b'{"action": "opened",  "repository": {"full_name": "me/repo"}, "type": "invoice.paid", "n": 1.0}'
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)

type Headers = dict[str, str]


def digest(signed: bytes, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def github(body: bytes, now: datetime, secret: str = SECRET) -> Headers:
    return {"x-hub-signature-256": f"sha256={digest(body, secret)}", "x-github-event": "pull_request"}


def stripe(body: bytes, now: datetime, secret: str = SECRET) -> Headers:
    time = str(int(now.timestamp()))
    return {"stripe-signature": f"t={time},v1={'0' * 64},v1={digest(time.encode() + b'.' + body, secret)},v0=x"}


def slack(body: bytes, now: datetime, secret: str = SECRET) -> Headers:
    time = str(int(now.timestamp()))
    signature = digest(b"v0:" + time.encode() + b":" + body, secret)
    return {"x-slack-request-timestamp": time, "x-slack-signature": f"v0={signature}"}


def plain(body: bytes, now: datetime, secret: str = SECRET) -> Headers:
    return {"x-signature": digest(body, secret)}


STANDARD = "whsec_" + base64.b64encode(b"k" * 32).decode()


def standard(body: bytes, now: datetime, secret: str = STANDARD) -> Headers:
    signature = Webhook(secret if secret.startswith("whsec_") else "whsec_" + "QQ" * 20).sign(
        "msg_1", now, body.decode()
    )
    time = str(int(now.timestamp()))
    return {"webhook-id": "msg_1", "webhook-timestamp": time, "webhook-signature": signature}


SIGNERS: dict[Scheme, Callable[..., Headers]] = {
    Scheme.STANDARD: standard,
    Scheme.GITHUB: github,
    Scheme.STRIPE: stripe,
    Scheme.SLACK: slack,
    Scheme.HMAC: plain,
}
TIMED = [Scheme.STANDARD, Scheme.STRIPE, Scheme.SLACK]


def source(scheme: Scheme, **values: Any) -> Source:
    secrets = (STANDARD if scheme is Scheme.STANDARD else SECRET,)
    return Source(
        id="mine", scheme=scheme, created_at=NOW, **{"event": "x:y", "subject": "", "secrets": secrets} | values
    )


@pytest.mark.parametrize("scheme", SIGNERS)
def test_right_signatures_are_accepted_and_no_others(scheme: Scheme) -> None:
    """Over the bytes as they came: the same JSON written otherwise, another secret, or no header is refused."""
    sign, mine = SIGNERS[scheme], source(scheme)
    assert proven(mine, sign(BODY, NOW), BODY, NOW).key
    for headers, body in (
        (sign(BODY, NOW), json.dumps(json.loads(BODY)).encode()),
        (sign(BODY, NOW), BODY + b" "),
        (sign(BODY, NOW, "another secret!"), BODY),
        ({}, BODY),
        (dict.fromkeys(sign(BODY, NOW), ""), BODY),
        ({name: f"\u00e4{value}\u0661" for name, value in sign(BODY, NOW).items()}, BODY),
    ):
        with pytest.raises(SignatureInvalid):
            proven(mine, headers, body, NOW)


@pytest.mark.parametrize("scheme", SIGNERS)
def test_signatures_are_compared_in_constant_time(scheme: Scheme, monkeypatch: pytest.MonkeyPatch) -> None:
    """How long a refusal takes tells nothing of how much of a signature was right: `==` is not asked."""
    compare, asked = hmac.compare_digest, []

    def noted(one: bytes, other: bytes) -> bool:
        asked.append(one)
        return compare(one, other)

    monkeypatch.setattr(hmac, "compare_digest", noted)
    mine, wrong = source(scheme), SIGNERS[scheme](BODY, NOW)
    with pytest.raises(SignatureInvalid):
        proven(mine, wrong, BODY + b" ", NOW)
    assert asked
    monkeypatch.setattr(hmac, "compare_digest", lambda *_: False)
    with pytest.raises(SignatureInvalid):  # nothing else lets a right one in
        proven(mine, wrong, BODY, NOW)


@pytest.mark.parametrize("scheme", TIMED)
def test_old_messages_are_refused(scheme: Scheme) -> None:
    """A right signature of six minutes ago, or of a clock that is ahead, is a replay."""
    told = SIGNERS[scheme](BODY, NOW)
    assert proven(source(scheme), told, BODY, NOW + timedelta(minutes=4))
    for minutes in (6, -6):
        with pytest.raises(SignatureInvalid, match="too old"):
            proven(source(scheme), told, BODY, NOW + timedelta(minutes=minutes))


def test_secrets_in_rotation_and_other_forms() -> None:
    """A message signed with the secret before is accepted; a plain one in Base64, in a header of its own, too."""
    mine = source(Scheme.GITHUB, secrets=("the newer secret", SECRET))
    assert proven(mine, github(BODY, NOW), BODY, NOW)
    raw = base64.b64encode(hmac.new(SECRET.encode(), BODY, hashlib.sha256).digest()).decode()
    assert proven(source(Scheme.HMAC, header="X-Mine"), {"x-mine": raw}, BODY, NOW)


def read(headers: Headers, body: bytes, event: str = "x:y", subject: str = "") -> Incoming:
    return incoming(source(Scheme.GITHUB, event=event, subject=subject), headers, body)


@pytest.mark.parametrize(
    ("template", "type"),
    [
        ("github:{header.x-github-event}", "github:pull_request"),
        ("ci:{body.action}.{body.repository.full_name}", "ci:opened.me-repo"),
        ("ci:{body.missing}", "ci:received"),
        ("ci:{body.repository}", "ci:received"),
        ("ci:{body.n}", "ci:x1.0"),
        ("{name}:done", "mine:done"),
    ],
)
def test_templates(template: str, type: str) -> None:
    """Places are filled with what came, made fit for an event's type; nothing of it can choose the noun."""
    headers = {"content-type": "application/json", "x-github-event": "pull_request"}
    assert event_of(read(headers, BODY, template)).checked().type == type
    assert event_of(read(headers, BODY, "a:b", "{body.repository.full_name}")).subject == "me/repo"


def test_bodies() -> None:
    """JSON by its type or its look, forms as objects, GitHub's form with JSON in it, anything else as text."""
    form = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
    assert read({}, b'{"a": 1}').body == {"a": 1}
    assert read(form, b"payload=%7B%22a%22%3A1%7D").body == {"a": 1}
    assert incoming(source(Scheme.SLACK), form, b"command=%2Fgo&text=now").body == {"command": "/go", "text": "now"}
    assert read({"content-type": "text/plain"}, b"hello\x00\xff").body == "hello\ufffd\ufffd"


def test_a_form_with_too_many_fields_is_malformed() -> None:
    """It is refused in words, not by a fault."""
    form = {"content-type": "application/x-www-form-urlencoded"}
    with pytest.raises(Malformed, match="200 fields"):
        read(form, b"&".join(b"f%d=1" % number for number in range(201)))


@pytest.fixture
def hub() -> Iterator[Claudia]:
    with Claudia("memory://", display="off") as claudia:
        yield claudia


@pytest.fixture
def client(hub: Claudia) -> Iterator[TestClient]:
    app = FastAPI()
    hooks.mount(app, hub)
    with TestClient(app) as made:
        yield made


def post(client: TestClient, name: str, headers: Headers, body: bytes = BODY) -> tuple[int, dict[str, Any]]:
    answer = client.post(f"/api/v1/hooks/{name}", content=body, headers={"content-type": "application/json", **headers})
    return answer.status_code, answer.json()


def types(hub: Claudia) -> list[str]:
    return [event.type for event in hub.store.events(0).events if not event.type.startswith("webhook:")]


def test_a_message_becomes_an_event_once(hub: Claudia, client: TestClient) -> None:
    """The event holds the message; the same message again is accepted and changes nothing."""
    hub.hooks.create("github", "github", [SECRET])
    now = datetime.now(UTC)
    assert post(client, "github", github(BODY, now)) == (202, {"accepted": 1, "duplicate": False})
    assert post(client, "github", github(BODY, now)) == (202, {"accepted": 0, "duplicate": True})
    (event,) = [event for event in hub.store.events(0).events if event.type == "github:pull_request"]
    assert (event.subject, event.data["body"]["action"]) == ("me/repo", "opened")
    assert SECRET not in str(hub.store.events(0).events)


def test_refusals_change_nothing(hub: Claudia, client: TestClient) -> None:
    """A wrong signature is 401, an unknown source 404, too much 413, no JSON 400: problem documents, and no event."""
    hub.hooks.create("github", "github", [SECRET])
    before, now = hub.store.head(), datetime.now(UTC)
    for name, headers, body, status, code in (
        ("github", github(BODY, now, "another secret"), BODY, 401, "signature_invalid"),
        ("nobody", github(BODY, now), BODY, 404, "not_found"),
        ("github", github(b"x" * 300_000, now), b"x" * 300_000, 413, "too_large"),
        ("github", github(b"{", now), b"{", 400, "malformed"),
    ):
        found, told = post(client, name, headers, body)
        assert (found, told["code"]) == (status, code)
    assert client.get("/api/v1/hooks/github").status_code == 405
    assert hub.store.head() == before
    figures = {figures.integration: figures for figures in hub.integrations.figures()}
    assert set(figures) == {"hook github"}, "unknown names leave no trace"
    assert figures["hook github"].errors == 2


def test_functions_map_messages(hub: Claudia, client: TestClient) -> None:
    """A function of one's own makes several events of a message, or none; one that raises is tried again later."""
    hub.hooks.create("github", "github", [SECRET])
    now = datetime.now(UTC)
    hub.hook_maps["github"] = lambda message: [NewEvent("pr:opened", message.body["action"]), NewEvent("pr:seen")]
    assert post(client, "github", github(BODY, now))[1] == {"accepted": 2, "duplicate": False}
    hub.hook_maps["github"] = lambda message: None
    other = BODY.replace(b"opened", b"closed")
    assert post(client, "github", github(other, now), other)[1] == {"accepted": 0, "duplicate": False}
    assert types(hub) == ["pr:opened", "pr:seen"]


def test_slack_asks_first(hub: Claudia, client: TestClient) -> None:
    """Slack's question is answered, when it is signed, and becomes no event."""
    hub.hooks.create("slack", "slack", [SECRET])
    body = b'{"type": "url_verification", "challenge": "abc"}'
    assert post(client, "slack", slack(body, datetime.now(UTC)), body) == (200, {"challenge": "abc"})
    assert post(client, "slack", slack(body, datetime.now(UTC), "wrong wrong"), body)[0] == 401
    assert types(hub) == []


def test_a_hub_tells_another(hub: Claudia, client: TestClient) -> None:
    """What this hub sends is what it accepts: signed with the same secret, named after the event."""
    _, secret = hub.hooks.create("hub", "standard")
    body = b'{"type": "task:failed", "subject": "42", "data": {}}'
    assert post(client, "hub", standard(body, datetime.now(UTC), secret), body)[0] == 202
    assert types(hub) == ["hub:task.failed"]


def test_sources_are_checked(hub: Claudia) -> None:
    """Names, schemes, secrets and templates that are none are refused in words; a name is there once."""
    hub.hooks.create("mine", "hmac", [SECRET])
    with pytest.raises(Conflict):
        hub.hooks.create("mine", "hmac", [SECRET])
    for name, scheme, secrets, values in (
        ("A b", "hmac", [SECRET], {}),
        ("x", "md5", [SECRET], {}),
        ("x", "hmac", [], {}),
        ("x", "hmac", ["7 chars"], {}),
        ("x", "standard", ["no whsec at all"], {}),
        ("x", "hmac", [SECRET], {"event": "task:failed"}),
        ("task", "hmac", [SECRET], {}),
        ("x", "hmac", [SECRET], {"event": "{body.type}:x"}),
        ("x", "hmac", [SECRET], {"event": "x:{body.__class__!r}{"}),
        ("x", "hmac", [SECRET], {"header": "no header"}),
    ):
        with pytest.raises(InvalidValue) as caught:
            hub.hooks.create(name, scheme, secrets, **values)
        assert not secrets or secrets[0] not in str(caught.value)
    assert SECRET not in repr(hub.hooks.list())
    hub.hooks.delete("mine")
    assert hub.hooks.list() == []


def test_what_is_old_is_forgotten(hub: Claudia, client: TestClient) -> None:
    """Messages are known again for their time only; then their traces are pruned."""
    hub.hooks.create("mine", "hmac", [SECRET])
    now = datetime.now(UTC)
    assert post(client, "mine", plain(BODY, now))[1]["accepted"] == 1
    assert hub.hooks.prune() == 0
    assert hub.hooks.prune(now + timedelta(minutes=6)) == 1
    assert post(client, "mine", plain(BODY, now))[1]["accepted"] == 1


def test_the_address_is_open() -> None:
    """Whoever posts is let in by the signature alone; everything beside it still asks for a login."""
    rules = Rules()
    assert rules.need("/api/v1/hooks/github").scope is OPEN
    assert rules.need("/api/v1/webhooks").scope is not OPEN
