"""Passwords: argon2id, a few at a time, because each takes a tenth of a second of a core."""

from __future__ import annotations

import threading
from functools import cache
from typing import TYPE_CHECKING

from claudia_core.errors import InvalidValue, MissingExtra

if TYPE_CHECKING:
    from argon2 import PasswordHasher

SHORTEST, LONGEST = 10, 1_000
"""Characters of a password."""

AT_ONCE = 2
"""Passwords looked at together; others wait. So a flood of sign-ins cannot take all cores and memory."""

_slots = threading.BoundedSemaphore(AT_ONCE)


@cache
def _hasher() -> PasswordHasher:
    try:
        from argon2 import PasswordHasher
    except ImportError as error:
        raise MissingExtra("passwords need argon2", hint="pip install 'claudia-core[auth]'") from error
    return PasswordHasher()


def require_hasher() -> None:
    """Passwords can be kept here.

    Raises:
        MissingExtra: argon2 is not installed.
    """
    _hasher()


def require_password(password: object, name: str) -> str:
    """`password` if it may be one.

    Raises:
        InvalidValue: it is shorter than 10 characters, longer than 1,000, or the user's name. It is not repeated.
    """
    hint = f"use {SHORTEST} characters or more, such as four random words"
    if not isinstance(password, str) or not SHORTEST <= len(password) <= LONGEST:
        raise InvalidValue(
            f"the password is not {SHORTEST} to {LONGEST:,} characters long", field="password", hint=hint
        )
    if password.casefold() == name.casefold():
        raise InvalidValue("the password is the name", field="password", hint=hint)
    return password


def hashed(password: str) -> str:
    """The hash to keep, with its salt and parameters.

    Raises:
        MissingExtra: argon2 is not installed.
    """
    with _slots:
        return _hasher().hash(password.encode(errors="surrogatepass"))


@cache
def _nobodys() -> str:
    return hashed("nobody has this password")


def is_right(kept: str, password: str) -> bool:
    """Whether the password is the one that was hashed. Takes as long when there is nothing to compare with.

    Raises:
        MissingExtra: argon2 is not installed.
    """
    hasher = _hasher()
    from argon2.exceptions import InvalidHashError, VerificationError

    against = kept or _nobodys()
    with _slots:
        try:
            hasher.verify(against, password[:LONGEST].encode(errors="surrogatepass"))
        except (VerificationError, InvalidHashError):
            return False
    return bool(kept) and len(password) <= LONGEST
