"""A message to somebody, checked: nothing in it can become another header or another receiver."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import formatdate, make_msgid, parseaddr

from claudia_core.errors import InvalidValue, TooLarge

MOST_RECEIVERS = 100
MOST_SUBJECT = 500
MOST_BYTES = 10_000_000
"""Bytes of all attachments together."""

_PART = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,255}")


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes along, such as a report: `Attachment("report.html", data, "text/html")`."""

    name: str
    data: bytes = field(repr=False)
    type: str = "application/octet-stream"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What is sent.

    Raises:
        InvalidValue, TooLarge: an address is none, a line holds a line break, or there is too much of something.
    """

    sender: str
    to: tuple[str, ...]
    subject: str
    text: str
    html: str = ""
    attachments: tuple[Attachment, ...] = ()

    def __post_init__(self) -> None:
        require_address(self.sender, "sender")
        if not 1 <= len(self.to) <= MOST_RECEIVERS:
            raise InvalidValue(f"{len(self.to)} receivers", field="to", hint=f"use 1 to {MOST_RECEIVERS}")
        for address in self.to:
            require_address(address, "to")
        if not self.subject.isprintable() or len(self.subject) > MOST_SUBJECT:
            raise InvalidValue(f"subject is {self.subject!r:.80}", field="subject", hint="use one line of text")
        if sum(len(attachment.data) for attachment in self.attachments) > MOST_BYTES:
            raise TooLarge(f"the attachments are over {MOST_BYTES:,} bytes", field="attachments")
        for attachment in self.attachments:
            if not attachment.name.isprintable() or "/" in attachment.name or "\\" in attachment.name:
                raise InvalidValue(f"an attachment is called {attachment.name!r:.80}", field="attachments")

    def to_email(self) -> EmailMessage:
        """As RFC 5322 has it."""
        made = EmailMessage()
        made["From"], made["To"], made["Subject"] = self.sender, ", ".join(self.to), self.subject
        made["Date"], made["Message-ID"] = formatdate(), make_msgid(domain=address_of(self.sender).domain)
        made.set_content(self.text)
        if self.html:
            made.add_alternative(self.html, subtype="html")
        for attachment in self.attachments:
            kind, _, sub = attachment.type.partition("/")
            made.add_attachment(attachment.data, maintype=kind, subtype=sub or "octet-stream", filename=attachment.name)
        return made


def receivers(to: str | Sequence[str]) -> tuple[str, ...]:
    """One receiver or several, each once."""
    return (to,) if isinstance(to, str) else tuple(dict.fromkeys(to))


def address_of(text: str) -> Address:
    """The address in `Ann <ann@example.org>` or `ann@example.org`."""
    name, plain = parseaddr(text)
    return Address(display_name=name, addr_spec=plain)


def require_address(text: object, field: str) -> str:
    """`text` where it is one address, with or without a name.

    Raises:
        InvalidValue: it is not.
    """
    if isinstance(text, str) and text.isprintable() and len(text) <= 400:
        plain = parseaddr(text)[1]
        if _PART.fullmatch(plain) and "," not in text.replace(plain, "").strip("<> ").strip('"'):
            return text
    raise InvalidValue(f"{field} is {text!r:.100}", field=field, hint="use ann@example.org or Ann <ann@example.org>")
