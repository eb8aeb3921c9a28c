"""Pruning: documents whose time is over are deleted, a step at a time, so that no change waits long for them."""

from __future__ import annotations

from claudia_core.ports import Query, Store, Transaction


def prune(store: Store, query: Query) -> int:
    """Delete all that a query finds, at most its `limit` in one transaction; returns how many documents it was."""
    deleted = 0
    while step := store.write(lambda tx: _step(tx, query)).result():
        deleted += step
        if step < query.limit:
            break
    return deleted


def _step(tx: Transaction, query: Query) -> int:
    found = tx.find(query).documents
    for document in found:
        tx.delete(query.collection, document["id"])
    return len(found)
