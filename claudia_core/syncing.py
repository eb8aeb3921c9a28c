"""What a hub learns from elsewhere by itself, and what it folds from its log: work that one process at a time does."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from claudia_core.model.event import Event
from claudia_core.model.health import Health
from claudia_core.ports import Store
from claudia_core.projections import Projection
from claudia_core.services.health import HealthChecks
from claudia_core.settings import Settings

if TYPE_CHECKING:
    from claudia_core.integrations.mongodb import MongoDBService
    from claudia_core.integrations.sync import Poll
    from claudia_core.integrations.sync.cdc import CollectionSync


class Going(Protocol):
    """Something that runs until it is told to end."""

    def health(self) -> tuple[Health, str]:
        """How it goes."""
        ...

    def stop(self) -> None:
        """End."""
        ...


class Syncing:
    """Sources elsewhere and projections of a hub. Each has a health check, and ends with the hub."""

    store: Store
    settings: Settings
    health: HealthChecks

    def __init__(self) -> None:
        self._going: list[Going] = []
        self._connected: list[MongoDBService] = []

    def _require_here(self, what: str) -> None:
        raise NotImplementedError

    def poll(self, name: str, source: str | Callable[[], Iterable[Mapping[str, Any]]], **options: Any) -> Poll:
        """Tell what changes in a source, asked again and again, as events `NAME:inserted`, `updated`, `deleted`.

        `claudia.poll("orders", "https://shop.example/orders.json", key="number", every=60)`; the source may be a
        function that gives rows, an address that answers JSON, or a query with `connect=`: `integrations.sync.Poll`.

        Raises:
            StoreError: the hub is elsewhere.
            InvalidValue: an option breaks a rule.
        """
        from claudia_core.integrations.sync import Poll

        self._require_here("a source that is polled")
        return self._go(f"sync {name}", Poll(self.store, name, source, **{"lease": self.settings.lease, **options}))

    def sync_collection(
        self, collection: str, *, name: str | None = None, url: str | None = None, **options: Any
    ) -> CollectionSync:
        """Tell the changes of a MongoDB collection as events `NAME:inserted`, `updated`, `deleted`.

        Args:
            collection: in the hub's own database, or in that of `url`.
            name: the first word of the events; the collection's name by default.
            url: of another MongoDB, with the database's name.
            options: see `integrations.sync.cdc.CollectionSync`.

        Raises:
            StoreError: the hub is elsewhere, or on a file and no `url` is given, or the MongoDB cannot be used.
            InvalidValue: the name is no word for events.
            MissingExtra: the driver is not installed.
        """
        from claudia_core.integrations.mongodb import MongoDBService

        self._require_here("a collection that is followed")
        service: MongoDBService = getattr(self, "mongodb") if url is None else MongoDBService(url)  # noqa: B009
        rows = service.connect().collection(collection)
        if url is not None:
            self._connected.append(service)
        from claudia_core.integrations.sync.cdc import CollectionSync

        name = name or collection
        made = CollectionSync(self.store, name, rows, **{"lease": self.settings.lease, **options})
        return self._go(f"sync {name}", made)

    def project(self, name: str, fold: Callable[[Any, Event], Any], **options: Any) -> Projection:
        """A value folded from the log and kept in the store: `claudia.project("spent", add, start=0).state`.

        `claudia replay NAME` folds it again. See `projections.Projection`.

        Raises:
            StoreError: the hub is elsewhere.
        """
        self._require_here("a projection")
        made = Projection(self.store, name, fold, **{"lease": self.settings.lease, **options})
        return self._go(f"projection {name}", made)

    def _go[T: Going](self, name: str, made: T) -> T:
        self._going.append(made)
        self.health.register(name, made.health)
        return made

    def _end_going(self) -> None:
        for one in self._going:
            one.stop()
        for service in self._connected:
            service.disconnect()
