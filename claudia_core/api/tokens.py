"""The server's token: made at the first start, kept beside the database, shown in a link or header."""

from __future__ import annotations

import os
import re
import secrets
import stat
from pathlib import Path

from claudia_core.errors import SettingsError
from claudia_core.logs import get_logger
from claudia_core.settings import Settings

log = get_logger(__name__)

SHORTEST = 16
FORM = re.compile(rf"[A-Za-z0-9._~-]{{{SHORTEST},512}}")
"""What a token looks like: it must fit into a link and a header as it is."""


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
