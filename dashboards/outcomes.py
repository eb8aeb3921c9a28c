"""What an action on tasks or agents did, in words; pure functions without panel."""

from __future__ import annotations

from collections.abc import Mapping

from claudia_core.errors import ClaudiaError
from claudia_core.model.agent import Agent
from claudia_core.model.task import Task
from dashboards import units

DONE = {
    "cancel": "Cancelled",
    "retry": "Waiting again",
    "rerun": "Made anew",
    "pause": "Paused",
    "resume": "Takes tasks again",
    "drain": "Drains",
    "stop": "Stops",
}
MOST_REASONS = 5


def told(
    verb: str, names: Mapping[str, str], results: Mapping[str, Task | Agent | ClaudiaError], noun: str = "task"
) -> tuple[str, str]:
    """A text and its tone: what was done to how many, and who refused and why, a line each."""
    refused = {id: result for id, result in results.items() if isinstance(result, ClaudiaError)}
    done = [id for id in results if id not in refused]
    if not refused:
        what = names[done[0]] if len(done) == 1 else units.plural(len(done), noun)
        return f"{DONE[verb]}: {what}", "good"
    head = f"{DONE[verb]}: {len(done)} of {units.plural(len(results), noun)}. {len(refused)} refused:"
    if len(results) == 1:
        head = ""
    reasons = [f"{names[id]}: {reason(error, id, names[id])}" for id, error in refused.items()]
    more = [f"… and {len(reasons) - MOST_REASONS} more"] if len(reasons) > MOST_REASONS else []
    return "\n".join(filter(None, [head, *reasons[:MOST_REASONS], *more])), "bad"


def reason(error: ClaudiaError, id: str, name: str) -> str:
    """Why it was refused, without the task's id and name, which stand before it."""
    return error.message.removeprefix(f"task {id} ({name}) ")
