"""A channel by which people are told: mail, a webhook endpoint, Slack, Discord, Teams, PagerDuty, or any of apprise."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from claudia_core.errors import InvalidValue
from claudia_core.model.address import host_of, require_url
from claudia_core.model.apprise_address import require_service
from claudia_core.model.times import from_optional_text, from_text, to_optional_text, to_text
from claudia_core.model.values import require_text

MOST_DIGEST = 24 * 60
MOST_HOURLY = 10_000
MOST_ADDRESSES = 20
PER_HOUR = 60
"""Messages an hour that a channel gets at most, where nothing else is said; more of them come as one."""

_ROUTING_KEY = re.compile(r"(?:eu:)?[A-Za-z0-9]{32}")


class ChannelKind(StrEnum):
    """What a channel is. Its `address` is said for each."""

    MAIL = "mail"
    """Addresses with commas between."""
    WEBHOOK = "webhook"
    """The id of a webhook endpoint: it gets a signed `notification:sent`, with that endpoint's retries."""
    SLACK = "slack"
    """The URL of an incoming webhook."""
    DISCORD = "discord"
    """The URL of a webhook."""
    TEAMS = "teams"
    """The URL of a workflow that posts to a channel."""
    PAGERDUTY = "pagerduty"
    """The routing key of an Events API v2 integration; `eu:` before it for the European service."""
    APPRISE = "apprise"
    """A URL of apprise, such as `pover://...`."""


BY_URL = frozenset({ChannelKind.SLACK, ChannelKind.DISCORD, ChannelKind.TEAMS})


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifyChannel:
    """One channel. Its address may be a secret: it is kept encrypted, and `shown` is what people see of it.

    Args:
        sealed: the address, encrypted.
        shown: the address without what is secret in it.
        digest: minutes for which messages are gathered into one; 0 tells each by itself.
        quiet: quiet hours, such as `22:00-07:00 Europe/Berlin`; what comes then is told as one behind them.
        per_hour: most messages an hour; further ones are told as one in the next hour.
        failing_since: the first failure since the last success.
        last_error: what went wrong then.
    """

    id: str
    name: str
    kind: ChannelKind
    sealed: str = field(repr=False)
    shown: str
    digest: int = 0
    quiet: str = ""
    per_hour: int = PER_HOUR
    active: bool = True
    created_at: datetime
    updated_at: datetime
    failing_since: datetime | None = None
    last_error: str = ""

    def to_public(self) -> dict[str, Any]:
        """As plain JSON without the address."""
        return {
            "id": self.id,
            "name": self.name,
            "kind": self.kind.value,
            "shown": self.shown,
            "digest": self.digest,
            "quiet": self.quiet,
            "per_hour": self.per_hour,
            "active": self.active,
            "created_at": to_text(self.created_at),
            "updated_at": to_text(self.updated_at),
            "failing_since": to_optional_text(self.failing_since),
            "last_error": self.last_error,
        }

    def to_document(self) -> dict[str, Any]:
        """As the store keeps it."""
        return {**self.to_public(), "sealed": self.sealed}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> NotifyChannel:
        """The value that `to_document` wrote."""
        times = {name: from_text(document[name]) for name in ("created_at", "updated_at")}
        failing = from_optional_text(document["failing_since"])
        return cls(**{**document, **times, "failing_since": failing, "kind": ChannelKind(document["kind"])})


def require_kind(value: object) -> ChannelKind:
    """`value` as a kind of channel.

    Raises:
        InvalidValue: it is none.
    """
    try:
        return ChannelKind(str(value))
    except ValueError:
        raise InvalidValue(f"kind is {value!r:.80}", field="kind", hint=f"use {', '.join(ChannelKind)}") from None


def require_channel_address(kind: ChannelKind, value: object) -> tuple[str, str]:
    """An address as its kind has it, and what people see of it.

    Raises:
        InvalidValue, TooLarge: it is none; the message does not repeat it.
    """
    text = require_text(value, "address", 2_000).strip()
    if kind is ChannelKind.MAIL:
        return _mail(text)
    if kind in BY_URL:
        return require_url(text, "address"), host_of(text)
    if kind is ChannelKind.PAGERDUTY:
        if _ROUTING_KEY.fullmatch(text):
            return text, f"{'eu:' if text.startswith('eu:') else ''}…{text[-4:]}"
        raise InvalidValue("the address is no routing key of PagerDuty", field="address", hint="32 letters and digits")
    if kind is ChannelKind.APPRISE:
        return require_service(text), f"{urlsplit(text).scheme}://…"
    return text, text


def _mail(text: str) -> tuple[str, str]:
    addresses = [part.strip() for part in text.split(",")]
    if not 1 <= len(addresses) <= MOST_ADDRESSES:
        raise InvalidValue(f"{len(addresses)} addresses", field="address", hint=f"use 1 to {MOST_ADDRESSES}")
    for address in addresses:
        if not is_mail_address(address):
            raise InvalidValue(f"address is {address!r:.100}", field="address", hint="use ann@example.org")
    return ", ".join(addresses), ", ".join(addresses)


def is_mail_address(text: str) -> bool:
    """Whether this is one plain address of mail, without a name."""
    return re.fullmatch(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,255}", text) is not None
