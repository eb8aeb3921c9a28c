"""Jobs as they are told to another process, and their ends as they are told back: plain values only."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from claudia_core.engines.handlers import Handler
from claudia_core.engines.hub import Hub
from claudia_core.engines.port import Job
from claudia_core.errors import StoreError
from claudia_core.model.report import ErrorReport
from claudia_core.model.task import TaskError
from claudia_core.services.tasks.failures import failing
from claudia_core.services.tasks.moves import Move, cancelling, completing


@dataclass(frozen=True, slots=True)
class Order:
    """A job as it is told to another process. `store` names the store that the agent works on."""

    module: str
    name: str
    type: str
    document: dict[str, Any]
    content: dict[str, Any] | None
    agent_id: str
    store: str


@dataclass(frozen=True, slots=True)
class End:
    """What a job's handler made of its task, as it is told to the agent: a `Move` in plain values."""

    name: str
    values: dict[str, Any]
    again: bool
    code: str


def order_of(job: Job, store: str) -> Order:
    """A job as it is told."""
    task, function = job.task, job.handler.function
    place = (function.__module__, function.__qualname__, job.handler.type)
    return Order(*place, task.to_summary(), task.to_content(), task.agent_id or "", store)


def told(move: Move) -> End:
    """An end as it is told."""
    return End(move.name, dict(move.values), move.again, move.code)


def found(order: Order, *, elsewhere: bool = False) -> tuple[Hub, Handler]:
    """The handler in this process, and its hub; with `elsewhere` that may be at an address.

    Raises:
        StoreError: the hub is on another store.
    """
    place: Any = sys.modules["__main__"] if order.module == "__main__" else import_module(order.module)
    for part in order.name.split("."):
        place = getattr(place, part)
    hub: Hub = place.__claudia_hub__
    is_told = elsewhere and hub.store.url.startswith(("http://", "https://"))
    if hub.store.url != order.store and not is_told:
        raise StoreError(
            f"in a new process {order.module} opens {hub.store.url}, and its agent works on {order.store}",
            hint="set CLAUDIA_DATABASE_URL, so that every process opens the same store",
        )
    handler = hub.handlers.get(order.type)
    assert handler is not None, "the decorator registered it"
    return hub, handler


def move_of(end: End) -> Move:
    """The change that a child told, to be saved here."""
    values = end.values
    if end.name == "complete":
        return completing(values["result"])
    if end.name == "cancel":
        return cancelling(values["reason"])
    if end.code != "error":
        error = TaskError(values["type"], values["message"], end.code, values["traceback"])
        return failing(error, values["result"], culprit=values["culprit"], again=end.again)
    report = ErrorReport(
        type=values["type"],
        message=values["message"],
        traceback=values["traceback"],
        culprit=values["culprit"],
        exceptions=tuple(values["exceptions"] or ()),
        id=values["occurrence_id"],
        kind="TASK_FAILURE",
        handled=False,
    )
    return failing(report, values["result"], again=end.again)
