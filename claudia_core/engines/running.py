"""The jobs an agent works on now: how long they have, and what becomes of those that were asked to stop."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from claudia_core.engines.port import Job
from claudia_core.model.agent import Vitals
from claudia_core.model.task import Status, Task, TaskError
from claudia_core.model.times import utc_now
from claudia_core.services.tasks.claims import Settlement
from claudia_core.services.tasks.failures import failing
from claudia_core.services.tasks.moves import Move, and_below


@dataclass(slots=True)
class Running:
    """One job, from its claim until its end is saved.

    `ends_at` is when its time is over (`time.monotonic`); `dies_at` when it is killed, set when it was asked to stop;
    `verdict` is what its task becomes then, whatever the work says, unless it completes; None leaves that to the work.
    """

    job: Job
    ends_at: float | None = None
    dies_at: float | None = None
    verdict: Move | None = None
    reason: str = ""
    outcome: Move | None = None
    begun_at: float | None = None
    ended_at: float | None = None

    @property
    def seconds(self) -> float | None:
        """How long its work took; None where that is not known."""
        return None if self.begun_at is None or self.ended_at is None else self.ended_at - self.begun_at

    @property
    def was_returned(self) -> bool:
        """Whether it goes back to its queue without having begun."""
        return self.outcome is not None and self.outcome.name == "return"

    @property
    def is_asked(self) -> bool:
        """Whether it was asked to stop."""
        return self.dies_at is not None

    def next_look(self) -> float | None:
        """When its time or its grace is over; None for never."""
        if self.outcome is not None:
            return None
        return self.ends_at if self.dies_at is None else self.dies_at

    def start(self) -> None:
        """Note that it is handed to its engine. In a process its time-out counts only from when that is ready."""
        self.begun_at = time.monotonic()
        self.ends_at = _end_of(self.job, None if self.job.handler.engine == "process" else self.job.handler.timeout)

    def begin(self) -> None:
        """Note that it begins only now."""
        self.ends_at = _end_of(self.job, self.job.handler.timeout)

    def ask(self, now: float, reason: str, verdict: Move | None) -> None:
        """Note that it was asked to stop, for which it has its handler's grace."""
        self.dies_at = now + self.job.handler.grace
        self.reason, self.verdict = reason, verdict

    def end(self, move: Move) -> None:
        """Note what the work made of its task. A completion counts, even a late one; else the verdict does."""
        is_done = move.name == "complete"
        self.outcome = move if is_done or self.verdict is None else and_below(self.verdict, self.reason)

    def settlement(self) -> Settlement:
        """What the agent saves."""
        assert self.outcome is not None, "asked of what has ended"
        return Settlement(self.job.id, self.job.task.claim, self.outcome, self.job.task)


def _end_of(job: Job, timeout: float | None) -> float | None:
    deadline = job.task.deadline
    left = [] if timeout is None else [timeout]
    if deadline is not None:
        left.append((deadline - utc_now()).total_seconds())
    return time.monotonic() + min(left) if left else None


def too_long(job: Job) -> Move:
    """What becomes of a task whose time is over."""
    deadline, timeout = job.task.deadline, job.handler.timeout
    if deadline is not None and deadline <= utc_now():
        error = TaskError("DeadlineExceeded", f"its deadline was {deadline:%Y-%m-%d %H:%M:%S} UTC", code="deadline")
        return failing(error, culprit=job.handler.place)
    error = TaskError("TimedOut", f"it took longer than {timeout:g} seconds", code="timeout")
    return failing(error, culprit=job.handler.place, again=True)


class Tally:
    """What an agent has done: for its heartbeats."""

    def __init__(self) -> None:
        self.completed = 0
        self.failed = 0
        self._ends: deque[float] = deque()

    def count(self, task: Task) -> None:
        """Count a task whose end was saved."""
        self.completed += task.status is Status.COMPLETED
        self.failed += task.error is not None
        self._ends.append(time.monotonic())

    def _forget(self) -> None:
        since = time.monotonic() - 60
        while self._ends and self._ends[0] < since:
            self._ends.popleft()

    def vitals(self, running: int, memory: int) -> Vitals:
        """With what runs now."""
        self._forget()
        per_minute = float(len(self._ends))
        return Vitals(
            running=running, memory=memory, completed=self.completed, failed=self.failed, per_minute=per_minute
        )


def memory() -> int:
    """Bytes of memory of this process and those it began."""
    import psutil

    return sum(_resident(process) for process in _family(psutil.Process()))


def _family(process: object) -> Iterator[object]:
    import psutil

    assert isinstance(process, psutil.Process), "made above"
    yield process
    try:
        yield from process.children(recursive=True)
    except psutil.Error:
        return


def _resident(process: object) -> int:
    import psutil

    assert isinstance(process, psutil.Process), "made above"
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0
