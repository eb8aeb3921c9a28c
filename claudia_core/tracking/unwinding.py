"""Why a loop ended early: the exception that is unwinding, or has unwound, a frame.

A generator that is closed cannot see why: `break` and an exception in the loop's body both arrive as GeneratorExit,
and the exception is in no `sys.exc_info()` yet. But the interpreter has already given that exception a traceback
entry for the frame, made at the instruction where the frame stands still (`tb_lasti == f_lasti`). An exception that
was caught before a `break` has an entry too, but for an earlier instruction. Source: CPython `Python/ceval.c`,
label `error`, and `Python/traceback.c`, `PyTraceBack_Here`.
"""

from __future__ import annotations

import gc
import sys
import threading
from types import FrameType


def unwinding_error(frame: FrameType) -> BaseException | None:
    """The exception that left `frame` at the instruction where it stands, or None.

    Looks through the objects the garbage collector knows, the youngest first: about 30 ms per million objects.
    """
    for generation in range(3):
        for candidate in gc.get_objects(generation):
            if issubclass(type(candidate), BaseException) and _left(frame, candidate):
                error: BaseException = candidate
                return error
    return None


def _left(frame: FrameType, error: BaseException) -> bool:
    entry = error.__traceback__
    while entry is not None:
        if entry.tb_frame is frame:
            return entry.tb_lasti == frame.f_lasti
        entry = entry.tb_next
    return False


def is_running(frame: FrameType, thread_id: int) -> bool:
    """Whether `frame` is on the stack of that thread of this process.

    Known threads only: a frame of a finished thread is not running.
    """
    top = sys._current_frames().get(thread_id)
    while top is not None:
        if top is frame:
            return True
        top = top.f_back
    return False


def thread_id() -> int:
    """The present thread, as `is_running` wants it."""
    return threading.get_ident()
