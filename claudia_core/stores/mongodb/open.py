"""Opening a MongoDB database as a store: what is refused, what is made, and what its errors mean."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pymongo import MongoClient, ReadPreference, errors
from pymongo.database import Database
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from claudia_core.errors import (
    SettingsError,
    StoreBusy,
    StoreDamaged,
    StoreError,
    StoreFull,
    StoreReadOnly,
    StoreTooNew,
    StoreUnavailable,
    TooLarge,
)
from claudia_core.model.ids import new_id
from claudia_core.model.times import to_text, utc_now
from claudia_core.stores.mongodb.indexes import make_indexes
from claudia_core.stores.mongodb.reader import CHAIN, SAMPLES
from claudia_core.stores.schema import FIRST_PLACE, RUNNING, SCHEMA_VERSION, WAITING

type Client = MongoClient[dict[str, Any]]

OLDEST_SERVER = (5, 0)
DEFAULT_DATABASE = "claudia"
MIGRATION = "migration"
"""The document of `meta` that a database has while a hub is copied to it."""

UNAUTHORIZED, AUTHENTICATION_FAILED, OUT_OF_DISK_SPACE, NO_REPLICATION = 13, 18, 14031, 20
STANDALONE_CURE = "start mongod with --replSet rs0, and run rs.initiate() once in mongosh"
NAME_CURE = "rs.status().set in mongosh tells its name for replicaSet=; or leave replicaSet out"

_BORDER: tuple[tuple[type[errors.PyMongoError], type[StoreError], str, str], ...] = (
    (errors.ServerSelectionTimeoutError, StoreUnavailable, "does not answer", "check that it runs and can be reached"),
    (errors.ConnectionFailure, StoreUnavailable, "lost the connection", "check that it runs and can be reached"),
    (errors.ExecutionTimeout, StoreBusy, "took too long", "try again"),
    (errors.WTimeoutError, StoreUnavailable, "could not copy the write to its members in time", "check rs.status()"),
)

_BY_CODE: Mapping[int, tuple[type[StoreError], str, str]] = {
    UNAUTHORIZED: (StoreReadOnly, "does not allow this user to do that", "grant the role readWrite on the database"),
    AUTHENTICATION_FAILED: (StoreError, "refuses the name or the password", "check both, and authSource"),
    OUT_OF_DISK_SPACE: (StoreFull, "cannot grow: its disk is full", "free some space; nothing was half-written"),
    NO_REPLICATION: (StoreError, "is a single server, which has no transactions", STANDALONE_CURE),
}


def without_secrets(url: str) -> str:
    """The address without name, password and options."""
    scheme, _, rest = url.partition("://")
    hosts, _, name = rest.rpartition("@")[2].partition("?")[0].partition("/")
    return f"{scheme}://{hosts}/{name or DEFAULT_DATABASE}"


def mapped(error: errors.PyMongoError, place: str) -> StoreError:
    """The driver's error as one of Claudia's that names the database and the cure; never with a password."""
    code = getattr(error, "code", None) or 0
    if code in _BY_CODE:
        kind, what, cure = _BY_CODE[code]
        return kind(f"the store {place} {what}", hint=cure)
    if isinstance(error, errors.ServerSelectionTimeoutError) and "for replica set name" in str(error):
        return StoreUnavailable(f"the store {place} is not the replica set that the address names", hint=NAME_CURE)
    for foreign, ours, what, cure in _BORDER:
        if isinstance(error, foreign):
            return ours(f"the store {place} {what}", hint=cure)
    return StoreError(f"the store {place} failed: {type(error).__name__}: {error!s:.200}")


@contextmanager
def mongodb_errors(place: str) -> Iterator[None]:
    """The border: errors of the driver leave as errors of Claudia."""
    try:
        yield
    except errors.DocumentTooLarge as error:
        raise TooLarge(f"a document is over what MongoDB keeps: {error}", field="document") from error
    except errors.PyMongoError as error:
        raise mapped(error, place) from error


def connect(url: str, *, timeout: float) -> tuple[Client, str]:
    """A client, and the name of the database; nothing is asked of the server yet.

    Raises:
        SettingsError: the address is not one of a MongoDB.
    """
    try:
        client: Client = MongoClient(
            url,
            appname="claudia",
            serverSelectionTimeoutMS=int(timeout * 1000),
            connectTimeoutMS=int(timeout * 1000),
            socketTimeoutMS=int(timeout * 4000),
            tz_aware=True,
        )
        named = client.get_default_database(DEFAULT_DATABASE).name
    except (errors.ConfigurationError, errors.InvalidURI, errors.InvalidName, ValueError) as error:
        raise SettingsError(
            f"the database address {without_secrets(url)} cannot be used: {_without(url, str(error))}",
            field="database_url",
            hint="mongodb://NAME:PASSWORD@HOST:27017/DATABASE?replicaSet=rs0, with : / ? # @ in a password as %3A...",
        ) from error
    return client, named


def _without(url: str, text: str) -> str:
    """A message of the driver without parts of the name and password, should it quote them."""
    secret = url.partition("://")[2].rpartition("@")[0]
    parts = {part for part in (secret, *re.split("[:/?#@]", secret)) if part}
    for part in sorted(parts, key=len, reverse=True):
        text = text.replace(part, "***")
    return text


def prepare(client: Client, name: str, place: str) -> str:
    """Check the server, make what the store needs or check what is there; returns the log's epoch.

    Raises:
        StoreError: it is a single server, too old, or refuses this user.
        StoreTooNew: a newer Claudia wrote the database.
        StoreUnavailable: it does not answer in time.
    """
    with mongodb_errors(place):
        require_able(client, place)
        database = durable(client, name)
        require_known(database, place)
        make_indexes(database)
        _add_queues(database)
        meta = database["meta"]
        first = {"epoch": new_id().replace("-", ""), "since": to_text(utc_now()), "version": SCHEMA_VERSION}
        meta.update_one({"_id": "log"}, {"$setOnInsert": first}, upsert=True)
        meta.update_one({"_id": CHAIN}, {"$setOnInsert": {"n": 0, "head": 0, "recent": []}}, upsert=True)
        found = meta.find_one({"_id": "log"})
    if found is None or "epoch" not in found:
        raise StoreDamaged(f"{place} has lost the name of its log", hint="restore a backup of the database")
    return str(found["epoch"])


def durable(client: Client, name: str) -> Database[dict[str, Any]]:
    """The database as everything is read and written: what a majority of its members has."""
    return client.get_database(
        name,
        read_preference=ReadPreference.PRIMARY,
        read_concern=ReadConcern("majority"),
        write_concern=WriteConcern(w="majority", j=True),
    )


def require_able(client: Client, place: str) -> None:
    """Refuse a server that cannot do what is needed.

    Raises:
        StoreError: it is a single server, or too old.
    """
    hello = client.admin.command("hello")
    if "setName" not in hello and hello.get("msg") != "isdbgrid":
        raise StoreError(f"the store {place} is a single server, which has no transactions", hint=STANDALONE_CURE)
    version = tuple(client.server_info()["versionArray"][:2])
    if version < OLDEST_SERVER:
        found, wanted = (".".join(map(str, numbers)) for numbers in (version, OLDEST_SERVER))
        raise StoreError(f"the store {place} is MongoDB {found}", hint=f"use MongoDB {wanted} or newer")


def require_known(database: Database[dict[str, Any]], place: str) -> None:
    """Refuse a database that must not be touched.

    Raises:
        StoreTooNew: a newer Claudia wrote it.
        StoreError: a copy to it was interrupted.
    """
    if database["meta"].find_one({"_id": MIGRATION}) is not None:
        hint = "run claudia migrate again: it begins anew"
        raise StoreError(f"{place} holds a part of a hub: a copy to it is under way or was interrupted", hint=hint)
    found = database["meta"].find_one({"_id": "log"}) or {}
    version = found.get("version", SCHEMA_VERSION)
    if version > SCHEMA_VERSION:
        raise StoreTooNew(
            f"{place} has schema version {version}, this Claudia knows {SCHEMA_VERSION}",
            hint="pip install -U claudia-core",
        )


def _add_queues(database: Database[dict[str, Any]]) -> None:
    """Version 1 to 2: tasks wait in queues, by type; what is pending stands in line, and is counted."""
    meta = database["meta"]
    if meta.find_one({"_id": "log", "version": 1}) is None:
        return
    tasks, samples = database["tasks"], database[SAMPLES]
    tasks.update_many({"queue": {"$exists": False}}, {"$set": {"queue": "", "watch_at": ""}})
    tasks.update_many({"status": "pending", "queue": ""}, {"$set": {"queue": FIRST_PLACE}})
    for status, series in (("pending", WAITING), ("active", RUNNING)):
        counted = tasks.aggregate([{"$match": {"status": status}}, {"$group": {"_id": "$type", "n": {"$sum": 1}}}])
        for row in counted:
            name = {"series": f"{series}{row['_id']}", "at": 0}
            samples.update_one(name, {"$set": {"value": float(row["n"])}}, upsert=True)
    meta.update_one({"_id": "log", "version": 1}, {"$set": {"version": SCHEMA_VERSION}})  # the third is SQLite's
