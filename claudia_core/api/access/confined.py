"""A hub as somebody sees it who is confined to projects: the tasks with one of them as their label `project`.

Other tasks are not there: not found by id, not listed, not told by the log. What is not about tasks is refused.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, cast

from claudia_core.app import Claudia
from claudia_core.errors import AccessDenied, TooLarge
from claudia_core.model.event import EventSlice
from claudia_core.model.identity import Identity
from claudia_core.ports import Document, Page, Query, Reader, Store, Transaction, Work
from claudia_core.stores.schema import encode_next, sort_key

LABEL = "project"
STRETCH, STRETCHES = 1_000, 100
"""Tasks that are looked at in one step, and most steps for one page: which project a task is of has no index."""

VERBS = ("create", "create_many", "list", "get", "children", "result", "start", "progress", "complete", "fail")
OPERATIONS = frozenset(f"tasks.{verb}" for verb in (*VERBS, "cancel", "retry", "rerun")) | {
    "progress.get",
    "progress.update",
    "notices.list",
    "notices.acknowledge",
    "preferences.get",
    "preferences.set",
    "sessions.list",
    "sessions.end",
    "sessions.end_all",
}
"""What may be asked within projects."""

PATHS = ("/livez", "/api/v1/", "/graphql", "/access/sessions/", "/login", "/logout", "/events/")
STREAMS = ("/api/v1/events/stream",)
READ_THROUGH = frozenset({"head", "epoch", "url", "wait", "log_status"})


def is_open(path: str) -> bool:
    """Whether an address may be asked for by somebody who is confined; pages show all projects."""
    return path == "/access" or (path.startswith(PATHS) and path not in STREAMS)


def require_confinable(name: str, identity: Identity) -> None:
    """Refuse what cannot be kept to projects.

    Raises:
        AccessDenied: the identity is confined, and the operation is about more than tasks.
    """
    if identity.is_confined and name not in OPERATIONS:
        projects = ", ".join(sorted(identity.projects))
        raise AccessDenied(f"{name} takes access to all projects, and {identity.name} has {projects}")


def view(hub: Claudia, identity: Identity) -> Claudia:
    """The hub as the identity may see it; the hub itself for somebody who is not confined."""
    if not identity.is_confined:
        return hub
    confined = cast("Store", ConfinedStore(hub.store, identity.projects))
    seen = copy.copy(hub.over(confined))
    seen.store = confined
    return seen


class ConfinedReader:
    """A reader that sees the tasks of some projects."""

    def __init__(self, reader: Reader, projects: frozenset[str]) -> None:
        self._reader = reader
        self._projects = projects

    def _is_seen(self, task: Document | None) -> bool:
        return task is not None and task["labels"].get(LABEL) in self._projects

    def get(self, collection: str, id: str) -> Document | None:
        """See `ports.Reader.get`."""
        if collection in ("tasks", "contents") and not self._is_seen(self._reader.get("tasks", id)):
            return None
        return self._reader.get(collection, id)

    def get_many(self, collection: str, ids: Iterable[str]) -> dict[str, Document]:
        """See `ports.Reader.get_many`."""
        wanted = list(ids)
        if collection in ("tasks", "contents"):
            tasks = self._reader.get_many("tasks", wanted)
            wanted = [id for id, task in tasks.items() if self._is_seen(task)]
        return self._reader.get_many(collection, wanted)

    def find(self, query: Query) -> Page:
        """See `ports.Reader.find`; where tasks of others lie in between, a page may hold fewer than its limit.

        `next` is the place of the last task that is seen: that of another would tell its name.

        Raises:
            TooLarge: very many tasks were looked at, and none of them is theirs.
        """
        if query.collection == "contents":
            raise AccessDenied("this takes access to all projects")
        if query.collection != "tasks":
            return self._reader.find(query)
        found: list[Document] = []
        asked = replace(query, limit=max(query.limit, STRETCH))
        for _ in range(STRETCHES):
            page = self._reader.find(asked)
            found += [task for task in page.documents if self._is_seen(task)]
            if len(found) > query.limit:
                break
            if page.next is None:
                return Page(found, None)
            asked = replace(asked, after=page.next)
        if not found:
            most = STRETCH * STRETCHES
            raise TooLarge(f"none of the next {most:,} tasks is yours", field="limit", hint="ask for a type or a tag")
        kept = found[: query.limit]
        return Page(kept, encode_next(query.order, sort_key(query.order, kept[-1])))

    def count(self, query: Query, most: int = 10_000) -> int:
        """See `ports.Reader.count`; tasks are not counted, for those of other projects would be."""
        if query.collection in ("tasks", "contents"):
            raise AccessDenied("this takes access to all projects")
        return self._reader.count(query, most)

    def events(self, after: int, limit: int = 500, types: Sequence[str] = (), subject: str | None = None) -> EventSlice:
        """See `ports.Reader.events`; of tasks that are gone nothing is told."""
        part = self._reader.events(after, limit, types, subject)
        seen = self.get_many("tasks", {event.subject for event in part.events})
        return EventSlice([event for event in part.events if event.subject in seen], part.position, part.gap)

    def __getattr__(self, name: str) -> Any:
        if name not in READ_THROUGH:
            raise AccessDenied("this takes access to all projects")
        return getattr(self._reader, name)


class ConfinedStore(ConfinedReader):
    """A store that shows and changes the tasks of some projects only."""

    def __init__(self, store: Store, projects: frozenset[str]) -> None:
        super().__init__(store, projects)
        self._store = store

    def write[T](self, work: Work[T]) -> Future[T]:
        """See `ports.Store.write`."""
        return self._store.write(self._within(work))

    def post(self, key: str, work: Work[object]) -> None:
        """See `ports.Store.post`."""
        self._store.post(key, self._within(work))

    def _within[T](self, work: Work[T]) -> Callable[[Transaction], T]:
        return lambda tx: work(cast("Transaction", ConfinedTransaction(tx, self._projects)))

    @contextmanager
    def snapshot(self) -> Iterator[ConfinedReader]:
        """See `ports.Store.snapshot`."""
        with self._store.snapshot() as reader:
            yield ConfinedReader(reader, self._projects)


class ConfinedTransaction:
    """A transaction that sees and changes the tasks of some projects; what services keep beside them is theirs."""

    def __init__(self, tx: Transaction, projects: frozenset[str]) -> None:
        self._tx = tx
        self._projects = projects
        self._reader = ConfinedReader(cast("Reader", tx), projects)

    def get(self, collection: str, id: str) -> Document | None:
        """See `ports.Transaction.get`."""
        return self._reader.get(collection, id) if collection == "tasks" else self._tx.get(collection, id)

    def find(self, query: Query) -> Page:
        """See `ports.Transaction.find`."""
        return self._reader.find(query)

    def put(self, collection: str, document: Document) -> None:
        """See `ports.Transaction.put`.

        Raises:
            AccessDenied: a task would be of another project, or there is one of that id elsewhere.
        """
        if collection == "tasks":
            kept = self._tx.get("tasks", document["id"])
            if document["labels"].get(LABEL) not in self._projects or (kept and self.get("tasks", kept["id"]) is None):
                hint = f"label it with one of: {', '.join(sorted(self._projects))}"
                raise AccessDenied("the task is of no project of yours", field="labels", hint=hint)
        self._tx.put(collection, document)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tx, name)
