"""What an agent asks of an engine, and what an engine tells it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from claudia_core.engines.handlers import Handler
from claudia_core.model.task import Task
from claudia_core.services.tasks.moves import Move


@dataclass(frozen=True, slots=True)
class Job:
    """A claimed task, with its payload, and the handler that is to run it."""

    task: Task
    handler: Handler

    @property
    def id(self) -> str:
        """The task's id."""
        return self.task.id


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a job: the change that its task is to undergo. The agent saves it, if its claim still counts.

    `move` is None where the task is somebody else's now, or nobody's, so that nothing is left to save.
    """

    job: Job
    move: Move | None


@dataclass(frozen=True, slots=True)
class Begun:
    """A job begins only now: from here on its time-out counts. Of use where an engine has to get ready first."""

    job: Job


type Report = Callable[[Outcome | Begun], None]
"""Tells the agent of a job, from any thread. Of several outcomes of one job only the first counts."""


class Engine(Protocol):
    """Runs jobs side by side. No method waits for a job, but `close`."""

    def begin(self, job: Job) -> None:
        """Start a job. Whatever happens to it is told to the engine's `Report`, a job that cannot start included."""
        ...

    def cancel(self, job: Job, reason: str) -> None:
        """Ask the work to stop; it may take its time, or not listen. Of a job that has ended it means nothing."""
        ...

    def kill(self, job: Job, reason: str) -> bool:
        """End the work now, without its help, and tell no outcome; False where this engine cannot do that."""
        ...

    def close(self) -> None:
        """Let go of everything. The agent calls it when no job is left, or after it has given up those that are."""
        ...


@runtime_checkable
class HandsOn(Protocol):
    """An engine whose jobs wait for others, who keep their time and save their ends."""

    hands_on: Literal[True]
