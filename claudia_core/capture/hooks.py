"""Hooks for what nobody handles. Installed on request, chained to what was there, removable in any order."""

from __future__ import annotations

import asyncio as aio
import sys as system
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from claudia_core.capture.capturing import Capturing

LAST_WORDS = 2.0
"""Seconds that a program which ends with an error may take to tell it."""


class Hooks:
    """The hooks of one hub, until `remove`."""

    def __init__(self, errors: Capturing, *, sys: bool, threads: bool, asyncio: bool, unraisable: bool) -> None:
        self._errors = errors
        self._undo: list[Callable[[], None]] = []
        self.is_active = True
        if sys:
            self._chain(system, "excepthook", self._on_uncaught)
        if threads:
            self._chain(threading, "excepthook", self._on_thread)
        if unraisable:
            self._chain(system, "unraisablehook", self._on_unraisable)
        if asyncio:
            self._chain(aio.BaseEventLoop, "call_exception_handler", self._on_loop)

    def remove(self) -> None:
        """Capture no more. A hook that others have chained to stays in its place and only passes on."""
        self.is_active = False
        while self._undo:
            self._undo.pop()()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()

    def _chain(self, owner: Any, name: str, look: Callable[..., None]) -> None:
        before = getattr(owner, name)

        def hook(*args: Any) -> Any:
            if self.is_active:
                look(*args)
            return before(*args)

        def undo() -> None:
            if getattr(owner, name) is hook:
                setattr(owner, name, before)

        setattr(owner, name, hook)
        self._undo.append(undo)

    def _on_uncaught(self, _kind: type[BaseException], error: BaseException | None, _trace: object) -> None:
        if isinstance(error, Exception | BaseExceptionGroup):
            self._errors.capture(error, kind="uncaught_exception", level="fatal", handled=False)
            if self._errors.reporter is not None:
                self._errors.reporter.flush(LAST_WORDS)

    def _on_thread(self, args: Any) -> None:
        if isinstance(args.exc_value, Exception):
            name = args.thread.name if args.thread is not None else ""
            self._errors.capture(args.exc_value, kind="uncaught_exception", handled=False, thread=name)

    def _on_unraisable(self, args: Any) -> None:
        if isinstance(args.exc_value, Exception):
            where = getattr(args.object, "__qualname__", type(args.object).__name__)
            self._errors.capture(args.exc_value, kind="unraisable", handled=False, where=str(where))

    def _on_loop(self, _: aio.BaseEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        message = str(context.get("message", ""))
        task = context.get("task") or context.get("future")
        name = task.get_name() if isinstance(task, aio.Task) else ""
        if isinstance(error, Exception):
            self._errors.capture(error, kind="unhandled_rejection", handled=False, asyncio=message, task_name=name)
        elif error is None and message:
            self._errors.capture_message(message, type="asyncio", task_name=name)
