"""Addresses that nothing is sent to: added by hand and by what carriers tell; seen before anything is sent."""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import pytest

from claudia_core import Claudia
from claudia_core.errors import InvalidValue, MailRefused
from claudia_core.integrations.mail.bounces import bounces_of, hook_map
from claudia_core.integrations.webhooks.receiving import Incoming
from claudia_core.model.suppression import SuppressionReason

BOUNCE, COMPLAINT = SuppressionReason.BOUNCE, SuppressionReason.COMPLAINT
SES = {
    "notificationType": "Bounce",
    "bounce": {
        "bounceType": "Permanent",
        "bouncedRecipients": [{"emailAddress": "a@x.org", "diagnosticCode": "smtp; 550 unknown"}],
    },
}


def test_nothing_is_sent_to_them(tmp_path: Path) -> None:
    """A message with one such receiver is refused, with the address and the reason, and goes to nobody; by name and in
    capitals, too. Taken off the list, the address gets mail again."""
    with Claudia("memory://", display="off", mail_url=f"file://{tmp_path}") as claudia:
        claudia.suppressions.add("Ann@Example.org", "bounce", "550 no such user")
        for to in ("ann@example.org", ["bob@example.org", "Ann <ANN@example.org>"]):
            with pytest.raises(MailRefused, match=r"(?i)ann.*bounce of"):
                claudia.mail.send(to, "s", "t")
        assert list(tmp_path.iterdir()) == []
        claudia.suppressions.remove("ann@example.org")
        claudia.mail.send("ann@example.org", "s", "t")
        assert len(list(tmp_path.iterdir())) == 1
        told = str([event.data for event in claudia.store.events(0).events]).lower()
        assert "ann" not in told, "events are for every viewer"


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ([{"event": "bounce", "email": "a@x.org", "reason": "550"}], [("a@x.org", BOUNCE, "550")]),
        ([{"event": "bounce", "type": "blocked", "email": "a@x.org"}, {"event": "open", "email": "b@x.org"}], []),
        ([{"event": "spamreport", "email": "a@x.org"}], [("a@x.org", COMPLAINT, "")]),
        (
            {
                "event-data": {
                    "event": "failed",
                    "severity": "permanent",
                    "recipient": "a@x.org",
                    "delivery-status": {"message": "no"},
                }
            },
            [("a@x.org", BOUNCE, "no")],
        ),
        ({"event-data": {"event": "failed", "severity": "temporary", "recipient": "a@x.org"}}, []),
        ({"event-data": {"event": "complained", "recipient": "a@x.org"}}, [("a@x.org", COMPLAINT, "")]),
        (SES, [("a@x.org", BOUNCE, "smtp; 550 unknown")]),
        ({"Type": "Notification", "Message": json.dumps(SES)}, [("a@x.org", BOUNCE, "smtp; 550 unknown")]),
        ({**SES, "bounce": {**SES["bounce"], "bounceType": "Transient"}}, []),  # type: ignore[dict-item]
        (
            {"eventType": "Complaint", "complaint": {"complainedRecipients": [{"emailAddress": "a@x.org"}]}},
            [("a@x.org", COMPLAINT, "")],
        ),
        ({"Message": "not json"}, []),
        ({"Message": "[1]"}, []),
        ("text", []),
        ([1, None, {"event": "bounce"}], []),
    ],
)
def test_what_carriers_tell(body: Any, found: list[Any]) -> None:
    """SendGrid's, Mailgun's and SES's messages as documented; the rest is left out."""
    assert bounces_of(body) == found


def test_by_a_hook(tmp_path: Path) -> None:
    """A source whose map is `hook_map` suppresses what its signed messages tell."""
    with Claudia("memory://", display="off", mail_url=f"file://{tmp_path}") as claudia:
        source, _ = claudia.hooks.create("ses", "hmac", ["a secret of theirs"])
        claudia.hook_maps["ses"] = hook_map(claudia.suppressions)
        raw = json.dumps(SES).encode()
        assert hmac.new(b"a secret of theirs", raw, hashlib.sha256).hexdigest()
        claudia.hook_maps["ses"](Incoming(source, {}, raw, SES))
        (kept,) = claudia.suppressions.list().suppressions
        assert (kept.id, kept.reason, kept.note) == ("a@x.org", BOUNCE, "smtp; 550 unknown")


def test_an_address_that_is_none() -> None:
    """What is no address cannot be suppressed."""
    with Claudia("memory://", display="off") as claudia, pytest.raises(InvalidValue):
        claudia.suppressions.add("nobody")
