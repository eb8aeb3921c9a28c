"""A source of webhooks from elsewhere: how its messages are signed, and which events they become."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from claudia_core.errors import InvalidValue
from claudia_core.model.times import from_text, to_text
from claudia_core.model.values import require_text
from claudia_core.model.webhook import require_secret

MOST_SECRETS = 3


class Scheme(StrEnum):
    """Who signs, and how."""

    STANDARD = "standard"
    """Standard Webhooks, as this hub itself sends them."""
    GITHUB = "github"
    STRIPE = "stripe"
    SLACK = "slack"
    HMAC = "hmac"
    """HMAC-SHA256 of the body, in hex or Base64, in a header of its own."""
    SENDGRID = "sendgrid"
    """Its event webhook; the secret is the verification key, which is a public one."""
    MAILGUN = "mailgun"
    SNS = "sns"
    """Amazon SNS, as SES tells by it; the secrets are the ARNs of topics."""


TELLS_OF_MAIL = frozenset({Scheme.SENDGRID, Scheme.MAILGUN, Scheme.SNS})
"""Those whose messages suppress addresses, where nothing else is said."""


EVENTS = {
    Scheme.STANDARD: ("{name}:{body.type}", "{body.subject}"),
    Scheme.GITHUB: ("github:{header.x-github-event}", "{body.repository.full_name}"),
    Scheme.STRIPE: ("stripe:{body.type}", "{body.data.object.id}"),
    Scheme.SLACK: ("slack:{body.event.type}", "{body.event.user}"),
    Scheme.HMAC: ("{name}:received", ""),
    **dict.fromkeys(TELLS_OF_MAIL, ("{name}:received", "")),
}
"""What a message becomes where nothing else is said: the event's type and subject."""

PLACE = re.compile(r"\{(name|header\.[A-Za-z0-9-]{1,100}|body\.[^{}]{1,200})\}")
_ARN = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_.-]{1,256}")
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,49}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where messages come from; they are posted to `/api/v1/hooks/NAME`.

    Args:
        id: its name, part of the address.
        secrets: the newest first; a message signed with any of them is accepted.
        event, subject: templates with `{header.NAME}`, `{body.path.to.value}` and `{name}`.
        header: for `hmac`: the header that holds the signature.
    """

    id: str
    scheme: Scheme
    secrets: tuple[str, ...] = field(repr=False)
    event: str
    subject: str
    header: str = "x-signature"
    created_at: datetime

    def to_public(self) -> dict[str, Any]:
        """As plain JSON, without secrets."""
        return {
            "id": self.id,
            "scheme": self.scheme.value,
            "event": self.event,
            "subject": self.subject,
            "header": self.header,
            "created_at": to_text(self.created_at),
        }

    def to_document(self) -> dict[str, Any]:
        """As the store keeps it."""
        return {**self.to_public(), "secrets": list(self.secrets)}

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Source:
        """The value that `to_document` wrote."""
        return cls(
            id=document["id"],
            scheme=Scheme(document["scheme"]),
            secrets=tuple(document["secrets"]),
            event=document["event"],
            subject=document["subject"],
            header=document["header"],
            created_at=from_text(document["created_at"]),
        )


def require_name(value: object) -> str:
    """`value` as a source's name.

    Raises:
        InvalidValue: it is none.
    """
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        hint = "use lower-case letters, digits, - and _, at most 50, a letter first"
        raise InvalidValue(f"name is {value!r:.80}", field="name", hint=hint)
    return value


def require_scheme(value: object) -> Scheme:
    """`value` as a scheme.

    Raises:
        InvalidValue: it is none.
    """
    try:
        return Scheme(str(value))
    except ValueError:
        raise InvalidValue(f"scheme is {value!r:.80}", field="scheme", hint=f"use {', '.join(Scheme)}") from None


def require_secrets(values: Sequence[str], scheme: Scheme) -> tuple[str, ...]:
    """One to three secrets of 8 characters or more; for Standard Webhooks in its own form.

    Raises:
        InvalidValue: one is none; the message does not repeat it.
    """
    if not 1 <= len(values) <= MOST_SECRETS:
        raise InvalidValue(f"{len(values)} secrets", field="secrets", hint=f"give 1 to {MOST_SECRETS}")
    if scheme is Scheme.STANDARD:
        return tuple(map(require_secret, values))
    for value in values:
        if not 8 <= len(value) <= 500 or not value.isprintable():
            raise InvalidValue("a secret is too short", field="secrets", hint="use 8 to 500 printable characters")
        if scheme is Scheme.SNS and not _ARN.fullmatch(value):
            hint = "use arn:aws:sns:REGION:ACCOUNT:NAME, as the topic has it"
            raise InvalidValue("the secret is no ARN of an SNS topic", field="secrets", hint=hint)
    return tuple(values)


def require_template(value: object, field: str, reserved: frozenset[str] = frozenset()) -> str:
    """A template; for an event's type, its noun is plain text and none of `reserved`.

    Raises:
        InvalidValue: it has other braces than those of places, or its noun is not allowed.
    """
    text = require_text(value, field, 200, empty=field == "subject")
    if set("{}") & set(PLACE.sub("", text)):
        hint = "use {header.NAME}, {body.path.to.value} and {name}"
        raise InvalidValue(f"{field} is {text!r:.120}", field=field, hint=hint)
    if field == "event":
        noun, _, verb = text.partition(":")
        plain = noun.replace("{name}", "name")
        if not verb or not re.fullmatch(r"[a-z][a-z0-9_.-]*", plain) or plain in reserved:
            hint = "use noun:verb with a plain noun that is not Claudia's own, such as github:{header.x-github-event}"
            raise InvalidValue(f"event is {text!r:.120}", field=field, hint=hint)
    return text
