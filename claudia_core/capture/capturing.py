"""What programs call when something goes wrong: `claudia.errors.capture(...)` and its kin. None of it ever raises."""

from __future__ import annotations

import functools
import inspect
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ContextDecorator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self

from claudia_core.capture import scope as scopes
from claudia_core.capture.scope import Scope, current_scope
from claudia_core.capture.taken import About, Taken, handled_now, marks_of, render, variables_of
from claudia_core.logs import get_logger
from claudia_core.model.ids import new_id
from claudia_core.model.report import LEVELS, ErrorReport

if TYPE_CHECKING:
    from claudia_core.capture.hooks import Hooks
    from claudia_core.capture.reporter import Reporter

log = get_logger(__name__)


class Capturing:
    """Captures errors of this program.

    `find_task` answers with the ids of the task and the agent that the caller works on, None where there is none.
    """

    def __init__(self, reporter: Reporter | None = None) -> None:
        self.reporter = reporter
        self.with_locals = False
        self.find_task: Callable[[], tuple[str | None, str | None]] = _no_task

    def report(self, report: ErrorReport) -> Any:
        """Save one error; what a hub does."""
        raise NotImplementedError

    def capture(
        self,
        error: BaseException | None = None,
        *,
        level: str = "error",
        fingerprint: tuple[str, ...] | list[str] = (),
        tags: Mapping[str, Any] | None = None,
        user: Mapping[str, Any] | None = None,
        task_id: str | None = None,
        kind: str = "captured",
        handled: bool = True,
        **context: Any,
    ) -> str:
        """Tell the hub about an error, by default the one being handled; returns the id it will have there.

        Returns at once: the error is made plain, freed of secrets and saved in the background (`claudia.flush()` waits
        for it). While the hub is away it is kept on disk. An error that was captured before is not told again.

        Args:
            error: the exception.
            level: `fatal`, `error`, `warning`, `info` or `debug`.
            fingerprint: texts to group it by; `{{ default }}` stands for what would be taken without.
            tags: short texts to filter by.
            user: whom it happened to.
            task_id: the task it belongs to; the one the caller is in when left out.
            kind: how it was met.
            handled: whether the program went on.
            context: whatever else helps to understand it, as values of any kind.
        """
        try:
            error = error if error is not None else handled_now()
            values = {"tags": tags or {}, "user": user or {}, "context": context}
            return self._capture(error, level, tuple(fingerprint), task_id, kind, handled, values)
        except Exception as broken:  # noqa: BLE001 - telling of an error must not make another
            log.error("an error could not be captured", error=repr(broken))
            return ""

    def _capture(
        self,
        error: BaseException | None,
        level: str,
        fingerprint: tuple[str, ...],
        task_id: str | None,
        kind: str,
        handled: bool,
        values: Mapping[str, Mapping[str, Any]],
        **message: Any,
    ) -> str:
        task, agent = self.find_task() if task_id is None else (task_id, None)
        marks = marks_of(error) if error is not None else {}
        known = marks.get(task or "") or (next(iter(marks.values()), None) if task is None else None)
        if known is not None:
            return known
        here = current_scope()
        trace = None if error is None else error.__traceback__
        taken = Taken(
            id=new_id(),
            at=time.time(),
            error=error,
            trace=trace,
            scope=here,
            crumbs=tuple(here.trail),
            variables=variables_of(trace) if self.with_locals else {},
            kind=kind,
            level=level if level in LEVELS else "error",
            handled=handled,
            task_id=task,
            agent_id=agent,
            fingerprint=fingerprint,
            tags=values["tags"],
            user=values["user"],
            context=values["context"],
            **message,
        )
        marks[task or ""] = taken.id
        self._carry(taken)
        return taken.id

    def _carry(self, taken: Taken) -> None:
        if self.reporter is not None:
            self.reporter.take(taken)
            return
        self.report(render(taken, About()))

    def capture_message(
        self,
        message: str,
        *,
        type: str = "Message",
        level: str = "error",
        culprit: str = "",
        fingerprint: tuple[str, ...] = (),
        **context: Any,
    ) -> str:
        """Tell the hub about something that went wrong without an exception; the rest is as in `capture`."""
        try:
            values = {"tags": {}, "user": {}, "context": context}
            said = {"type": type, "message": str(message), "culprit": culprit}
            return self._capture(None, level, fingerprint, None, "message", True, values, **said)
        except Exception as broken:  # noqa: BLE001 - see capture
            log.error("a message could not be captured", error=repr(broken))
            return ""

    def capturing(self, *, reraise: bool = True, **values: Any) -> Guarded:
        """Capture what a block or function raises: `with claudia.errors.capturing():`, `@claudia.errors.capturing()`.

        Works for coroutine functions too. With `reraise=False` what was captured ends there; what only says to stop, as
        Ctrl-C does, is neither captured nor held back. `values` are those of `capture`.
        """
        return Guarded(self, reraise, values)

    def scope(self, **values: Any) -> AbstractContextManager[Scope]:
        """Within the block, errors carry these `tags`, `user`, `fingerprint` and context; see `capture.scope`."""
        return scopes.scope(**values)

    def breadcrumb(self, message: str, *, category: str = "", level: str = "info", **data: Any) -> None:
        """Note what happens, for the errors that come after it; the last hundred are kept."""
        scopes.leave_crumb(str(message), category, level, data)

    def install(
        self, *, sys: bool = True, threads: bool = True, asyncio: bool = True, unraisable: bool = True
    ) -> Hooks:
        """Capture what nobody handles, from now on: in the main program, in threads, in asyncio and where Python cannot
        raise. What was installed before is called as well. The answer's `remove()`, or leaving it as a block, ends it.
        """
        from claudia_core.capture.hooks import Hooks

        return Hooks(self, sys=sys, threads=threads, asyncio=asyncio, unraisable=unraisable)


class HasErrors(Protocol):
    """A hub, as far as its errors go."""

    @property
    def errors(self) -> Capturing:
        """What captures them."""
        ...


class Guarded(ContextDecorator):
    """See `Capturing.capturing`."""

    def __init__(self, errors: Capturing, reraise: bool, values: Mapping[str, Any]) -> None:
        self._errors = errors
        self._reraise = reraise
        self._values = values

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if not isinstance(error, Exception):
            return False
        self._errors.capture(error, **self._values)
        return not self._reraise

    def __call__(self, function: Any) -> Any:
        """The function with what it raises captured."""
        if not inspect.iscoroutinefunction(function):
            return super().__call__(function)

        @functools.wraps(function)
        async def guarded(*args: Any, **kwargs: Any) -> Any:
            with self:
                return await function(*args, **kwargs)

        return guarded


def _no_task() -> tuple[str | None, str | None]:
    return None, None
