"""What an agent has in hand: the jobs that it has claimed and whose ends it has not saved."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator

from claudia_core.engines.handlers import Handler
from claudia_core.engines.pace import AHEAD, Pace
from claudia_core.engines.port import Begun, Engine, HandsOn, Job, Outcome, Report
from claudia_core.engines.running import Running, too_long
from claudia_core.engines.slots import Slots
from claudia_core.logs import get_logger
from claudia_core.model.task import TaskError
from claudia_core.services.tasks.claims import NOTHING, Ahead
from claudia_core.services.tasks.failures import failing
from claudia_core.services.tasks.holds import returning
from claudia_core.services.tasks.moves import Move

log = get_logger(__name__)

GATHER = AHEAD / 2
"""Most seconds that ends wait for others while more work is in hand."""

LATE = 5 * AHEAD
"""Seconds after which what was claimed ahead, and could not begin, is given back."""


MOST_AHEAD = 64
"""Most jobs that stand in line."""


class InHand:
    """Jobs from their claim until their end is saved. The agent's loop owns it; engines tell it of jobs.

    Args:
        capacity: how many run at once.
        make: makes the engine, which is given what it reports to.
        wake: set when there is something for the loop to do.
    """

    def __init__(self, capacity: int, make: Callable[[Report], Engine], wake: threading.Event) -> None:
        self.capacity = capacity
        self.pace = Pace()
        self._jobs: dict[str, Running] = {}
        self._told: deque[Outcome | Begun] = deque()
        self._slots = Slots(capacity)
        self._enough = 1
        self._is_held_up = False
        self._wake = wake
        self._engine = make(self._report)

    def __len__(self) -> int:
        return len(self._jobs)

    def __iter__(self) -> Iterator[Running]:
        return iter(list(self._jobs.values()))

    @property
    def ids(self) -> list[str]:
        """The ids of the tasks in hand."""
        return list(self._jobs)

    @property
    def running(self) -> list[str]:
        """The ids of those that have begun."""
        waiting = {job.id for job in self._slots.line}
        return [running.job.id for running in self if running.job.id not in waiting and not running.was_returned]

    @property
    def is_ahead(self) -> bool:
        """Whether a job stands in line: then there is nothing to claim before one ends."""
        return self._slots.waiting > 0

    # --- what engines tell, in threads of theirs ----------------------------------------------------------------------

    def _report(self, told: Outcome | Begun) -> None:
        if isinstance(told, Begun):
            self._tell(told, is_urgent=True)
            return
        running = self._jobs.get(told.job.id)
        if running is not None and running.job is told.job:
            running.ended_at = time.monotonic()
        self._is_held_up = False
        following = self._slots.leave(told.job)
        self._tell(told, is_urgent=following is None)
        self._launch(following)

    def _tell(self, told: Outcome | Begun, *, is_urgent: bool) -> None:
        self._told.append(told)
        if is_urgent or len(self._told) >= self._enough:
            self._wake.set()

    def _launch(self, job: Job | None) -> None:
        """Begin a job that has a slot, or, where it cannot start, the next in line."""
        while job is not None and not self._has_launched(job):
            job = self._slots.leave(job)

    def _has_launched(self, job: Job) -> bool:
        running = self._jobs.get(job.id)
        if running is not None and running.job is job and not isinstance(self._engine, HandsOn):
            running.start()
        try:
            self._engine.begin(job)
        except Exception as error:  # noqa: BLE001 - a job that cannot start is the end of its task, not of the agent
            self._tell(Outcome(job, failing(error, culprit=job.handler.place, again=True)), is_urgent=True)
            return False
        return True

    # --- the loop -------------------------------------------------------------------------------------------------

    def take(self, jobs: list[Job]) -> None:
        """Begin jobs that were claimed, as far as there are slots; the others stand in line."""
        self._jobs.update((job.id, Running(job)) for job in jobs)
        for job in self._slots.enter(jobs):
            self._launch(job)

    def expect(self) -> None:
        """From now on the loop is woken by as many ends as half the line."""
        self._enough = max(1, self._slots.waiting // 2)

    def gather(self) -> None:
        """Note what was told."""
        while self._told:
            told = self._told.popleft()
            running = self._jobs.get(told.job.id)
            if running is None or running.job is not told.job or running.outcome is not None:
                continue
            if isinstance(told, Begun):
                running.begin()
            elif told.move is None:
                del self._jobs[told.job.id]
            else:
                running.end(told.move)
                self._note_pace(running)

    def _note_pace(self, running: Running) -> None:
        if running.seconds is not None:
            self.pace.note(running.job.handler.type, running.seconds)

    def ended(self) -> list[Running]:
        """Those whose end is to be saved."""
        return [running for running in self._jobs.values() if running.outcome is not None]

    def drop(self, running: Running) -> None:
        """Its end is saved, or does not count."""
        del self._jobs[running.job.id]

    def room(self) -> int:
        """How many more could begin at once, if the ends were saved."""
        return max(0, self.capacity - len(self._jobs) + len(self.ended()))

    def ahead(self) -> Ahead:
        """What may be claimed ahead: what all slots do in `AHEAD`, without what stands in line."""
        if self._is_held_up:
            return NOTHING
        line = self._slots.line
        seconds = self.capacity * AHEAD - sum(self.pace.of(job.handler.type) for job in line)
        return Ahead(MOST_AHEAD - len(line), seconds)

    def seconds_of(self, handler: Handler) -> float | None:
        """How long a task of this handler takes; None where none may be claimed ahead.

        That is where it is not known to be quick, and where work must not be begun twice: what was claimed ahead by an
        agent that is killed would count as begun.
        """
        seconds = self.pace.of(handler.type)
        return None if seconds > AHEAD or handler.policy.lost == "fail" else seconds

    def rest(self, longest: float) -> float:
        """Seconds until the loop has to look again, `longest` at most."""
        now = time.monotonic()
        looks = [look for running in list(self._jobs.values()) if (look := running.next_look()) is not None]
        since = self._slots.since
        if since is not None:
            looks.append(since + LATE)
        return max(0.0, min([now + (longest if self._enough == 1 else min(longest, GATHER)), *looks]) - now)

    def keep_time(self) -> None:
        """Give back what is late to begin, ask those to stop whose time is over, and end those that did not stop."""
        now = time.monotonic()
        since = self._slots.since
        if since is not None and now - since > LATE:
            self._is_held_up = True  # so they are not claimed again before a job has ended
            self.give_back()
        for running in self._jobs.values():
            look = running.next_look()
            if look is None or look > now:
                continue
            if running.is_asked:
                self._kill(running)
            else:
                self.stop(running, "its time is over", too_long(running.job))

    def give_back(self) -> None:
        """What was claimed ahead and has not begun goes back to its queue."""
        for job in self._slots.withdraw():
            self._jobs[job.id].end(returning())

    def stop(self, running: Running, reason: str, verdict: Move | None) -> None:
        """Ask the work to stop; `verdict` is what becomes of its task then. What has not begun never does."""
        if self._slots.drop(running.job):
            running.end(returning())
        running.ask(time.monotonic(), reason, verdict)
        if running.outcome is None:
            self._engine.cancel(running.job, reason)

    def _kill(self, running: Running) -> None:
        job = running.job
        if not self._engine.kill(job, running.reason):
            log.warning("work that did not stop is left to itself", task=job.id, handler=job.handler.place)
        error = TaskError("Killed", running.reason or "it did not stop when it was asked to", code="killed")
        running.end(running.verdict or failing(error, culprit=job.handler.place))
        self._launch(self._slots.leave(job))

    def close(self) -> None:
        """Let go of the engine."""
        self._engine.close()
