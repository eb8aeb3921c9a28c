"""The tasks of a hub elsewhere, and their progress: the same methods as in `services`, carried out by requests."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from claudia_core.clients.http import Connection
from claudia_core.clients.outbox import Outbox
from claudia_core.errors import ClaudiaError, Conflict, IllegalTransition, StaleClaim
from claudia_core.model.progress import Progress
from claudia_core.model.task import Status, Task
from claudia_core.model.times import require_utc, to_text
from claudia_core.model.values import require_text
from claudia_core.services.tasks.moves import Move
from claudia_core.services.tasks.new_task import NewTask
from claudia_core.services.tasks.progress import ProgressService, ProgressUpdate
from claudia_core.services.tasks.service import TaskPage, Tasks

LIMIT = 1_000
"""Most items that a hub gives in one page."""

ENDS = {"complete": Status.COMPLETED, "fail": Status.FAILED, "cancel": Status.CANCELLED}


class RemoteTasks(Tasks):
    """See `services.Tasks`. What is to happen soon waits in the outbox; what wants an answer comes behind it."""

    def __init__(self, connection: Connection, outbox: Outbox) -> None:
        self._connection = connection
        self._outbox = outbox

    def create_many(self, news: Iterable[NewTask], *, start: bool = False) -> list[Task]:
        """See `services.Tasks`; at most 1,000 at once."""
        documents = [_new_document(new.checked(), start) for new in news]
        if not documents:
            return []
        self._outbox.settle()
        if len(documents) == 1:  # an id of our own makes it repeatable without a key
            return [Task.from_document(self._connection.ask("tasks.create", key="", **documents[0]))]
        return _tasks(self._connection.ask("tasks.create_many", tasks=documents))

    def create_soon(self, new: NewTask, *, start: bool = False) -> None:
        """See `services.Tasks`."""
        document = _new_document(new.checked(), start)
        self._outbox.post(f"create/{document['id']}", "tasks.create", once="", **document)

    def progress(
        self,
        id: str,
        current: float | None = None,
        *,
        total: float | None = None,
        message: str | None = None,
        claim: int | None = None,
    ) -> Task:
        """See `services.Tasks`."""
        update = ProgressUpdate(id, current, total, message).checked()
        self._outbox.settle()
        told: dict[str, Any] = {"current": update.current, "total": update.total, "message": update.message}
        return Task.from_document(self._connection.ask("tasks.progress", id=id, claim=claim, **told))

    def move(self, id: str, move: Move) -> Task:
        """See `services.Tasks`."""
        self._outbox.settle()
        try:
            found = self._connection.ask(f"tasks.{move.name}", id=id, key=f"{id}/{move.key}", **move.values)
        except (IllegalTransition, StaleClaim):
            raise
        except Conflict as refusal:  # it was made, and its answer was lost
            return self._made(id, move, refusal)
        return Task.from_document(found)

    def _made(self, id: str, move: Move, refusal: ClaudiaError) -> Task:
        task = self.get(id)
        if task.status is not ENDS.get(move.name):
            raise refusal
        return task

    def move_soon(self, id: str, move: Move) -> None:
        """See `services.Tasks`."""
        key = f"{id}/{move.key}"
        self._outbox.post(f"move/{key}", f"tasks.{move.name}", once=key, id=id, **move.values)

    def note_soon(self, new: NewTask, move: Move | None = None, *, at: datetime | None = None) -> None:  # noqa: ARG002
        """See `services.Tasks`; it is dated when the hub is told.

        With a change it is made without a parent, which the hub may be told of later; unless it waits to be made.
        """
        if move is None:
            self.create_soon(new)
            return
        document = _new_document(replace(new, parent_id=None), False)
        self._outbox.post(f"create/{new.id}", "tasks.create", once="", yields=True, **document)
        self.move_soon(str(new.id), move)

    def get(self, id: str) -> Task:
        """See `services.Tasks`."""
        return Task.from_document(self._connection.ask("tasks.get", id=id))

    def below(self, id: str, *, limit: int = 500) -> list[Task]:
        """See `services.Tasks`; a request for each task that has children."""
        found: list[Task] = []
        level = [id]
        while level and len(found) < limit:
            children = self.children(level.pop(0), limit=limit - len(found)).tasks
            found += children
            level += [task.id for task in children]
        return found

    def list(
        self,
        *,
        status: Status | str | Iterable[str] | None = None,
        type: str | Iterable[str] | None = None,
        name: str | None = None,
        tag: str | None = None,
        parent_id: str | None = None,
        roots: bool = False,
        agent_id: str | None = None,
        since: datetime | None = None,
        order: str | None = None,
        limit: int = 100,
        after: str | None = None,
    ) -> TaskPage:
        """See `services.Tasks`. A limit over 1,000 takes several requests."""
        asked: dict[str, Any] = {"status": _texts(status), "type": _texts(type), "name": name, "parent_id": parent_id}
        asked |= {"roots": roots or None, "agent_id": agent_id, "order": order, "tag": tag}
        asked["since"] = None if since is None else to_text(require_utc(since, "since"))
        found: list[Task] = []
        while True:
            page = self._connection.ask("tasks.list", limit=min(LIMIT, limit - len(found)), after=after, **asked)
            found += _tasks(page)
            after = page["next"]
            if after is None or len(found) >= limit:
                return TaskPage(found, after)

    def children(self, id: str, *, limit: int = LIMIT, after: str | None = None) -> TaskPage:
        """See `services.Tasks`."""
        return self.list(parent_id=id, order="id", limit=limit, after=after)

    def counts(self) -> dict[Status, int]:
        """See `services.Tasks`."""
        found = self._connection.ask("tasks.counts")
        return {status: found[status.value] for status in Status}

    def types(self, prefix: str = "", *, limit: int = 200) -> dict[str, int]:
        """See `services.Tasks`."""
        found = self._connection.ask("tasks.types", prefix=prefix or None, limit=limit)
        return {item["name"]: item["tasks"] for item in found["items"]}

    def tags(self, prefix: str = "", *, limit: int = 200) -> dict[str, int]:
        """See `services.Tasks`."""
        found = self._connection.ask("tasks.tags", prefix=prefix or None, limit=limit)
        return {item["name"]: item["tasks"] for item in found["items"]}

    def move_each(self, ids: Iterable[str], move: Callable[[], Move]) -> dict[str, Task | ClaudiaError]:
        """See `services.Tasks`; one after the other."""
        found: dict[str, Task | ClaudiaError] = {}
        for id in dict.fromkeys(ids):
            try:
                found[id] = self.move(id, move())
            except ClaudiaError as error:
                found[id] = error
        return found


def _texts(value: str | Iterable[str] | None) -> str | list[str] | None:
    return value if value is None or isinstance(value, str) else [str(item) for item in value]


def _tasks(answer: Mapping[str, Any]) -> list[Task]:
    return [Task.from_document(document) for document in answer["items"]]


def _new_document(new: NewTask, start: bool) -> dict[str, Any]:
    document = {**asdict(new), "tags": list(new.tags), "labels": dict(new.labels or {}), "start": start}
    deadline = None if new.deadline is None else to_text(new.deadline)
    return {name: value for name, value in {**document, "deadline": deadline}.items() if value is not None}


class RemoteProgress(ProgressService):
    """See `services.ProgressService`."""

    def __init__(self, connection: Connection, outbox: Outbox) -> None:
        self._connection = connection
        self._outbox = outbox

    def get(self, task_id: str) -> Progress:
        """See `services.ProgressService`."""
        return Progress.from_document(self._connection.ask("progress.get", id=task_id))

    def update(
        self,
        task_id: str,
        current: float | None = None,
        *,
        total: float | None = None,
        message: str | None = None,
        attempt: int | None = None,
    ) -> None:
        """See `services.ProgressService`. While the hub is away, the last update of each task waits."""
        id = require_text(task_id, "task_id", 100)
        self._outbox.post_progress(ProgressUpdate(id, current, total, message, attempt).checked())

    def report_progress(
        self,
        task_id: str,
        current: float | None = None,
        *,
        total: float | None = None,
        message: str | None = None,
    ) -> Progress:
        """See `services.ProgressService`."""
        update = ProgressUpdate(task_id, current, total, message).checked()
        self._outbox.settle()
        told = {"id": task_id, "current": update.current, "total": update.total, "message": update.message}
        self._connection.ask("progress.update", key="", updates=[{k: v for k, v in told.items() if v is not None}])
        return self.get(task_id)

    def complete(self, task_id: str) -> Progress:
        """See `services.ProgressService`."""
        now = self.get(task_id)
        done = max(now.current, now.total or 0)
        return self.report_progress(task_id, done, total=done)
