"""Signatures: ours are read by the reference library and its are read by us; forged, old and odd ones are refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from claudia_core.errors import InvalidValue, SignatureInvalid
from claudia_core.integrations.webhooks.signing import headers, verify
from claudia_core.model.webhook import key_of, new_secret, require_secret

BODY = '{"type":"task:completed","data":{"name":"ä", "n":1.0}}'.encode()


def now() -> datetime:
    return datetime.now(UTC)


def test_the_reference_library_reads_ours() -> None:
    """Signed with two secrets in rotation: a receiver that knows either of them accepts."""
    old, new = new_secret(), new_secret()
    told = headers([key_of(new), key_of(old)], "msg_1", now(), BODY)
    for secret in (old, new):
        assert Webhook(secret).verify(BODY, told)["data"]["name"] == "ä"
    with pytest.raises(WebhookVerificationError):
        Webhook(new_secret()).verify(BODY, told)


def test_we_read_the_reference_librarys() -> None:
    """A message signed by the library is accepted, with one of our keys or another."""
    secret, moment = new_secret(), now()
    told = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": Webhook(secret).sign("msg_1", moment, BODY.decode()),
    }
    assert verify([key_of(new_secret()), key_of(secret)], told, BODY, moment) == "msg_1"


def test_the_signature_is_over_the_bytes_that_were_sent() -> None:
    """The same JSON in other bytes is another message; so is another id or time."""
    key, moment = key_of(new_secret()), now()
    told = headers([key], "msg_1", moment, BODY)
    assert verify([key], told, BODY, moment) == "msg_1"
    changed = [
        (told, BODY.replace(b", ", b",")),
        ({**told, "webhook-id": "msg_2"}, BODY),
        ({**told, "webhook-timestamp": str(int(told["webhook-timestamp"]) + 1)}, BODY),
        ({**told, "webhook-signature": "v2," + told["webhook-signature"][3:]}, BODY),
    ]
    for forged, body in changed:
        with pytest.raises(SignatureInvalid):
            verify([key], forged, body, moment)


def test_a_replay_is_refused() -> None:
    """Five minutes later, or from a clock five minutes ahead, a right signature is not accepted."""
    key, moment = key_of(new_secret()), now()
    told = headers([key], "msg_1", moment, BODY)
    assert verify([key], told, BODY, moment + timedelta(seconds=299))
    for late in (302, -302):
        with pytest.raises(SignatureInvalid, match="too old"):
            verify([key], told, BODY, moment + timedelta(seconds=late))


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-id": ""},
        {"webhook-id": "a.1"},
        {"webhook-timestamp": "soon"},
        {"webhook-timestamp": "-1"},
        {"webhook-timestamp": "9" * 30},
        {"webhook-timestamp": "\u0661"},
        {"webhook-signature": ""},
        {"webhook-signature": "v1,"},
        {"webhook-signature": "v1,\u00e4 nonsense"},
    ],
)
def test_odd_headers_are_refused_in_words(change: dict[str, str]) -> None:
    """What cannot be read is refused as a signature, never as another error."""
    key, moment = key_of(new_secret()), now()
    with pytest.raises(SignatureInvalid):
        verify([key], headers([key], "msg_1", moment, BODY) | change, BODY, moment)


@pytest.mark.parametrize(
    "secret", ["", "whsec_", "whsec_AAAA", "AAAA" * 10, "whsec_" + "!" * 40, None, "whsec_" + "A" * 400]
)
def test_secrets_that_are_none(secret: str | None) -> None:
    """A secret has 24 to 64 bytes in Base64; a refusal does not repeat it."""
    with pytest.raises(InvalidValue) as caught:
        require_secret(secret)
    assert not secret or len(secret) < 7 or secret not in str(caught.value)
