"""Tasks of others that are done in this process, and tasks that are done by others: handlers, agents, observers."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, cast

from claudia_core.engines import Observer, observer_of
from claudia_core.engines.choosing import engine_options
from claudia_core.engines.handlers import Function, Handlers
from claudia_core.engines.hub import Hub
from claudia_core.engines.results import load, results_folder
from claudia_core.engines.working import Working
from claudia_core.errors import Conflict
from claudia_core.model.task import Task
from claudia_core.model.values import JSON
from claudia_core.services.tasks.service import Tasks
from claudia_core.settings import Settings


class Workplace:
    """Handlers, the agent that works with them here, and what is observed of the work of other programs."""

    settings: Settings
    tasks: Tasks
    _lock: threading.Lock

    def __init__(self) -> None:
        self.handlers = Handlers()
        self._working: Working | None = None
        self._observers: list[Observer] = []

    def _require_here(self, what: str) -> None:
        raise NotImplementedError

    def handler(self, type: str, **rules: Any) -> Callable[[Function], Function]:
        """Make a function the handler of a type of task: `@claudia.handler("resize", retries=3, timeout=60)`.

        The function stays as it is. `rules` are those of `engines.Handlers.register`.

        Raises:
            InvalidValue: a rule is wrong, or the signature cannot be filled from a payload.
            Conflict: another function handles this type already.
        """

        def register(function: Function) -> Function:
            self.handlers.register(type, function, **rules)
            with suppress(AttributeError):  # a built-in or bound function keeps nothing, and needs no process
                function.__claudia_hub__ = self  # type: ignore[attr-defined]  # where a process finds the hub
            return function

        return register

    def work(self, **options: Any) -> Working:
        """Run tasks that have handlers here, in the background of this process, from now on.

        Args:
            options: `capacity`: most tasks at once. `types`: only these. `engine`: where they run; by default the
                workers of what `CLAUDIA_CELERY_APP` or `CLAUDIA_DASK_SCHEDULER` names, or this process. See
                `engines.working.Working`.

        Raises:
            InvalidValue: there are no handlers.
            Conflict: this hub works already.
            StoreError: the hub is elsewhere.
        """
        self._require_here("working on tasks")
        with self._lock:
            if self._working is not None and not self._working.is_over:
                raise Conflict("this hub works on tasks already", hint="stop that first")
        given = {name: value for name, value in options.items() if value is not None}
        working = Working(cast("Hub", self), **{**engine_options(self.settings), **given})
        self._working = working
        return working.start()

    def result(self, task: Task | str) -> JSON:
        """The result of a task, whether it is in the store or in a file because it is large.

        Raises:
            TaskNotFound: there is no such task.
            NotFound: the file is not there, as on another machine.
            InvalidValue: the file is not what was written.
        """
        found = self.tasks.get(task if isinstance(task, str) else task.id)
        return load(results_folder(self.settings.results, self.settings.database_url), found.result)

    def observe(self, what: Any) -> Observer:
        """Tell this hub all that somebody else's tasks do: those of a `celery.Celery`, or of a Dask client or cluster.

        See `engines.celery` and `engines.dask`. Stop with the answer's `stop()`, or by closing the hub.

        Raises:
            InvalidValue: it is nothing that can be observed.
            MissingExtra: Dask is not installed.
            SettingsError, DaskUnavailable: a Dask scheduler that cannot be reached.
        """
        observer = observer_of(what, self)
        self._observers.append(observer)
        return observer
