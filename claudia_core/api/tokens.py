"""The server's token: made at the first start, kept beside the database, proved by link, header or cookie."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
import stat
import time
from pathlib import Path

from claudia_core.errors import SettingsError
from claudia_core.logs import get_logger
from claudia_core.settings import Settings

log = get_logger(__name__)

SHORTEST = 16
FORM = re.compile(rf"[A-Za-z0-9._~-]{{{SHORTEST},512}}")
"""What a token looks like: it must fit into a link and a header as it is."""

COOKIE_SECONDS = 30 * 86_400


def server_token(settings: Settings, database: Path | None) -> str:
    """`CLAUDIA_TOKEN`, or else the token kept beside the database; a new one at the first start, or without a file.

    Raises:
        SettingsError: the token is too short or cannot be part of a link; or its file cannot be read or made.
    """
    if settings.token is not None:
        return _checked(settings.token.get_secret_value(), "CLAUDIA_TOKEN")
    if database is None:
        return new_token()
    file = database.with_name("token")
    try:
        return _read(file) or _make(file)
    except OSError as error:
        raise SettingsError(
            f"the token's file {file} cannot be used: {error.strerror}", field="token", hint="or set CLAUDIA_TOKEN"
        ) from error


def new_token() -> str:
    """32 random bytes as text for links."""
    return secrets.token_urlsafe(32)


def _checked(token: str, what: str) -> str:
    if FORM.fullmatch(token) is None:
        hint = f"use {SHORTEST} or more of A-Z a-z 0-9 . _ ~ -, or leave it out to get a random one"
        raise SettingsError(f"{what} holds no usable token", field="token", hint=hint)
    return token


def _read(file: Path) -> str | None:
    """The kept token; None where there is none, or others could have read it."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    with os.fdopen(descriptor, encoding="ascii", errors="replace") as opened:
        if stat.S_IMODE(os.fstat(opened.fileno()).st_mode) & 0o077:
            log.warning("others could read the token: a new one replaces it", file=str(file))
            file.unlink()
            return None
        return _checked(opened.read(1_000).strip(), str(file))


def _make(file: Path) -> str:
    """A new token in its file, made complete and for the owner only; or another process's, if that was faster."""
    draft = file.with_name(f"{file.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as opened:
            opened.write(new_token() + "\n")
        os.link(draft, file)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return _checked(file.read_text(encoding="ascii").strip(), str(file))


class Keyring:
    """Checks what a visitor shows against the token. All comparisons take constant time.

    Cookies are named after the port, because hubs on one host share a browser's cookies. A cookie holds the time it
    was made and a keyed hash of it: it proves that its owner had the token, does not hold it, and ends by itself.
    """

    def __init__(self, token: str, port: int) -> None:
        self.cookie_name = f"claudia-{port}"
        self._token = token.encode()

    def accepts_token(self, shown: str) -> bool:
        """Whether this is the token."""
        return hmac.compare_digest(shown.encode(errors="replace"), self._token)

    def new_cookie(self) -> str:
        """A cookie's value, good for 30 days."""
        made = str(int(time.time()))
        return f"{made}.{self._sign(made)}"

    def accepts_cookie(self, shown: str) -> bool:
        """Whether this is a cookie of this server that is still good."""
        made, _, signature = shown.partition(".")
        if not hmac.compare_digest(signature.encode(errors="replace"), self._sign(made).encode()):
            return False
        return 0 <= time.time() - int(made) + 60 <= COOKIE_SECONDS + 60

    def _sign(self, made: str) -> str:
        text = f"claudia cookie\0{self.cookie_name}\0{made}".encode(errors="replace")
        return hmac.new(self._token, text, hashlib.sha256).hexdigest()
