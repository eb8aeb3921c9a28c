"""`/ws/tasks/{id}`: one task from its present state to its end."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson

from claudia_core.api.realtime.entries import Entry
from claudia_core.api.realtime.relay import Relay
from claudia_core.api.realtime.wire import Wire
from claudia_core.app import Claudia
from claudia_core.errors import TaskNotFound
from claudia_core.model.task import Status
from claudia_core.ports import Document

TERMINAL = frozenset(status.value.encode() for status in Status if status.is_terminal)
_SPLIT = b"\0"


class TaskView:
    """Shows the changes of one task: its status where the event tells it, then the rest of the message.

    The rest is encoded once for all who watch the task.
    """

    def __init__(self, id: str) -> None:
        self.key = ("task", id)
        self._id = id

    def write(self, entry: Entry) -> list[bytes]:
        """See `entries.View`."""
        if entry.subject != self._id:
            return []
        event = orjson.loads(entry.body)
        data = event["data"]
        if entry.type == "progress:updated":
            return [_part("", {"progress": data}, event)]
        if entry.type.startswith("task:") and "status" in data:
            return [_part(data["status"], _state(data), event)]
        return []


def _state(task: Document) -> Document:
    return {"progress": task["progress"], "error": task["error"], "task": task}


def _part(status: str, told: Document, event: dict[str, Any]) -> bytes:
    rest = {"event": event["type"], "cursor": event["id"], "timestamp": event["time"], **told}
    return status.encode() + _SPLIT + orjson.dumps(rest)[1:]


class Watch:
    """Tells a client the state of a task and then each change in order, and returns after its end.

    Messages have the type `task`, `task_id`, `status`, `progress`, `event` (null in the first), `cursor`, `timestamp`,
    and where the event tells more than progress: `error` and `task`. A client too slow for what the log keeps is told
    the present state again.
    """

    def __init__(self, wire: Wire, claudia: Claudia, relay: Relay, id: str) -> None:
        self._wire = wire
        self._claudia = claudia
        self._relay = relay
        self._id = id
        self._head = b'{"type":"task","task_id":' + orjson.dumps(id) + b',"status":"'
        self._status = b""
        self._position = 0

    async def write(self) -> None:
        """Tell the client until the task has ended.

        Raises:
            TaskNotFound: there is no such task.
        """
        view = TaskView(self._id)
        await self._tell_state()
        while self._status not in TERMINAL:
            batch = await self._relay.read(view, self._position, subject=self._id)
            is_behind = batch.position > self._position
            self._position = batch.position
            if batch.gap is not None:
                await self._tell_state()
                continue
            await self._tell(batch.parts)
            if not is_behind:
                await self._relay.waiter()

    async def _tell_state(self) -> None:
        task, self._position = await asyncio.to_thread(self._load)
        rest = {"event": None, "cursor": self._relay.cursor(self._position), "timestamp": task["updated_at"]}
        await self._tell([task["status"].encode() + _SPLIT + orjson.dumps(rest | _state(task))[1:]])

    async def _tell(self, parts: list[bytes]) -> None:
        for part in parts:
            status, _, rest = part.partition(_SPLIT)
            self._status = status or self._status
            await self._wire.say_text(self._head + self._status + b'",' + rest)
            if self._status in TERMINAL:
                return

    def _load(self) -> tuple[Document, int]:
        with self._claudia.store.snapshot() as reader:
            task, head = reader.get("tasks", self._id), reader.head()
        if task is None:
            raise TaskNotFound(f"no task {self._id!r:.80}", field="id", hint="list the tasks: GET /api/v1/tasks")
        return task, head
