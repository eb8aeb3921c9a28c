"""The Task type: the contract's fields, and what a graph adds to them: parent, children, events."""

from __future__ import annotations

from typing import Annotated, Any

import strawberry
from strawberry.types import Info

from claudia_core.api.contract import outputs
from claudia_core.api.graphql.context import Context
from claudia_core.api.graphql.limits import spend
from claudia_core.api.graphql.refusals import coded
from claudia_core.api.graphql.types import Types
from claudia_core.errors import InvalidValue

TYPES = Types()
MAX_LIMIT = 1_000

type Asked = Info[Context, None]
Limit = Annotated[int, strawberry.argument(description="Most items, 1 to 1,000.")]


async def parent(root: strawberry.Parent[Any], info: Asked) -> Any:
    """The task this one belongs to."""
    with coded():
        return await info.context.tasks.load(root["parent_id"]) if root["parent_id"] else None


async def children(root: strawberry.Parent[Any], info: Asked, limit: Limit = 100) -> Any:
    """The tasks directly below this one, in the order they were made; see `taskChildren` for pages of them."""
    with coded():
        found = (await info.context.children.load(root["id"]))[: _checked(limit)]
        spend(len(found))
        return found


async def events(root: strawberry.Parent[Any], info: Asked, limit: Limit = 100) -> Any:
    """The task's first events that are kept; see `events` for pages of them."""
    with coded():
        found = await info.context.events.load((root["id"], _checked(limit)))
        spend(len(found))
        return found


def _checked(limit: int) -> int:
    if not 1 <= limit <= MAX_LIMIT:
        raise InvalidValue(f"limit is {limit}", field="limit", hint=f"use 1 to {MAX_LIMIT}")
    return limit


def _field(resolver: Any, type: Any) -> Any:
    return strawberry.field(resolver=resolver, description=resolver.__doc__, graphql_type=type)


LazyTask: Any = Annotated["Task", strawberry.lazy("claudia_core.api.graphql.task")]
Event = TYPES.of(outputs.EventOut)
Task = TYPES.make(
    outputs.TaskOut,
    parent=_field(parent, LazyTask | None),
    children=_field(children, list[LazyTask]),
    events=_field(events, list[Event]),  # type: ignore[valid-type]  # made when the program runs
)
