"""One service elsewhere: every call to it is cut off in time, kept apart, left out while it fails, and measured."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import inspect
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self, cast

from claudia_core.errors import (
    CircuitOpen,
    ClaudiaError,
    IntegrationBusy,
    IntegrationError,
    IntegrationTimeout,
    InvalidValue,
)
from claudia_core.resilience.breaker import CircuitBreaker, CircuitState, Rules
from claudia_core.resilience.debugger import Debugger
from claudia_core.resilience.metrics import Figures, Metrics
from claudia_core.resilience.retry import Retry, may_help

type Circuits = Callable[[str, Rules], CircuitState]


@dataclass(frozen=True, slots=True, kw_only=True)
class Guards:
    """How calls to one service are guarded.

    Args:
        timeout: seconds that one call may take; None for no bound. Blocks of `with` cannot be interrupted: they read
            `Call.remaining`, and count as failed when they took longer.
        limit: most calls under way at a time; further ones are refused at once.
        failures, reset: see `CircuitBreaker`.
        retry: when `call` and `call_async` try again; blocks never do.
        errors: what counts as a failure of the service, and becomes an `IntegrationError`; other errors pass as they
            are, and the service counts as well.
    """

    timeout: float | None = 30.0
    limit: int = 50
    failures: int = 5
    reset: float = 60.0
    retry: Retry = field(default_factory=Retry)
    errors: tuple[type[Exception], ...] = (Exception,)


class Integration:
    """A service elsewhere, made by `claudia.integration(NAME)`; safe for threads and coroutines.

        with github as call:                      # the block is one guarded call
            call.sent("GET /user/repos")          # for the debugger; all of this is optional
            answer = client.get("/user/repos", timeout=call.remaining)
            call.answered(answer.text)
        repos = github.call(fetch_repos)          # the same with retries and an enforced time-out
        repos = await github.call_async(fetch_repos_async)

    Raises, wherever a call is made:
        CircuitOpen: the service keeps failing; it was not called.
        IntegrationBusy: `limit` calls are under way; it was not called.
        IntegrationTimeout: it took longer than `timeout`.
        IntegrationError: it failed; the cause is the `__cause__`.
    """

    def __init__(
        self,
        name: str,
        guards: Guards | None = None,
        debugger: Debugger | None = None,
        circuits: Circuits | None = None,
    ) -> None:
        self.name = name
        self.guards = guards or Guards()
        self.metrics = Metrics(name)
        rules = Rules(self.guards.failures, self.guards.reset)
        self.breaker = CircuitBreaker(
            name, failures=rules.failures, reset=rules.reset, state=None if circuits is None else circuits(name, rules)
        )
        self.debugger = debugger or Debugger()
        self._slots = threading.BoundedSemaphore(self.guards.limit)
        self._blocks = threading.local()
        self._async_blocks: contextvars.ContextVar[tuple[AsyncBlock, ...]] = contextvars.ContextVar(name, default=())

    @property
    def figures(self) -> Figures:
        """How calls to it went."""
        return self.metrics.figures()

    def begin(self, operation: str = "") -> Call:
        """A call that begins now; `Call.end` must follow."""
        return Call(self, operation)

    def call[T](self, function: Callable[[], T], operation: str = "") -> T:
        """What `function` returns, tried again where that can help."""
        name = operation or getattr(function, "__name__", "call")
        return self.guards.retry.call(lambda: self._once(function, name), f"{self.name}: {name}")

    async def call_async[T](self, function: Callable[[], Awaitable[T]], operation: str = "") -> T:
        """What awaiting `function` gives, tried again where that can help."""
        name = operation or getattr(function, "__name__", "call")

        async def once() -> T:
            async with AsyncBlock(self, name):
                return await function()

        return await self.guards.retry.call_async(once, f"{self.name}: {name}")

    def __call__[**P, T](self, function: Callable[P, T]) -> Callable[P, T]:
        """A decorator: each call of the function is a guarded call, with retries; also of a coroutine function.

        A function that generates is not taken: its work would be done outside.
        """
        name = getattr(function, "__name__", "call")
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise InvalidValue(f"{name} generates", field="function", hint="guard the call that it makes")
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def awaited(*args: P.args, **kwargs: P.kwargs) -> Any:
                return await self.call_async(lambda: function(*args, **kwargs), name)

            return cast("Callable[P, T]", awaited)

        @functools.wraps(function)
        def called(*args: P.args, **kwargs: P.kwargs) -> T:
            return self.call(lambda: function(*args, **kwargs), name)

        return called

    def _once[T](self, function: Callable[[], T], operation: str) -> T:
        call = self.begin(operation)
        if self.guards.timeout is None:
            with call:
                return function()
        done = _in_thread(function, call)
        try:
            return done.result(self.guards.timeout)
        except TimeoutError as error:
            if done.done():  # its own
                raise
            call.time_out()
            raise IntegrationTimeout(f"{self.name} took longer than {self.guards.timeout:g} s", self.name) from error

    def __enter__(self) -> Call:
        call = self.begin()
        self._stack().append(call)
        return call

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack().pop().__exit__(kind, error, trace)

    async def __aenter__(self) -> Call:
        block = AsyncBlock(self, "")
        call = await block.__aenter__()
        self._async_blocks.set((*self._async_blocks.get(), block))
        return call

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        *outer, block = self._async_blocks.get()
        self._async_blocks.set(tuple(outer))
        await block.__aexit__(kind, error, trace)

    def _stack(self) -> list[Call]:
        calls: list[Call] = self._blocks.__dict__.setdefault("calls", [])
        return calls


class Call:
    """One call under way. Ends once: with success, an error, or out of time."""

    def __init__(self, integration: Integration, operation: str) -> None:
        self.operation = operation
        self._of = integration
        self._request: Any = None
        self._response: Any = None
        self._lock = threading.Lock()
        self._told = False
        self._admit()
        self._started = time.perf_counter()

    @property
    def remaining(self) -> float | None:
        """Seconds until it is out of time; None where there is no bound."""
        timeout = self._of.guards.timeout
        return None if timeout is None else max(0.0, timeout - (time.perf_counter() - self._started))

    def sent(self, operation: str, request: Any = None) -> None:
        """What is asked: a name for the operation, and what is sent."""
        self.operation, self._request = operation, request

    def answered(self, response: Any) -> None:
        """What came back."""
        self._response = response

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end(error)
        if isinstance(error, Exception) and self.is_failure(error) and not isinstance(error, ClaudiaError):
            raise self.wrapped(error) from error

    def end(self, error: BaseException | None = None) -> None:
        """It ended: the same as leaving the block, and nothing is raised."""
        self._free()
        self.tell(error)

    def wrapped(self, error: Exception) -> IntegrationError:
        """An error of the service as an `IntegrationError`."""
        if isinstance(error, TimeoutError):
            return IntegrationTimeout(f"{self._of.name} took too long: {_short(error)}", self._of.name)
        helps = may_help(error)
        after = None if isinstance(helps, bool) else helps
        text = f"{self._of.name} failed: {_short(error)}"
        return IntegrationError(text, self._of.name, after, retryable=bool(helps) or after is not None)

    def is_failure(self, error: Exception) -> bool:
        """Whether the service is to blame."""
        return isinstance(error, self._of.guards.errors)

    def time_out(self) -> None:
        """It is out of time; whoever works on it may still do so, and keeps its place."""
        self.tell(TimeoutError(f"longer than {self._of.guards.timeout:g} s"))

    def tell(self, error: BaseException | None) -> None:
        """How it went, to the breaker, the metrics and the debugger; the first word counts."""
        with self._lock:
            if self._told:
                return
            self._told = True
        seconds = time.perf_counter() - self._started
        timeout = self._of.guards.timeout
        if error is None and timeout is not None and seconds > timeout:
            error = TimeoutError(f"longer than {timeout:g} s")
        self._tell_breaker(error)
        text = None if error is None else self._of.debugger.excerpt(_short(error))
        self._of.metrics.ended(seconds, text)
        self._of.debugger.note(
            self._of.name,
            self.operation,
            "ok" if error is None else "error",
            seconds,
            error=text or "",
            request=self._request,
            response=self._response,
        )

    def _tell_breaker(self, error: BaseException | None) -> None:
        breaker = self._of.breaker
        if error is None:
            breaker.succeed(self._ticket)
        elif not isinstance(error, Exception):
            breaker.abandon(self._ticket)
        elif self.is_failure(error):
            breaker.fail(self._ticket)
        else:
            breaker.succeed(self._ticket)

    def _admit(self) -> None:
        of = self._of
        try:
            if not of._slots.acquire(blocking=False):
                raise IntegrationBusy(f"{of.guards.limit} calls to {of.name} are under way", of.name)
            try:
                self._ticket = of.breaker.admit()
            except CircuitOpen:
                of._slots.release()
                raise
        except IntegrationError as error:
            of.metrics.refused()
            of.debugger.note(of.name, self.operation, "refused", 0.0, error=str(error))
            raise
        of.metrics.begun()

    def _free(self) -> None:
        self._of._slots.release()


class AsyncBlock:
    """The same around what is awaited: it is interrupted when its time is over."""

    def __init__(self, integration: Integration, operation: str) -> None:
        self._of = integration
        self._operation = operation

    async def __aenter__(self) -> Call:
        self._call = self._of.begin(self._operation)
        self._time = asyncio.timeout(self._of.guards.timeout)
        await self._time.__aenter__()
        return self._call

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self._time.__aexit__(kind, error, trace)
        except TimeoutError as late:
            error, kind, trace = late, TimeoutError, None
        self._call.__exit__(kind, error, trace)


def _in_thread[T](function: Callable[[], T], call: Call) -> Future[T]:
    """Call on a thread of its own, in the caller's context; the call's place is free when it really ends."""
    done: Future[T] = Future()
    context = contextvars.copy_context()

    def work() -> None:
        try:
            with call:
                result = context.run(function)
        except BaseException as error:  # noqa: BLE001 - whoever waits gets it
            done.set_exception(error)
        else:
            done.set_result(result)

    threading.Thread(target=work, name=f"claudia-call-{call.operation}", daemon=True).start()
    return done


def _short(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:500]
