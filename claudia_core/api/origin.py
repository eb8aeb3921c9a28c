"""Where a request comes from: answers to foreign names and actions from foreign pages are refused.

The host rule stops DNS rebinding, where a foreign page's name is made to point at this machine. The origin rule stops
foreign pages, such as another server on localhost, from using a visitor's cookie.
"""

from __future__ import annotations

from collections.abc import Container
from urllib.parse import urlsplit

from starlette.datastructures import Headers

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def is_known_host(headers: Headers, hosts: Container[str | None]) -> bool:
    """Whether the request asks for one of `hosts`, whatever the port (which a tunnel may change)."""
    named = headers.getlist("host")
    return len(named) == 1 and host_of(named[0]) in hosts


def host_of(authority: str) -> str | None:
    """The host of `host:port`, lower case and without brackets; None where there is no making sense of it."""
    try:
        parts = urlsplit(f"//{authority}")
        _ = parts.port  # raises where it is no number
    except ValueError:
        return None
    if parts.netloc != authority or "@" in authority:
        return None
    return (parts.hostname or "").rstrip(".") or None


def is_same_origin(headers: Headers) -> bool:
    """Whether the page that asks came from this server, or nothing says that it is a browser's page at all.

    The scheme is not compared: behind a TLS proxy it differs.
    """
    origins = headers.getlist("origin")
    if not origins:
        return headers.get("sec-fetch-site", "none") in ("none", "same-origin")
    if len(origins) > 1:
        return False
    try:
        authority = urlsplit(origins[0]).netloc
    except ValueError:
        return False
    return bool(authority) and authority.lower() == headers.get("host", "").lower()
