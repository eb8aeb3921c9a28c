"""Secrets in the store encrypted anew with the newest key, one document at a time, as often as it takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from claudia_core.errors import ClaudiaError
from claudia_core.ports import Document, Query, Sealer, Store, Transaction
from claudia_core.services.sealing import MARK

PAGE = 200


class Ring(Sealer, Protocol):
    """What encrypts with the newest of several keys."""

    def is_newest(self, text: str) -> bool:
        """Whether the newest key encrypted this."""
        ...


@dataclass(slots=True)
class Resealed:
    """How many documents were encrypted anew, how many hold secrets at all, and those that no key can read."""

    changed: int = 0
    seen: int = 0
    unread: dict[str, str] = field(default_factory=dict)


class Resealing:
    """Goes through all that holds secrets. What the newest key encrypted already is left: an interrupted run goes on.

    Args:
        store: where they are; servers may be at work on it.
        ring: the keys.
    """

    def __init__(self, store: Store, ring: Ring) -> None:
        self._store = store
        self._ring = ring

    def run(self) -> Resealed:
        """Encrypt anew what an older key encrypted, and what is kept as it is."""
        done = Resealed()
        for collection, texts in SEALED.items():
            after: str | None = None
            while True:
                page = self._store.find(Query(collection, order="id", limit=PAGE, after=after))
                for document in page.documents:
                    self._take(collection, document["id"], texts, done)
                after = page.next
                if after is None:
                    break
        return done

    def _take(self, collection: str, id: str, texts: Texts, done: Resealed) -> None:
        def work(tx: Transaction) -> bool:
            document = tx.get(collection, id)
            if document is None:
                return False
            changed = texts(document, lambda text: self._anew(id, text, marked=collection != "channels"))
            if changed != document:
                tx.put(collection, changed)
            return changed != document

        done.seen += 1
        try:
            done.changed += self._store.write(work).result()
        except ClaudiaError as error:
            done.unread[f"{collection} {id}"] = error.message

    def _anew(self, owner: str, text: str, *, marked: bool) -> str:
        if marked and not text.startswith(MARK):
            return MARK + self._ring.encrypt(f"{owner} {text}".encode())
        bare = text.removeprefix(MARK) if marked else text
        if self._ring.is_newest(bare):
            return text
        return (MARK if marked else "") + self._ring.encrypt(self._ring.decrypt(bare))


type Anew = Callable[[str], str]
type Texts = Callable[[Document, Anew], Document]


def _endpoint(document: Document, anew: Anew) -> Document:
    secrets = [{**secret, "text": anew(secret["text"])} for secret in document["secrets"]]
    return {**document, "secrets": secrets, "headers": {name: anew(text) for name, text in document["headers"].items()}}


def _source(document: Document, anew: Anew) -> Document:
    return {**document, "secrets": [anew(text) for text in document["secrets"]]}


def _channel(document: Document, anew: Anew) -> Document:
    return {**document, "sealed": anew(document["sealed"])}


SEALED: Mapping[str, Texts] = {"endpoints": _endpoint, "sources": _source, "channels": _channel}
"""What holds secrets, and where in it they are."""
