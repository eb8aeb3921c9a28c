"""Where a request comes from: answers to foreign names and actions from foreign pages are refused.

The host rule stops DNS rebinding, where a foreign page's name is made to point at this machine. The origin rule stops
foreign pages, such as another server on localhost, from using a visitor's cookie. The load rule stops them from taking
what they may not read, such as a page's scripts, as a part of their own.
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


def is_foreign_load(headers: Headers) -> bool:
    """Whether another site's page loads this as a part of itself: as a script, an image, by fetch.

    Links and frames are no such thing; whether a page may be framed is the policy's matter. Browsers that do not send
    Sec-Fetch-Mode are let through: the same is refused there by Cross-Origin-Resource-Policy and SameSite cookies.
    """
    site = headers.get("sec-fetch-site", "none")
    return site in ("cross-site", "same-site") and headers.get("sec-fetch-mode", "navigate") != "navigate"
