"""`claudia.mail`: sends messages and templates by whatever carrier the settings name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from claudia_core.errors import MailRefused, SettingsError
from claudia_core.integrations.mail.carriers import Carrier, Folder, Mailgun, SendGrid, Smtp
from claudia_core.integrations.mail.message import Attachment, Message, receivers
from claudia_core.integrations.mail.ses import AwsKey, Ses
from claudia_core.integrations.mail.templates import Templates
from claudia_core.resilience.integration import Integration
from claudia_core.services.suppressions import Suppressions

HINT = (
    "use smtp://USER:PASSWORD@HOST:587, smtps://..., sendgrid://KEY, mailgun://KEY@DOMAIN, ses://KEY:SECRET@REGION, "
    "ses://REGION or file:///FOLDER"
)


class Mailer:
    """Sends mail, tried again where that can help; seen as the integration `mail`.

    Args:
        carrier: who carries it.
        sender: from whom it is.
        integration: the guards of its calls.
        templates: those that `send_template` knows; the built-in ones where none are given.
        suppressions: addresses that nothing is sent to.
    """

    def __init__(
        self,
        carrier: Carrier,
        sender: str,
        integration: Integration,
        templates: Templates | None = None,
        suppressions: Suppressions | None = None,
    ) -> None:
        self._carrier = carrier
        self._sender = sender
        self._integration = integration
        self._suppressions = suppressions
        self.templates = templates or Templates()

    def register_template(
        self,
        name: str,
        *,
        subject: str,
        html: str,
        text: str | None = None,
        sample: Mapping[str, Any] | None = None,
    ) -> None:
        """See `Templates.register`."""
        self.templates.register(name, subject=subject, html=html, text=text, sample=sample)

    def send(
        self,
        to: str | Sequence[str],
        subject: str,
        text: str,
        *,
        html: str = "",
        attachments: Sequence[Attachment] = (),
    ) -> str:
        """Send a message; returns the carrier's id of it. `html` is sent as it is.

        Raises:
            InvalidValue, TooLarge: an address is none, or there is too much of something.
            MailRefused: it is refused for good, also because an address is suppressed; nobody gets it then.
            IntegrationError and its kinds: it did not work in the end.
        """
        message = Message(
            sender=self._sender,
            to=receivers(to),
            subject=subject,
            text=text,
            html=html,
            attachments=tuple(attachments),
        )
        self._require_open(message.to)
        return self._integration.call(lambda: self._carrier.send(message), "send")

    def _require_open(self, to: Sequence[str]) -> None:
        found = {} if self._suppressions is None else self._suppressions.among(to)
        if found:
            words = ", ".join(
                f"{address} ({why.reason} of {why.created_at:%Y-%m-%d})" for address, why in found.items()
            )
            hint = "take the address off the list of suppressed ones when it is well again"
            raise MailRefused(f"nothing is sent to {words}"[:500], hint=hint)

    def send_template(
        self, to: str | Sequence[str], name: str, data: Mapping[str, Any], *, attachments: Sequence[Attachment] = ()
    ) -> str:
        """Send a template filled with `data`: `send_template("ann@example.org", "task_completed", {...})`.

        Raises as `send`, and:
            NotFound: there is no template of this name.
            InvalidValue: something it asks for is missing.
        """
        made = self.templates.render(name, data)
        return self.send(to, made.subject, made.text, html=made.html, attachments=attachments)


def carrier_of(url: str) -> Carrier:
    """The carrier that a setting names.

    Raises:
        SettingsError: it names none; the message does not repeat it.
        MissingExtra: what it needs is not installed.
    """
    try:
        parts = urlsplit(url)
        user, password, host = unquote(parts.username or ""), unquote(parts.password or ""), parts.hostname or ""
        if parts.scheme in ("smtp", "smtps") and host:
            tls = parts.scheme == "smtps"
            return Smtp(host, parts.port or (465 if tls else 587), user=user, password=password, tls=tls)
        if parts.scheme == "sendgrid" and parts.netloc:
            return SendGrid(unquote(parts.netloc))
        if parts.scheme == "mailgun" and user and host:
            return Mailgun(user, host)
        if parts.scheme == "ses" and host:
            key = AwsKey(user, password) if user else AwsKey.of_environment()
            return Ses(host, key)
        if parts.scheme == "file" and parts.path:
            return Folder(Path(parts.path))
    except ValueError as error:
        raise SettingsError("mail_url cannot be read", field="mail_url", hint=HINT) from error
    raise SettingsError("mail_url names no carrier", field="mail_url", hint=HINT)
