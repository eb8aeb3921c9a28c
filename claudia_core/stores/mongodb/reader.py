"""Questions to a MongoDB store, inside one transaction or on their own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
from pymongo.client_session import ClientSession
from pymongo.database import Database

from claudia_core.model.event import Event, EventSlice, Gap
from claudia_core.model.times import from_text, require_utc, to_text
from claudia_core.ports import Document, Page, Query, Sample
from claudia_core.stores import schema
from claudia_core.stores.mongodb.query import conditions, order_by, text_range

type Row = Mapping[str, Any]

LOG = "log"
SAMPLES = "samples"
CHAIN = "chain"
"""The document of `meta` that every commit changes: the log's head, when it came, and who made it."""

SAMPLED = 1_000
"""Commits from whose sizes the size of an event is estimated."""


class MongoReader:
    """Answers from one database; with a session, from what its transaction sees."""

    def __init__(self, database: Database[dict[str, Any]], epoch: str, session: ClientSession | None = None) -> None:
        self.database = database
        self.session = session
        self._epoch = epoch

    def get_body(self, collection: str, id: str) -> str | None:
        """The JSON text of a document, or None."""
        name = schema.collection(collection).name
        row = self.database[name].find_one({"_id": id}, {"body": 1}, session=self.session)
        return None if row is None else str(row["body"])

    def get(self, collection: str, id: str) -> Document | None:
        """See `ports.Reader.get`."""
        body = self.get_body(collection, id)
        return None if body is None else orjson.loads(body)

    def get_many(self, collection: str, ids: Iterable[str]) -> dict[str, Document]:
        """See `ports.Reader.get_many`."""
        return {id: orjson.loads(body) for id, body in self.get_bodies(collection, ids).items()}

    def get_bodies(self, collection: str, ids: Iterable[str]) -> dict[str, str]:
        """The JSON texts of the documents that exist among `ids`."""
        name = schema.collection(collection).name
        rows = self.database[name].find({"_id": {"$in": list(ids)}}, {"body": 1}, session=self.session)
        return {row["_id"]: str(row["body"]) for row in rows}

    def find(self, query: Query) -> Page:
        """See `ports.Reader.find`."""
        kind = schema.require_columns(query)
        place = schema.decode_next(query)
        rows = self.database[kind.name].find(
            conditions(query, place), {"body": 1}, sort=order_by(query), limit=query.limit + 1, session=self.session
        )
        return schema.page_of(query, [orjson.loads(row["body"]) for row in rows])

    def count(self, query: Query, most: int = 10_000) -> int:
        """See `ports.Reader.count`."""
        kind = schema.require_columns(query)
        if most < 1:
            return 0
        return self.database[kind.name].count_documents(conditions(query, None), limit=most, session=self.session)

    def tally(self, query: Query, by: Mapping[str, int]) -> dict[tuple[str, ...], int]:
        """See `ports.Reader.tally`."""
        kind = schema.require_columns(query, by)
        parts = {name: {"$substrCP": [f"${'_id' if name == 'id' else name}", 0, size]} for name, size in by.items()}
        stages = [{"$match": conditions(query, None)}, {"$group": {"_id": parts, "n": {"$sum": 1}}}]
        rows = self.database[kind.name].aggregate(stages, session=self.session)
        return {tuple(row["_id"][name] for name in by): int(row["n"]) for row in rows}

    def samples(self, series: Iterable[str], since: int = 0, until: int | None = None) -> list[Sample]:
        """See `ports.Reader.samples`."""
        at = {"$gte": since} if until is None else {"$gte": since, "$lt": until}
        return self._samples({"series": {"$in": list(series)}, "at": at})

    def totals(self, prefix: str, limit: int = 1_000) -> list[Sample]:
        """See `ports.Reader.totals`."""
        return self._samples({"at": 0, **text_range("series", prefix, schema.prefix_end(prefix))}, limit)

    def _samples(self, wanted: dict[str, Any], limit: int = 0) -> list[Sample]:
        order = [("series", 1), ("at", 1)]
        rows = self.database[SAMPLES].find(wanted, sort=order, limit=limit, session=self.session)
        return [Sample(row["series"], row["at"], row["value"]) for row in rows]

    # --- the log: commits of one or more events, each with the sequence of its first and its last ------------------

    def events(self, after: int, limit: int = 500, types: Sequence[str] = (), subject: str | None = None) -> EventSlice:
        """See `ports.Reader.events`."""
        schema.require_limit(limit)
        head, oldest = self.head(), self.oldest()
        wanted: dict[str, Any] = {"last": {"$gt": after, "$lte": head}}
        if types:
            wanted["events.t"] = {"$in": list(types)}
        if subject is not None:
            wanted["events.s"] = subject
        found: list[Event] = []
        for commit in self.database[LOG].find(wanted, sort=[("last", 1)], limit=limit, session=self.session):
            found += [
                event
                for event in self._events_of(commit)
                if event.sequence > after
                and (not types or event.type in types)
                and (subject is None or event.subject == subject)
            ]
            if len(found) >= limit:
                break
        found = found[:limit]
        position = found[-1].sequence if len(found) == limit else max(after, head)
        return EventSlice(found, position, Gap(after + 1, oldest - 1) if after + 1 < oldest else None)

    def _events_of(self, commit: Row) -> Iterator[Event]:
        time, first = from_text(commit["at"]), commit["seq"] + commit["skip"]
        for sequence, event in enumerate(commit["events"], first):
            yield Event(sequence, self._epoch, event["t"], event["s"], time, orjson.loads(event["d"]))

    def chain(self) -> Row:
        """The head of the log and who put it there; every commit changes it."""
        return self.database["meta"].find_one({"_id": CHAIN}, session=self.session) or {}

    def head(self) -> int:
        """See `ports.Reader.head`."""
        return int(self.chain().get("head", 0))

    def oldest(self) -> int:
        """The sequence of the oldest event kept; 0 in an empty log."""
        row = self.database[LOG].find_one({}, {"seq": 1, "skip": 1}, sort=[("last", 1)], session=self.session)
        return 0 if row is None else int(row["seq"] + row["skip"])

    def sequence_at(self, moment: datetime) -> int:
        """See `ports.Reader.sequence_at`."""
        wanted = {"at": {"$lte": to_text(require_utc(moment, "moment"))}}
        order = [("at", -1), ("last", -1)]
        row = self.database[LOG].find_one(wanted, {"last": 1}, sort=order, session=self.session)
        return 0 if row is None else int(row["last"])

    def sequence_over(self, most: int) -> int:
        """The sequence up to which events must go so that the rest is about `most` bytes of data.

        The size of an event is estimated from the newest commits.
        """
        projection = {"bytes": 1, "seq": 1, "skip": 1, "last": 1}
        rows = list(self.database[LOG].find({}, projection, sort=[("last", -1)], limit=SAMPLED, session=self.session))
        if not rows:
            return 0
        events = sum(row["last"] - row["seq"] - row["skip"] + 1 for row in rows)
        size = sum(row["bytes"] for row in rows) / max(1, events)
        return max(0, int(rows[0]["last"]) - int(most / max(1.0, size)))
