"""What carriers of mail tell about messages that came back or were complained about.

Sources: https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event,
https://documentation.mailgun.com/docs/mailgun/user-manual/events/webhooks,
https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, NamedTuple

import orjson

from claudia_core.errors import InvalidValue
from claudia_core.integrations.webhooks.receiving import Incoming
from claudia_core.model.suppression import SuppressionReason
from claudia_core.services.events import NewEvent
from claudia_core.services.suppressions import Suppressions

MOST = 1_000
SENDGRID = {"bounce": SuppressionReason.BOUNCE, "spamreport": SuppressionReason.COMPLAINT}


class Bounce(NamedTuple):
    """An address that is to get no more mail, why, and what was said."""

    address: str
    reason: SuppressionReason
    note: str


def bounces_of(body: Any) -> list[Bounce]:
    """The addresses that a message of SendGrid, Mailgun or SES (also as SNS passes it on) tells for good.

    What may pass, such as a full mailbox, is not among them.
    """
    found = [*_sendgrid(body), *_mailgun(body), *_ses(body)]
    return found[:MOST]


def hook_map(suppressions: Suppressions) -> Callable[[Incoming], NewEvent | None]:
    """Suppresses what a source's messages tell, and makes one event of each; the usual map of carriers' sources.

    What a carrier names that is no address is left out: there is nobody to suppress, and nobody to ask again.
    """

    def take(message: Incoming) -> NewEvent | None:
        found = bounces_of(message.body)
        for bounce in found:
            with suppress(InvalidValue):
                suppressions.add(*bounce)
        return NewEvent("bounces:told", message.source.id, {"addresses": len(found)}) if found else None

    return take


def _sendgrid(body: Any) -> Iterator[Bounce]:
    for event in body if isinstance(body, list) else ():
        kind = event.get("event") if isinstance(event, dict) else None
        if kind in SENDGRID and event.get("type") != "blocked" and isinstance(event.get("email"), str):
            yield Bounce(event["email"], SENDGRID[kind], str(event.get("reason", ""))[:500])


def _mailgun(body: Any) -> Iterator[Bounce]:
    event = body.get("event-data") if isinstance(body, dict) else None
    if not isinstance(event, dict) or not isinstance(event.get("recipient"), str):
        return
    if event.get("event") == "failed" and event.get("severity") == "permanent":
        status = event.get("delivery-status")
        said = status.get("message", "") if isinstance(status, dict) else ""
        yield Bounce(event["recipient"], SuppressionReason.BOUNCE, str(said)[:500])
    elif event.get("event") == "complained":
        yield Bounce(event["recipient"], SuppressionReason.COMPLAINT, "")


def _ses(body: Any) -> Iterator[Bounce]:
    told: Any = body if isinstance(body, dict) else {}
    if isinstance(told.get("Message"), str):
        try:
            told = orjson.loads(told["Message"])
        except orjson.JSONDecodeError:
            return
    if not isinstance(told, dict):
        return
    kind = told.get("notificationType") or told.get("eventType")
    bounce, complaint = told.get("bounce"), told.get("complaint")
    if kind == "Bounce" and isinstance(bounce, dict) and bounce.get("bounceType") == "Permanent":
        yield from _receivers(bounce.get("bouncedRecipients"), SuppressionReason.BOUNCE)
    elif kind == "Complaint" and isinstance(complaint, dict):
        yield from _receivers(complaint.get("complainedRecipients"), SuppressionReason.COMPLAINT)


def _receivers(found: Any, reason: SuppressionReason) -> Iterator[Bounce]:
    for receiver in found if isinstance(found, list) else ():
        if isinstance(receiver, dict) and isinstance(receiver.get("emailAddress"), str):
            yield Bounce(receiver["emailAddress"], reason, str(receiver.get("diagnosticCode", ""))[:500])
