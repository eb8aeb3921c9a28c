"""Amazon SES by its v2 API, with requests signed here: the vendor's package takes seconds to load.

Sources: https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html,
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import quote, urlsplit

import httpx2
import orjson

from claudia_core.errors import SettingsError
from claudia_core.integrations.mail.carriers import HttpCarrier
from claudia_core.integrations.mail.message import Message, address_of
from claudia_core.model.times import utc_now

PATH = "/v2/email/outbound-emails"
ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True, slots=True)
class AwsKey:
    """What requests to AWS are signed with; `token` is that of a temporary key."""

    id: str
    secret: str = field(repr=False)
    token: str = field(default="", repr=False)

    @classmethod
    def of_environment(cls, variables: Mapping[str, str] = os.environ) -> AwsKey:
        """The key in AWS's own variables. Others' places (files, roles of machines) are not looked at.

        Raises:
            SettingsError: there is none.
        """
        id, secret = variables.get("AWS_ACCESS_KEY_ID", ""), variables.get("AWS_SECRET_ACCESS_KEY", "")
        if not id or not secret:
            hint = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or use ses://KEY:SECRET@REGION"
            raise SettingsError("there is no key for SES", field="mail_url", hint=hint)
        return cls(id, secret, variables.get("AWS_SESSION_TOKEN", ""))


class Ses(HttpCarrier):
    """Amazon SES in a region, such as `eu-west-1`."""

    def __init__(
        self,
        region: str,
        key: AwsKey,
        *,
        base_url: str | None = None,
        client: httpx2.Client | None = None,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        super().__init__(client)
        self._url = f"{base_url or f'https://email.{region}.amazonaws.com'}{PATH}"
        self._region = region
        self._key = key
        self._now = now

    def send(self, message: Message) -> str:
        """See `Carrier.send`. The message goes as a whole, so that attachments are what they are everywhere."""
        raw = base64.b64encode(message.to_email().as_bytes()).decode()
        body = orjson.dumps(
            {
                "FromEmailAddress": message.sender,
                "Destination": {"ToAddresses": [address_of(address).addr_spec for address in message.to]},
                "Content": {"Raw": {"Data": raw}},
            }
        )
        given = {"content-type": "application/json"}
        headers = signed("POST", self._url, given, body, self._key, self._region, "ses", self._now())
        return str(self._post(self._url, content=body, headers=headers).json().get("MessageId", ""))


def signed(
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    key: AwsKey,
    region: str,
    service: str,
    now: datetime,
) -> dict[str, str]:
    """The headers of a request with its Signature Version 4. Names in `headers` are in lower case."""
    parts, time = urlsplit(url), f"{now:%Y%m%dT%H%M%SZ}"
    told = {**headers, "host": parts.netloc, "x-amz-date": time}
    if key.token:
        told["x-amz-security-token"] = key.token
    names = sorted(told)
    asked = [
        method,
        quote(parts.path or "/", safe="/~"),
        parts.query,  # of the few requests that are made here, sorted and encoded already
        *(f"{name}:{' '.join(told[name].split())}" for name in names),
        "",
        ";".join(names),
        hashlib.sha256(body).hexdigest(),
    ]
    scope = f"{time[:8]}/{region}/{service}/aws4_request"
    digest = hashlib.sha256("\n".join(asked).encode()).hexdigest()
    signature = _hmac(_signing_key(key.secret, scope), f"{ALGORITHM}\n{time}\n{scope}\n{digest}").hex()
    shown = f"{ALGORITHM} Credential={key.id}/{scope}, SignedHeaders={';'.join(names)}, Signature={signature}"
    return {**{name: value for name, value in told.items() if name != "host"}, "authorization": shown}


def _signing_key(secret: str, scope: str) -> bytes:
    made = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        made = _hmac(made, part)
    return made


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()
