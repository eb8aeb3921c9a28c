"""HTTP to addresses that users give: each name is resolved once, checked, and the checked address is called.

What is called cannot be changed between the check and the call (DNS rebinding). TLS still asks for the host's name.
Redirects are not followed and proxies of the environment are not asked: both would call what was not checked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import httpcore2
import httpx2
from httpcore2 import AnyIOBackend, AsyncNetworkBackend, AsyncNetworkStream, NetworkBackend, NetworkStream, SyncBackend

from claudia_core.errors import TooLarge
from claudia_core.integrations.addresses import Allowed, Resolver, checked, resolve

MOST_BYTES = 1_000_000
SECONDS = 15.0
USER_AGENT = "Claudia/1"
LOOKUPS = 32
"""Names that are looked up at a time: one that hangs must not keep others waiting."""


class GuardedSync(NetworkBackend):
    """Connects to checked addresses only."""

    def __init__(
        self, allowed: Allowed | None = None, resolver: Resolver = resolve, inner: NetworkBackend | None = None
    ) -> None:
        self._allowed = allowed or Allowed()
        self._resolve = resolver
        self._inner = inner or SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> NetworkStream:
        """See httpcore. Raises AddressRefused."""
        addresses = checked(host, _looked_up(self._resolve, host, port), self._allowed)
        for address in addresses[:-1]:
            try:
                return self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                continue
        return self._inner.connect_tcp(addresses[-1], port, timeout, local_address, socket_options)


class GuardedAsync(AsyncNetworkBackend):
    """The same for what is awaited."""

    def __init__(
        self, allowed: Allowed | None = None, resolver: Resolver = resolve, inner: AsyncNetworkBackend | None = None
    ) -> None:
        self._allowed = allowed or Allowed()
        self._resolve = resolver
        self._inner = inner or AnyIOBackend()
        self._threads = ThreadPoolExecutor(LOOKUPS, thread_name_prefix="claudia-lookup")

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the port's own
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> AsyncNetworkStream:
        """See httpcore. Raises AddressRefused."""
        looking = asyncio.get_running_loop().run_in_executor(self._threads, _looked_up, self._resolve, host, port)
        try:
            async with asyncio.timeout(timeout):
                found = await looking
        except TimeoutError as error:
            raise httpcore2.ConnectTimeout(f"the lookup of {host!r:.100} takes too long") from error
        addresses = checked(host, found, self._allowed)
        for address in addresses[:-1]:
            try:
                return await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                continue
        return await self._inner.connect_tcp(addresses[-1], port, timeout, local_address, socket_options)

    async def sleep(self, seconds: float) -> None:
        """See httpcore."""
        await asyncio.sleep(seconds)

    def close(self) -> None:
        """End the threads of lookups that are not under way."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _looked_up(resolver: Resolver, host: str, port: int) -> list[str]:
    try:
        return resolver(host, port)
    except (OSError, UnicodeError) as error:
        raise httpcore2.ConnectError(f"{host!r:.100} cannot be looked up: {error}") from error


def guarded_client(allowed: Allowed | None = None, *, backend: NetworkBackend | None = None) -> httpx2.Client:
    """A client for addresses that users give. Costs a TLS context (some 60 ms): share one.

    Raises, when used: AddressRefused, httpx2.HTTPError. Read answers by `read_bounded`.
    """
    transport = httpx2.HTTPTransport(trust_env=False)
    # httpx2 lets nobody choose the backend of a transport's pool. tests/integrations/test_outgoing.py proves that it
    # is this attribute, whatever a newer version does.
    transport._pool._network_backend = backend or GuardedSync(allowed)
    return httpx2.Client(
        transport=transport,
        timeout=SECONDS,
        follow_redirects=False,
        trust_env=False,
        headers={"user-agent": USER_AGENT, "accept-encoding": "identity"},
    )


def read_bounded(response: httpx2.Response, most: int = MOST_BYTES) -> bytes:
    """The body of a streamed answer, as it was sent: not decompressed.

    Raises:
        TooLarge: it is over `most` bytes.
    """
    body = b""
    for part in response.iter_raw():
        body += part
        if len(body) > most:
            raise TooLarge(f"the answer is over {most:,} bytes")
    return body


class Sent(NamedTuple):
    """What came back; `body` is at most the bytes that were asked for."""

    status: int
    headers: dict[str, str]
    body: bytes


class Poster:
    """Posts many small bodies from one event loop, connections kept open.

    Args:
        backend: connects; by default to checked addresses only.
        connections: most open at a time.
        seconds: how long one post may take, from lookup to the end of what is read.
    """

    def __init__(
        self, backend: AsyncNetworkBackend | None = None, *, connections: int = 400, seconds: float = SECONDS
    ) -> None:
        self._backend = backend or GuardedAsync()
        self._seconds = seconds
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=httpx2.create_ssl_context(trust_env=False),
            max_connections=connections,
            max_keepalive_connections=connections // 2,
            keepalive_expiry=30.0,
            network_backend=self._backend,
        )

    async def post(self, url: str, headers: dict[str, str], body: bytes, most: int = 10_000) -> Sent:
        """Post and read up to `most` bytes of the answer.

        Raises:
            AddressRefused: the address may not be called.
            TimeoutError: it took too long.
            OSError: it could not be connected, or the connection broke.
        """
        sent = [(name.encode("ascii"), value.encode("utf-8")) for name, value in headers.items()]
        sent.append((b"User-Agent", USER_AGENT.encode()))
        limits = dict.fromkeys(("connect", "read", "write", "pool"), self._seconds)
        try:
            async with asyncio.timeout(self._seconds):
                extensions = {"timeout": limits}
                async with self._pool.stream(
                    "POST", url, headers=sent, content=body, extensions=extensions
                ) as response:
                    found = await _beginning(response, most)
                    told = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
                    return Sent(response.status, told, found)
        except httpcore2.TimeoutException as error:
            raise TimeoutError(str(error) or type(error).__name__) from error
        except (httpcore2.NetworkError, httpcore2.ProtocolError, httpcore2.UnsupportedProtocol) as error:
            raise ConnectionError(str(error) or type(error).__name__) from error

    async def close(self) -> None:
        """End all connections."""
        await self._pool.aclose()
        if isinstance(self._backend, GuardedAsync):
            self._backend.close()


async def _beginning(response: httpcore2.Response, most: int) -> bytes:
    """What is read of an answer; where there is more, the connection is not used again."""
    found = b""
    async for part in response.aiter_stream():
        found += part
        if len(found) >= most:
            break
    return found[:most]
