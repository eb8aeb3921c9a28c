"""New tasks of Celery get ids that sort by time, as all tasks of a hub do: UUIDs still, of version 7 instead of 4.

Else a hub, which lists tasks by their ids, would show what Celery runs in no order. Celery has no setting for it: what
its modules make ids with is replaced, once for all apps of the process.
"""

from __future__ import annotations

from typing import Any

import celery.app.base
import celery.app.task
import celery.canvas

from claudia_core.model.ids import new_id


def make_ids_sort() -> None:
    """Let Celery make sorting ids in this process from now on."""
    modules: tuple[Any, ...] = (celery.app.base, celery.app.task, celery.canvas)
    for module in modules:
        if hasattr(module, "uuid"):
            module.uuid = new_id
