"""The writing side of a MongoDB store: one transaction for a batch of requests.

Writers race: the document `chain` of `meta` is changed by every commit, and the first sequence of each commit in the
log is unique, so of two that began at the same head one fails and runs its batch again (see `mongodb_race`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from pymongo import UpdateOne, errors
from pymongo.client_session import ClientSession
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from claudia_core.errors import StoreBusy, StoreError
from claudia_core.model.ids import new_id
from claudia_core.model.times import from_text, to_text
from claudia_core.ports import Page, Query
from claudia_core.stores.changes import Changes, Stored
from claudia_core.stores.kept import Kept
from claudia_core.stores.mongodb.open import Client, durable, mapped, mongodb_errors
from claudia_core.stores.mongodb.race import Race
from claudia_core.stores.mongodb.reader import CHAIN, LOG, SAMPLES, MongoReader, Row
from claudia_core.stores.mongodb.rows import by_collection, log_documents, operation
from claudia_core.stores.writer import LostRace

DUPLICATE_KEY = 11000

TRUSTED = 0.05
"""Seconds after a commit for which the next one takes it that nobody else wrote, and does not ask for the head."""

LOOK_EVERY = 8
"""Commits after which one of them looks for other writers that wait."""

ASK_AGAIN = 0.01
"""Seconds between two questions for the outcome of a commit."""

WORTH_ASKING = 4
"""Documents of a collection in one commit from which on it is asked which of them are there already."""

ABSENT = object()

RECENT = 32
"""Commits whose ids the chain remembers, to tell whether one whose answer was lost was made."""


class Transacted:
    """Committed state as the writer's transactions see it; what this writer wrote last need not be read again."""

    def __init__(self, place: str) -> None:
        self.reader: MongoReader | None = None
        self.kept = Kept()
        self._place = place

    def get_body(self, collection: str, id: str) -> str | None:
        """The JSON text of a document, or None."""
        key = (collection, id)
        if key in self.kept:
            return self.kept.body(key)
        with races(self._place):
            body = self._now().get_body(collection, id)
        self.kept.note(key, body)
        return body

    def prefetch(self, collection: str, ids: list[str]) -> None:
        """Remember the JSON texts of documents, in one question."""
        missing = self.kept.missing(collection, ids)
        if len(missing) > 1:
            with races(self._place):
                found = self._now().get_bodies(collection, missing)
            for id in missing:
                self.kept.note((collection, id), found.get(id))

    def find(self, query: Query) -> Page:
        """One page of committed documents."""
        with races(self._place):
            return self._now().find(query)

    def _now(self) -> MongoReader:
        assert self.reader is not None, "a commit has begun"
        return self.reader


@contextmanager
def races(place: str) -> Iterator[None]:
    """The border inside a commit: what another try can heal is a lost race, the rest an error of Claudia."""
    try:
        yield
    except errors.PyMongoError as error:
        if error.has_error_label("TransientTransactionError") or _is_duplicate(error):
            raise LostRace(mapped(error, place)) from error
        raise mapped(error, place) from error


def _is_duplicate(error: errors.PyMongoError) -> bool:
    """Another writer was faster with the same sequence, or the first value of the same rollup."""
    if isinstance(error, errors.BulkWriteError):
        details = error.details.get("writeErrors", ()) if error.details else ()
        return any(detail.get("code") == DUPLICATE_KEY for detail in details)
    return isinstance(error, errors.DuplicateKeyError)


class MongoCommits:
    """The back end of the group commit, used by one thread.

    Args:
        client: of the store.
        name: of the database.
        place: for messages.
        epoch: names the log.
        patience: seconds for which a batch is tried again.
        now: says when a commit is made.
    """

    def __init__(
        self,
        client: Client,
        name: str,
        place: str,
        epoch: str,
        *,
        patience: float,
        now: Callable[[], datetime],
    ) -> None:
        self._client = client
        self._database = durable(client, name)
        self._inside = client.get_database(name)  # a transaction has concerns of its own
        self._place = place
        self._epoch = epoch
        self._patience = patience
        self._now = now
        self._race = Race(client, self._database, place, patience=patience)
        self._base = Transacted(place)
        self._session: ClientSession | None = None
        self._chain: Row = {}
        self._mine = -1
        self._trusted_until = 0.0
        self._has_looked = False

    def begin(self) -> tuple[Transacted, Changes]:
        """See `writer.Backend`.

        Raises:
            LostRace: the database changed its mind about who may write; try again.
            StoreBusy: races were lost for too long.
            StoreUnavailable: the database cannot be reached.
        """
        self._race.make_room(self._chain, look=self._mine % LOOK_EVERY == 0)
        with self._racing():
            session = self._session = self._session or self._begin_session()
            session.start_transaction(
                read_concern=ReadConcern("snapshot"),
                write_concern=WriteConcern(w="majority", j=True, wtimeout=int(self._patience * 1000)),
            )
            self._base.reader = MongoReader(self._inside, self._epoch, session)
            self._has_looked = time.monotonic() >= self._trusted_until
            self._trusted_until = 0.0
            if self._has_looked:
                self._chain = self._base.reader.chain()
        if self._chain.get("n", 0) != self._mine:
            self._base.kept.clear()
        last, now = self._chain.get("at"), self._now()
        return self._base, Changes(max(now, from_text(last)) if last else now)

    def commit(self, changes: Changes) -> None:
        """See `writer.Backend`."""
        session = self._session
        assert session is not None, "it began"
        if changes:
            batch = new_id()
            with self._racing():
                state = self._write(changes, batch, session)
                self._finish(session, batch)
            self._mine = self._chain.get("n", 0) + 1
            if self._chain.get("writer", self._race.me) == self._race.me:  # nobody else writes, as it seems
                self._chain = {**self._chain, **state, "n": self._mine}
                self._trusted_until = time.monotonic() + TRUSTED
            self._base.kept.note_all(changes)
        else:
            self._require_head()
            session.abort_transaction()
        self._race.over()

    def _require_head(self) -> None:
        """What nobody saves is told too: it must have been true at the head, which a commit finds out by itself."""
        with self._racing():
            assert self._base.reader is not None, "it began"
            if not self._has_looked and self._base.reader.chain().get("n", 0) != self._mine:
                raise LostRace(StoreBusy(f"the store {self._place} is written by others"))

    def abort(self) -> None:
        """See `writer.Backend`."""
        session, self._session = self._session, None
        self._base.kept.clear()
        self._trusted_until = 0.0
        if session is not None:
            try:
                session.end_session()  # ends a transaction, too
            except errors.PyMongoError:  # the server ends it after a while by itself
                return

    def close(self) -> None:
        """Let go of the session."""
        self.abort()
        self._race.leave()

    def _begin_session(self) -> ClientSession:
        session = self._client.start_session(causal_consistency=False)
        self._race.enter(session)
        return session

    # --- one commit -----------------------------------------------------------------------------------------------

    def _write(self, changes: Changes, batch: str, session: ClientSession) -> Row:
        """Save all but the end of the transaction; returns what the head is then."""
        head = int(self._chain.get("head", 0))
        last = head + len(changes.records)
        state: dict[str, Any] = {"head": last, "writer": self._race.me}
        if changes.records:
            state["at"] = to_text(changes.now)
        won = self._inside["meta"].update_one(
            {"_id": CHAIN, "n": self._chain.get("n", 0)},
            {"$set": state, "$inc": {"n": 1}, "$push": {"recent": {"$each": [batch], "$slice": -RECENT}}},
            session=session,
        )
        if won.matched_count != 1:
            raise LostRace(StoreBusy(f"the store {self._place} is written by others"))
        for name, documents in by_collection(changes).items():
            new = self._new(name, documents, session)
            operations = [operation(name, id, stored, is_new=id in new) for id, stored in documents.items()]
            self._inside[name].bulk_write(operations, ordered=False, session=session)
        if changes.samples:
            added = [
                UpdateOne({"series": series, "at": at}, {"$inc": {"value": by}}, upsert=True)
                for (series, at), by in changes.samples.items()
            ]
            self._inside[SAMPLES].bulk_write(added, ordered=False, session=session)
        if changes.records:
            self._inside[LOG].insert_many(list(log_documents(changes, head + 1, batch)), session=session)
        return state

    def _new(self, name: str, documents: Mapping[str, Stored | None], session: ClientSession) -> set[str]:
        """The ids that are not in the collection yet, as far as it pays to know: inserts cost the server half of what
        upserts cost, and one question tells of all documents that were neither read nor written before."""
        kept = self._base.kept
        unknown = [id for id, stored in documents.items() if stored is not None and (name, id) not in kept]
        new = {id for id in documents if kept.get((name, id), ABSENT) is None}
        if len(unknown) >= WORTH_ASKING:
            found = self._inside[name].find({"_id": {"$in": unknown}}, {"_id": 1}, session=session)
            new |= set(unknown) - {row["_id"] for row in found}
        return new

    def _finish(self, session: ClientSession, batch: str) -> None:
        """Commit; where the answer is lost, ask again.

        Whatever is answered in the end, it is looked up whether the commit was made: the driver asks once more by
        itself, and a server that restarted meanwhile knows nothing of a transaction that it has saved.
        """
        deadline = time.monotonic() + self._patience
        while True:
            try:
                session.commit_transaction()
            except errors.PyMongoError as error:
                if error.has_error_label("UnknownTransactionCommitResult") and time.monotonic() < deadline:
                    time.sleep(ASK_AGAIN)
                elif self._was_made(batch):
                    return
                else:
                    raise
            else:
                return

    def _was_made(self, batch: str) -> bool:
        with mongodb_errors(self._place):
            return batch in MongoReader(self._database, self._epoch).chain().get("recent", ())

    @contextmanager
    def _racing(self) -> Iterator[None]:
        try:
            with races(self._place):
                yield
        except LostRace:
            self._race.lost()
            raise
        except StoreError:
            self._race.over()
            raise
