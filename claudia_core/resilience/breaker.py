"""A circuit breaker: a service that keeps failing is left alone for a while, then tried with one call at a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from claudia_core.errors import CircuitOpen
from claudia_core.logs import get_logger

log = get_logger(__name__)

type Listener = Callable[[str, Circuit], Any]


class Circuit(StrEnum):
    """What a breaker does with calls."""

    CLOSED = "closed"
    """All go through."""
    OPEN = "open"
    """None goes through."""
    HALF_OPEN = "half_open"
    """One goes through, and decides."""


class Rules(NamedTuple):
    """When a circuit opens (after so many failures in a row), and for how many seconds."""

    failures: int = 5
    reset: float = 60.0


class Admission(NamedTuple):
    """A call that may be made; its outcome is told with the ticket. `is_probe` when it is the one that decides."""

    ticket: int
    is_probe: bool


class CircuitState(Protocol):
    """Where a circuit's state is kept: in this process, or where several processes share it.

    Times are seconds of one clock. A ticket from before the last change of state decides nothing any more.
    """

    @property
    def circuit(self) -> Circuit:
        """The present state."""
        ...

    @property
    def until(self) -> float:
        """When an open circuit lets a call through, or a half-open one gives up waiting for its call."""
        ...

    def admit(self, now: float) -> Admission | None:
        """A ticket, or None while calls are refused."""
        ...

    def succeeded(self, ticket: int) -> bool:
        """The call went well; True where that closed the circuit."""
        ...

    def failed(self, ticket: int, now: float) -> bool:
        """The call failed; True where that opened the circuit."""
        ...

    def abandoned(self, ticket: int, now: float) -> None:
        """Nobody will know how the call went: another may decide."""
        ...


class MemoryState:
    """The state of a circuit in this process."""

    def __init__(self, rules: Rules) -> None:
        self.circuit = Circuit.CLOSED
        self.until = 0.0  # 0 when closed
        self._rules = rules
        self._failures = 0
        self._generation = 0
        self._lock = threading.Lock()

    def admit(self, now: float) -> Admission | None:
        """See `CircuitState.admit`."""
        if self.circuit is Circuit.CLOSED:
            return Admission(self._generation, False)
        with self._lock:
            if now < self.until:
                return None
            if not self.until:  # closed meanwhile
                return Admission(self._generation, False)
            self._turn(Circuit.HALF_OPEN, now + self._rules.reset)
            return Admission(self._generation, True)

    def succeeded(self, ticket: int) -> bool:
        """See `CircuitState.succeeded`."""
        if not self._failures:
            return False
        with self._lock:
            if ticket != self._generation:
                return False
            self._failures = 0
            is_probe = self.circuit is Circuit.HALF_OPEN
            if is_probe:
                self._turn(Circuit.CLOSED, 0.0)
            return is_probe

    def failed(self, ticket: int, now: float) -> bool:
        """See `CircuitState.failed`."""
        with self._lock:
            if ticket != self._generation:
                return False
            self._failures += 1
            if self.circuit is Circuit.CLOSED and self._failures < self._rules.failures:
                return False
            self._turn(Circuit.OPEN, now + self._rules.reset)
            return True

    def abandoned(self, ticket: int, now: float) -> None:
        """See `CircuitState.abandoned`."""
        with self._lock:
            if ticket == self._generation and self.circuit is Circuit.HALF_OPEN:
                self._turn(Circuit.OPEN, now)

    def _turn(self, circuit: Circuit, until: float) -> None:
        self.circuit, self.until = circuit, until
        self._generation += 1


class CircuitBreaker:
    """Refuses calls to a service after several failures in a row; after a while one call at a time may try it.

    Args:
        name: the service's name, for messages and listeners.
        failures: failures in a row that open the circuit.
        reset: seconds until one call may try; also how long its outcome is waited for before another may.
        counts: whether an error is a failure of the service; others count as an answer, such as "not found".
        state: where the state is kept; by default in this process.
        now: the clock, in seconds.
    """

    def __init__(
        self,
        name: str,
        *,
        failures: int = 5,
        reset: float = 60.0,
        counts: Callable[[Exception], bool] = lambda _: True,
        state: CircuitState | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self._state: CircuitState = state or MemoryState(Rules(failures, reset))
        self._counts = counts
        self._now = now
        self._listeners: list[Listener] = []

    @property
    def circuit(self) -> Circuit:
        """The present state."""
        return self._state.circuit

    @property
    def retry_after(self) -> float:
        """Seconds until a call can go through; 0 for a closed circuit."""
        return 0.0 if self.circuit is Circuit.CLOSED else max(0.0, self._state.until - self._now())

    def listen(self, listener: Listener) -> None:
        """Call `listener(name, circuit)` after each change of state, on the thread of the call that made it."""
        self._listeners.append(listener)

    def admit(self) -> int:
        """Ask for a call; `succeed`, `fail` or `abandon` must follow with the ticket.

        Raises:
            CircuitOpen: the service is left alone now.
        """
        admission = self._state.admit(self._now())
        if admission is None:
            wait = self.retry_after
            raise CircuitOpen(f"{self.name} keeps failing and is left alone for {wait:.0f} s more", self.name, wait)
        if admission.is_probe:
            self._tell(Circuit.HALF_OPEN)
        return admission.ticket

    def succeed(self, ticket: int) -> None:
        """The call went well."""
        if self._state.succeeded(ticket):
            self._tell(Circuit.CLOSED)

    def fail(self, ticket: int) -> None:
        """The service failed."""
        if self._state.failed(ticket, self._now()):
            self._tell(Circuit.OPEN)

    def abandon(self, ticket: int) -> None:
        """Nobody will know how the call went."""
        self._state.abandoned(ticket, self._now())

    def execute[**P, T](self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What `function` returns.

        Raises:
            CircuitOpen: it was not called.
        """
        ticket = self.admit()
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            self.end(ticket, error)
            raise
        self.succeed(ticket)
        return result

    async def execute_async[**P, T](self, function: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """What awaiting `function` gives; raises as `execute`."""
        with self.watching():
            return await function(*args, **kwargs)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """The block is one call; raises as `execute`."""
        ticket = self.admit()
        try:
            yield
        except BaseException as error:
            self.end(ticket, error)
            raise
        self.succeed(ticket)

    def end(self, ticket: int, error: BaseException) -> None:
        """The call ended with an error; one that is no `Exception`, such as a cancellation, says nothing."""
        if not isinstance(error, Exception):
            self.abandon(ticket)
        elif self._counts(error):
            self.fail(ticket)
        else:
            self.succeed(ticket)

    def _tell(self, circuit: Circuit) -> None:
        for listener in self._listeners:
            try:
                listener(self.name, circuit)
            except Exception as error:  # noqa: BLE001 - one listener must not hurt the call or another listener
                log.warning("a circuit's listener failed", circuit=self.name, error=repr(error))
