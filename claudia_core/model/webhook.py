"""A webhook endpoint: where events are told to, which ones, and how they are signed."""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any

from claudia_core.errors import InvalidValue, TooLarge
from claudia_core.model.event import Event
from claudia_core.model.times import from_optional_text, from_text, to_optional_text, to_text
from claudia_core.model.values import require_text

MARK = "whsec_"
MOST_PATTERNS = 50
MOST_HEADERS = 20
MOST_CONDITIONS = 20

OWN_HEADERS = frozenset(
    {
        *("host", "content-length", "content-type", "transfer-encoding", "connection", "user-agent", "webhook-id"),
        *("webhook-timestamp", "webhook-signature", "te", "trailer", "upgrade", "expect", "proxy-authorization"),
    }
)
"""Headers that an endpoint may not set."""

NEVER_TOLD = frozenset({"webhook:delivered", "webhook:failed"})
"""Events about deliveries: told by webhook, each would bring the next."""


def new_secret() -> str:
    """A new secret of 32 random bytes, in the form of Standard Webhooks."""
    return MARK + base64.b64encode(secrets.token_bytes(32)).decode()


def require_secret(value: object) -> str:
    """`value` where it is a secret in the form of Standard Webhooks: `whsec_` and 24 to 64 bytes in Base64.

    Raises:
        InvalidValue: it is not; the message does not repeat it.
    """
    try:
        key_of(value if isinstance(value, str) else "")
    except ValueError as error:
        hint = "use whsec_ and 24 to 64 random bytes in Base64, or leave it out to get a new one"
        raise InvalidValue("the secret is not one of Standard Webhooks", field="secret", hint=hint) from error
    return str(value)


def key_of(secret: str) -> bytes:
    """The bytes of a secret.

    Raises:
        ValueError: it is none.
    """
    try:
        key = base64.b64decode(secret.removeprefix(MARK), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("not Base64") from error
    if not secret.startswith(MARK) or not 24 <= len(key) <= 64:
        raise ValueError("not a secret")
    return key


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret and when it ends; the present one has no end."""

    text: str = field(repr=False)
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where events are told to.

    Args:
        events: patterns of event types, such as `task:*`; an event is told when one matches.
        filter: conditions on the event, all of which must hold: a dotted path, such as `data.type`, and the value
            that is wanted there or a list of them.
        secrets: the newest first; older ones also sign until their time is over.
        headers: further headers of each request.
        ordered: tell events strictly in order: one that cannot be delivered holds up those behind it.
        failing_since: the first failure since the last success.
        disabled_reason: why it was turned off by the hub; empty when somebody did.
    """

    id: str
    name: str
    url: str
    events: tuple[str, ...]
    filter: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    secrets: tuple[Secret, ...] = field(default=(), repr=False)
    active: bool = True
    ordered: bool = False
    created_at: datetime
    updated_at: datetime
    failing_since: datetime | None = None
    disabled_reason: str = ""

    def wants(self, event: Event) -> bool:
        """Whether this event is told to it."""
        if not self.active or event.type in NEVER_TOLD:
            return False
        return matches(self.events, event.type) and holds(self.filter, event)

    def keys(self, now: datetime) -> list[bytes]:
        """The keys that sign now, the newest first."""
        return [key_of(secret.text) for secret in self.secrets if secret.until is None or now < secret.until]

    def to_public(self) -> dict[str, Any]:
        """As plain JSON without secrets; of headers only the names."""
        return {
            "id": self.id,
            "name": self.name,
            "url": self.url,
            "events": list(self.events),
            "filter": self.filter,
            "headers": sorted(self.headers),
            "active": self.active,
            "ordered": self.ordered,
            "created_at": to_text(self.created_at),
            "updated_at": to_text(self.updated_at),
            "failing_since": to_optional_text(self.failing_since),
            "disabled_reason": self.disabled_reason,
        }

    def to_document(self) -> dict[str, Any]:
        """As the store keeps it."""
        kept = [{"text": secret.text, "until": to_optional_text(secret.until)} for secret in self.secrets]
        return {**self.to_public(), "headers": self.headers, "secrets": kept}

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Endpoint:
        """The value that `to_document` wrote."""
        kept = [Secret(secret["text"], from_optional_text(secret["until"])) for secret in document["secrets"]]
        return cls(
            id=document["id"],
            name=document["name"],
            url=document["url"],
            events=tuple(document["events"]),
            filter=document["filter"],
            headers=document["headers"],
            secrets=tuple(kept),
            active=document["active"],
            ordered=document["ordered"],
            created_at=from_text(document["created_at"]),
            updated_at=from_text(document["updated_at"]),
            failing_since=from_optional_text(document["failing_since"]),
            disabled_reason=document["disabled_reason"],
        )


def matches(patterns: Iterable[str], type: str) -> bool:
    """Whether an event's type is or fits one of the patterns."""
    return any(pattern == type or fnmatchcase(type, pattern) for pattern in patterns)


def holds(filter: Mapping[str, Any], event: Event) -> bool:
    """Whether all conditions of a filter hold for an event."""
    if not filter:
        return True
    whole = {"type": event.type, "subject": event.subject, "data": event.data}
    for path, wanted in filter.items():
        found = _at(whole, path.split("."))
        allowed = wanted if isinstance(wanted, list) else [wanted]
        if not any(type(found) is type(value) and found == value for value in allowed):
            return False
    return True


def _at(value: Any, path: Sequence[str]) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def require_patterns(value: object) -> tuple[str, ...]:
    """Patterns of event types.

    Raises:
        InvalidValue, TooLarge: there is none, or one is no text of at most 100 characters.
    """
    if not isinstance(value, list | tuple) or not value:
        raise InvalidValue("events is no list of patterns", field="events", hint='use ["task:*"], or ["*"] for all')
    if len(value) > MOST_PATTERNS:
        raise TooLarge(f"{len(value)} patterns, over the limit of {MOST_PATTERNS}", field="events")
    return tuple(dict.fromkeys(require_text(pattern, "events", 100) for pattern in value))


def require_filter(value: object) -> dict[str, Any]:
    """Conditions on an event.

    Raises:
        InvalidValue, TooLarge: a path does not begin with type, subject or data, or a value is no plain one.
    """
    if not isinstance(value, Mapping):
        raise InvalidValue("filter is no object", field="filter", hint='use {"data.type": ["etl"]}')
    if len(value) > MOST_CONDITIONS:
        raise TooLarge(f"{len(value)} conditions, over the limit of {MOST_CONDITIONS}", field="filter")
    for path, wanted in value.items():
        if require_text(path, "filter", 200).split(".")[0] not in ("type", "subject", "data"):
            raise InvalidValue(f"the filter has {path!r:.80}", field="filter", hint="begin with type, subject or data")
        allowed = wanted if isinstance(wanted, list) else [wanted]
        if len(allowed) > 100 or not all(item is None or isinstance(item, str | int | float) for item in allowed):
            hint = "use a text, number, true, false or null, or a list of at most 100 of them"
            raise InvalidValue(f"the filter's {path!r:.80} has no such value", field="filter", hint=hint)
    return dict(value)


def require_headers(value: object) -> dict[str, str]:
    """Further headers of requests.

    Raises:
        InvalidValue, TooLarge: one is no header, or is the hub's own.
    """
    if not isinstance(value, Mapping):
        raise InvalidValue("headers is no object", field="headers")
    if len(value) > MOST_HEADERS:
        raise TooLarge(f"{len(value)} headers, over the limit of {MOST_HEADERS}", field="headers")
    found = {}
    for name, text in value.items():
        plain = require_text(name, "headers", 100)
        if not plain.isascii() or not plain.replace("-", "").replace("_", "").isalnum():
            raise InvalidValue(f"{plain!r:.80} is no name of a header", field="headers")
        if plain.lower() in OWN_HEADERS:
            raise InvalidValue(f"the header {plain} is the hub's own", field="headers", hint="leave it out")
        if not isinstance(text, str) or len(text) > 1_000 or not text.isprintable():
            raise InvalidValue(f"the header {plain} is no text in one line", field="headers")
        found[plain] = text
    return found
