"""Why a loop ended early: the exception that is unwinding, or has unwound, a frame.

A generator that is closed cannot see why: `break` and an exception in the loop's body both arrive as GeneratorExit,
and the exception is in no `sys.exc_info()` yet. But the interpreter has already given that exception a traceback
entry for the frame. It was made at the instruction where the frame stands still (`tb_lasti == f_lasti`), unless that
instruction raises again what was raised before (the end of `finally`, of an `except` that does not match, a bare
`raise`): these add no entry. An exception that was caught before a `break` has an entry for an earlier instruction.
Source: CPython `Python/ceval.c`, labels `error` and `exception_unwind`, and `Python/traceback.c`, `PyTraceBack_Here`.
"""

from __future__ import annotations

import dis
import gc
import inspect
import sys
import threading
from types import FrameType

PAUSES = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR | inspect.CO_ITERABLE_COROUTINE


LEAVES = frozenset({"POP_TOP", "POP_ITER", "END_FOR"})
"""Instructions by which `break` and `return` drop an iterator; they raise nothing."""

RAISES_AGAIN = frozenset({"RERAISE", "CLEANUP_THROW"})


def unwinding_error(frame: FrameType) -> BaseException | None:
    """The exception that left `frame` at the instruction where it stands, or None.

    A plain `break` is told by the instruction alone. Else this looks through the objects the garbage collector knows,
    the youngest first: about 70 ms per million objects (CPython 3.13, 2 cores).
    """
    code, at = frame.f_code.co_code, frame.f_lasti
    name = dis.opname[code[at]]
    if name in LEAVES:
        return None
    again = name in RAISES_AGAIN or (name == "RAISE_VARARGS" and code[at + 1] == 0)
    for generation in range(3):
        for candidate in reversed(gc.get_objects(generation)):
            if issubclass(type(candidate), BaseException) and _left(frame, candidate, again):
                error: BaseException = candidate
                return error
    return None


def _left(frame: FrameType, error: BaseException, again: bool) -> bool:
    entry = error.__traceback__
    while entry is not None:
        if entry.tb_frame is frame:
            return again or entry.tb_lasti == frame.f_lasti
        entry = entry.tb_next
    return False


class Consumer:
    """The frame that takes a loop's items: where it stood when it asked for the first one, and on which thread."""

    __slots__ = ("_at", "_thread", "frame")

    def __init__(self, frame: FrameType) -> None:
        self.frame = frame
        self._at = frame.f_lasti
        self._thread = threading.get_ident()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Consumer) and self.frame is other.frame and self._at == other._at

    __hash__ = None  # type: ignore[assignment]

    @property
    def has_ended(self) -> bool:
        """True when the frame is on no stack any more. Generators and coroutines pause, so of theirs nobody knows."""
        return not self.frame.f_code.co_flags & PAUSES and not self._is_running()

    def _is_running(self) -> bool:
        top = sys._current_frames().get(self._thread)
        while top is not None:
            if top is self.frame:
                return True
            top = top.f_back
        return False


HOLDERS = frozenset({"claudia_core", "logging"})
"""Packages whose code may hold a lock that the store's thread needs..."""

HARMLESS = frozenset({"claudia_core.tracking.track", "claudia_core.integrations.tqdm"})
"""... but for these, which stand between a user's loop and its source, and hold none."""


def may_wait(frame: FrameType | None) -> bool:
    """Whether code called from `frame` may wait for the store: no lock of Claudia's can be held up its stack."""
    while frame is not None:
        name = str(frame.f_globals.get("__name__"))
        if name.partition(".")[0] in HOLDERS and name not in HARMLESS:
            return False
        frame = frame.f_back
    return True
