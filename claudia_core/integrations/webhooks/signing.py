"""Signatures of Standard Webhooks: over `id.timestamp.body` as bytes, with each secret that is good now.

Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from datetime import datetime

from claudia_core.errors import SignatureInvalid

TOLERANCE = 300.0
"""Seconds by which a message's time may differ from ours."""


def sign(keys: Iterable[bytes], id: str, timestamp: int, body: bytes) -> str:
    """The header's value: `v1,` and a signature for each key, with a space between."""
    return " ".join(f"v1,{_signature(key, id, timestamp, body)}" for key in keys)


def headers(keys: Iterable[bytes], id: str, now: datetime, body: bytes) -> dict[str, str]:
    """The three headers of a message that is sent now."""
    timestamp = int(now.timestamp())
    return {
        "webhook-id": id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": sign(keys, id, timestamp, body),
    }


def verify(
    keys: Iterable[bytes], told: Mapping[str, str], body: bytes, now: datetime, *, tolerance: float = TOLERANCE
) -> str:
    """The id of a message that came with these headers (names in lower case) and was signed with one of the keys.

    Raises:
        SignatureInvalid: a header is missing or cannot be read, no signature is right, or it is too old or too new.
    """
    id, time = told.get("webhook-id", ""), told.get("webhook-timestamp", "")
    if not id or "." in id or not (time.isascii() and time.isdigit() and len(time) <= 12):
        raise SignatureInvalid("webhook-id or webhook-timestamp is missing or cannot be read")
    require_recent(float(time), now, tolerance)
    offered = [part[3:] for part in told.get("webhook-signature", "").split(" ")[:20] if part.startswith("v1,")]
    wanted = [_signature(key, id, int(time), body) for key in keys]
    is_good = False
    for expected in wanted:
        for signature in offered:
            is_good |= hmac.compare_digest(expected.encode(), signature.encode(errors="replace"))
    if not is_good:
        raise SignatureInvalid("the signature is not right")
    return id


def require_recent(moment: float, now: datetime, tolerance: float) -> None:
    """Refuse what was signed too long ago, and may be a replay.

    Raises:
        SignatureInvalid: the moment, in Unix seconds, is further than `tolerance` from now.
    """
    if abs(now.timestamp() - moment) > tolerance:
        raise SignatureInvalid("the message is too old, or a clock is wrong")


def _signature(key: bytes, id: str, timestamp: int, body: bytes) -> str:
    signed = b"%s.%d.%s" % (id.encode(errors="replace"), timestamp, body)
    return base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
