"""Work that somebody else cancelled stops here: at the loop's next step, or the task's next progress."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import TYPE_CHECKING, Any

from claudia_core.ports import Store

if TYPE_CHECKING:
    from claudia_core.tracking.run import Run

PERIOD = 0.5
"""Seconds between two looks at the log."""

BACK = 1_000
"""Events before the head that the first look reads, too: a task can be cancelled just after it was begun."""

MOST = 500
"""Most events of one look."""


class Cancellations:
    """Reads from the log which of this process's open runs were cancelled, and stops them.

    One walk along an index, whatever the number of runs; it costs the runs nothing.
    """

    def __init__(self, store: Store, runs: Callable[[], Iterable[Run]]) -> None:
        self._store = store
        self._runs = runs
        self._position: int | None = None

    def look(self) -> None:
        """Stop the runs that were cancelled since the last look."""
        runs = {run.id: run for run in self._runs()}
        if not runs:
            self._position = None
            return
        if self._position is None:
            self._position = max(0, self._store.head() - BACK)
        while True:
            found = self._store.events(self._position, MOST, ("task:cancelled",))
            for event in found.events:
                run = runs.get(event.subject)
                if run is not None and event.data.get("attempt", 1) >= run.attempt:
                    run.stop(str(event.data["progress"]["message"]))
            self._position = found.position
            if len(found.events) < MOST:
                return


@cache
def stopping[R: Run](kind: type[R]) -> type[R]:
    """The class that a run changes to when it was cancelled: there, noting a step raises TaskCancelled.

    So the loop of a run that goes on need not look at a flag.
    """

    def get(run: R) -> float:
        count: float = run.__dict__["n"]
        return count

    def step(run: R, count: float) -> None:
        run.__dict__["n"] = count
        if run.is_open:
            raise run.cancellation()

    names: dict[str, Any] = {"n": property(get, step), "__module__": kind.__module__, "__doc__": kind.__doc__}
    return type(kind.__name__, (kind,), names)
