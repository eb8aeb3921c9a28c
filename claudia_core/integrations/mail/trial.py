"""A template sent to whoever looks at it, and who would carry it, in words that hold no secret."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from claudia_core.errors import AccessDenied, InvalidValue
from claudia_core.integrations.mail.message import require_address
from claudia_core.model.identity import Scope, current
from claudia_core.settings import Settings

if TYPE_CHECKING:
    from claudia_core.integrations.mail.mailer import Mailer
    from claudia_core.services.notifications.people import People


@dataclass(frozen=True, slots=True)
class Trial:
    """What was sent: the carrier's id of it, and to whom."""

    id: str
    to: str


def send_trial(mailer: Mailer, people: People, template: str, data: Mapping[str, Any], to: str = "") -> Trial:
    """Send a template, filled with `data` over its sample, to one address: one's own of the preferences.

    Raises as `Mailer.send_template`, and:
        InvalidValue: no address is given, and whoever asks has none.
        AccessDenied: it is another address than their own, and they are no admin.
    """
    own = people.preferences().email
    wanted = to.strip() or own
    if not wanted:
        raise InvalidValue("there is no address to send to", field="to", hint="give one, or set email in preferences")
    address = require_address(wanted, "to")
    if address.casefold() != own.casefold() and not current().may(Scope.ADMIN):
        hint = "set it as email in your preferences"
        raise AccessDenied("only an admin may send to other addresses than their own", field="to", hint=hint)
    made = mailer.templates.preview(template, data)
    return Trial(mailer.send(address, made.subject, made.text, html=made.html), address)


def carrier_words(settings: Settings) -> str:
    """Who carries mail: `smtp mail.example.org`; empty where nobody does."""
    if settings.mail_url is None:
        return ""
    parts = urlsplit(settings.mail_url.get_secret_value())
    host = {"sendgrid": "", "file": parts.path}.get(parts.scheme, parts.hostname or "")
    return f"{parts.scheme} {host}".strip()
