"""Saved filters: named choices of tasks that everybody on the hub sees."""

from __future__ import annotations

from collections.abc import Mapping

from claudia_core.errors import Conflict, NotFound, TooLarge
from claudia_core.model.ids import new_id
from claudia_core.model.saved_filter import SavedFilter, require_query, require_title
from claudia_core.ports import Query, Store, Transaction

MOST = 200
"""Most filters of a hub."""


class Filters:
    """Saves, renames, deletes and lists filters. No two have the same name; case does not matter."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def list(self) -> list[SavedFilter]:
        """All of them, by name."""
        page = self._store.find(Query("filters", order="name_key", limit=MOST))
        return [SavedFilter.from_document(document) for document in page.documents]

    def save(self, name: str, query: Mapping[str, str]) -> SavedFilter:
        """Give a choice of tasks a name. `query` is what the tasks page's address says.

        Raises:
            InvalidValue, TooLarge: a value breaks a rule; or the hub has 200 filters.
            Conflict: the name is taken.
        """
        title, asked, id = require_title(name), require_query(query), new_id()

        def work(tx: Transaction) -> SavedFilter:
            _require_free(tx, title, id)
            if len(tx.find(Query("filters", limit=MOST)).documents) >= MOST:
                raise TooLarge(f"the hub has {MOST} saved filters", hint="delete one")
            made = SavedFilter(id, title, tx.now, asked)
            _save(tx, made)
            return made

        return self._store.write(work).result()

    def rename(self, id: str, name: str) -> SavedFilter:
        """Give a filter another name.

        Raises:
            NotFound: there is no such filter.
            InvalidValue, TooLarge: the name breaks a rule.
            Conflict: the name is taken.
        """
        title = require_title(name)

        def work(tx: Transaction) -> SavedFilter:
            before = _load(tx, id)
            _require_free(tx, title, id)
            named = SavedFilter(id, title, before.created_at, before.query)
            _save(tx, named)
            return named

        return self._store.write(work).result()

    def delete(self, id: str) -> SavedFilter:
        """Remove a filter; answers what it was.

        Raises:
            NotFound: there is no such filter.
        """

        def work(tx: Transaction) -> SavedFilter:
            gone = _load(tx, id)
            tx.delete("filters", id)
            tx.emit("filter:deleted", id, gone.to_document())
            return gone

        return self._store.write(work).result()


def _load(tx: Transaction, id: str) -> SavedFilter:
    document = tx.get("filters", id)
    if document is None:
        raise NotFound(f"no saved filter {id!r:.80}", field="id")
    return SavedFilter.from_document(document)


def _require_free(tx: Transaction, name: str, id: str) -> None:
    for other in tx.find(Query("filters", {"name_key": name.casefold()}, limit=2)).documents:
        if other["id"] != id:
            raise Conflict(f"a filter is called {name!r} already", field="name", hint="choose another name")


def _save(tx: Transaction, filter: SavedFilter) -> None:
    document = filter.to_document()
    tx.put("filters", document)
    tx.emit("filter:saved", filter.id, document)
