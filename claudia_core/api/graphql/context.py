"""What resolvers work with: the hub, the border to its threads, loaders that join many questions into one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from itertools import batched
from typing import Any

from anyio import to_thread
from strawberry.dataloader import DataLoader
from strawberry.fastapi import BaseContext

from claudia_core.api.access.confined import view
from claudia_core.api.access.perform import perform
from claudia_core.api.asked import checked
from claudia_core.api.contract.operations import Operation
from claudia_core.api.graphql.limits import MAX_ITEMS, spend
from claudia_core.api.graphql.refusals import coded
from claudia_core.api.graphql.wake import Wake
from claudia_core.app import Claudia
from claudia_core.errors import TooLarge
from claudia_core.model.identity import current
from claudia_core.ports import Document, Query

TOGETHER = 20
"""Most parents in one query: stores read so many ranges of an index at once."""

MAX_LOGS = 200
"""Most tasks whose events one answer may hold."""


class Context(BaseContext):
    """One request, or one socket with all its operations. Loaders join questions of one moment and keep nothing."""

    def __init__(self, hub: Claudia, wake: Wake) -> None:
        super().__init__()
        self.identity = current()  # made within the request or socket that asks
        self.hub = view(hub, self.identity)
        self.wake = wake
        self.tasks: DataLoader[str, Document | None] = DataLoader(self._tasks, cache=False)
        self.children: DataLoader[str, list[Document]] = DataLoader(self._children, cache=False)
        self.events: DataLoader[tuple[str, int], list[Document]] = DataLoader(self._events, cache=False)

    async def carry_out(self, operation: Operation, values: Mapping[str, Any]) -> dict[str, Any]:
        """Run an operation of the contract."""
        with coded():
            self.identity.require(operation.scope, operation.name)
            asked = checked(operation.input, values)
            answer = await to_thread.run_sync(perform, operation, self.hub, asked, self.identity)
            spend(len(answer.get("items", ())))
            return answer

    async def ask[T](self, question: Callable[..., T], *args: Any) -> T:
        """Ask the hub something that may block."""
        with coded():
            return await to_thread.run_sync(partial(question, *args))

    async def _tasks(self, ids: list[str]) -> list[Document | None]:
        found = await self.ask(self.hub.store.get_many, "tasks", set(ids))
        return [found.get(id) for id in ids]

    async def _children(self, ids: list[str]) -> list[list[Document]]:
        found = await self.ask(self._read_children, sorted(set(ids)))
        return [found[id] for id in ids]

    def _read_children(self, ids: list[str]) -> dict[str, list[Document]]:
        """The children of several tasks in the order they were made; one query for `TOGETHER` tasks."""
        below: dict[str, list[Document]] = {id: [] for id in ids}
        left = MAX_ITEMS
        with self.hub.store.snapshot() as reader:
            for some in batched(ids, TOGETHER):
                page = reader.find(Query("tasks", {"parent_id": list(some)}, "id", limit=MAX_ITEMS))
                left -= len(page.documents)
                if left < 0 or page.next is not None:
                    raise TooLarge(
                        f"these tasks have over {MAX_ITEMS:,} children", field="children", hint="ask for fewer tasks"
                    )
                for document in page.documents:
                    below[document["parent_id"]].append(document)
        return below

    async def _events(self, asked: list[tuple[str, int]]) -> list[list[Document]]:
        if len(set(asked)) > MAX_LOGS:
            raise TooLarge(f"the events of over {MAX_LOGS} tasks at once", field="events", hint="ask for fewer tasks")
        return await self.ask(self._read_events, asked)

    def _read_events(self, asked: list[tuple[str, int]]) -> list[list[Document]]:
        with self.hub.store.snapshot() as reader:
            found = {key: reader.events(0, key[1], subject=key[0]).events for key in set(asked)}
        return [[event.to_cloudevent() for event in found[key]] for key in asked]
