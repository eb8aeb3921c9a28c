"""WebSockets of a hub, opened without redirects, and with the errors of Claudia."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.sync.client import reconnect

from claudia_core.clients.refusals import error_of
from claudia_core.clients.transport import Address
from claudia_core.errors import ClaudiaError, HubUnavailable

MOST_BYTES = 8_000_000
"""Longest message that a hub may send."""


class Direct(reconnect):
    """A connection without redirects: `with Direct(url, **settings(...)) as socket`."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        """None is followed."""
        return exc


class AsyncDirect(connect):
    """The same for asyncio: `async with AsyncDirect(url, **settings(...))`."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        """None is followed."""
        return exc


def settings(address: Address, timeout: float) -> dict[str, Any]:
    """How sockets are opened; the hub has `timeout` seconds for it."""
    return {
        "additional_headers": address.headers,
        "proxy": None if address.is_loopback else True,
        "compression": None,
        "open_timeout": timeout,
        "close_timeout": 1.0,
        "max_size": MOST_BYTES,
        "user_agent_header": "claudia",
    }


@contextmanager
def translated(address: Address) -> Iterator[None]:
    """What goes wrong with a socket, as the errors of Claudia.

    Raises:
        AccessDenied, NotFound: the hub refused it.
        HubUnavailable: it could not be opened, or broke.
    """
    try:
        yield
    except ClaudiaError:  # some are ValueError or TimeoutError, too
        raise
    except InvalidStatus as error:
        status = error.response.status_code
        raise error_of({"detail": f"{address} refused the socket"}, status=status) from error
    except ConnectionClosed as error:
        raise HubUnavailable(f"the connection to {address} was closed") from error
    except TimeoutError as error:
        raise HubUnavailable(f"{address} did not answer in time") from error
    except (OSError, WebSocketException, ValueError) as error:
        raise HubUnavailable(f"{address} cannot be reached: {error}", hint="is the hub running?") from error
