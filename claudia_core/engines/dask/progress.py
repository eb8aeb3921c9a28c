"""How far a function has come that Dask runs, told by itself: through the scheduler to whoever observes it.

    from claudia_core.engines.dask.progress import progress

    def train(rows):
        for number, row in enumerate(rows):
            progress(number, total=len(rows), message="fitting")

It needs no hub: outside of a Dask task, and where nobody observes, it does nothing.
"""

from __future__ import annotations

import threading
import time

from distributed import get_worker

from claudia_core.engines.dask.plugin import TOPIC
from claudia_core.model.values import MAX_MESSAGE, clean_text, require_count

PAUSE = 0.2
"""Seconds for which a task tells nothing again, unless it says that all is done."""

_last = threading.local()
"""Of which task, and when, this thread has told something."""


def progress(current: float, *, total: float | None = None, message: str = "") -> None:
    """Tell how far the Dask task has come that this is called in.

    Raises:
        InvalidValue: a number is negative, not finite or above 2**53.
    """
    done = require_count(current, "current")
    whole = None if total is None else require_count(total, "total")
    told = {"current": done, "total": whole, "message": clean_text(message, MAX_MESSAGE)}
    try:
        worker = get_worker()
    except ValueError:  # no Dask task
        return
    key, now = worker.get_current_task(), time.monotonic()
    if done == whole or getattr(_last, "key", None) != key or now - _last.at > PAUSE:
        _last.key, _last.at = key, now
        worker.log_event(TOPIC, {"key": key, **told})
