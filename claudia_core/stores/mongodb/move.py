"""A MongoDB database as what a hub is copied from, or to."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import orjson
from pymongo import InsertOne, WriteConcern, errors
from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.read_concern import ReadConcern

from claudia_core.errors import Conflict, NotFound, StoreBusy
from claudia_core.model.ids import new_id
from claudia_core.model.times import to_text, utc_now
from claudia_core.ports import Sample
from claudia_core.stores import schema
from claudia_core.stores.changes import Record, Stored
from claudia_core.stores.mongodb import open as mongodb_open
from claudia_core.stores.mongodb.indexes import make_indexes
from claudia_core.stores.mongodb.open import MIGRATION, mongodb_errors
from claudia_core.stores.mongodb.race import WRITERS
from claudia_core.stores.mongodb.reader import CHAIN, LOG, SAMPLES
from claudia_core.stores.mongodb.rows import MOST_BYTES, MOST_EVENTS, commit_document, row_of
from claudia_core.stores.moving import OWN, Entry, LogName, Target, Text, written_meanwhile
from claudia_core.stores.schema import COLLECTIONS, SCHEMA_VERSION

type Rows = Database[dict[str, Any]]

QUIET = 6.0
"""Seconds for which nobody may have written: longer than the pause between two heartbeats of a hub at work."""

MOMENT_GONE = frozenset({239, 246, 251, 290})
"""Codes of errors about a snapshot that is too old or not there, and a transaction that is gone or took too long."""

OURS = frozenset({*COLLECTIONS, LOG, SAMPLES, WRITERS})


class MongoContent:
    """See `moving.Content`."""

    def __init__(self, database: Rows, url: str, session: ClientSession | None = None) -> None:
        self.database = database
        self.url = url
        self.session = session

    def documents(self, collection: str) -> Iterator[Text]:
        """See `moving.Content.documents`."""
        name = schema.collection(collection).name
        wanted = {"_id": {"$nin": sorted(OWN)}} if collection == "meta" else {}
        rows = self.database[name].find(wanted, {"body": 1}, sort=[("_id", 1)], session=self.session)
        return (Text(row["_id"], row["body"]) for row in rows)

    def samples(self) -> Iterator[Sample]:
        """See `moving.Content.samples`."""
        rows = self.database[SAMPLES].find({}, sort=[("series", 1), ("at", 1)], session=self.session)
        return (Sample(row["series"], int(row["at"]), float(row["value"])) for row in rows)

    def events(self) -> Iterator[Entry]:
        """See `moving.Content.events`."""
        for commit in self.database[LOG].find({}, sort=[("last", 1)], session=self.session):
            for sequence, event in enumerate(commit["events"], commit["seq"] + commit["skip"]):
                yield Entry(sequence, commit["at"], event["t"], event["s"], event["d"])


class MongoSource(MongoContent):
    """See `moving.Source`."""

    def __init__(
        self,
        client: mongodb_open.Client,
        name: str,
        url: str,
        to: str,
        *,
        quiet: float,
        session: ClientSession | None = None,
    ) -> None:
        database = mongodb_open.durable(client, name) if session is None else client.get_database(name)
        super().__init__(database, url, session)
        self.live = session is not None
        self._client = client
        self._name = name
        self._to = to
        self._quiet = quiet
        self._opened = time.monotonic()
        log = self.database["meta"].find_one({"_id": "log"}, session=session)
        if log is None or self.database["meta"].find_one({"_id": MIGRATION}, session=session) is not None:
            raise NotFound(f"there is no store in {url}", hint="name the store that is to be copied first")
        self._log = log
        self._commits = self._made()

    @property
    def log_name(self) -> LogName:
        """See `moving.Source.log_name`."""
        moved = self._log.get("moved") or {}
        return LogName(moved["epoch"] if moved.get("to") == self._to else self._log["epoch"], self._log["since"])

    def is_still(self) -> bool:
        """See `moving.Source.is_still`; it takes `QUIET` seconds since it was opened to be sure."""
        time.sleep(max(0.0, self._opened + self._quiet - time.monotonic()))
        return self._made() == self._commits

    def give_up_name(self, to: str) -> None:
        """See `moving.Source.give_up_name`."""
        if not self.is_still():
            raise written_meanwhile(self.url)
        meta = self._client.get_database(self._name)["meta"]
        moved = {"to": to, "epoch": self.log_name.epoch}
        fresh = {"epoch": new_id().replace("-", ""), "since": to_text(utc_now()), "moved": moved}
        with self._client.start_session() as session, session.start_transaction(write_concern=WriteConcern("majority")):
            won = meta.update_one({"_id": CHAIN, "n": self._commits}, {"$inc": {"n": 1}}, session=session)
            if won.matched_count != 1:
                raise written_meanwhile(self.url)
            meta.update_one({"_id": "log"}, {"$set": fresh}, session=session)

    def _made(self) -> int:
        return int((self.database["meta"].find_one({"_id": CHAIN}, session=self.session) or {}).get("n", 0))


class MongoTarget(MongoContent):
    """See `moving.Target`."""

    def __init__(self, database: Rows, url: str) -> None:
        super().__init__(database, url)
        self._commits = 0
        self._head = 0
        self._at = ""

    def put_documents(self, collection: str, rows: Sequence[Text]) -> None:
        """See `moving.Target.put_documents`."""
        kind = COLLECTIONS[collection]
        found = []
        for row in rows:
            document = orjson.loads(row.body)
            columns = schema.column_values(kind, document)
            stored = Stored(columns, row.body, schema.set_values(kind, document))
            found.append(InsertOne({"_id": row.id, **row_of(collection, stored)}))
        self.database[collection].bulk_write(found, ordered=False)

    def put_samples(self, rows: Sequence[Sample]) -> None:
        """See `moving.Target.put_samples`."""
        self.database[SAMPLES].insert_many([one._asdict() for one in rows], ordered=False)

    def put_events(self, rows: Sequence[Entry]) -> None:
        """See `moving.Target.put_events`; those of one moment share a commit."""
        commits = [
            commit_document([Record(one.type, one.subject, one.data) for one in part], part[0].sequence, part[0].time)
            for part in _together(rows)
        ]
        self.database[LOG].insert_many(commits, ordered=False)
        self._commits += len(commits)
        self._head, self._at = rows[-1].sequence, rows[-1].time

    def finish(self, name: LogName) -> None:
        """See `moving.Target.finish`."""
        meta = self.database["meta"]
        state = {"n": self._commits, "head": self._head, "recent": []} | ({"at": self._at} if self._at else {})
        meta.replace_one({"_id": CHAIN}, state, upsert=True)
        log = {"epoch": name.epoch, "since": name.since, "version": SCHEMA_VERSION}
        meta.replace_one({"_id": "log"}, log, upsert=True)
        meta.delete_one({"_id": MIGRATION})


def _together(rows: Sequence[Entry]) -> Iterator[list[Entry]]:
    """Events that may stand in one document of the log."""
    part: list[Entry] = []
    size = 0
    for row in rows:
        if part and (row.time != part[0].time or len(part) == MOST_EVENTS or size + len(row.data) > MOST_BYTES):
            yield part
            part, size = [], 0
        part.append(row)
        size += len(row.data)
    yield part


@contextmanager
def mongodb_source(
    url: str, to: str, *, timeout: float = 5.0, quiet: float = QUIET, live: bool = False
) -> Iterator[MongoSource]:
    """The database at `url`, to be copied to the store whose address without secrets is `to`.

    A `live` one may be in use: it is read as it stood at one moment, for as long as the server keeps that (a minute,
    unless `transactionLifetimeLimitSeconds` is set to more), and its log keeps its name.

    Raises:
        NotFound: it holds no store.
        StoreBusy: the server no longer knows how a live one stood.
        StoreError: it cannot be used.
    """
    place = mongodb_open.without_secrets(url)
    client, name = mongodb_open.connect(url, timeout=timeout)
    with client, mongodb_errors(place):
        mongodb_open.require_able(client, place)
        mongodb_open.require_known(mongodb_open.durable(client, name), place)
        if not live:
            yield MongoSource(client, name, place, to, quiet=quiet)
            return
        with client.start_session(causal_consistency=False) as session, _moment(place):
            session.start_transaction(read_concern=ReadConcern("snapshot"))
            yield MongoSource(client, name, place, to, quiet=quiet, session=session)


@contextmanager
def _moment(place: str) -> Iterator[None]:
    try:
        yield
    except errors.OperationFailure as error:
        if error.code not in MOMENT_GONE:
            raise
        raise StoreBusy(
            f"the copy of {place} took longer than the server keeps a moment",
            hint="set transactionLifetimeLimitSeconds to more there, or stop the hub and copy without --copy",
        ) from error


@contextmanager
def mongodb_target(url: str, *, timeout: float = 5.0) -> Iterator[Target]:
    """An empty database; emptied again when something goes wrong, and begun anew where a copy was interrupted.

    Raises:
        Conflict: there is something in it.
        StoreError: it cannot be used.
    """
    place = mongodb_open.without_secrets(url)
    client, name = mongodb_open.connect(url, timeout=timeout)
    with client, mongodb_errors(place):
        mongodb_open.require_able(client, place)
        database = mongodb_open.durable(client, name)
        _require_empty(database, place)
        database["meta"].replace_one({"_id": MIGRATION}, {"since": to_text(utc_now())}, upsert=True)
        try:
            make_indexes(database)
            yield MongoTarget(database, place)
        except BaseException:
            _drop(database)
            raise


def _require_empty(database: Rows, place: str) -> None:
    """What an interrupted copy left is dropped; anything else is not touched."""
    if database["meta"].find_one({"_id": MIGRATION}) is not None:
        _drop(database)
        return
    for name in sorted(OURS & set(database.list_collection_names())):
        if database[name].find_one({}) is not None:
            raise Conflict(
                f"{place} is not empty: it has {name}", field="target", hint="name an empty database: nothing is lost"
            )


def _drop(database: Rows) -> None:
    """The mark goes last: a drop that is interrupted is known as such."""
    for name in sorted(OURS - {"meta"}):
        database.drop_collection(name)
    database["meta"].delete_many({"_id": {"$ne": MIGRATION}})
    database["meta"].delete_one({"_id": MIGRATION})
