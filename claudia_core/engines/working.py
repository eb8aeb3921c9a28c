"""An agent at work: takes tasks from the queues, has them run, and saves what becomes of them."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from types import TracebackType
from typing import Self

from claudia_core.engines.handlers import Handler, Handlers
from claudia_core.engines.hub import Hub
from claudia_core.engines.local import LocalEngine
from claudia_core.engines.port import Begun, Engine, HandsOn, Job, Outcome, Report
from claudia_core.engines.running import Running, Tally, memory, start, too_long
from claudia_core.errors import ClaudiaError, InvalidValue, StaleClaim, StoreClosed, StoreError, WaitTimeout
from claudia_core.logs import get_logger
from claudia_core.model.agent import AgentMode, AgentStatus, Vitals
from claudia_core.model.task import Status, Task, TaskError
from claudia_core.services.claims import Claims, Settlement, Terms
from claudia_core.services.failures import failing
from claudia_core.services.holds import releasing

log = get_logger(__name__)

LOOK = 1.0
"""Most seconds between two looks at the queues; a commit wakes the agent before."""

CHECK = 0.5
"""Seconds between two looks whether the claims of what runs still count."""

PAUSE = 0.5
"""Seconds to wait while the store is away."""


type MakeEngine = Callable[[Hub, Report], Engine]


def default_capacity() -> int:
    """Tasks at once where nothing else is said: one for each core, and four at least."""
    return max(4, os.process_cpu_count() or 1)


class Working:
    """This process's agent at work, in a thread of its own; see `Claudia.work`.

    One commit saves how tasks ended and takes the next ones, so an agent of ten makes one commit where ten would be.
    """

    def __init__(
        self,
        hub: Hub,
        *,
        capacity: int | None = None,
        types: Iterable[str] | None = None,
        engine: MakeEngine = LocalEngine,
    ) -> None:
        self._hub = hub
        self.capacity = default_capacity() if capacity is None else capacity
        if self.capacity < 1:
            raise InvalidValue(f"capacity is {capacity}", field="capacity", hint="use 1 or more")
        self._handlers = _chosen(hub.handlers, types)
        self._claims = Claims(hub.store)
        self.agent_id = hub.agent_id()
        self._engine = engine(hub, self._report)
        self._running: dict[str, Running] = {}
        self._told: deque[Outcome | Begun] = deque()
        self._wake = threading.Event()
        self._mode = AgentMode.WORKING
        self._checked_at = 0.0
        self._is_over = threading.Event()
        self.tally = Tally()
        self._threads = [
            threading.Thread(target=target, name=f"claudia-agent-{name}", daemon=True)
            for name, target in (("loop", self._run), ("wake", self._watch))
        ]

    def start(self) -> Self:
        """Announce what it can run, and begin."""
        self._hub.agents.announce(self.agent_id, self._handlers, self.capacity)
        for thread in self._threads:
            thread.start()
        return self

    # --- what others ask of it ----------------------------------------------------------------------------------

    @property
    def running(self) -> list[str]:
        """The ids of the tasks that it works on now."""
        return list(self._running)

    @property
    def left(self) -> int:
        """How many tasks it had to leave when it ended, because the store was closed or away."""
        return len(self._running) if self.is_over else 0

    @property
    def is_over(self) -> bool:
        """True when it has ended."""
        return self._is_over.is_set()

    def vitals(self) -> Vitals:
        """What it tells with a heartbeat."""
        return self.tally.vitals(len(self._running), memory())

    def drain(self) -> None:
        """Take no new tasks, and end when those that run have ended."""
        self._ask(AgentMode.DRAINING)

    def stop(self, timeout: float = 30.0) -> None:
        """End: what runs is asked to stop, killed after its grace where that is possible, and queued again.

        Raises:
            WaitTimeout: it did not end within `timeout` seconds.
        """
        self.ask_to_stop()
        self.wait(timeout)

    def ask_to_stop(self) -> None:
        """The same without waiting for its end."""
        self._ask(AgentMode.STOPPING)

    def wait(self, timeout: float | None = None) -> None:
        """Wait until it has ended, as after `drain`.

        Raises:
            WaitTimeout: it did not within `timeout` seconds.
        """
        if not self._is_over.wait(timeout):
            raise WaitTimeout(f"the agent still works on {len(self._running)} tasks after {timeout:g} s")

    def _ask(self, mode: AgentMode) -> None:
        self._mode = mode
        self._wake.set()
        with suppress(ClaudiaError):  # the store is away, or knows already: this process ends all the same
            (self._hub.agents.drain if mode is AgentMode.DRAINING else self._hub.agents.stop)(self.agent_id)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.stop()

    # --- the threads --------------------------------------------------------------------------------------------

    def _report(self, told: Outcome | Begun) -> None:
        self._told.append(told)
        self._wake.set()

    def _watch(self) -> None:
        """Wake the loop at every commit of anybody."""
        head = 0
        while not self._is_over.is_set():
            try:
                head = self._hub.store.wait(head, LOOK)
            except StoreClosed:
                return
            except StoreError:
                self._is_over.wait(PAUSE)
            self._wake.set()

    def _run(self) -> None:
        try:
            while not self._is_finished():
                self._wake.wait(self._rest())
                self._wake.clear()
                self._try_turn()
        except StoreClosed:
            log.warning("the agent ends: its hub was closed", running=len(self._running))
        finally:
            self._engine.close()
            self._farewell()
            self._is_over.set()

    def _farewell(self) -> None:
        with suppress(ClaudiaError):
            self._hub.agents.announce(self.agent_id, (), 0)

    def _is_finished(self) -> bool:
        return self._mode in (AgentMode.DRAINING, AgentMode.STOPPING) and not self._running

    def _rest(self) -> float:
        looks = [look for running in list(self._running.values()) if (look := running.next_look()) is not None]
        return max(0.0, min([time.monotonic() + LOOK, *looks]) - time.monotonic())

    def _try_turn(self) -> None:
        try:
            self._turn()
        except StoreClosed:
            raise
        except StoreError as error:
            log.warning("the store is away: an agent waits", error=str(error), running=len(self._running))
            self._pause()
        except Exception as error:  # noqa: BLE001 - an agent that ended here would keep its tasks, and its lease, for ever
            log.error("an agent's turn failed, and is tried again", error=repr(error), running=len(self._running))
            self._pause()

    def _pause(self) -> None:
        time.sleep(PAUSE)
        self._wake.set()

    def _turn(self) -> None:
        self._gather()
        self._follow_mode()
        self._check_claims()
        self._keep_time()
        ended = [running for running in self._running.values() if running.outcome is not None]
        room = self.capacity - len(self._running) + len(ended) if self._mode is AgentMode.WORKING else 0
        if ended or (room > 0 and self._claims.is_waiting(tuple(self._handlers))):
            self._commit(ended, room)

    def _gather(self) -> None:
        while self._told:
            told = self._told.popleft()
            running = self._running.get(told.job.id)
            if running is None or running.job is not told.job or running.outcome is not None:
                continue
            if isinstance(told, Begun):
                running.begin()
            elif told.move is None:
                del self._running[told.job.id]
            else:
                running.end(told.move)

    def _follow_mode(self) -> None:
        """What somebody asked of this agent, in the store; an end that this process was asked for stays."""
        agent = self._hub.agents.get(self.agent_id)
        if self._mode in (AgentMode.WORKING, AgentMode.PAUSED) and agent.status is AgentStatus.ONLINE:
            self._mode = agent.mode
        if self._mode is AgentMode.STOPPING:
            for running in self._running.values():
                if not running.is_asked:
                    self._stop_one(running, "its agent stops", releasing())

    def _check_claims(self) -> None:
        now = time.monotonic()
        if not self._running or now - self._checked_at < CHECK:
            return
        self._checked_at = now
        found = self._hub.store.get_many("tasks", list(self._running))
        for id, running in self._running.items():
            document, claim = found.get(id), running.job.task.claim
            counts = document is not None and document["status"] == Status.ACTIVE and document["claim"] == claim
            if not counts and not running.is_asked:
                reason = document["progress"]["message"] if document and document["status"] == "cancelled" else ""
                self._stop_one(running, reason, None)

    def _keep_time(self) -> None:
        now = time.monotonic()
        for running in self._running.values():
            look = running.next_look()
            if look is None or look > now:
                continue
            if running.is_asked:
                self._kill(running)
            else:
                self._stop_one(running, "its time is over", too_long(running.job))

    def _stop_one(self, running: Running, reason: str, verdict: object) -> None:
        running.ask(time.monotonic(), reason, verdict)  # type: ignore[arg-type]
        if running.outcome is None:
            self._engine.cancel(running.job, reason)

    def _kill(self, running: Running) -> None:
        job = running.job
        if not self._engine.kill(job, running.reason):
            log.warning("work that did not stop is left to itself", task=job.id, handler=job.handler.place)
        error = TaskError("Killed", running.reason or "it did not stop when it was asked to", code="killed")
        running.end(running.verdict or failing(error, culprit=job.handler.place))

    # --- commits ------------------------------------------------------------------------------------------------

    def _commit(self, ended: list[Running], room: int) -> None:
        terms = {type: handler.terms for type, handler in self._handlers.items()}
        settlements = [running.settlement() for running in ended]
        try:
            turn = self._claims.turn(self.agent_id, terms, room, settlements)
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 - one end that cannot be saved must not hold up the others
            log.warning("an end could not be saved: each is tried by itself", error=repr(error))
            self._commit_each(ended, terms)
            return
        for running, outcome in zip(ended, turn.settled, strict=True):
            self._settled(running, outcome)
        for task in turn.taken:
            self._begin(task)

    def _commit_each(self, ended: list[Running], terms: dict[str, Terms]) -> None:
        for running in ended:
            settlement = running.settlement()
            try:
                outcome = self._claims.turn(self.agent_id, terms, 0, [settlement]).settled[0]
            except StoreError:
                raise
            except Exception as error:  # noqa: BLE001 - what it ended with is at fault: so that is what is said
                failed = failing(TaskError("EndNotSaved", f"its end could not be saved: {error!r:.500}"))
                again = Settlement(settlement.task_id, settlement.claim, failed)
                outcome = self._claims.turn(self.agent_id, terms, 0, [again]).settled[0]
            self._settled(running, outcome)

    def _settled(self, running: Running, outcome: Task | ClaudiaError) -> None:
        del self._running[running.job.id]
        if isinstance(outcome, ClaudiaError):
            note = log.info if running.is_asked and isinstance(outcome, StaleClaim) else log.warning
            note("an end was not saved: the claim does not count any more", task=running.job.id, error=str(outcome))
            return
        self.tally.count(outcome)

    def _begin(self, task: Task) -> None:
        job = Job(task, self._handlers[task.type])
        self._running[task.id] = Running(job) if isinstance(self._engine, HandsOn) else start(job)
        try:
            self._engine.begin(job)
        except Exception as error:  # noqa: BLE001 - a job that cannot start is the end of its task, not of the agent
            self._report(Outcome(job, failing(error, culprit=job.handler.place, again=True)))


def _chosen(handlers: Handlers, types: Iterable[str] | None) -> dict[str, Handler]:
    known = {handler.type: handler for handler in handlers}
    chosen = known if types is None else {type: known[type] for type in types if type in known}
    missing = set(types or ()) - known.keys()
    if missing or not chosen:
        what = f"no handler for {', '.join(sorted(missing))}" if missing else "there are no handlers"
        raise InvalidValue(what, field="types", hint='decorate functions with @claudia.handler("TYPE") first')
    return chosen
