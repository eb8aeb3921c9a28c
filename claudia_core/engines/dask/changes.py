"""Changes of tasks that a Dask cluster runs. Several observers may tell the same: it does no harm."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from claudia_core.model.task import Status, Task, TaskError
from claudia_core.model.values import MAX_MESSAGE, clean_text
from claudia_core.ports import Transaction
from claudia_core.services.tasks import failures, holds, moves
from claudia_core.services.tasks.moves import Move

UNSEEN = "nobody observes it any more"
DROPPED = "cancelled in Dask"
REASONS = (UNSEEN, DROPPED)
"""Why a task was cancelled where nobody is to be told of it."""


def beginning(agent_id: str) -> Move:
    """A worker begins the task, perhaps once more, because the one that had it is gone."""
    start = moves.starting(agent_id)

    def make(tx: Transaction, task: Task) -> Task:
        if task.status is Status.ACTIVE and task.agent_id != agent_id:
            task = holds.releasing()(tx, task)
        if task.status in (Status.FAILED, Status.CANCELLED):
            task = moves.retrying()(tx, task)
        return start(tx, task) if task.status is Status.PENDING else task

    return replace(start, make=make)


def waiting_again() -> Move:
    """The task waits for another worker."""
    release = holds.releasing()
    return replace(release, make=lambda tx, task: release.make(tx, task) if task.status is Status.ACTIVE else task)


def ending(move: Move, agent_id: str) -> Move:
    """The change, unless the task has ended; one that nobody saw begin begins first."""
    start = moves.starting(agent_id)

    def make(tx: Transaction, task: Task) -> Task:
        if task.status.is_terminal:
            return task
        if task.status is Status.PENDING and move.name == "complete":
            task = start(tx, task)
        return move.make(tx, task)

    return replace(move, make=make)


def end_of(part: Mapping[str, Any]) -> Move:
    """How a part ended."""
    if part["status"] == "completed":
        result = {"type": part["type"], "bytes": part["bytes"]} if part["total"] == 1 and part["type"] else None
        return moves.completing(result)
    if part["status"] == "cancelled":
        return moves.cancelling(clean_text(part["reason"] or DROPPED, MAX_MESSAGE))
    first = part["errors"][0]
    return failures.failing(error_of(first, part), culprit=place_of(first["traceback"]) or part["name"])


def error_of(error: Mapping[str, str], part: Mapping[str, Any]) -> TaskError:
    """The error of a part; a large one tells how many of its tasks failed."""
    type, message = said(error["text"])
    if part["total"] > 1:
        which = "" if part["failed"] == 1 else f"{part['failed']:,} of {part['total']:,} failed, first "
        message = f"{message} ({which}{error['key']})"
    code = "lost" if type == "KilledWorker" else "error"
    return TaskError(type, message, code=code, traceback=_whole(error, type))


def _whole(error: Mapping[str, str], type: str) -> str:
    frames = error["traceback"]
    return f"Traceback (most recent call last):\n{frames}{type}: {said(error['text'])[1]}\n" if frames else ""


def said(text: str) -> tuple[str, str]:
    """Type and message of an exception, of which Dask tells the `repr`."""
    found = re.match(r"([A-Za-z_][\w.]*)\((.*)\)$", text, re.DOTALL)
    if found is None:
        return "Error", text
    try:
        value = ast.literal_eval(found[2])
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return found[1], found[2]
    return found[1], str(value)


def place_of(traceback: str) -> str:
    """Where it was raised, such as `module.function`."""
    found = re.findall(r'File "(?:.*[\\/])?([^"\\/]+?)(?:\.py)?", line \d+, in (\S+)', traceback)
    return ".".join(found[-1]) if found else ""


def lost(what: str) -> TaskError:
    """What a task fails with whose scheduler or worker is gone."""
    return TaskError("WorkerLost", what, code="lost")
