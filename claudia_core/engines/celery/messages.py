"""What Celery tells of a task, as what a hub makes a task from."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from claudia_core.capture.plain import plain
from claudia_core.capture.scrubbing import Scrubber
from claudia_core.model.task import Task
from claudia_core.model.values import JSON, MAX_NAME, clean_text
from claudia_core.services.tasks.new_task import NewTask

TAG = "celery"
"""The tag of every task that Celery runs."""

ID = "celery.id"
"""The label with Celery's own id, where that is no UUID."""

NAMES = uuid.UUID("5b0a8f0e-6d5c-4d0b-9f5e-1f6a5f0f7c11")
"""The namespace of ids that are made from Celery's own."""


def hub_id(celery_id: str) -> str:
    """The id a task has in the hub: Celery's own, or one made from it where that is no UUID in its usual form."""
    try:
        text = str(uuid.UUID(celery_id))
    except ValueError:
        text = ""
    return text if text == celery_id else str(uuid.uuid5(NAMES, celery_id))


def celery_id(task_id: str, labels: Mapping[str, str]) -> str:
    """Celery's id of a task of the hub."""
    return labels.get(ID, task_id)


def celery_id_of(task: Task) -> str:
    """The same of a task at hand."""
    return celery_id(task.id, task.labels)


class Describer:
    """Makes tasks from what Celery tells; arguments and results become plain JSON of bounded size without secrets."""

    def __init__(self, scrubber: Scrubber) -> None:
        self._scrubber = scrubber

    def sent(self, name: str, headers: Mapping[str, Any], body: Any, queue: str, parent: str | None) -> NewTask | None:
        """The task of a message; None for one of Celery's first protocol, which tells too little."""
        if "id" not in headers or not isinstance(body, tuple | list):
            return None
        above = headers.get("parent_id")
        return self._new(
            headers["id"],
            headers.get("shadow") or name,
            str(name),
            (body[0], body[1]),
            hub_id(above) if above else parent,
            {"celery.queue": queue, "celery.group": headers.get("group")},
        )

    def taken(self, task: Any, request: Any, args: Any, kwargs: Any, parent: str | None = None) -> NewTask:
        """The task that a worker begins, as it would have been described when it was sent."""
        above = request.parent_id
        queue = (request.delivery_info or {}).get("routing_key")
        return self._new(
            request.id,
            request.shadow or task.name,
            str(task.name),
            (args, kwargs),
            hub_id(above) if above else parent,
            {"celery.queue": queue, "celery.group": request.group},
        )

    def _new(
        self, id: str, name: str, type: str, arguments: tuple[Any, Any], parent: str | None, labels: dict[str, Any]
    ) -> NewTask:
        known = hub_id(id)
        if known != id:
            labels[ID] = id
        args, kwargs = arguments
        return NewTask(
            id=known,
            name=clean_text(str(name), MAX_NAME) or "task",
            type=clean_text(type, 100) or "task",
            payload=self.plain({"args": list(args or ()), "kwargs": dict(kwargs or {})}),
            parent_id=parent,
            tags=(TAG,),
            labels={key: clean_text(str(value), 200) for key, value in labels.items() if value},
        )

    def plain(self, value: Any) -> JSON:
        """A value as plain JSON of bounded size, without secrets."""
        return self._scrubber.value(plain(value))
