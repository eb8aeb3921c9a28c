"""Signatures of services that carry mail: SendGrid, Mailgun, and Amazon SES by way of SNS.

Sources: https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features,
https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/securing-webhooks,
https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import orjson

from claudia_core.errors import MissingExtra, SignatureInvalid
from claudia_core.integrations.webhooks.signing import require_recent

AGE = 3 * 86_400.0
"""Seconds for which a message may be under way, and is known again: carriers try for hours, with the first time."""

DAY = 86_400.0
MOST_CERTIFICATES = 20
SNS_HOST = re.compile(r"sns\.[a-z]{2}(?:-[a-z]+)+-\d\.amazonaws\.com(?:\.cn)?")
SNS_PATH = re.compile(r"/SimpleNotificationService-[0-9a-f]{32}\.pem")
SIGNED = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
SIGNED_ASKING = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")

type Fetch = Callable[[str], bytes]
"""Gets what is behind an address of Amazon SNS, which was checked to be one."""


def sendgrid(keys: Sequence[str], headers: Mapping[str, str], raw: bytes, now: datetime) -> str:
    """What a message of SendGrid's event webhook is known by; `keys` are its verification keys (ECDSA, P-256).

    Raises:
        SignatureInvalid: the signature is missing or not right, or too old.
    """
    moment = headers.get("x-twilio-email-event-webhook-timestamp", "")
    signature = _bytes(headers.get("x-twilio-email-event-webhook-signature", ""))
    _require_age(moment, now)
    if not any(_is_by(key, signature, moment.encode() + raw) for key in keys):
        raise SignatureInvalid("the signature is missing or not right")
    return hashlib.sha256(moment.encode() + raw).hexdigest()


def mailgun(keys: Sequence[str], _: Mapping[str, str], raw: bytes, now: datetime) -> str:
    """What a message of Mailgun is known by; `keys` are HTTP webhook signing keys.

    Mailgun signs a time and a token, and not the rest: who saw a message could post another with its token, once
    and only before the real one.

    Raises:
        SignatureInvalid: as `sendgrid`.
    """
    told = _object(raw).get("signature")
    found = told if isinstance(told, dict) else {}
    moment, token, signature = (str(found.get(name, "")) for name in ("timestamp", "token", "signature"))
    _require_age(moment, now)
    is_good = False
    for key in keys:
        wanted = hmac.new(key.encode(), f"{moment}{token}".encode(), hashlib.sha256).hexdigest()
        is_good |= hmac.compare_digest(wanted.encode(), signature.encode(errors="replace"))
    if not is_good or not token:
        raise SignatureInvalid("the signature is missing or not right")
    return hashlib.sha256(token.encode()).hexdigest()


def sns(topics: Sequence[str], raw: bytes, now: datetime, certificates: Certificates) -> str:
    """What a message of Amazon SNS is known by. Everybody can have SNS sign: only these `topics` (ARNs) count.

    Raises:
        SignatureInvalid: as `sendgrid`; also where the topic, or the certificate's address, is another.
        IntegrationError and its kinds: the certificate cannot be had now.
    """
    body = _object(raw)
    if body.get("TopicArn") not in topics:
        raise SignatureInvalid("the message is of another topic")
    try:
        moment = datetime.fromisoformat(str(body.get("Timestamp"))).timestamp()
    except ValueError as error:
        raise SignatureInvalid("the time is missing or cannot be read") from error
    require_recent(moment, now, AGE)
    names = SIGNED if body.get("Type") == "Notification" else SIGNED_ASKING
    signed = "".join(f"{name}\n{body[name]}\n" for name in names if isinstance(body.get(name), str))
    version, signature = str(body.get("SignatureVersion")), _bytes(str(body.get("Signature", "")))
    certificates.require(str(body.get("SigningCertURL", "")), signature, signed.encode(), version, now)
    return hashlib.sha256(str(body.get("MessageId")).encode()).hexdigest()


class Certificates:
    """The certificates that SNS signs with, kept for a day; got from addresses of SNS alone.

    Args:
        fetch: gets one.
    """

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._kept: dict[str, tuple[float, Any]] = {}
        self._lock = threading.Lock()

    def require(self, url: str, signature: bytes, signed: bytes, version: str, now: datetime) -> None:
        """Refuse what the certificate at that address did not sign.

        Raises:
            SignatureInvalid: it did not, or it is no certificate of SNS that counts now.
        """
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import padding, rsa

        require_sns(url, SNS_PATH, asks=False)
        certificate = self._of(url)
        key = certificate.public_key()
        counts = certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc
        if not isinstance(key, rsa.RSAPublicKey) or version not in ("1", "2") or not counts:
            raise SignatureInvalid("the certificate does not count")
        kind: Any = hashes.SHA256() if version == "2" else hashes.SHA1()  # noqa: S303 - version 1 is SNS's default
        try:
            key.verify(signature, signed, padding.PKCS1v15(), kind)
        except InvalidSignature as error:
            raise SignatureInvalid("the signature is missing or not right") from error

    def confirm(self, url: str) -> None:
        """Tell SNS that the subscription is wanted, by the address in a message that was verified."""
        require_sns(url, re.compile(r"/"), asks=True)
        self._fetch(url)

    def _of(self, url: str) -> Any:
        from cryptography.x509 import load_pem_x509_certificate

        with self._lock:
            until, found = self._kept.get(url, (0.0, None))
            if time.monotonic() < until:
                return found
        try:
            found = load_pem_x509_certificate(self._fetch(url))
        except ValueError as error:
            raise SignatureInvalid("there is no certificate at its address") from error
        with self._lock:
            if len(self._kept) >= MOST_CERTIFICATES:
                self._kept.clear()
            self._kept[url] = (time.monotonic() + DAY, found)
        return found


def require_sns(url: str, path: re.Pattern[str], *, asks: bool) -> None:
    """Refuse an address that is none of Amazon SNS; `asks` tells whether it may have a query.

    Raises:
        SignatureInvalid: it is another.
    """
    try:
        parts = urlsplit(url)
        plain = parts.scheme == "https" and parts.port is None and "@" not in parts.netloc and parts.netloc.islower()
    except ValueError:
        plain = False
    if (
        not plain
        or parts.fragment
        or (parts.query and not asks)
        or not SNS_HOST.fullmatch(parts.netloc)
        or not path.fullmatch(parts.path)
    ):
        raise SignatureInvalid("the address is none of Amazon SNS")


def _is_by(key: str, signature: bytes, signed: bytes) -> bool:
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.serialization import load_der_public_key
    except ImportError as error:
        hint = "pip install 'claudia-core[auth]'"
        raise MissingExtra("signatures of SendGrid need cryptography", hint=hint) from error
    try:
        public = load_der_public_key(_bytes(key))
        if not isinstance(public, ec.EllipticCurvePublicKey):
            return False
        public.verify(signature, signed, ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, ValueError):
        return False
    return True


def _require_age(moment: str, now: datetime) -> None:
    if not (moment.isascii() and moment.isdigit() and len(moment) <= 12):
        raise SignatureInvalid("the time is missing or cannot be read")
    require_recent(float(moment), now, AGE)


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _object(raw: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(raw)
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise SignatureInvalid("there is no signature in the body")
    return found
