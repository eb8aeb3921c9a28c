"""Carriers' own signatures: what they signed suppresses addresses, and nothing else is let in."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID
from fastapi import FastAPI
from fastapi.testclient import TestClient

from claudia_core import Claudia
from claudia_core.api import hooks
from claudia_core.errors import InvalidValue, SignatureInvalid
from claudia_core.integrations.webhooks.carriers import Certificates, sendgrid

TOPIC = "arn:aws:sns:eu-west-1:123456789012:bounces"
PEM = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-" + "0123456789abcdef" * 2 + ".pem"
CONFIRM = f"https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=2336412f37"
BOUNCED = {
    "notificationType": "Bounce",
    "bounce": {"bounceType": "Permanent", "bouncedRecipients": [{"emailAddress": "ann@example.org"}]},
}


@pytest.fixture
def hub() -> Iterator[Claudia]:
    with Claudia("memory://", display="off") as opened:
        yield opened


@pytest.fixture
def client(hub: Claudia) -> TestClient:
    app = FastAPI()
    hooks.mount(app, hub)
    return TestClient(app)


def suppressed(hub: Claudia) -> dict[str, str]:
    """Addresses and why."""
    return {one.id: one.reason.value for one in hub.suppressions.list().suppressions}


def test_the_vendors_example_of_sendgrid() -> None:
    """The key, signature and payload of the vendor's own library."""
    key = (
        "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+2fNNRaINXvVpiglSI8"
        "eNEc6wEA3F+g=="
    )
    raw = (
        b'[{"email":"hello@world.com","event":"dropped","reason":"Bounced Address",'
        b'"sg_event_id":"ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA",'
        b'"sg_message_id":"LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18-5F5FC76C-9.0",'
        b'"smtp-id":"<LRzXl_NHStOGhQ4kofSm_A@ismtpd0039p1iad1.sendgrid.net>","timestamp":1600112492}]\r\n'
    )
    told = {
        "x-twilio-email-event-webhook-timestamp": "1600112502",
        "x-twilio-email-event-webhook-signature": (
            "MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6ZUAiEAyBiXDWzM+uOe5W0JuG+luQAbPIqHh89M15TluLtEZtM="
        ),
    }
    then = datetime.fromtimestamp(1600112502, UTC)
    assert sendgrid([key], told, raw, then)
    with pytest.raises(SignatureInvalid):
        sendgrid([key], told, raw.replace(b"dropped", b"bounced"), then)
    with pytest.raises(SignatureInvalid):
        sendgrid([key], told, raw, then + timedelta(days=4))


def test_sendgrid(hub: Claudia, client: TestClient) -> None:
    """ECDSA over time and body; what bounced is suppressed once, and an address that is none holds up nothing."""
    private = ec.generate_private_key(ec.SECP256R1())
    public = private.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    hub.hooks.create("sendgrid", "sendgrid", [base64.b64encode(public).decode()])
    body = [
        {"event": "bounce", "email": "not an address", "reason": "x"},
        {"event": "bounce", "email": "ann@example.org", "reason": "550 no such user"},
        {"event": "spamreport", "email": "bo@example.org"}, {"event": "delivered", "email": "cy@example.org"},
    ]  # fmt: skip
    raw, moment = json.dumps(body).encode(), str(int(datetime.now(UTC).timestamp()))
    signature = base64.b64encode(private.sign(moment.encode() + raw, ec.ECDSA(hashes.SHA256()))).decode()
    told = {
        "X-Twilio-Email-Event-Webhook-Signature": signature, "X-Twilio-Email-Event-Webhook-Timestamp": moment,
        "Content-Type": "application/json",
    }  # fmt: skip

    def post(content: bytes = raw, **changed: str) -> Any:
        return client.post("/api/v1/hooks/sendgrid", content=content, headers={**told, **changed})

    other = base64.b64encode(
        ec.generate_private_key(ec.SECP256R1()).sign(moment.encode() + raw, ec.ECDSA(hashes.SHA256()))
    )
    assert post(raw.replace(b"ann", b"eve")).status_code == 401
    assert post(**{"X-Twilio-Email-Event-Webhook-Signature": other.decode()}).status_code == 401
    assert post(**{"X-Twilio-Email-Event-Webhook-Signature": "nothing"}).status_code == 401
    assert post(**{"X-Twilio-Email-Event-Webhook-Timestamp": "1600112502"}).status_code == 401
    assert suppressed(hub) == {}
    assert post().json() == {"accepted": 1, "duplicate": False}
    assert post().json() == {"accepted": 0, "duplicate": True}
    assert suppressed(hub) == {"ann@example.org": "bounce", "bo@example.org": "complaint"}


def test_mailgun(hub: Claudia, client: TestClient) -> None:
    """HMAC over time and token; a token counts once."""
    hub.hooks.create("mailgun", "mailgun", ["a signing key of theirs"])
    moment = str(int(datetime.now(UTC).timestamp()))

    def message(token: str, time: str = moment, key: bytes = b"a signing key of theirs") -> dict[str, Any]:
        signature = hmac.new(key, (time + token).encode(), hashlib.sha256).hexdigest()
        event = {"event": "complained", "recipient": f"{token}@example.org"}
        return {"signature": {"timestamp": time, "token": token, "signature": signature}, "event-data": event}

    def post(body: Any) -> Any:
        return client.post("/api/v1/hooks/mailgun", json=body)

    for bad in (message("a", key=b"another"), message("a", "1600112502"), message(""), {"signature": 1}, [], {}):
        assert post(bad).status_code == 401, bad
    assert post(message("a")).json()["accepted"] == 1
    assert post(message("a")).json()["duplicate"]
    assert suppressed(hub) == {"a@example.org": "complaint"}


class Amazon:
    """Signs as SNS does, and gives its certificate."""

    def __init__(self, days: int = 30) -> None:
        self.key = rsa.generate_private_key(65_537, 2_048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
        now = datetime.now(UTC)
        made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(self.key.public_key())
        made = made.serial_number(1).not_valid_before(now - timedelta(days=60))
        self.pem = made.not_valid_after(now + timedelta(days=days)).sign(self.key, hashes.SHA256()).public_bytes(
            serialization.Encoding.PEM
        )  # fmt: skip
        self.asked: list[str] = []

    def fetch(self, url: str) -> bytes:
        self.asked.append(url)
        return self.pem

    def message(self, version: str = "2", signs: dict[str, str] | None = None, **changed: str) -> dict[str, str]:
        body = {
            "Type": "Notification", "MessageId": "165545c9-2a5c-472c-8df2-7ff2be2b3b1b", "TopicArn": TOPIC,
            "Subject": "Bounce", "Message": json.dumps(BOUNCED),
            "Timestamp": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.000Z}",
            "SignatureVersion": version, "SigningCertURL": PEM, **changed,
        }  # fmt: skip
        names = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"]
        if body["Type"] != "Notification":
            names = ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
        signed = "".join(f"{name}\n{body[name]}\n" for name in names if name in body).encode()
        kind: Any = hashes.SHA256() if version == "2" else hashes.SHA1()
        body["Signature"] = base64.b64encode(self.key.sign(signed, padding.PKCS1v15(), kind)).decode()
        return {**body, **(signs or {})}


@pytest.fixture
def amazon(hub: Claudia) -> Amazon:
    made = Amazon()
    hub.certificates = Certificates(made.fetch)
    hub.hooks.create("ses", "sns", [TOPIC])
    return made


@pytest.mark.parametrize("version", ["1", "2"])
def test_ses_by_sns(hub: Claudia, client: TestClient, amazon: Amazon, version: str) -> None:
    """RSA over the fields that are documented; the certificate is got once. SNS sends it as plain text."""
    text = {"content-type": "text/plain; charset=UTF-8"}
    content = json.dumps(amazon.message(version))
    assert client.post("/api/v1/hooks/ses", content=content, headers=text).json()["accepted"] == 1
    assert client.post("/api/v1/hooks/ses", content=content, headers=text).json()["duplicate"]
    assert suppressed(hub) == {"ann@example.org": "bounce"}
    assert amazon.asked == [PEM]


def test_what_sns_did_not_sign(hub: Claudia, client: TestClient, amazon: Amazon) -> None:
    """Another's key, a change, another's topic, an old message, a version that is none: refused, nothing suppressed."""
    forged = [
        Amazon().message(),
        amazon.message(signs={"Message": json.dumps(BOUNCED).replace("ann", "eve")}),
        amazon.message(TopicArn="arn:aws:sns:eu-west-1:999999999999:theirs"),
        amazon.message(Timestamp="2020-01-01T00:00:00.000Z"),
        amazon.message(Timestamp="today"),
        amazon.message(signs={"SignatureVersion": "3"}),
        amazon.message(signs={"Signature": ""}),
    ]
    for body in forged:
        assert client.post("/api/v1/hooks/ses", json=body).status_code == 401, body
    assert suppressed(hub) == {}


@pytest.mark.parametrize(
    "url",
    [
        PEM.replace("https:", "http:"), PEM.replace("amazonaws.com", "amazonaws.com.evil.example"),
        PEM.replace("sns.eu-west-1", "evil.s3"), PEM.replace("sns.", "evil@sns."), PEM.replace(".com/", ".com:8443/"),
        PEM.replace("SimpleNotificationService", "other"), PEM + "?x=.pem", "https://127.0.0.1/x.pem", "https://[::1",
        "", PEM + "#x",
    ],
)  # fmt: skip
def test_certificates_come_from_amazon_alone(client: TestClient, amazon: Amazon, url: str) -> None:
    """Who sends a message cannot name another address to be called."""
    body = amazon.message(SigningCertURL=url)
    answer = client.post("/api/v1/hooks/ses", json=body)
    assert (answer.status_code, amazon.asked) == (401, [])


def test_a_certificate_whose_time_is_over(hub: Claudia, client: TestClient) -> None:
    """It proves nothing."""
    old = Amazon(days=-1)
    hub.certificates = Certificates(old.fetch)
    hub.hooks.create("ses", "sns", [TOPIC])
    assert client.post("/api/v1/hooks/ses", json=old.message()).status_code == 401


def test_a_subscription_is_confirmed(client: TestClient, amazon: Amazon) -> None:
    """Once it is verified, and at an address of SNS alone."""
    asking = {"Type": "SubscriptionConfirmation", "Token": "2336412f37", "Message": "You have chosen to subscribe"}
    confirmed = client.post("/api/v1/hooks/ses", json=amazon.message(**asking, SubscribeURL=CONFIRM))
    assert confirmed.json() == {"subscribed": True}
    assert amazon.asked == [PEM, CONFIRM]
    elsewhere = amazon.message(**asking, SubscribeURL=CONFIRM.replace("amazonaws.com", "evil.example"))
    assert client.post("/api/v1/hooks/ses", json=elsewhere).status_code == 401
    assert amazon.asked == [PEM, CONFIRM]


def test_a_certificate_that_cannot_be_had(hub: Claudia, client: TestClient, amazon: Amazon) -> None:
    """SNS is told to come again."""
    calls = hub.integration("amazon sns")

    def fail(_: str) -> bytes:
        raise OSError("no way there")

    hub.certificates = Certificates(lambda url: calls.call(lambda: fail(url), "get"))
    answer = client.post("/api/v1/hooks/ses", json=amazon.message())
    assert answer.status_code >= 500


def test_topics_are_named(hub: Claudia) -> None:
    """What is no ARN of a topic is refused."""
    with pytest.raises(InvalidValue, match="no ARN"):
        hub.hooks.create("ses", "sns", ["a secret of theirs"])
