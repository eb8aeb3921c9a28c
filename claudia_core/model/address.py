"""Addresses that users give, to be called by the hub."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from claudia_core.errors import InvalidValue
from claudia_core.model.values import require_text

MOST_URL = 2_000
MASK = "********"
_PASSWORD = re.compile(r"(://[^:/@]*:)[^@]*@")
_TOKEN = re.compile(r"([?&]token=)[^&#]*")


def without_password(text: str) -> str:
    """A text in which the password within an address, or the token of a hub's link, is masked for who is shown it."""
    return _TOKEN.sub(rf"\1{MASK}", _PASSWORD.sub(rf"\1{MASK}@", text))


def require_url(url: object, field: str = "url") -> str:
    """`url` where it is an http or https address without user and fragment. What it leads to is checked when called.

    Raises:
        InvalidValue: it is not.
    """
    text = require_text(url, field, MOST_URL)
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname or "", parts.port
        is_good = bool(host) and parts.scheme in ("http", "https") and "@" not in parts.netloc and not parts.fragment
        host.encode("idna" if not host.isascii() else "ascii")
    except (ValueError, UnicodeError):
        is_good = False
    if not is_good or not text.isprintable() or " " in text or "\\" in text:
        hint = "use https://HOST/PATH without user, password and fragment"
        raise InvalidValue(f"{field} is no address to call", field=field, hint=hint)
    return text


def host_of(url: str) -> str:
    """The host and port of an address, as people know them."""
    return urlsplit(url).netloc.lower()
