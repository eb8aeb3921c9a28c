"""What a request may ask of its change: that the thing is still as it was read, and that it happens once.

Both are checked inside the change's own transaction, so that nothing can come in between.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from claudia_core.errors import Conflict, IdempotencyBusy, IdempotencyConflict, InvalidValue, PreconditionFailed
from claudia_core.model.times import from_text, to_text
from claudia_core.ports import Document, Query, Range, Store, Transaction, Work

COLLECTION = "idempotency"
KEPT = timedelta(hours=24)
"""How long an answer is kept for its key."""

PATIENCE = timedelta(seconds=60)
"""After this, an answer that was not kept is lost: the server ended between the change and its answer."""

PRUNE = 20
"""Old answers that go whenever a new one is kept."""

type Check = Callable[[Transaction], None]


class Answer(NamedTuple):
    """What goes back, encoded as JSON."""

    status: int
    body: str
    headers: dict[str, str]


class Replay(Exception):
    """Not an error: the request was carried out before, and this is its answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer


@dataclass(frozen=True, slots=True)
class Once:
    """One keyed request: `id` stands for the key, `fingerprint` for everything else of the request.

    The answer of one `is_shown_once` holds a secret and is not kept: a repeated request is told so.
    """

    id: str
    fingerprint: str
    is_shown_once: bool = False

    def look(self, store: Store, now: datetime) -> None:
        """Look for an answer before anything is done; raises as `take` does."""
        self._settle(store.get(COLLECTION, self.id), now)

    def take(self, tx: Transaction) -> None:
        """Take the key, together with the change.

        Raises:
            Replay: the request was carried out before.
            IdempotencyBusy: it is being carried out.
            IdempotencyConflict: the key belongs to another request.
            Conflict: it was carried out, but its answer was lost.
        """
        self._settle(tx.get(COLLECTION, self.id), tx.now)
        tx.put(COLLECTION, self._document(tx))

    def keep(self, tx: Transaction, answer: Answer) -> None:
        """Keep the answer for the key; old ones go."""
        kept = {"shown": True} if self.is_shown_once else answer._asdict()
        tx.put(COLLECTION, {**self._document(tx), **kept})
        expired = Query(COLLECTION, {"at": Range(end=to_text(tx.now - KEPT))}, "at", limit=PRUNE)
        for document in tx.find(expired).documents:
            tx.delete(COLLECTION, document["id"])

    def _document(self, tx: Transaction) -> Document:
        return {"id": self.id, "fingerprint": self.fingerprint, "at": to_text(tx.now)}

    def _settle(self, found: Document | None, now: datetime) -> None:
        if found is None or from_text(found["at"]) < now - KEPT:
            return
        if found["fingerprint"] != self.fingerprint:
            raise IdempotencyConflict("the key came with another request before", field="Idempotency-Key")
        if "body" in found:
            raise Replay(Answer(found["status"], found["body"], found["headers"]))
        if "shown" in found:
            hint = "look for what it made, and make another one if the secret is lost"
            raise Conflict("the request was carried out; its secret was shown once", field="Idempotency-Key", hint=hint)
        if from_text(found["at"]) < now - PATIENCE:
            hint = "read what it changed before you ask again with a new key"
            raise Conflict("the request was carried out, but its answer was lost", field="Idempotency-Key", hint=hint)
        raise IdempotencyBusy("the same request is being carried out", field="Idempotency-Key")


def once(key: str, actor: str, *request: bytes, is_shown_once: bool = False) -> Once:
    """The keyed request of somebody with these parts; another's equal key is another key.

    Raises:
        InvalidValue: the key is not 1 to 255 printable ASCII characters.
    """
    if not (0 < len(key) <= 255 and key.isascii() and key.isprintable()):
        rule = "the key is not 1 to 255 printable ASCII characters"
        raise InvalidValue(rule, field="Idempotency-Key", hint="use a UUID")
    fingerprint = hashlib.sha256(b"".join(hashlib.sha256(piece).digest() for piece in request))
    id = hashlib.sha256(f"{actor}\0{key}".encode()).hexdigest()
    return Once(id, fingerprint.hexdigest(), is_shown_once)


def unchanged(id: str, tags: str) -> Check:
    """The check for `If-Match`: the task's version is among the entity tags, or there is one at all for `*`.

    Raises (when checked):
        PreconditionFailed: it is not.
    """
    wanted = {tag.strip() for tag in tags.split(",")}

    def check(tx: Transaction) -> None:
        found = tx.get("tasks", id)
        if found is not None and "*" not in wanted and etag(found) not in wanted:
            detail = f"the task is at version {found['version']}"
            raise PreconditionFailed(detail, field="If-Match", hint="read it again")

    return check


def etag(document: Document) -> str:
    """The entity tag of a task's document."""
    return f'"{document["version"]}"'


@dataclass(frozen=True, slots=True)
class Conditions:
    """What must hold for a change to be made; a repeated request is found before its other condition is looked at."""

    once: Once | None = None
    unchanged: Check | None = None

    def check(self, tx: Transaction) -> None:
        """See `Once.take` and `unchanged` for what is raised."""
        if self.once is not None:
            self.once.take(tx)
        if self.unchanged is not None:
            self.unchanged(tx)


class GuardedStore:
    """A store whose first write is made only if a check in the same transaction passes."""

    def __init__(self, store: Store, check: Check) -> None:
        self._store = store
        self._check: Check | None = check

    def write[T](self, work: Work[T]) -> Future[T]:
        """See `ports.Store.write`."""
        check, self._check = self._check, None

        def guarded(tx: Transaction) -> T:
            if check is not None:
                check(tx)
            return work(tx)

        return self._store.write(guarded)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)
