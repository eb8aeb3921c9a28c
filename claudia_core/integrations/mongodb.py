"""Collections of one's own in MongoDB: on the hub's client, or on one of their own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

from claudia_core.errors import InvalidValue, MissingExtra, StoreClosed
from claudia_core.model.times import utc_now
from claudia_core.stores.schema import COLLECTIONS

if TYPE_CHECKING:
    from pymongo import MongoClient
    from pymongo.collection import Collection
    from pymongo.results import UpdateResult

type Row = dict[str, Any]

OWN = frozenset({*COLLECTIONS, "log", "samples", "writers"})
"""Collections of the hub itself: what is not written by its services has no event."""


class MongoDBService:
    """Finds, inserts and changes documents of one's own, which it gives the times `created_at` and `updated_at`.

    `claudia.mongodb` is one on the hub's database and client. One with an address of its own connects when told to:

        with MongoDBService("mongodb://HOST/shop?replicaSet=rs0") as shop:
            id = shop.insert_one("orders", {"total": 12})
            shop.update_one("orders", {"_id": id}, {"total": 13})

    Args:
        url: `mongodb://` or `mongodb+srv://`, with the database's name; `claudia` without one.
        name: of the database, instead of the address's.
        timeout: seconds to wait for a server that answers.
        client: one that is connected already and closed by somebody else, instead of an own.

    Raises, wherever it is asked:
        StoreError: the server refuses it; StoreUnavailable where it does not answer in time.
        StoreClosed: it is not connected.
    """

    def __init__(
        self, url: str, name: str | None = None, *, timeout: float = 5.0, client: MongoClient[Row] | None = None
    ) -> None:
        try:
            from claudia_core.stores.mongodb import open as mongodb_open
        except ModuleNotFoundError as error:
            hint = "pip install 'claudia-core[mongodb]'"
            raise MissingExtra("collections in MongoDB need the pymongo driver", hint=hint) from error
        self._open = mongodb_open
        self._secret_url = url
        self._timeout = timeout
        self._client, self._is_own = client, client is None
        self.name = name
        self.url = mongodb_open.without_secrets(url)

    @property
    def is_connected(self) -> bool:
        """Whether collections can be asked for."""
        return self._client is not None

    def connect(self) -> Self:
        """Connect, and ask the server whether it is there; nothing happens when it is connected.

        Raises:
            SettingsError: the address cannot be read.
            StoreError, StoreUnavailable: it refuses, or does not answer in time.
        """
        if self._client is not None:
            return self
        client, named = self._open.connect(self._secret_url, timeout=self._timeout)
        try:
            with self._open.mongodb_errors(self.url):
                client.get_database(self.name or named).command("ping")
        except BaseException:
            client.close()
            raise
        self._client, self.name = client, self.name or named
        return self

    def disconnect(self) -> None:
        """Let go of the connection; the hub's own goes on."""
        client, self._client = self._client, None
        if client is not None and self._is_own:
            client.close()

    def collection(self, name: str) -> Collection[Row]:
        """The driver's own collection.

        Raises:
            InvalidValue: it is one of the hub's.
        """
        if name in OWN:
            raise InvalidValue(f"the collection {name!r} is the hub's own", field="name", hint="use another name")
        if self._client is None:
            raise StoreClosed(f"{self.url} is not connected", hint="call connect() first")
        return self._open.durable(self._client, str(self.name))[name]

    def find_one(self, collection: str, filter: Mapping[str, Any]) -> Row | None:
        """The first document that matches, or None."""
        with self._asking(collection) as rows:
            return rows.find_one(filter)

    def insert_one(self, collection: str, document: Mapping[str, Any]) -> Any:
        """Save a new document with both times; returns its `_id`. The document given is not changed."""
        now = utc_now()
        with self._asking(collection) as rows:
            return rows.insert_one({**document, "created_at": now, "updated_at": now}).inserted_id

    def update_one(
        self, collection: str, filter: Mapping[str, Any], update: Mapping[str, Any], *, upsert: bool = False
    ) -> UpdateResult:
        """Change fields of the first document that matches, or apply operators such as `{"$inc": {"n": 1}}`.

        `updated_at` becomes now; with `upsert`, one that is made has `created_at` as well.

        Raises:
            InvalidValue: fields and operators are mixed.
        """
        if not any(name.startswith("$") for name in update):
            change: dict[str, Any] = {"$set": dict(update)}
        elif all(name.startswith("$") for name in update):
            change = {name: dict(fields) for name, fields in update.items()}
        else:
            raise InvalidValue("the update mixes fields and operators", field="update", hint="put fields into $set")
        now = utc_now()
        change["$set"] = {**change.get("$set", {}), "updated_at": now}
        if upsert:
            change["$setOnInsert"] = {"created_at": now, **change.get("$setOnInsert", {})}
        with self._asking(collection) as rows:
            return rows.update_one(filter, change, upsert=upsert)

    @contextmanager
    def _asking(self, collection: str) -> Iterator[Collection[Row]]:
        rows = self.collection(collection)
        with self._open.mongodb_errors(self.url):
            yield rows

    def __enter__(self) -> Self:
        return self.connect()

    def __exit__(self, *_: object) -> None:
        self.disconnect()

    def __repr__(self) -> str:
        return f"MongoDBService({self.url!r})"
