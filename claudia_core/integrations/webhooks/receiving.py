"""Messages from elsewhere: their signatures, over the bytes that came, and what they become.

Sources: Standard Webhooks; GitHub "Validating webhook deliveries"; Stripe "Verify webhook signatures manually"; Slack
"Verifying requests from Slack". Every comparison takes the same time wherever it differs.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import orjson

from claudia_core.errors import Malformed, SignatureInvalid
from claudia_core.integrations.webhooks import carriers
from claudia_core.integrations.webhooks.carriers import Certificates
from claudia_core.integrations.webhooks.signing import TOLERANCE, require_recent, verify
from claudia_core.model.source import PLACE, Scheme, Source
from claudia_core.model.values import clean_text
from claudia_core.model.webhook import key_of
from claudia_core.services.events import NewEvent

DAYS = 3 * 86_400.0
"""Seconds for which a message is known again where its signature does not grow old."""

MOST_FIELDS = 200


@dataclass(frozen=True, slots=True)
class Incoming:
    """A message whose signature was right.

    `body` is its JSON (of a form, an object of texts; else a text); `headers` have lower-case names.
    """

    source: Source
    headers: Mapping[str, str]
    raw: bytes
    body: Any


class Proof(NamedTuple):
    """What a right signature tells: a key by which the message is known again, and for how many seconds."""

    key: str
    seconds: float


type Verifier = Callable[[Source, Mapping[str, str], bytes, datetime], Proof]


def proven(
    source: Source,
    headers: Mapping[str, str],
    raw: bytes,
    now: datetime,
    certificates: Callable[[], Certificates] | None = None,
) -> Proof:
    """What the signature of a message tells; `certificates` are those of Amazon SNS, which no other scheme asks for.

    Raises:
        SignatureInvalid: it is missing, wrong or too old.
        IntegrationError: a certificate cannot be had now.
    """
    if source.scheme is Scheme.SNS and certificates is not None:
        return Proof(carriers.sns(source.secrets, raw, now, certificates()), carriers.AGE)
    return VERIFIERS[source.scheme](source, headers, raw, now)


def incoming(source: Source, headers: Mapping[str, str], raw: bytes) -> Incoming:
    """The message, read.

    Raises:
        Malformed: it says that it is JSON, and is not; or it is a form with over 200 fields.
    """
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded":
        body: Any = _form(raw)
        if source.scheme is Scheme.GITHUB and "payload" in body:
            body = _json(body["payload"].encode())
        return Incoming(source, headers, raw, body)
    if kind == "application/json" or kind.endswith("+json") or raw[:1] in (b"{", b"["):
        return Incoming(source, headers, raw, _json(raw))
    return Incoming(source, headers, raw, clean_text(raw.decode(errors="replace"), 100_000))


def event_of(message: Incoming) -> NewEvent:
    """The event of a message, by its source's templates. What is missing leaves the event's verb `received`."""
    noun, _, verb = _filled(message.source.event, message).partition(":")
    word = re.sub(r"[^a-z0-9_.-]+", "-", verb.lower().replace(":", ".")).strip("-.")[:60]
    if not word[:1].isalpha():
        word = f"x{word}" if word else "received"
    subject = clean_text(_filled(message.source.subject, message), 200, "subject")
    return NewEvent(f"{noun}:{word}", subject, {"source": message.source.id, "body": message.body})


def _filled(template: str, message: Incoming) -> str:
    return PLACE.sub(lambda place: _value(place[1], message), template)


def _value(place: str, message: Incoming) -> str:
    kind, _, path = place.partition(".")
    if kind == "name":
        return message.source.id
    if kind == "header":
        return message.headers.get(path.lower(), "")
    found: Any = message.body
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return str(found) if isinstance(found, str | int | float) else ""


def _form(raw: bytes) -> dict[str, str]:
    try:
        return dict(parse_qsl(raw.decode(errors="replace"), max_num_fields=MOST_FIELDS))
    except ValueError as error:
        raise Malformed(f"the form has over {MOST_FIELDS} fields", field="body") from error


def _json(raw: bytes) -> Any:
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise Malformed(f"the body is no JSON: {error}", field="body") from error


def _standard(source: Source, headers: Mapping[str, str], raw: bytes, now: datetime) -> Proof:
    return Proof(verify([key_of(secret) for secret in source.secrets], headers, raw, now), DAYS)


def _github(source: Source, headers: Mapping[str, str], raw: bytes, _: datetime) -> Proof:
    """No time is signed: a replay is known by its body."""
    told = headers.get("x-hub-signature-256", "")
    _require_one(source, raw, [told.removeprefix("sha256=")] if told.startswith("sha256=") else [])
    return Proof(_digest(raw), DAYS)


def _stripe(source: Source, headers: Mapping[str, str], raw: bytes, now: datetime) -> Proof:
    pairs = [part.strip().partition("=") for part in headers.get("stripe-signature", "").split(",")[:20]]
    times = [value for name, _, value in pairs if name == "t"]
    time = _recent(times[0] if len(times) == 1 else "", now)
    _require_one(source, time.encode() + b"." + raw, [value for name, _, value in pairs if name == "v1"])
    return Proof(_digest(raw), DAYS)


def _slack(source: Source, headers: Mapping[str, str], raw: bytes, now: datetime) -> Proof:
    time = _recent(headers.get("x-slack-request-timestamp", ""), now)
    told = headers.get("x-slack-signature", "")
    signed = b"v0:" + time.encode() + b":" + raw
    _require_one(source, signed, [told.removeprefix("v0=")] if told.startswith("v0=") else [])
    return Proof(_digest(raw), DAYS)


def _hmac(source: Source, headers: Mapping[str, str], raw: bytes, _: datetime) -> Proof:
    """Nothing but the body is signed: the same body counts as a replay for a few minutes, then as a new message."""
    told = headers.get(source.header.lower(), "").removeprefix("sha256=")
    _require_one(source, raw, [told])
    return Proof(_digest(raw), TOLERANCE)


def _sendgrid(source: Source, headers: Mapping[str, str], raw: bytes, now: datetime) -> Proof:
    return Proof(carriers.sendgrid(source.secrets, headers, raw, now), carriers.AGE)


def _mailgun(source: Source, headers: Mapping[str, str], raw: bytes, now: datetime) -> Proof:
    return Proof(carriers.mailgun(source.secrets, headers, raw, now), carriers.AGE)


def _unproven(*_: object) -> Proof:
    raise SignatureInvalid("there are no certificates to prove it by")


VERIFIERS: Mapping[Scheme, Verifier] = {
    Scheme.STANDARD: _standard,
    Scheme.GITHUB: _github,
    Scheme.STRIPE: _stripe,
    Scheme.SLACK: _slack,
    Scheme.HMAC: _hmac,
    Scheme.SENDGRID: _sendgrid,
    Scheme.MAILGUN: _mailgun,
    Scheme.SNS: _unproven,
}


def _require_one(source: Source, signed: bytes, offered: Iterable[str]) -> None:
    """Refuse where no secret gives one of the signatures, in hex or in Base64."""
    digests = [hmac.new(secret.encode(), signed, hashlib.sha256).digest() for secret in source.secrets]
    wanted = [form for digest in digests for form in (digest.hex().encode(), base64.b64encode(digest))]
    is_good = False
    for signature in offered:
        told = signature.encode(errors="replace")
        for form in wanted:
            is_good |= hmac.compare_digest(told, form)
    if not is_good:
        raise SignatureInvalid("the signature is missing or not right")


def _recent(time: str, now: datetime) -> str:
    if not (time.isascii() and time.isdigit() and len(time) <= 12):
        raise SignatureInvalid("the time is missing or cannot be read")
    require_recent(float(time), now, TOLERANCE)
    return time


def _digest(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()
