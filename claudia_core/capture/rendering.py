"""Exceptions as plain values: chain and groups, notes, frames with their source. Takes what it needs, and never raises.

What calls the program's own code here (`__str__` of an exception, `__repr__` of a variable) may take long or hang: when
an error is captured that happens on a thread nobody waits for.
"""

from __future__ import annotations

import linecache
import os
import sysconfig
import traceback
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from types import FrameType, TracebackType
from typing import Any

from claudia_core.capture.plain import local
from claudia_core.model.report import MAX_EXCEPTIONS, MAX_FRAMES, MAX_LINE, MAX_PLACE, Frame
from claudia_core.model.task import TaskError
from claudia_core.model.values import MAX_MESSAGE, MAX_TRACEBACK, clean_text

AROUND = 5
"""Lines of source before and after the one that was run."""

MOST_LOCALS = 30
DEEPEST_STACK = 100
"""Most frames of one exception: half of them outermost, half innermost."""

MOST_IN_GROUP = 10

type Variables = Mapping[int, Mapping[str, Any]]
"""Copies of the variables of frames, by `id` of the frame."""


def type_name(kind: type[BaseException]) -> str:
    """The name of an exception's type, with its module unless that is `builtins`."""
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    return clean_text(name, 200)


def message_of(error: BaseException) -> str:
    """What an exception says."""
    try:
        return clean_text(str(error), MAX_MESSAGE)
    except Exception as broken:  # noqa: BLE001 - a user's __str__ may do anything
        return f"<the error's text could not be made: {type(broken).__name__}>"


def traceback_text(error: BaseException, trace: TracebackType | None) -> str:
    """The traceback as Python prints it, its middle left out where it is very long."""
    try:
        lines = "".join(traceback.format_exception(type(error), error, trace))
    except Exception as broken:  # noqa: BLE001 - an exception's repr, notes and source may do anything
        lines = f"<the traceback could not be made: {type(broken).__name__}>"
    if len(lines) > MAX_TRACEBACK:
        half = MAX_TRACEBACK // 2 - 20
        lines = f"{lines[:half]}\n… shortened …\n{lines[-half:]}"
    return clean_text(lines, MAX_TRACEBACK)


def task_error(error: BaseException) -> TaskError:
    """An exception as a task keeps it: type, message and traceback, each within its limit."""
    trace = traceback_text(error, error.__traceback__)
    return TaskError(type_name(type(error)), message_of(error), traceback=trace)


def culprit(trace: TracebackType | None) -> str:
    """Where an error was raised, without line numbers: `module.function` of the innermost frame."""
    if trace is None:
        return ""
    while trace.tb_next is not None:
        trace = trace.tb_next
    return clean_text(f"{_module(trace.tb_frame)}.{trace.tb_frame.f_code.co_qualname}", MAX_PLACE)


def exceptions_of(
    error: BaseException, trace: TracebackType | None = None, variables: Variables | None = None
) -> list[dict[str, Any]]:
    """The exception, its causes and the members of groups, as `model.report.clean_exceptions` has them."""
    found: list[dict[str, Any]] = []
    seen: set[int] = set()
    left = MAX_FRAMES
    waiting: list[tuple[BaseException, TracebackType | None, str, int | None]] = [
        (error, trace or error.__traceback__, "raised", None)
    ]
    while waiting and len(found) < MAX_EXCEPTIONS:
        one, its_trace, relation, parent = waiting.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        frames = [_frame(frame, line, variables or {}) for frame, line in _walk(its_trace, min(left, DEEPEST_STACK))]
        left -= len(frames)
        found.append(
            {
                "type": type_name(type(one)),
                "message": message_of(one),
                "notes": _notes(one),
                "relation": relation,
                "parent": parent,
                "frames": frames,
            }
        )
        place = len(found) - 1
        waiting += [(inner, inner.__traceback__, how, place) for inner, how in _related(one)]
    return found


def _related(error: BaseException) -> Iterator[tuple[BaseException, str]]:
    if isinstance(error, BaseExceptionGroup):
        yield from ((inner, "group") for inner in error.exceptions[:MOST_IN_GROUP])
    if error.__cause__ is not None:
        yield error.__cause__, "cause"
    elif error.__context__ is not None and not error.__suppress_context__:
        yield error.__context__, "context"


def _notes(error: BaseException) -> list[str]:
    notes = getattr(error, "__notes__", None)
    if not isinstance(notes, list):
        return []
    return [clean_text(note, MAX_MESSAGE) for note in notes[:10] if isinstance(note, str)]


def _walk(trace: TracebackType | None, most: int) -> Sequence[tuple[FrameType, int]]:
    """Frames and the lines they are at, oldest first; of a deep recursion the outermost and the innermost."""
    first: list[tuple[FrameType, int]] = []
    last: list[tuple[FrameType, int]] = []
    half = max(1, most // 2)
    for _ in range(100_000):
        if trace is None:
            break
        if len(first) < half:
            first.append((trace.tb_frame, trace.tb_lineno or 0))
        else:
            last.append((trace.tb_frame, trace.tb_lineno or 0))
            if len(last) > 2 * half:
                del last[:half]
        trace = trace.tb_next
    return [*first, *last[-half:]] if most > 0 else []


def _frame(frame: FrameType, line: int, variables: Variables) -> dict[str, Any]:
    code = frame.f_code
    is_ours = in_app(code.co_filename, _module(frame))
    before, here, after = source(code.co_filename, line, frame.f_globals) if is_ours else _line(code.co_filename, line)
    taken = variables.get(id(frame), {})
    return Frame(
        file=clean_text(code.co_filename, MAX_PLACE),
        function=clean_text(code.co_qualname, MAX_PLACE),
        module=clean_text(_module(frame), MAX_PLACE),
        line=line,
        in_app=is_ours,
        before=before,
        code=here,
        after=after,
        locals={clean_text(name, 200): local(value) for name, value in [*taken.items()][:MOST_LOCALS]},
    ).to_document()


def _module(frame: FrameType) -> str:
    name = frame.f_globals.get("__name__", "?")
    return name if isinstance(name, str) else "?"


def source(file: str, line: int, namespace: Mapping[str, Any] | None = None) -> tuple[list[str], str, list[str]]:
    """Lines before, the line itself, and lines after; empty where there is no source."""
    try:
        linecache.checkcache(file)
        lines = linecache.getlines(file, dict(namespace) if namespace and "__loader__" in namespace else None)
    except Exception:  # noqa: BLE001 - a loader may do anything; an error without source is still an error
        return [], "", []
    if not 1 <= line <= len(lines):
        return [], "", []
    start = max(0, line - 1 - AROUND)
    shown = [clean_text(text.rstrip("\r\n"), MAX_LINE) for text in lines[start : line + AROUND]]
    at = line - 1 - start
    return shown[:at], shown[at], shown[at + 1 :]


def _line(file: str, line: int) -> tuple[list[str], str, list[str]]:
    return [], clean_text(linecache.getline(file, line).strip("\r\n"), MAX_LINE), []


@lru_cache(4_096)
def in_app(file: str, module: str = "") -> bool:
    """Whether a frame is the program's own code: neither Python's, nor an installed package's, nor Claudia's."""
    top = module.split(".")
    if top[0] == "claudia_core":
        return len(top) > 1 and top[1] in ("testing", "demo")
    if file.startswith("<") and not file.startswith("<ipython-input"):
        return False
    path = os.path.normcase(file)
    return not any(path.startswith(place) for place in _places()) and f"{os.sep}site-packages{os.sep}" not in path


@lru_cache(1)
def _places() -> tuple[str, ...]:
    names = ("stdlib", "platstdlib", "purelib", "platlib")
    return tuple({os.path.normcase(sysconfig.get_path(name)) + os.sep for name in names})
