"""The keys that sign tokens: given as a setting, or made at the first need and kept beside the database."""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from claudia_core.errors import SettingsError
from claudia_core.model.times import from_text, to_text, utc_now
from claudia_core.settings import Settings

FILE = "signing-keys"

ACCESS, REFRESH = "access", "refresh"
"""Kinds of tokens."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A secret of 32 bytes or more; `kid` names it in the tokens it signed, and tells nothing about it."""

    kid: str
    secret: bytes
    made_at: datetime

    def __repr__(self) -> str:
        return f"SigningKey({self.kid!r})"

    @classmethod
    def of(cls, text: str) -> SigningKey:
        """The key that a setting holds; its `kid` is always the same."""
        secret = text.encode()
        kid = hashlib.sha256(b"claudia signing key\0" + secret).hexdigest()[:12]
        return cls(kid, secret, datetime.fromtimestamp(0).astimezone())

    @classmethod
    def new(cls) -> SigningKey:
        """A random key."""
        return cls(secrets.token_hex(6), secrets.token_bytes(32), utc_now())

    def to_document(self) -> dict[str, Any]:
        """As its file keeps it."""
        return {"kid": self.kid, "k": base64.b64encode(self.secret).decode(), "made_at": to_text(self.made_at)}

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> SigningKey:
        """The key that `to_document` wrote."""
        return cls(document["kid"], base64.b64decode(document["k"]), from_text(document["made_at"]))


class SigningKeys:
    """The keys of a hub: the first signs, all are accepted. A file that another process changed is read again.

    Args:
        settings: `jwt_secret` and `jwt_previous_secret`, where they are given.
        database: the store's file; beside it is the keys' file. None keeps them in memory.
    """

    def __init__(self, settings: Settings, database: Path | None) -> None:
        given = [secret.get_secret_value() for secret in (settings.jwt_secret, settings.jwt_previous_secret) if secret]
        self._given = [SigningKey.of(text) for text in given]
        self._file = None if given or database is None else database.with_name(FILE)
        self._lasts = timedelta(seconds=settings.refresh_token_seconds)
        self._kept: list[SigningKey] = []
        self._mark: tuple[int, int] | None = None

    def usable(self) -> Sequence[SigningKey]:
        """The keys, the one that signs first; made at the first call.

        Raises:
            SettingsError: the file cannot be read or made, or others could read it.
        """
        if self._given:
            return self._given
        if self._file is None:
            self._kept = self._kept or [SigningKey.new()]
            return self._kept
        try:
            return self._read(self._file)
        except (OSError, ValueError, KeyError) as error:
            raise SettingsError(
                f"the file of signing keys {self._file} cannot be used: {error}",
                field="jwt_secret",
                hint="delete it to get a new one (everybody must sign in again), or set JWT_SECRET",
            ) from error

    def rotate(self) -> SigningKey:
        """Sign with a new key from now on; older ones are accepted until their last token has expired.

        Raises:
            SettingsError: the keys come from a setting.
        """
        if self._given:
            hint = "put the present secret into CLAUDIA_JWT_PREVIOUS_SECRET and a new one into JWT_SECRET"
            raise SettingsError("the signing key is set by JWT_SECRET", field="jwt_secret", hint=hint)
        before, new = list(self.usable()), SigningKey.new()
        # A key stops signing when the next one is made, so that is what its last token is counted from.
        stopped = [new.made_at, *(key.made_at for key in before)]
        kept = [new, *(key for key, at in zip(before, stopped, strict=False) if new.made_at - at < self._lasts)]
        if self._file is None:
            self._kept = kept
        else:
            _write(self._file, kept, replace=True)
        return new

    def _read(self, file: Path) -> Sequence[SigningKey]:
        if not file.exists():
            _write(file, [SigningKey.new()])
        found = file.stat()
        if self._mark != (found.st_ino, found.st_mtime_ns):
            self._kept = _load(file)
            self._mark = (found.st_ino, found.st_mtime_ns)
        return self._kept


def _load(file: Path) -> list[SigningKey]:
    descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW)
    with os.fdopen(descriptor, "rb") as opened:
        if stat.S_IMODE(os.fstat(opened.fileno()).st_mode) & 0o077:
            raise ValueError("others can read it")
        found = [SigningKey.from_document(document) for document in orjson.loads(opened.read(100_000))]
    if not found or any(len(key.secret) < 32 for key in found):
        raise ValueError("it holds no key of 32 bytes")
    return found


def _write(file: Path, keys: Sequence[SigningKey], *, replace: bool = False) -> None:
    """Complete and for the owner only; another process that made the file first wins, unless it is replaced."""
    draft = file.with_name(f"{file.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(orjson.dumps([key.to_document() for key in keys]))
        if replace:
            draft.replace(file)
        else:
            os.link(draft, file)
    except FileExistsError:
        pass
    finally:
        draft.unlink(missing_ok=True)
