"""How a provider is asked: encrypted or on this machine, without redirects, within a time and a size."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Mapping
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

import httpx2
import orjson

from claudia_core.errors import ProviderRefused, ProviderUnavailable, SettingsError

SECONDS = 10.0
MOST_BYTES = 1_000_000
DIRECT = {f"all://{host}": None for host in ("localhost", "127.0.0.1", "[::1]")}
"""This machine is not asked through a proxy."""

type Answer = dict[str, Any]


def checked_url(url: str, field: str) -> str:
    """A provider's address: https, or http on this machine.

    Raises:
        SettingsError: it is not.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host = ""
    is_good = bool(host) and parts.username is None and not parts.fragment
    if not is_good or not (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))):
        raise SettingsError(f"{field} is {url!r:.120}", field=field, hint="use https://HOST/PATH")
    return url


def is_loopback(host: str) -> bool:
    """Whether a host's name or address can only be this machine."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Web:
    """Asks one provider; safe for many threads.

    Args:
        seconds: the longest that one answer may take, in whole.
        transport: stands in for the network, in tests.
    """

    def __init__(self, *, seconds: float = SECONDS, transport: httpx2.BaseTransport | None = None) -> None:
        self._seconds = seconds
        self._transport = transport

    @cached_property
    def _client(self) -> httpx2.Client:
        options: dict[str, Any] = {"transport": self._transport} if self._transport else {"mounts": DIRECT}
        return httpx2.Client(timeout=self._seconds, follow_redirects=False, **options)

    def get(self, url: str, headers: Mapping[str, str] | None = None) -> Any:
        """The JSON at an address.

        Raises:
            ProviderUnavailable: it cannot be reached, takes too long, or says 5xx or 429.
            ProviderRefused: it says anything else than 200, too much, or no JSON.
        """
        return self._read("GET", url, headers=dict(headers or {}))

    def post(self, url: str, form: Mapping[str, str], auth: tuple[str, str] | None = None) -> Any:
        """The JSON that a form is answered with; an `error` of RFC 6749 is refused by its name. Raises as `get`."""
        return self._read("POST", url, data=dict(form), auth=auth)

    def close(self) -> None:
        """End all connections."""
        if "_client" in self.__dict__:
            self._client.close()

    def _read(self, method: str, url: str, **options: Any) -> Any:
        options["headers"] = {"accept": "application/json", **options.get("headers", {})}
        where = urlsplit(url).netloc
        try:
            with self._client.stream(method, url, **options) as response:
                body = self._body(response, where)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise ProviderUnavailable(f"{where} does not answer: {type(error).__name__}") from error
        return _document(response.status_code, body, where)

    def _body(self, response: httpx2.Response, where: str) -> bytes:
        until = time.monotonic() + self._seconds
        body = b""
        for part in response.iter_bytes():
            body += part
            if len(body) > MOST_BYTES:
                raise ProviderRefused(f"{where} answers with more than {MOST_BYTES:,} bytes")
            if time.monotonic() > until:
                raise ProviderUnavailable(f"{where} takes longer than {self._seconds:g} s")
        return body


def _document(status: int, body: bytes, where: str) -> Any:
    if status >= 500 or status == 429:
        raise ProviderUnavailable(f"{where} answers with {status}")
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ProviderRefused(f"{where} answers with {status} and no JSON") from error
    name = found.get("error") if isinstance(found, dict) else None
    if isinstance(name, str):  # GitHub says so with 200
        raise ProviderRefused(f"{where} refuses: {name!r:.80}")
    if status != 200:
        raise ProviderRefused(f"{where} answers with {status}")
    return found


def document(found: Any, where: str) -> Answer:
    """What was found, as an object.

    Raises:
        ProviderRefused: it is none.
    """
    if not isinstance(found, dict):
        raise ProviderRefused(f"{where} answers with no object")
    return found
