"""Probes for `claudia.health.register`: is what the work depends on there, quick, and right?

    claudia.health.register("api", http("https://api.example/health", contains="ok", slow=0.5), failures=3)
    claudia.health.register("queue", tcp("queue.internal", 5672), after=["network"])

They are made by who runs the hub, and call private addresses, too. Each keeps to its own time.
"""

from __future__ import annotations

import re
import socket
import ssl
import time
from collections.abc import Callable, Collection
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import httpx2

from claudia_core.errors import MissingExtra
from claudia_core.integrations.outgoing import USER_AGENT
from claudia_core.model.health import Health

type Answer = tuple[Health, str]

MOST_BYTES = 1_000_000
WELL: Answer = (Health.PASS, "")


def http(
    url: str,
    *,
    method: str = "GET",
    status: Collection[int] = range(200, 400),
    contains: str | None = None,
    matches: str | None = None,
    slow: float | None = None,
    certificate_days: float = 14.0,
    headers: dict[str, str] | None = None,
    timeout: float = 5.0,
    verify: ssl.SSLContext | bool = True,
) -> Callable[[], Answer]:
    """An HTTP request and conditions on its answer. Redirects are not followed.

    Args:
        url: what is asked.
        method: GET, HEAD, POST ...
        status: statuses that are well; others fail.
        contains, matches: a text, or a regular expression, that the first 1,000,000 bytes of the body must have.
        slow: seconds over which it warns.
        certificate_days: days before its end from which on a certificate warns.
        headers: sent along.
        timeout: seconds for each step of it.
        verify: how certificates are checked.
    """
    pattern = None if matches is None else re.compile(matches)
    client = httpx2.Client(timeout=timeout, verify=verify, trust_env=False, headers={"user-agent": USER_AGENT})

    def probe() -> Answer:
        started = time.perf_counter()
        try:
            with client.stream(method, url, headers=headers) as response:
                days = _days_left(response)
                text = _beginning(response) if contains is not None or pattern is not None else ""
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            return Health.FAIL, f"{type(error).__name__}: {error}"
        seconds = time.perf_counter() - started
        if response.status_code not in status:
            return Health.FAIL, f"HTTP {response.status_code}"
        if contains is not None and contains not in text:
            return Health.FAIL, f"the answer does not contain {contains!r:.80}"
        if pattern is not None and pattern.search(text) is None:
            return Health.FAIL, f"the answer does not match {matches!r:.80}"
        if days is not None and days < certificate_days:
            return Health.WARN, f"the certificate ends in {max(0.0, days):.0f} days"
        return _quick(seconds, slow)

    return probe


def tcp(host: str, port: int, *, slow: float | None = None, timeout: float = 5.0) -> Callable[[], Answer]:
    """Whether a port takes connections; slower than `slow` seconds warns."""

    def probe() -> Answer:
        started = time.perf_counter()
        try:
            socket.create_connection((host, port), timeout).close()
        except OSError as error:
            return Health.FAIL, f"{host}:{port}: {error}"
        return _quick(time.perf_counter() - started, slow)

    return probe


def dns(
    name: str, *, expected: Collection[str] = (), lookup: Callable[[str], Collection[str]] | None = None
) -> Callable[[], Answer]:
    """Whether a name has an address; one that is not among the `expected` warns.

    Args:
        name: what is looked up.
        expected: addresses that are right; empty for any.
        lookup: finds the addresses of a name; by default as the system does.
    """

    def probe() -> Answer:
        try:
            found = set((lookup or _addresses)(name))
        except OSError as error:
            return Health.FAIL, f"{name}: {error}"
        if not found:
            return Health.FAIL, f"{name} has no address"
        strange = found - set(expected) if expected else set()
        return (Health.WARN, f"{name} is at {', '.join(sorted(strange))}") if strange else WELL

    return probe


def sql(connect: Callable[[], Any], query: str = "SELECT 1", *, slow: float | None = None) -> Callable[[], Answer]:
    """Whether a database answers a query; `connect` gives a new connection of the DB-API."""

    def probe() -> Answer:
        started = time.perf_counter()
        with closing(connect()) as connection, closing(connection.cursor()) as cursor:
            cursor.execute(query)
            cursor.fetchone()
        return _quick(time.perf_counter() - started, slow)

    return probe


def redis(url: str, *, slow: float | None = None, timeout: float = 5.0) -> Callable[[], Answer]:
    """Whether Redis answers a ping.

    Raises:
        MissingExtra: the package redis is not installed.
    """
    try:
        from redis import Redis, RedisError
    except ImportError as error:
        raise MissingExtra("this probe needs redis", hint="pip install 'claudia-core[redis]'") from error
    client = Redis.from_url(url, socket_timeout=timeout, socket_connect_timeout=timeout)

    def probe() -> Answer:
        started = time.perf_counter()
        try:
            client.ping()
        except RedisError as error:
            return Health.FAIL, f"{type(error).__name__}: {error}"
        return _quick(time.perf_counter() - started, slow)

    return probe


def _quick(seconds: float, slow: float | None) -> Answer:
    if slow is not None and seconds > slow:
        return Health.WARN, f"took {seconds:.3f} s, more than {slow:g} s"
    return WELL


def _addresses(name: str) -> list[str]:
    return [str(entry[4][0]) for entry in socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)]


def _beginning(response: httpx2.Response) -> str:
    body = b""
    for part in response.iter_bytes():
        body += part
        if len(body) >= MOST_BYTES:
            break
    return body[:MOST_BYTES].decode(response.encoding or "utf-8", "replace")


def _days_left(response: httpx2.Response) -> float | None:
    """Days until the certificate of the connection ends; None without one."""
    stream = response.extensions.get("network_stream")
    tls = None if stream is None else stream.get_extra_info("ssl_object")
    told = None if tls is None else tls.getpeercert()
    if not told or "notAfter" not in told:
        return None
    end = ssl.cert_time_to_seconds(told["notAfter"])
    return (end - datetime.now(UTC).timestamp()) / 86_400
