"""`task.update_state(state="PROGRESS", meta={"current": 3, "total": 10})` as progress.

Celery has no signal for it, so its one method is wrapped, once for all apps; it does what it did, and tells.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from celery import states
from celery.app.task import Task

from claudia_core.errors import InvalidValue
from claudia_core.model.values import MAX_MESSAGE, clean_text, require_count

type Listener = Callable[[str, int, str, Any], None]

MESSAGES = ("message", "status", "description")
"""Where people put what a task is doing."""

_listeners: dict[Any, Listener] = {}


def on_update_state(app: Any, listener: Listener) -> Callable[[], None]:
    """Call `listener(id, retries, state, meta)` when a task of `app` tells a state of its own; returns what ends it."""
    if not hasattr(Task.update_state, "claudia"):
        Task.update_state = _telling(Task.update_state)
    _listeners[app] = listener
    return lambda: _listeners.pop(app, None) and None


def _telling(update_state: Callable[..., Any]) -> Callable[..., Any]:
    def telling(self: Any, task_id: Any = None, state: Any = None, meta: Any = None, **more: Any) -> Any:
        done = update_state(self, task_id=task_id, state=state, meta=meta, **more)
        listener = _listeners.get(self.app)
        if listener is not None and state not in states.ALL_STATES:
            listener(task_id or self.request.id, self.request.retries or 0, str(state), meta)
        return done

    telling.claudia = True  # type: ignore[attr-defined]
    telling.__doc__ = update_state.__doc__
    return telling


def progress_of(state: str, meta: Any) -> tuple[float | None, float | None, str | None]:
    """Current, total and message of a state that a task told; a state's own name is the message where there is none."""
    if not isinstance(meta, Mapping):
        return None, None, state
    said = next((meta[key] for key in MESSAGES if isinstance(meta.get(key), str)), None)
    if said is None and state != "PROGRESS":
        said = state
    return (
        _count(meta.get("current")),
        _count(meta.get("total")),
        None if said is None else clean_text(said, MAX_MESSAGE),
    )


def _count(value: Any) -> float | None:
    if value is None:
        return None
    try:
        return require_count(value, "current")
    except InvalidValue:
        return None
