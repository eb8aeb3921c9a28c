"""The keys that stored tokens are encrypted with: from a setting, or from a file that only its owner can read."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from claudia_core.errors import MissingExtra, SettingsError

try:
    from cryptography.fernet import Fernet, InvalidToken, MultiFernet
except ImportError as error:
    raise MissingExtra("encrypted tokens need cryptography", hint="pip install 'claudia-core[auth]'") from error

MOST_KEYS = 20


class Keyring:
    """Encrypts with the first of its keys and reads what any of them wrote (Fernet: AES-128-CBC with HMAC-SHA256).

    Args:
        keys: each 32 bytes in URL-safe base64, the newest first.

    Raises:
        SettingsError: there is none, or one is malformed.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        if not 0 < len(keys) <= MOST_KEYS:
            raise SettingsError(f"there are {len(keys)} keys", field="token_keys", hint=f"use 1 to {MOST_KEYS}")
        try:
            single = [Fernet(key) for key in keys]
            self._newest, self._fernet = single[0], MultiFernet(single)
        except ValueError as error:
            hint = "each is 32 random bytes in URL-safe base64, the newest first"
            raise SettingsError("a key for stored tokens is malformed", field="token_keys", hint=hint) from error

    def is_newest(self, text: str) -> bool:
        """Whether the first of the keys encrypted this."""
        try:
            self._newest.decrypt(text)
        except InvalidToken:
            return False
        return True

    @classmethod
    def new_key(cls) -> str:
        """A new key as text."""
        return Fernet.generate_key().decode()

    @classmethod
    def number_in(cls, file: Path) -> int:
        """How many keys a file holds; 0 where there is none.

        Raises:
            SettingsError: others can read it.
        """
        return len(_read(file))

    @classmethod
    def new(cls) -> Self:
        """One new key, kept nowhere."""
        return cls([Fernet.generate_key().decode()])

    @classmethod
    def in_file(cls, file: Path) -> Self:
        """The keys in a file, one a line; it is made at first use, for its owner only.

        Raises:
            SettingsError: others can read it, it cannot be read or made, or holds something else.
        """
        try:
            return cls(_read(file) or _made(file))
        except OSError as error:
            raise SettingsError(f"the key file {file} cannot be used: {error.strerror}", field="token_keys") from error

    @classmethod
    def rotate_file(cls, file: Path) -> Self:
        """Put a new key before those in the file. `Vault.rotate` then re-encrypts, and `drop_old` forgets the others.

        Raises:
            SettingsError: as `in_file`.
        """
        cls.in_file(file)
        _write(file, [Fernet.generate_key().decode(), *_read(file)])
        return cls.in_file(file)

    @classmethod
    def drop_old(cls, file: Path) -> Self:
        """Keep only the newest key in the file; what the others wrote can no longer be read.

        Raises:
            SettingsError: as `in_file`.
        """
        cls.in_file(file)
        _write(file, _read(file)[:1])
        return cls.in_file(file)

    def encrypt(self, data: bytes) -> str:
        """`data`, unreadable and unforgeable without the key."""
        return self._fernet.encrypt(data).decode()

    def decrypt(self, text: str) -> bytes:
        """What `encrypt` was given.

        Raises:
            SettingsError: none of the keys wrote it, or it was changed.
        """
        try:
            return self._fernet.decrypt(text)
        except InvalidToken as error:
            hint = "bring back the key it was encrypted with, or connect the account anew"
            raise SettingsError("a stored token cannot be decrypted", field="token_keys", hint=hint) from error


def _read(file: Path) -> list[str]:
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return []
    with os.fdopen(descriptor, encoding="ascii", errors="replace") as opened:
        if stat.S_IMODE(os.fstat(opened.fileno()).st_mode) & 0o077:
            hint = f"chmod 600 {file}; its tokens may be known to others: revoke them and rotate the key"
            raise SettingsError(f"others can read the key file {file}", field="token_keys", hint=hint)
        return opened.read(10_000).split()


def _made(file: Path) -> list[str]:
    draft = _draft(file, [Fernet.generate_key().decode()])
    try:
        os.link(draft, file)  # fails where another process was faster
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return _read(file)


def _write(file: Path, keys: Sequence[str]) -> None:
    _draft(file, keys).replace(file)


def _draft(file: Path, keys: Sequence[str]) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f"{file.name}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as opened:
        opened.write("".join(f"{key}\n" for key in keys))
        opened.flush()
        os.fsync(opened.fileno())
    return draft
