"""What secrets in the store are encrypted with: keys of the setting, or of a file beside the database."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from claudia_core.errors import MissingExtra, NoSecretKeys, SettingsError
from claudia_core.logs import get_logger
from claudia_core.ports import Store
from claudia_core.services.resealing import Resealed, Resealing
from claudia_core.settings import Settings

if TYPE_CHECKING:
    from claudia_core.integrations.oauth.keyring import Keyring

log = get_logger(__name__)

FILE = "secret-keys"


class Seals:
    """A hub's sealer, made when it is first asked for: most hubs keep no secrets. Shared by all views of a hub.

    Args:
        settings: `secret_keys`, where they are given.
        database: the store's file; beside it is the keys' file.
    """

    def __init__(self, settings: Settings, database: Path | None) -> None:
        self._settings = settings
        self._database = database
        self._lock = threading.Lock()
        self._made: Keyring | None = None
        self._is_told = False
        self._stamp: tuple[int, int] | None = None

    def sealer(self) -> Keyring:
        """What encrypts and decrypts. For a store in memory its keys live as long as the hub.

        Raises:
            SettingsError: several servers may share the store, and no keys are set; or they cannot be read.
            MissingExtra: cryptography is not installed.
        """
        with self._lock:
            if self._made is None or self._stamp != self._stamp_now():
                self._stamp = self._stamp_now()
                self._made = self._make()
                self._stamp = self._stamp or self._stamp_now()  # it may have been made just now
            return self._made

    def optional(self) -> Keyring | None:
        """The same; None, with a word in the logs, where cryptography is not installed or a shared store has no keys.

        Raises:
            SettingsError: the keys cannot be read.
        """
        try:
            return self.sealer()
        except (MissingExtra, NoSecretKeys) as error:
            if not self._is_told:
                self._is_told = True
                log.warning("secrets of webhooks are kept as they are", reason=error.message, cure=error.hint)
            return None

    def rotate(self, store: Store) -> Resealed:
        """Encrypt all secrets in a store with the newest key, and forget older ones when that is done.

        Of a file of keys, a new one is made; where an earlier run was interrupted, it goes on with that one's. Other
        processes read the file again when it has changed, and use all its keys until the older ones are gone. Keys of
        the setting are changed by whoever sets them: a new one before those that are there.

        Raises:
            SettingsError: a secret cannot be read by any key; the others are done, and all keys are still there.
        """
        file = self._file
        if file is not None and _keyring().number_in(file) < 2:
            _keyring().rotate_file(file)
        done = self._reseal(store)
        if file is not None:
            _keyring().drop_old(file)
        return done

    def _reseal(self, store: Store) -> Resealed:
        done = Resealing(store, self.sealer()).run()
        while (again := Resealing(store, self.sealer()).run()).changed and not again.unread:
            done.changed += again.changed  # what another process had encrypted before it saw the new key
        if done.unread:
            names = ", ".join(f"{name}: {why}" for name, why in done.unread.items())
            hint = "bring back its key, or set it anew or delete it, and run this once more"
            raise SettingsError(f"not encrypted anew: {names}"[:1_000], field="secret_keys", hint=hint)
        return done

    @property
    def _file(self) -> Path | None:
        if self._settings.secret_keys is not None or self._database is None:
            return None
        return self._database.with_name(FILE)

    def _stamp_now(self) -> tuple[int, int] | None:
        """What tells that the file of keys is another; None where there is none."""
        file = self._file
        if file is None:
            return None
        try:
            found = file.stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns

    def _make(self) -> Keyring:
        Keyring = _keyring()  # noqa: N806 - a class
        given = self._settings.secret_keys
        if given is not None:
            return Keyring([key.strip() for key in given.get_secret_value().split(",")])
        if self._file is not None:
            return Keyring.in_file(self._file)
        if self._settings.database_url.startswith("memory:"):
            return Keyring.new()
        hint = "32 random bytes in URL-safe Base64, the same for every server of this store; commas between several"
        raise NoSecretKeys("CLAUDIA_SECRET_KEYS is not set: secrets need it here", field="secret_keys", hint=hint)


def _keyring() -> type[Keyring]:
    from claudia_core.integrations.oauth.keyring import Keyring

    return Keyring
