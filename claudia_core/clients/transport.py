"""Where a hub is, and the connections that all clients of this process share."""

from __future__ import annotations

import ipaddress
import os
import random
import threading
import time
from dataclasses import dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Self
from urllib.parse import parse_qs, urlsplit

import httpx2

from claudia_core.errors import HubUnavailable, InvalidValue

SCHEMES = {"http": "ws", "https": "wss"}
"""What an address may begin with, and what its sockets begin with."""

FASTEST, SLOWEST = 0.1, 5.0
"""Seconds between two tries: doubled with each that fails."""

LIMITS = httpx2.Limits(max_connections=200, max_keepalive_connections=50, keepalive_expiry=30.0)


@dataclass(frozen=True, slots=True)
class Address:
    """A hub's address without anything secret, such as `http://127.0.0.1:5006`, and the token that opens it."""

    base: str
    token: str | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, url: str, api_key: str | None = None) -> Self:
        """The address of a hub; the link that `claudia serve` prints, with its token, will do.

        Raises:
            InvalidValue: it is no such address. The message does not repeat it, because it may hold a secret.
        """
        try:
            parts = urlsplit(url)
            is_good = parts.scheme.lower() in SCHEMES and bool(parts.hostname) and parts.port != 0
        except ValueError:
            is_good = False
        if not is_good or parts.username is not None:
            hint = "use http://HOST:PORT or https://HOST, and the token as api_key"
            raise InvalidValue("this is not the address of a hub", field="base_url", hint=hint)
        in_link = parse_qs(parts.query).get("token", [None])[0]
        token = api_key or in_link
        if token is not None and not (token.isascii() and token.isprintable()):
            raise InvalidValue("the token is not printable ASCII text", field="api_key")
        return cls(f"{parts.scheme.lower()}://{parts.netloc}{parts.path.rstrip('/')}", token)

    @property
    def headers(self) -> dict[str, str]:
        """What shows the token."""
        return {} if self.token is None else {"authorization": f"Bearer {self.token}"}

    @property
    def socket(self) -> str:
        """The beginning of WebSocket addresses."""
        scheme, _, rest = self.base.partition("://")
        return f"{SCHEMES[scheme]}://{rest}"

    @property
    def is_loopback(self) -> bool:
        """Whether the hub is on this machine: then no proxy is asked."""
        host = urlsplit(self.base).hostname or ""
        try:
            return host == "localhost" or host.endswith(".localhost") or ipaddress.ip_address(host).is_loopback
        except ValueError:
            return False

    def __str__(self) -> str:
        return self.base


class Backoff:
    """When a client that lost its hub tries again: soon at first, then every few seconds, each time a bit otherwise.

    Args:
        patience: seconds after which a hub that stays away is given up; None for never.
    """

    def __init__(self, patience: float | None) -> None:
        self._patience = patience
        self._tries = 0
        self._since: float | None = None

    def worked(self) -> None:
        """The hub is there."""
        self._tries, self._since = 0, None

    def pause(self, error: Exception) -> float:
        """Seconds before the next try.

        Raises:
            HubUnavailable: there is none, because of `error`.
        """
        now = time.monotonic()
        self._since = now if self._since is None else self._since
        if self._patience is not None and now - self._since >= self._patience:
            raise HubUnavailable(f"the hub stayed away for {self._patience:g} s: {error}") from error
        self._tries += 1
        longest = min(SLOWEST, FASTEST * 2.0 ** min(self._tries, 8))
        return longest * random.uniform(0.5, 1.0)  # noqa: S311 - it only spreads load


def options(address: Address) -> dict[str, object]:
    """How `httpx2` clients are made: no redirects, no cookies, and no proxy for this machine."""
    no_cookies = CookieJar(DefaultCookiePolicy(allowed_domains=[]))  # clients with different tokens share connections
    return {
        "trust_env": not address.is_loopback,
        "follow_redirects": False,
        "cookies": no_cookies,
        "limits": LIMITS,
    }


class Pool:
    """Connections by kind (with or without proxies), made for the first client and closed with the last one.

    An HTTP client costs about 64 ms, nearly all of it the TLS context. After a fork the child gets connections of its
    own.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._leases: dict[tuple[int, bool], tuple[httpx2.Client, int]] = {}

    def lease(self, address: Address) -> httpx2.Client:
        """The connections for an address, to be given back once."""
        key = (os.getpid(), address.is_loopback)
        with self._lock:
            client, users = self._leases.get(key, (None, 0))
            made = httpx2.Client(**options(address)) if client is None else client  # type: ignore[arg-type]
            self._leases[key] = (made, users + 1)
            return made

    def give_back(self, address: Address) -> None:
        """The end of a lease."""
        key = (os.getpid(), address.is_loopback)
        with self._lock:
            client, users = self._leases.pop(key, (None, 0))
            if client is not None and users > 1:
                self._leases[key] = (client, users - 1)
            elif client is not None:
                client.close()


POOL = Pool()
"""The one pool of this process: sharing it is its purpose. It holds nothing until the first client."""

if hasattr(os, "register_at_fork"):
    # Another thread may hold the lock at the moment of a fork: the child would wait for it for ever.
    os.register_at_fork(after_in_child=POOL.__init__)  # type: ignore[misc]
