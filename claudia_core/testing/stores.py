"""Stores that misbehave on demand."""

from __future__ import annotations

from claudia_core.errors import StoreUnavailable
from claudia_core.stores.changes import Changes
from claudia_core.stores.memory import MemoryStore


class FlakyStore(MemoryStore):
    """A store in memory that is away while `is_away` is true: writes fail as those of a database that is down."""

    def __init__(self) -> None:
        self.is_away = False
        super().__init__()

    def begin(self) -> tuple[MemoryStore, Changes]:
        """Start a commit, or say that the store is away."""
        if self.is_away:
            raise StoreUnavailable("the store is away", hint="a test said so")
        return super().begin()
