"""The saved filters of a hub elsewhere: the same methods as in `services`, carried out by requests."""

from __future__ import annotations

from collections.abc import Mapping

from claudia_core.clients.http import Connection
from claudia_core.model.saved_filter import SavedFilter
from claudia_core.services.filters import Filters


class RemoteFilters(Filters):
    """See `services.Filters`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(self) -> list[SavedFilter]:
        """See `services.Filters`."""
        return [SavedFilter.from_document(item) for item in self._connection.ask("filters.list")["items"]]

    def save(self, name: str, query: Mapping[str, str]) -> SavedFilter:
        """See `services.Filters`."""
        return SavedFilter.from_document(self._connection.ask("filters.save", name=name, query=dict(query)))

    def rename(self, id: str, name: str) -> SavedFilter:
        """See `services.Filters`."""
        return SavedFilter.from_document(self._connection.ask("filters.rename", id=id, name=name))

    def delete(self, id: str) -> SavedFilter:
        """See `services.Filters`."""
        return SavedFilter.from_document(self._connection.ask("filters.delete", id=id))
