"""An agent at work: takes tasks from the queues, has them run, and saves what becomes of them."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from types import TracebackType
from typing import Self

from claudia_core.engines.handlers import Handler, Handlers
from claudia_core.engines.hub import Hub
from claudia_core.engines.in_hand import GATHER, InHand
from claudia_core.engines.local.engine import LocalEngine
from claudia_core.engines.port import Engine, Job, Report
from claudia_core.engines.running import Running, Tally, memory
from claudia_core.errors import ClaudiaError, InvalidValue, StaleClaim, StoreClosed, StoreError, WaitTimeout
from claudia_core.logs import get_logger
from claudia_core.model.agent import AgentMode, AgentStatus, Vitals
from claudia_core.model.task import Status, Task, TaskError
from claudia_core.services.tasks.claims import NOTHING, Claims, Settlement, Terms
from claudia_core.services.tasks.failures import failing
from claudia_core.services.tasks.holds import releasing

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
    Of quick tasks it claims what begins within the next moment, too: then a commit is for dozens.
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
        self._wake = threading.Event()
        self._hand = InHand(self.capacity, lambda report: engine(hub, report), self._wake)
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
        return self._hand.running

    @property
    def left(self) -> int:
        """How many tasks it had to leave when it ended, because the store was closed or away."""
        return len(self._hand) if self.is_over else 0

    @property
    def is_over(self) -> bool:
        """True when it has ended."""
        return self._is_over.is_set()

    def vitals(self) -> Vitals:
        """What it tells with a heartbeat."""
        return self.tally.vitals(len(self.running), memory())

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
            raise WaitTimeout(f"the agent still works on {len(self._hand)} tasks after {timeout:g} s")

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
            while self._hand.is_ahead and not self._is_over.is_set():  # it is woken by the ends of what it has
                self._is_over.wait(GATHER)
            self._wake.set()

    def _run(self) -> None:
        try:
            while not self._is_finished():
                self._wake.wait(self._hand.rest(LOOK))
                self._wake.clear()
                self._try_turn()
        except StoreClosed:
            log.warning("the agent ends: its hub was closed", running=len(self._hand))
        finally:
            self._hand.close()
            self._farewell()
            self._is_over.set()

    def _farewell(self) -> None:
        with suppress(ClaudiaError):
            self._hub.agents.announce(self.agent_id, (), 0)

    def _is_finished(self) -> bool:
        return self._mode in (AgentMode.DRAINING, AgentMode.STOPPING) and not self._hand

    def _try_turn(self) -> None:
        try:
            self._turn()
        except StoreClosed:
            raise
        except StoreError as error:
            log.warning("the store is away: an agent waits", error=str(error), running=len(self._hand))
            self._pause()
        except Exception as error:  # noqa: BLE001 - an agent that ended here would keep its tasks, and its lease, for ever
            log.error("an agent's turn failed, and is tried again", error=repr(error), running=len(self._hand))
            self._pause()

    def _pause(self) -> None:
        time.sleep(PAUSE)
        self._wake.set()

    def _turn(self) -> None:
        self._hand.gather()
        self._follow_mode()
        self._check_claims()
        self._hand.keep_time()
        ended = self._hand.ended()
        room = self._hand.room() if self._mode is AgentMode.WORKING else 0
        if ended or (room > 0 and self._claims.is_waiting(tuple(self._handlers))):
            self._commit(ended, room)
        self._hand.expect()

    def _follow_mode(self) -> None:
        """What somebody asked of this agent, in the store; an end that this process was asked for stays."""
        agent = self._hub.agents.get(self.agent_id)
        if self._mode in (AgentMode.WORKING, AgentMode.PAUSED) and agent.status is AgentStatus.ONLINE:
            self._mode = agent.mode
        if self._mode is not AgentMode.WORKING:
            self._hand.give_back()
        if self._mode is AgentMode.STOPPING:
            for running in self._hand:
                if not running.is_asked:
                    self._hand.stop(running, "its agent stops", releasing())

    def _check_claims(self) -> None:
        now = time.monotonic()
        if not self._hand or now - self._checked_at < CHECK:
            return
        self._checked_at = now
        found = self._hub.store.get_many("tasks", self._hand.ids)
        for running in self._hand:
            document, claim = found.get(running.job.id), running.job.task.claim
            counts = document is not None and document["status"] == Status.ACTIVE and document["claim"] == claim
            if not counts and not running.is_asked:
                reason = document["progress"]["message"] if document and document["status"] == "cancelled" else ""
                self._hand.stop(running, reason, None)

    # --- commits ------------------------------------------------------------------------------------------------

    def _commit(self, ended: list[Running], room: int) -> None:
        terms = {type: self._terms(handler) for type, handler in self._handlers.items()}
        ahead = self._hand.ahead() if self._mode is AgentMode.WORKING else NOTHING
        settlements = [running.settlement() for running in ended]
        try:
            turn = self._claims.turn(self.agent_id, terms, room, settlements, ahead)
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 - one end that cannot be saved must not hold up the others
            log.warning("an end could not be saved: each is tried by itself", error=repr(error))
            self._commit_each(ended, terms)
            return
        for running, outcome in zip(ended, turn.settled, strict=True):
            self._settled(running, outcome)
        self._hand.take([Job(task, self._handlers[task.type]) for task in turn.taken])

    def _terms(self, handler: Handler) -> Terms:
        seconds = self._hand.seconds_of(handler)
        return handler.terms if seconds is None else replace(handler.terms, seconds=seconds)

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
        self._hand.drop(running)
        if isinstance(outcome, ClaudiaError):
            note = log.info if running.is_asked and isinstance(outcome, StaleClaim) else log.warning
            note("an end was not saved: the claim does not count any more", task=running.job.id, error=str(outcome))
            return
        if not running.was_returned:
            self.tally.count(outcome)


def _chosen(handlers: Handlers, types: Iterable[str] | None) -> dict[str, Handler]:
    known = {handler.type: handler for handler in handlers}
    chosen = known if types is None else {type: known[type] for type in types if type in known}
    missing = set(types or ()) - known.keys()
    if missing or not chosen:
        what = f"no handler for {', '.join(sorted(missing))}" if missing else "there are no handlers"
        raise InvalidValue(what, field="types", hint='decorate functions with @claudia.handler("TYPE") first')
    return chosen
