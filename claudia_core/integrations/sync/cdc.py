"""Changes of a MongoDB collection, from its change stream: each once, and seen whole where it is lost."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator, Mapping
from typing import Any

import bson
from pymongo import errors
from pymongo.change_stream import ChangeStream
from pymongo.collection import Collection
from pymongo.read_concern import ReadConcern

from claudia_core.integrations.sync.mirror import TOGETHER, Mirror, Seen, seen
from claudia_core.integrations.sync.polling import lateness
from claudia_core.leased import Leased
from claudia_core.logs import get_logger
from claudia_core.model.health import Health
from claudia_core.ports import Store
from claudia_core.stores.mongodb.open import mongodb_errors

log = get_logger(__name__)

type Row = dict[str, Any]

AWAIT_MS = 500
KEEP = 10.0
"""Seconds after which the place in a quiet stream is kept: it must not fall out of the server's window."""

LOST = frozenset({136, 222, 260, 280, 286})
"""Codes of a server that cannot go on from a token: CappedPositionLost, CloseChangeStream, InvalidResumeToken,
ChangeStreamFatalError, ChangeStreamHistoryLost."""

ENDS = frozenset({"drop", "rename", "dropDatabase", "invalidate"})


class CollectionSync:
    """Tells a collection's changes as events: see `mirror.Mirror`; the place in the change stream is saved with them.

    At first, and when the server no longer knows the place, the collection is read whole and compared by hash with what
    was told before: the differences are told, then `NAME:resynced` with their numbers. One process at a time does this.

    Args:
        store: of the hub.
        name: the first word of its events.
        collection: of the driver; read with its own rights and concerns.
        initial: whether what is there at first is told as inserted.
        lease: seconds after which another process takes over.
    """

    def __init__(
        self, store: Store, name: str, collection: Collection[Row], *, initial: bool = True, lease: float = 15.0
    ) -> None:
        self.mirror = Mirror(store, name)
        self._collection = collection.with_options(read_concern=ReadConcern("majority"))
        self._place = f"collection {collection.full_name}"
        self._initial = initial
        self._lease = lease
        self._kept_at = 0.0
        self.work = Leased(store, f"sync {name}", self._round, lease=lease)
        self.work.start()

    def health(self) -> tuple[Health, str]:
        """Whether it is followed, by whichever process."""
        failing = self.work.health()
        return lateness(self.mirror, 3 * KEEP + self._lease) if failing is None else failing

    def stop(self) -> None:
        """End; another process may go on."""
        self.work.stop()

    def _round(self, work: Leased) -> float:
        token = _token_of(self.mirror.state()["token"])
        with mongodb_errors(self._place):
            try:
                if token is None:
                    self._begin(work)
                else:
                    with self._watch(token) as stream:
                        self._follow(stream, work)
            except errors.OperationFailure as error:
                if token is None or not _is_lost(error):
                    raise
                self._forget(work, f"the server cannot go on from the last place: {error.code}")
        return 0.0

    def _watch(self, token: Mapping[str, Any] | None) -> ChangeStream[Row]:
        return self._collection.watch(full_document="updateLookup", resume_after=token, max_await_time_ms=AWAIT_MS)

    def _begin(self, work: Leased) -> None:
        """See the collection whole; what changes meanwhile is in the stream, which is opened before."""
        state = self.mirror.state()
        silent = state["since"] is None and not self._initial
        with self._watch(None) as stream:
            early = stream.try_next()  # a server tells its place with the first answer
            rows = (seen(row, "_id") for row in self._collection.find({}, batch_size=1_000))
            told = self.mirror.compare(rows, work, silent=silent, deletions=True)
            token = None if early is not None else stream.resume_token
            self.mirror.save(work, {**state, "token": _text_of(token)}, told, reason=state.get("lost") or "first")
            if early is not None:
                self._save([early], stream, work)
            self._follow(stream, work)

    def _follow(self, stream: ChangeStream[Row], work: Leased) -> None:
        while stream.alive and not work.is_stopped:
            work.hold()
            changes = list(_waiting(stream))
            work.well()
            if changes and changes[-1]["operationType"] in ENDS:
                self._save(changes[:-1], stream, work)
                self._forget(work, f"{changes[-1]['operationType']} of the collection")
                return
            if changes or time.monotonic() - self._kept_at > KEEP:
                self._save(changes, stream, work)

    def _save(self, changes: list[Row], stream: ChangeStream[Row], work: Leased) -> None:
        state = {**self.mirror.state(), "token": _text_of(stream.resume_token), "lost": None}
        self.mirror.tell([one for change in changes if (one := _seen(change)) is not None], work, state=state)
        self._kept_at = time.monotonic()

    def _forget(self, work: Leased, reason: str) -> None:
        log.warning("a collection is read whole again", collection=self._place, reason=reason)
        self.mirror.save(work, {**self.mirror.state(), "token": None, "lost": reason})


def _waiting(stream: ChangeStream[Row]) -> Iterator[Row]:
    """The changes that are there, up to a number or one that ends the stream."""
    for _ in range(TOGETHER):
        change = stream.try_next()
        if change is None:
            return
        yield change
        if change["operationType"] in ENDS:
            return


def _seen(change: Row) -> Seen | None:
    """A change as it is compared; None where the document has gone since, which its own change will tell."""
    if change["operationType"] == "delete":
        return Seen(str(change["documentKey"]["_id"]), None)
    document = change.get("fullDocument")
    return None if document is None else seen(document, "_id")


def _is_lost(error: errors.OperationFailure) -> bool:
    return error.code in LOST or error.has_error_label("NonResumableChangeStreamError")


def _text_of(token: Mapping[str, Any] | None) -> str | None:
    return None if token is None else base64.b64encode(bson.encode(token)).decode()


def _token_of(text: str | None) -> Mapping[str, Any] | None:
    return None if text is None else bson.decode(base64.b64decode(text))
