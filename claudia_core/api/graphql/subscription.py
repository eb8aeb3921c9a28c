"""Subscriptions: the log, tasks and one task as they change, over graphql-transport-ws."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from functools import partial
from typing import Annotated, Any

import strawberry
from strawberry.types import Info

from claudia_core.api.contract import outputs
from claudia_core.api.follow import LogReader, Notice, Reader, TaskReader, TasksReader
from claudia_core.api.graphql.context import Context
from claudia_core.api.graphql.limits import new_budget
from claudia_core.api.graphql.refusals import coded
from claudia_core.api.graphql.task import TYPES, Event, Task
from claudia_core.api.graphql.wake import follow

Gap = TYPES.of(outputs.GapOut)
Asked = Info[Context, None]
CURSOR = "Resumes just behind this message, on any protocol."
AFTER = "Go on behind this cursor; from now on when left out."

EVENTS = "Every event once, in order."
TASKS = "Tasks that changed, each as it is now; of several changes a slow client gets the last."
TASK = "One task: as it is, then each time it changed, until it ended."
GAP = "Events that were asked for and are no longer kept."

After = Annotated[str | None, strawberry.argument(description=AFTER)]
Types = Annotated[Sequence[str], strawberry.argument(description="Event types, with wildcards as in `task:*`.")]
Subject = Annotated[strawberry.ID | None, strawberry.argument(description="Only events about this id.")]


@strawberry.type(description="One message of a subscription to the log: an event, or events that are lost.")
class EventMessage:
    """See the description."""

    cursor: str = strawberry.field(description=CURSOR)
    event: Any = strawberry.field(graphql_type=Event | None)
    gap: Any = strawberry.field(graphql_type=Gap | None, description=GAP)


@strawberry.type(description="One message of a subscription to tasks: a task as it is now, or events that are lost.")
class TaskMessage:
    """See the description."""

    cursor: str = strawberry.field(description=CURSOR)
    task: Any = strawberry.field(graphql_type=Task | None)
    gap: Any = strawberry.field(graphql_type=Gap | None, description=GAP)


@strawberry.type(description="What happens, as it happens.")
class Subscription:
    """See the description."""

    @strawberry.subscription(graphql_type=EventMessage, description=EVENTS)  # type: ignore[untyped-decorator]
    async def events(
        self, info: Asked, types: Types = (), subject: Subject = None, after: After = None
    ) -> AsyncGenerator[Any]:
        """The log."""
        make = partial(LogReader, after=after, types=types, subject=subject)
        async with aclosing(_messages(info.context, make)) as messages:
            async for notice in messages:
                yield _plain(notice)

    @strawberry.subscription(graphql_type=TaskMessage, description=TASKS)  # type: ignore[untyped-decorator]
    async def tasks(self, info: Asked, type: str | None = None, after: After = None) -> AsyncGenerator[Any]:
        """Tasks."""
        async with aclosing(_messages(info.context, partial(TasksReader, after=after, type=type))) as messages:
            async for notice in messages:
                yield _plain(notice)

    @strawberry.subscription(graphql_type=Task, description=TASK)  # type: ignore[untyped-decorator]
    async def task(self, info: Asked, id: strawberry.ID) -> AsyncGenerator[Any]:
        """One task."""
        async with aclosing(_messages(info.context, partial(TaskReader, id=id))) as messages:
            async for notice in messages:
                yield notice.task


async def _messages(context: Context, make: Callable[..., Reader]) -> AsyncGenerator[Notice]:
    with coded():
        reader = await context.ask(make, context.hub)
        async with aclosing(follow(context.wake, reader)) as notices:
            async for notice in notices:
                new_budget()
                yield notice


def _plain(notice: Notice) -> dict[str, Any]:
    gap = notice.gap
    return {
        "cursor": notice.cursor,
        "event": notice.event.to_cloudevent() if notice.event else None,
        "task": notice.task,
        "gap": {"first": gap.first, "last": gap.last} if gap else None,
    }
