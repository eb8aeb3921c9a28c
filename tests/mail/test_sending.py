"""Mail over real SMTP, and to services whose requests are held against their documented form."""

from __future__ import annotations

import base64
import email
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from aiosmtpd.controller import Controller

from claudia_core import Claudia
from claudia_core.errors import IntegrationError, InvalidValue, MailRefused, SettingsError, TooLarge
from claudia_core.integrations.mail import Attachment, Mailer, Message
from claudia_core.integrations.mail.carriers import Carrier, Mailgun, SendGrid, Smtp
from claudia_core.integrations.mail.mailer import carrier_of
from claudia_core.resilience.integration import Guards, Integration
from claudia_core.resilience.retry import Retry

REPORT = Attachment("report.html", b"<p>all well</p>", "text/html")
FAST = Guards(retry=Retry(initial=0.0, jitter=0.0))


class Inbox:
    """What an SMTP server took; `answers` are given first."""

    def __init__(self) -> None:
        self.taken: list[Any] = []
        self.answers: list[str] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - the name it calls
        if self.answers:
            return self.answers.pop(0)
        self.taken.append(envelope)
        return "250 OK"


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
def smtp(inbox: Inbox) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(inbox, hostname="127.0.0.1", port=port)
    controller.start()
    yield port
    controller.stop()


def mailer(carrier: Carrier) -> Mailer:
    return Mailer(carrier, "Claudia <claudia@example.org>", Integration("mail", FAST))


def message(**values: Any) -> Message:
    return Message(**{"sender": "a@example.org", "to": ("b@example.org",), "subject": "s", "text": "t"} | values)


def test_smtp(smtp: int, inbox: Inbox) -> None:
    """Text, HTML and an attachment arrive as one message; so does a template."""
    mine = mailer(Smtp("127.0.0.1", smtp))
    assert mine.send(["ann@example.org", "bob@example.org"], "Größe", "plain", html="<b>rich</b>", attachments=[REPORT])
    data = {"userName": "Ann", "taskName": "<b>", "duration": "1 s", "result": "ok"}
    mine.send_template("ann@example.org", "task_completed", data)
    first, second = (email.message_from_bytes(one.content, policy=email.policy.default) for one in inbox.taken)
    assert inbox.taken[0].rcpt_tos == ["ann@example.org", "bob@example.org"]
    assert (first["subject"], first["from"]) == ("Größe", "Claudia <claudia@example.org>")
    assert first["message-id"].endswith("@example.org>")
    assert [part.get_content_type() for part in first.walk()] == [
        "multipart/mixed", "multipart/alternative", "text/plain", "text/html", "text/html",
    ]  # fmt: skip
    (attached,) = first.iter_attachments()
    assert (attached.get_filename(), attached.get_content().strip()) == ("report.html", "<p>all well</p>")
    assert "&lt;b&gt;" in second.get_body(("html",)).get_content()


def test_smtp_that_is_busy_or_refuses(smtp: int, inbox: Inbox) -> None:
    """A 4xx is tried again; a 5xx is final; no server at all fails in words, after all attempts."""
    mine = mailer(Smtp("127.0.0.1", smtp))
    inbox.answers = ["451 busy"]
    mine.send("ann@example.org", "s", "t")
    assert len(inbox.taken) == 1
    inbox.answers = ["550 no", "250 never asked"]
    with pytest.raises(MailRefused, match="550"):
        mine.send("ann@example.org", "s", "t")
    assert inbox.answers == ["250 never asked"]
    with pytest.raises(IntegrationError, match="mail failed"):
        mailer(Smtp("127.0.0.1", 1)).send("ann@example.org", "s", "t")


def service(*statuses: int) -> tuple[httpx2.Client, list[httpx2.Request]]:
    """A client whose requests are kept, answered with these statuses and then with 202."""
    left, asked = list(statuses), []

    def answer(request: httpx2.Request) -> httpx2.Response:
        request.read()
        asked.append(request)
        status = left.pop(0) if left else 202
        return httpx2.Response(status, headers={"x-message-id": "sg-1"}, json={"id": "<mg-1>", "message": "Queued."})

    return httpx2.Client(transport=httpx2.MockTransport(answer)), asked


def test_sendgrid() -> None:
    """The request is that of its documentation; 503 is tried again, 401 is not, and the key is not told."""
    client, asked = service(503)
    mine = mailer(SendGrid("SG.key", client=client))
    assert mine.send("Ann <ann@example.org>", "Hi", "plain", html="<b>x</b>", attachments=[REPORT]) == "sg-1"
    assert len(asked) == 2
    assert str(asked[1].url) == "https://api.sendgrid.com/v3/mail/send"
    assert asked[1].headers["authorization"] == "Bearer SG.key"
    assert json.loads(asked[1].content) == {
        "personalizations": [{"to": [{"email": "ann@example.org", "name": "Ann"}]}],
        "from": {"email": "claudia@example.org", "name": "Claudia"},
        "subject": "Hi",
        "content": [{"type": "text/plain", "value": "plain"}, {"type": "text/html", "value": "<b>x</b>"}],
        "attachments": [
            {
                "content": base64.b64encode(REPORT.data).decode(),
                "filename": "report.html",
                "type": "text/html",
                "disposition": "attachment",
            }
        ],
    }
    client, asked = service(401)
    with pytest.raises(MailRefused) as caught:
        mailer(SendGrid("SG.key", client=client)).send("ann@example.org", "Hi", "plain")
    assert len(asked) == 1
    assert "SG.key" not in str(caught.value)


def test_mailgun() -> None:
    """A form with basic authentication, each receiver a field of its own, files beside it."""
    client, asked = service()
    mine = mailer(Mailgun("key", "mg.example.org", client=client))
    assert mine.send(["ann@example.org", "bob@example.org"], "Hi", "plain", attachments=[REPORT]) == "<mg-1>"
    (request,) = asked
    assert str(request.url) == "https://api.mailgun.net/v3/mg.example.org/messages"
    assert base64.b64decode(request.headers["authorization"].removeprefix("Basic ")) == b"api:key"
    body = request.content.decode()
    assert body.count('name="to"') == 2
    assert 'name="attachment"; filename="report.html"' in body
    assert 'name="from"\r\n\r\nClaudia <claudia@example.org>' in body


@pytest.mark.parametrize(
    "values",
    [
        {"to": ()},
        {"to": ("nobody",)},
        {"to": ("a@example.org\r\nBcc: all@example.org",)},
        {"to": ("a@example.org, b@example.org",)},
        {"to": ("a@x.org",) * 101},
        {"sender": "a@"},
        {"subject": "Hi\nBcc: all@example.org"},
        {"attachments": (Attachment("../evil", b""),)},
    ],
)
def test_messages_that_are_none(values: dict[str, Any]) -> None:
    """Nothing can become another header, another receiver or another path."""
    with pytest.raises(InvalidValue):
        message(**values)


def test_attachments_are_bounded() -> None:
    """Ten megabytes in all."""
    with pytest.raises(TooLarge):
        message(attachments=(Attachment("x", b"x" * 10_000_001),))


def test_into_a_folder(tmp_path: Path) -> None:
    """In development, mail is looked at instead of sent: by the hub's own settings."""
    with Claudia("memory://", display="off", mail_url=f"file://{tmp_path}", mail_from="hub@example.org") as claudia:
        id = claudia.mail.send("ann@example.org", "Hi", "plain")
        figures = claudia.integration("mail").figures
    assert b"Subject: Hi" in (tmp_path / f"{id}.eml").read_bytes()
    assert figures.successes == 1


def test_a_report_is_attached(tmp_path: Path) -> None:
    """What happened in a period goes along as one HTML file, and its chart as a picture."""
    with Claudia("memory://", display="off", mail_url=f"file://{tmp_path}", mail_from="hub@example.org") as claudia:
        claudia.tasks.fail(claudia.tasks.create("night <run>", start=True).id, "no rows")
        claudia.flush()
        id = claudia.mail_report("ann@example.org", since="1h")
    got = email.message_from_bytes((tmp_path / f"{id}.eml").read_bytes(), policy=email.policy.default)
    attached, drawn = got.iter_attachments()
    assert got.get_body(("plain",)).get_content().strip() == "What happened in the last 1h is attached."
    assert (attached.get_filename(), attached.get_content_type()) == ("claudia-report.html", "text/html")
    assert "night &lt;run&gt;" in attached.get_content()
    assert (drawn.get_filename(), drawn.get_content_type()) == ("claudia-throughput.png", "image/png")
    assert drawn.get_content().startswith(b"\x89PNG")


def test_settings_that_name_nobody() -> None:
    """Say what would be right, and never what was given: it holds a password."""
    for url in ("pop://host", "smtp://", "sendgrid://", "mailgun://key", "smtp://u:hunter2@host:port"):
        with pytest.raises(SettingsError) as caught:
            carrier_of(url)
        assert "hunter2" not in str(caught.value)
    with Claudia("memory://", display="off") as claudia, pytest.raises(SettingsError, match="CLAUDIA_MAIL_URL"):
        _ = claudia.mail
