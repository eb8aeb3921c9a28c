"""One tracked piece of work in this process: what `track()` and `task()` have in common."""

from __future__ import annotations

import sys
import threading
import time
from contextvars import ContextVar
from dataclasses import replace
from typing import Any, Protocol

from claudia_core.errors import ClaudiaError, IllegalTransition, StoreUnavailable, TaskCancelled
from claudia_core.logs import get_logger
from claudia_core.model.progress import Progress
from claudia_core.model.task import Status, Task
from claudia_core.services.tasks.failures import failing
from claudia_core.services.tasks.moves import Move, cancelling, completing
from claudia_core.services.tasks.new_task import NewTask
from claudia_core.services.tasks.progress import ProgressService
from claudia_core.services.tasks.service import Tasks
from claudia_core.tracking.cancelled import stopping
from claudia_core.tracking.unwinding import may_wait

log = get_logger(__name__)

FASTEST = 0.1
SLOWEST = 1.0
"""Seconds between two saved samples of a run: a young run is looked at often, a long one once a second."""


class Hub(Protocol):
    """What runs need from the hub."""

    tasks: Tasks
    progress: ProgressService

    def agent_id(self) -> str:
        """This process's agent, registered when first asked for."""
        ...

    def begun(self, run: Run) -> None:
        """Look at this run from now on."""
        ...

    def ended(self, run: Run) -> None:
        """No more looks at this run."""
        ...


_current: ContextVar[Run | None] = ContextVar("claudia_run", default=None)


def current_run(hub: Hub | None = None) -> Run | None:
    """The innermost open run that this thread or coroutine is in, of any hub or of this one; None outside of all."""
    run = _current.get()
    while run is not None and (not run.is_open or run.is_abandoned or hub not in (None, run.hub)):
        run = run.outer
    return run


type Ending = tuple[Status, Move]
"""How a run ends: its status, and the change that saves it."""


def ending(error: BaseException) -> Ending:
    """What an exception makes of a run: failed, or cancelled where it only says to stop, as Ctrl-C does."""
    if isinstance(error, TaskCancelled):
        return Status.CANCELLED, cancelling(error.message)
    if isinstance(error, Exception):
        return Status.FAILED, failing(error)
    return Status.CANCELLED, cancelling(f"interrupted by {type(error).__name__}")


class Run:
    """A task that this process works on. It never lets a failing store break the work it watches."""

    def __init__(self, hub: Hub, new: NewTask, *, show: bool = True) -> None:
        self.hub = hub
        self._new = new.checked()
        self.show = show
        self.outer: Run | None = None
        self.is_open = False
        self.status = Status.PENDING
        self.n: float = 0
        self.total = self._new.estimated_steps
        self.message = ""
        self._noted: tuple[float, float | None, str] = (0, self.total, "")
        self._began = 0.0
        self._noted_at = 0.0
        self._seconds = 0.0
        self._turning = threading.RLock()  # reentrant: the garbage collector may end a run in the middle of anything
        self.saved: Task | None = None
        self._dropped: Ending | None = None
        self.was_cancelled = False
        self._reason = ""

    @property
    def id(self) -> str:
        """The task's id, known before the run begins."""
        assert self._new.id is not None, "checked() fills it"
        return self._new.id

    @property
    def name(self) -> str:
        """The task's name."""
        return self._new.name or ""

    @property
    def unit(self) -> str:
        """What the progress counts."""
        return self._new.unit

    @property
    def attempt(self) -> int:
        """Which attempt of the task this is, counted from 1."""
        return 1 if self.saved is None else self.saved.attempt

    @property
    def is_abandoned(self) -> bool:
        """True when the code that ran this has let go of it without ending it."""
        return False

    @property
    def depth(self) -> int:
        """How many open runs this one is inside of."""
        return 0 if self.outer is None else self.outer.depth + 1

    @property
    def seconds(self) -> float:
        """How long the run has lasted, or did."""
        return time.monotonic() - self._began if self.is_open else self._seconds

    @property
    def percentage(self) -> float | None:
        """Percent done, or None while the total is unknown."""
        return Progress(self.n, self.total).percentage

    def begin(self) -> None:
        """Save the task as started, as a child of the run around it unless it has another parent.

        A store that is away does not stop the work: the task is saved as soon as the store is back.

        Raises:
            RuntimeError: this run was begun before.
            IllegalTransition: the task with this id has ended.
            StoreError: the store is closed, or cannot be written at all.
        """
        if self.status is not Status.PENDING:
            raise RuntimeError(f"{self.name} was run already; make another one to run it again")
        self.outer = self._around()
        parent = self._new.parent_id or (None if self.outer is None else self.outer.id)
        self._new = replace(self._new, parent_id=parent)
        self._save_begin()
        self.status = Status.ACTIVE
        self.is_open = True
        self._began = self._noted_at = time.monotonic()
        _current.set(self)
        self.hub.begun(self)

    def _around(self) -> Run | None:
        return current_run(self.hub)

    def _save_begin(self) -> None:
        try:
            self._new = replace(self._new, agent_id=self.hub.agent_id())
            self.saved = self.hub.tasks.create_many([self._new], start=True)[0]
            if self.saved.agent_id != self._new.agent_id:  # it was there before: made to be run now
                self.saved = self.hub.tasks.start(self.id, agent_id=self._new.agent_id)
        except StoreUnavailable as failure:
            log.warning("the store is away: a task is saved when it is back", task=self.id, error=str(failure))
            self.hub.tasks.create_soon(self._new, start=True)

    def sample(self, now: float) -> None:
        """Save the progress if it moved and it is time, or an end that waits; called by the sampler's thread."""
        if self._dropped is not None:
            self._end(*self._dropped)
            return
        wait = min(SLOWEST, max(FASTEST, (now - self._began) / 20))
        if now - self._noted_at >= wait:
            self._note(now)

    def _note(self, now: float) -> None:
        with self._turning:  # else a look that is overtaken could replace the last one
            state = (self.n, self.total, self.message)
            if state == self._noted or not self.is_open:
                return
            self._noted, self._noted_at = state, now
            self.hub.progress.update(self.id, state[0], total=state[1], message=state[2], attempt=self.attempt)

    def stop(self, reason: str) -> None:
        """The task was cancelled elsewhere: the work raises TaskCancelled when it notes its next step.

        Without a reason of its own, a cancelled task keeps the message that the work gave it.
        """
        if not self.was_cancelled:
            self._reason = "" if reason in (self.message, self._noted[2]) else reason
            self.was_cancelled = True
            self._stop()

    def _stop(self) -> None:
        self.__class__ = stopping(type(self))  # type: ignore[arg-type]  # a class is hashable

    def cancellation(self) -> TaskCancelled:
        """What the work is told when it was cancelled elsewhere."""
        because = f": {self._reason}" if self._reason else ""
        return TaskCancelled(f"{self.name} was cancelled{because}", task_id=self.id, reason=self._reason)

    def end(self, status: Status, *, error: BaseException | None = None, result: Any = None, reason: str = "") -> None:
        """Save how the run ended. A store that is away is logged: the user's work goes on."""
        self._end(status, _move(status, error, result, reason))

    def let_go(self, ending: Ending) -> None:
        """End the run where nobody may wait for the store, as in the garbage collector: then the sampler does it."""
        if may_wait(sys._getframe(1)):
            self._end(*ending)
        else:
            self._dropped = ending

    def abandon(self, reason: str) -> None:
        """End the run from outside: its process or hub will not go on with it."""
        self._end(*(self._dropped or (Status.CANCELLED, cancelling(reason))))

    def _end(self, status: Status, move: Move) -> None:
        with self._turning:
            if not self.is_open:
                return
            self._note_last()
            self._seconds = self.seconds
            self.is_open = False
            self.status = status
        if _current.get() is self:
            _current.set(self.outer)
        try:
            self._save_end(move)
        finally:
            self.hub.ended(self)

    def _note_last(self) -> None:
        try:
            self._note(time.monotonic())
        except ClaudiaError as failure:
            log.warning("the last progress could not be noted", task=self.id, error=str(failure))

    def _save_end(self, move: Move) -> None:
        if self.was_cancelled:  # and perhaps it is to be done again by now: this end is not for the new attempt
            self._ended_elsewhere()
            self.status = Status.CANCELLED
            return
        try:
            self.saved = self.hub.tasks.move(self.id, move)
        except StoreUnavailable as failure:
            log.warning("the store is away: a task's end is saved when it is back", task=self.id, error=str(failure))
            self._later(move)
        except IllegalTransition:
            self._ended_elsewhere()
        except ClaudiaError as failure:
            log.warning("the end of a task could not be saved", task=self.id, error=str(failure))
        if self.status is Status.COMPLETED and self.saved is not None:
            self.n, self.total = self.saved.progress.current, self.saved.progress.total

    def _later(self, move: Move) -> None:
        try:
            self.hub.tasks.move_soon(self.id, move)
        except ClaudiaError as failure:
            log.warning("the end of a task could not be noted", task=self.id, error=str(failure))

    def _ended_elsewhere(self) -> None:
        """Someone cancelled the task, or its parent, while the work went on."""
        try:
            self.saved = self.hub.tasks.get(self.id)
        except ClaudiaError as failure:
            log.warning("a task that ended elsewhere could not be read", task=self.id, error=str(failure))
        else:
            self.status = self.saved.status

    def __repr__(self) -> str:
        """Deterministic text, such as `clean rows: active, 3/10 items (30%)`."""
        return f"{self.name}: {self.status}, {Progress(self.n, self.total, unit=self.unit)}"

    def _repr_html_(self) -> str:
        from claudia_core.tracking.display import run_html

        return run_html(self)


def _move(status: Status, error: BaseException | None, result: Any, reason: str) -> Move:
    if status is Status.FAILED:
        return failing(reason if error is None else error)
    return cancelling(reason) if status is Status.CANCELLED else completing(result)
