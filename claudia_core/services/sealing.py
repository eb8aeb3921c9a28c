"""Secrets within documents: encrypted in the store, opened where they are used."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from claudia_core.errors import SettingsError
from claudia_core.model.source import Source
from claudia_core.model.webhook import Endpoint
from claudia_core.ports import Sealer

MARK = "sealed:"


class Safe:
    """Seals texts, each with the id of what it belongs to: nobody can give it to another by writing into the store.

    Args:
        sealer: gives what encrypts; where it gives None, and without it, texts are kept as they are.
    """

    def __init__(self, sealer: Callable[[], Sealer | None] | None = None) -> None:
        self._sealer = sealer

    def seal(self, owner: str, text: str) -> str:
        """The text as it is kept.

        Raises:
            SettingsError: the keys cannot be read.
        """
        sealer = self._sealer() if self._sealer is not None else None
        return text if sealer is None else MARK + sealer.encrypt(f"{owner} {text}".encode())

    def open(self, owner: str, kept: str) -> str:
        """The text; what was kept as it is, comes as it is.

        Raises:
            SettingsError: no key is at hand that opens it, or it belongs to something else.
        """
        if not kept.startswith(MARK):
            return kept
        sealer = self._sealer() if self._sealer is not None else None
        if sealer is None:
            hint = "bring back CLAUDIA_SECRET_KEYS or the file of keys, and claudia-core[auth]"
            raise SettingsError("there is nothing to open a secret with", field="secret_keys", hint=hint)
        found, _, text = sealer.decrypt(kept.removeprefix(MARK)).decode().partition(" ")
        if found != owner:
            raise SettingsError("a secret in the store is another's", field="secret_keys", hint="set it anew")
        return text

    def endpoint(self, kept: Endpoint) -> Endpoint:
        """An endpoint with its secrets and headers opened. Raises as `open`."""
        secrets = tuple(replace(secret, text=self.open(kept.id, secret.text)) for secret in kept.secrets)
        headers = {name: self.open(kept.id, value) for name, value in kept.headers.items()}
        return replace(kept, secrets=secrets, headers=headers)

    def source(self, kept: Source) -> Source:
        """A source with its secrets opened. Raises as `open`."""
        return replace(kept, secrets=tuple(self.open(kept.id, secret) for secret in kept.secrets))
