"""Amazon SES: requests are signed as AWS documents it, and are what its API documents."""

from __future__ import annotations

import base64
import email
import email.policy
import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from claudia_core.errors import IntegrationError, MailRefused, SettingsError
from claudia_core.integrations.mail import Attachment, Mailer
from claudia_core.integrations.mail.mailer import carrier_of
from claudia_core.integrations.mail.ses import AwsKey, Ses, signed
from claudia_core.resilience.integration import Guards, Integration
from claudia_core.resilience.retry import Retry

KEY = AwsKey("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")


def test_the_signature_of_the_documentation() -> None:
    """The example of AWS's own documentation of Signature Version 4 comes out as printed there."""
    headers = signed(
        "GET",
        "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08",
        {"content-type": "application/x-www-form-urlencoded; charset=utf-8"},
        b"",
        KEY,
        "us-east-1",
        "iam",
        datetime(2015, 8, 30, 12, 36, tzinfo=UTC),
    )
    assert headers["authorization"] == (
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, "
        "SignedHeaders=content-type;host;x-amz-date, "
        "Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
    )


def test_the_signature_of_the_vendors_package() -> None:
    """A request to SES with a temporary key is signed as botocore 1.44.8 did, whose result is written here."""
    headers = signed(
        "POST",
        "https://email.eu-west-1.amazonaws.com/v2/email/outbound-emails",
        {"content-type": "application/json"},
        b'{"a":1}',
        AwsKey("AKIDEXAMPLE", "secret", "token"),
        "eu-west-1",
        "ses",
        datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    )
    assert headers["authorization"].endswith(
        "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token, "
        "Signature=5b3eb93b0eb439e784de34daa1a3f8b63b43dc77000fd48888767b79a126edc9"
    )
    assert headers["x-amz-security-token"] == "token"


class _Handler(http.server.BaseHTTPRequestHandler):
    answers: list[int]
    asked: list[dict[str, Any]]

    def do_POST(self) -> None:
        """Answer as SES does: 400 for what is malformed, 403 for a signature that is not right."""
        body = self.rfile.read(int(self.headers["content-length"]))
        status = self.answers.pop(0) if self.answers else self._status(body)
        self.asked.append(json.loads(body))
        text = b'{"MessageId":"ses-1"}' if status == 200 else b'{"message":"no"}'
        self.send_response(status)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def _status(self, body: bytes) -> int:
        told = json.loads(body)
        is_whole = set(told) == {"FromEmailAddress", "Destination", "Content"} and set(told["Content"]) == {"Raw"}
        if self.path != "/v2/email/outbound-emails" or not is_whole:
            return 400
        time = datetime.strptime(self.headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        url = f"http://{self.headers['host']}{self.path}"
        given = {"content-type": self.headers["content-type"]}
        right = signed("POST", url, given, body, KEY, "eu-west-1", "ses", time)
        return 200 if self.headers["authorization"] == right["authorization"] else 403

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def service(*answers: int) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A fake of SES on loopback: its address, and what it was asked."""
    asked: list[dict[str, Any]] = []
    handler = type("Handler", (_Handler,), {"answers": list(answers), "asked": asked})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def mailer(url: str, key: AwsKey = KEY) -> Mailer:
    guards = Guards(retry=Retry(initial=0.0, jitter=0.0))
    return Mailer(Ses("eu-west-1", key, base_url=url), "Hub <hub@example.org>", Integration("mail", guards))


def test_a_message_arrives_whole() -> None:
    """Receivers without their names, the message as RFC 5322 has it, the attachment in it; throttling is retried."""
    with service(429) as (url, asked):
        attachment = Attachment("report.html", b"<p>all well</p>", "text/html")
        id = mailer(url).send("Ann <ann@example.org>", "Größe", "plain", html="<b>x</b>", attachments=[attachment])
    assert (id, len(asked)) == ("ses-1", 2)
    assert asked[1]["FromEmailAddress"] == "Hub <hub@example.org>"
    assert asked[1]["Destination"] == {"ToAddresses": ["ann@example.org"]}
    raw = base64.b64decode(asked[1]["Content"]["Raw"]["Data"])
    got = email.message_from_bytes(raw, policy=email.policy.default)
    (attached,) = got.iter_attachments()
    assert (got["subject"], got["to"], attached.get_content().strip()) == (
        "Größe",
        "Ann <ann@example.org>",
        "<p>all well</p>",
    )


def test_a_wrong_key_is_refused_for_good() -> None:
    """403 is not tried again, 503 is, and neither tells the key."""
    with service() as (url, asked):
        with pytest.raises(MailRefused) as caught:
            mailer(url, AwsKey("AKIDEXAMPLE", "wrong-secret")).send("ann@example.org", "s", "t")
        assert len(asked) == 1
    assert "wrong-secret" not in f"{caught.value}{KEY!r}"
    with service(503, 503, 503) as (url, asked):
        with pytest.raises(IntegrationError):
            mailer(url).send("ann@example.org", "s", "t")
        assert len(asked) == 3


def test_where_the_key_comes_from(monkeypatch: pytest.MonkeyPatch) -> None:
    """From the setting, or from AWS's own variables; without any, a sentence says what to set."""
    assert isinstance(carrier_of("ses://AKID:se%2Fcret@eu-west-1"), Ses)
    monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)
    with pytest.raises(SettingsError, match="AWS_ACCESS_KEY_ID"):
        carrier_of("ses://eu-west-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKID")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    assert isinstance(carrier_of("ses://eu-west-1"), Ses)
