"""Who carries mail: SMTP, SendGrid, Mailgun, or a folder, for looking at it during development.

What they refuse for good (4xx, SMTP 5xx) is a `MailRefused`, which no retry helps; anything else is an `OSError`, which
the caller tries again.
"""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

import httpx2

from claudia_core.errors import MailRefused, MissingExtra
from claudia_core.integrations.mail.message import Message, address_of
from claudia_core.model.ids import new_id
from claudia_core.resilience.retry import PASSING

SECONDS = 30.0


class Carrier(Protocol):
    """Takes a message, and says under which id."""

    def send(self, message: Message) -> str:
        """Hand a message over.

        Raises:
            MailRefused: it is refused for good.
            OSError: it did not work now.
        """
        ...


class Folder:
    """Writes each message into a folder as `ID.eml`, instead of sending it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def send(self, message: Message) -> str:
        """See `Carrier.send`."""
        self._path.mkdir(parents=True, exist_ok=True)
        id = new_id()
        (self._path / f"{id}.eml").write_bytes(message.to_email().as_bytes())
        return id


class Smtp:
    """An SMTP server. `tls` encrypts from the start; otherwise the connection is encrypted where the server offers it.

    Raises:
        MissingExtra: aiosmtplib is not installed.
    """

    def __init__(self, host: str, port: int, *, user: str = "", password: str = "", tls: bool = False) -> None:
        try:
            import aiosmtplib
        except ImportError as error:
            raise MissingExtra("SMTP needs aiosmtplib", hint="pip install 'claudia-core[mail]'") from error
        self._smtp = aiosmtplib
        self._options: dict[str, Any] = {"hostname": host, "port": port, "use_tls": tls, "timeout": SECONDS}
        if user:
            self._options |= {"username": user, "password": password}

    def send(self, message: Message) -> str:
        """See `Carrier.send`. Not from within an event loop."""
        made = message.to_email()
        try:
            asyncio.run(self._smtp.send(made, **self._options))
        except (self._smtp.SMTPResponseException, self._smtp.SMTPRecipientsRefused) as error:
            codes = [refused.code for refused in getattr(error, "recipients", [])] or [getattr(error, "code", 0)]
            if all(500 <= code < 600 for code in codes):
                raise MailRefused(f"the server refuses with {codes[0]}") from error
            raise ConnectionError(f"the server answers with {codes[0]}") from error
        except self._smtp.SMTPException as error:
            raise ConnectionError(f"{type(error).__name__}") from error
        return str(made["Message-ID"])


class HttpCarrier:
    """A carrier with an HTTP API."""

    def __init__(self, client: httpx2.Client | None) -> None:
        self._client = client or httpx2.Client(timeout=SECONDS, follow_redirects=False)

    def _post(self, url: str, **options: Any) -> httpx2.Response:
        try:
            response = self._client.post(url, **options)
        except httpx2.HTTPError as error:
            raise ConnectionError(type(error).__name__) from error
        if response.is_success:
            return response
        if response.status_code in PASSING:
            raise ConnectionError(f"HTTP {response.status_code}")
        raise MailRefused(f"the service refuses with HTTP {response.status_code}")


class SendGrid(HttpCarrier):
    """SendGrid's v3 API (https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send)."""

    def __init__(
        self, key: str, *, base_url: str = "https://api.sendgrid.com", client: httpx2.Client | None = None
    ) -> None:
        super().__init__(client)
        self._url = f"{base_url}/v3/mail/send"
        self._headers = {"authorization": f"Bearer {key}"}

    def send(self, message: Message) -> str:
        """See `Carrier.send`."""
        content = [{"type": "text/plain", "value": message.text}]
        if message.html:
            content.append({"type": "text/html", "value": message.html})
        told: dict[str, Any] = {
            "personalizations": [{"to": [_person(address) for address in message.to]}],
            "from": _person(message.sender),
            "subject": message.subject,
            "content": content,
        }
        if message.attachments:
            told["attachments"] = [
                {
                    "content": base64.b64encode(attachment.data).decode(),
                    "filename": attachment.name,
                    "type": attachment.type,
                    "disposition": "attachment",
                }
                for attachment in message.attachments
            ]
        return str(self._post(self._url, json=told, headers=self._headers).headers.get("x-message-id", ""))


class Mailgun(HttpCarrier):
    """Mailgun's v3 API (https://documentation.mailgun.com/docs/mailgun/api-reference/openapi-final/tag/Messages/)."""

    def __init__(
        self, key: str, domain: str, *, base_url: str = "https://api.mailgun.net", client: httpx2.Client | None = None
    ) -> None:
        super().__init__(client)
        self._url = f"{base_url}/v3/{quote(domain, safe='.')}/messages"
        self._auth = ("api", key)

    def send(self, message: Message) -> str:
        """See `Carrier.send`."""
        form = {"from": message.sender, "to": list(message.to), "subject": message.subject, "text": message.text}
        if message.html:
            form["html"] = message.html
        files = [("attachment", (one.name, one.data, one.type)) for one in message.attachments]
        answer = self._post(self._url, data=form, files=files or None, auth=self._auth)
        return str(answer.json().get("id", ""))


def _person(text: str) -> dict[str, str]:
    address = address_of(text)
    return {"email": address.addr_spec} | ({"name": address.display_name} if address.display_name else {})
