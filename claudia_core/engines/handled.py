"""A claimed task while its handler runs: what the handler gets, and what its end makes of the task."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from claudia_core.engines.port import Job
from claudia_core.engines.results import keep, results_folder
from claudia_core.errors import InvalidValue, PayloadInvalid, TaskCancelled, TooLarge
from claudia_core.logs import get_logger
from claudia_core.model.task import Status, TaskError
from claudia_core.model.values import JSON, require_json
from claudia_core.services.tasks.failures import failing
from claudia_core.services.tasks.moves import Move, cancelling, completing
from claudia_core.services.tasks.new_task import NewTask
from claudia_core.settings import Settings
from claudia_core.tracking.run import Hub, Run
from claudia_core.tracking.task import TaskBlock


class _Claimed(NewTask):
    """What a run is made from whose task is in the store: it was checked when it was made."""

    def checked(self) -> NewTask:
        """This."""
        return self


class HandledTask(TaskBlock):
    """The task that a handler works on: `progress`, `advance`, `was_cancelled`; loops and tasks inside are its parts.

    Its beginning was saved by the agent's claim, and its end is saved by the agent, too.
    """

    def __init__(self, hub: Hub, job: Job) -> None:
        task = job.task
        progress = task.progress
        super().__init__(
            hub,
            _Claimed(id=task.id, name=task.name, type=task.type, estimated_steps=progress.total, unit=progress.unit),
            show=False,
        )
        self.saved = task
        self.payload = task.payload
        self.log = get_logger(job.handler.function.__module__)

    def stopped(self) -> Move:
        """What it becomes when it was asked to stop, and did."""
        return cancelling(self._reason)

    def _around(self) -> Run | None:
        return None

    def _save_begin(self) -> None:
        """The claim has saved it."""

    def _save_end(self, move: Move) -> None:
        """The agent saves it."""


def run(hub: Hub, job: Job, begun: Callable[[HandledTask], None]) -> Move:
    """Run a job's handler here; `begun` is given its task just before. Returns what it makes of the task."""
    block = HandledTask(hub, job)
    try:
        block.begin()
        begun(block)
        result = job.handler.call(block, job.task.payload)
    except BaseException as error:  # noqa: BLE001 - whatever a handler raises is the end of its task, and of nothing else
        move = ended(job, error)
        block._end(Status.FAILED, move)
        return move
    return finished(job, block, result)


async def run_async(hub: Hub, job: Job, begun: Callable[[HandledTask], None]) -> Move:
    """The same for a coroutine function."""
    block = HandledTask(hub, job)
    try:
        block.begin()
        begun(block)
        result = await job.handler.call(block, job.task.payload)
    except asyncio.CancelledError as error:
        move = block.stopped() if block.was_cancelled else failing(error, culprit=job.handler.place, again=True)
        block._end(Status.CANCELLED, move)
        return move
    except BaseException as error:  # noqa: BLE001 - as above
        move = ended(job, error)
        block._end(Status.FAILED, move)
        return move
    return finished(job, block, result)


def finished(job: Job, block: HandledTask, result: Any) -> Move:
    """What a handler that returned makes of its task: completed, or failed where its result cannot be kept."""
    try:
        move = completing(_kept(job, block, block.result if result is None else result))
    except (InvalidValue, OSError) as error:
        move = failing(error, culprit=job.handler.place)
    block._end(Status.COMPLETED, move)
    return move


def _kept(job: Job, block: HandledTask, result: Any) -> JSON:
    """The result, or a reference to the file that it was put in because it is too large for the store."""
    try:
        return require_json(result, "result")
    except TooLarge:
        settings: Settings = block.hub.settings  # type: ignore[attr-defined]  # engines run tasks for whole hubs
        folder = results_folder(settings.results, settings.database_url)
        return keep(folder, f"{job.id}-{job.task.claim}", result)


def ended(job: Job, error: BaseException) -> Move:
    """What an exception that left the handler makes of its task."""
    handler = job.handler
    if isinstance(error, TaskCancelled):
        return cancelling(error.reason or error.message)
    if isinstance(error, PayloadInvalid):
        return failing(TaskError("PayloadInvalid", str(error), code="payload"), culprit=handler.place)
    if isinstance(error, (SystemExit, KeyboardInterrupt, GeneratorExit)):
        told = TaskError(type(error).__name__, f"the handler raised {error!r:.200}: an exit ends its task only")
        return failing(told, culprit=handler.place, again=True)
    return failing(error, culprit=handler.place, again=isinstance(error, handler.retry_on))
