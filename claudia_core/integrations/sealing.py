"""What secrets in the store are encrypted with: keys of the setting, or of a file beside the database."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from claudia_core.errors import MissingExtra, NoSecretKeys
from claudia_core.logs import get_logger
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

    def sealer(self) -> Keyring:
        """What encrypts and decrypts. For a store in memory its keys live as long as the hub.

        Raises:
            SettingsError: several servers may share the store, and no keys are set; or they cannot be read.
            MissingExtra: cryptography is not installed.
        """
        with self._lock:
            if self._made is None:
                self._made = self._make()
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

    def _make(self) -> Keyring:
        from claudia_core.integrations.oauth.keyring import Keyring

        given = self._settings.secret_keys
        if given is not None:
            return Keyring([key.strip() for key in given.get_secret_value().split(",")])
        if self._database is not None:
            return Keyring.in_file(self._database.with_name(FILE))
        if self._settings.database_url.startswith("memory:"):
            return Keyring.new()
        hint = "32 random bytes in URL-safe Base64, the same for every server of this store; commas between several"
        raise NoSecretKeys("CLAUDIA_SECRET_KEYS is not set: secrets need it here", field="secret_keys", hint=hint)
