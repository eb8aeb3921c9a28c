"""What is taken of an error at once, on the thread it happened on: references and copies, nothing that costs."""

from __future__ import annotations

import platform
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from claudia_core.capture.plain import plain_mapping, plain_tags
from claudia_core.capture.rendering import (
    culprit,
    exceptions_of,
    in_app,
    message_of,
    traceback_text,
    type_name,
)
from claudia_core.capture.scope import Crumb, Scope, current_scope
from claudia_core.model.report import ErrorReport
from claudia_core.model.values import MAX_LABELS, clean_text

MOST_FRAMES_WITH_LOCALS = 20
MARKS = "__claudia__"


@dataclass(frozen=True, slots=True)
class About:
    """What is the same for all errors of a program."""

    service: str = ""
    release: str = ""
    environment: str = ""
    host: str = ""


@dataclass(frozen=True, slots=True)
class Taken:
    """One error, not yet looked at. Without an exception it is a message, such as a log line."""

    id: str
    at: float
    error: BaseException | None
    trace: TracebackType | None
    scope: Scope
    crumbs: tuple[Crumb, ...]
    variables: Mapping[int, Mapping[str, Any]]
    kind: str
    level: str
    handled: bool
    task_id: str | None
    agent_id: str | None
    fingerprint: tuple[str, ...]
    tags: Mapping[str, Any]
    user: Mapping[str, Any]
    context: Mapping[str, Any]
    type: str = ""
    message: str = ""
    culprit: str = ""


def variables_of(trace: TracebackType | None) -> dict[int, dict[str, Any]]:
    """Copies of the variables of the program's own frames, the innermost twenty; values are not copied."""
    found: list[tuple[int, dict[str, Any]]] = []
    while trace is not None:
        frame = trace.tb_frame
        if in_app(frame.f_code.co_filename, str(frame.f_globals.get("__name__", ""))):
            found.append((id(frame), {name: value for name, value in frame.f_locals.items() if name[:2] != "__"}))
        trace = trace.tb_next
    return dict(found[-MOST_FRAMES_WITH_LOCALS:])


def render(taken: Taken, about: About, *, quietly: bool = False) -> ErrorReport:
    """The report of an error. `quietly` without what calls the program's own code, for errors that hang there."""
    error = taken.error
    says = "<its text could not be had in time>"
    return ErrorReport(
        id=taken.id,
        time=datetime.fromtimestamp(taken.at, UTC),
        type=type_name(type(error)) if error is not None else clean_text(taken.type, 200) or "Error",
        message=clean_text(taken.message, 2_000) if error is None else says if quietly else message_of(error),
        traceback="" if error is None or quietly else traceback_text(error, taken.trace),
        culprit=culprit(taken.trace) or clean_text(taken.culprit, 500),
        exceptions=() if error is None or quietly else tuple(exceptions_of(error, taken.trace, taken.variables)),
        fingerprint=tuple(clean_text(str(part), 200) for part in (taken.fingerprint or taken.scope.fingerprint)[:20]),
        level=taken.level,
        kind=taken.kind,
        handled=taken.handled,
        task_id=taken.task_id,
        agent_id=taken.agent_id,
        service=about.service,
        release=about.release,
        environment=about.environment,
        host=about.host,
        tags=plain_tags({**taken.tags, **taken.scope.tags}, MAX_LABELS) if not quietly else {},
        user=plain_mapping({**taken.scope.user, **taken.user}) if not quietly else {},
        request=plain_mapping(taken.scope.request) if not quietly else {},
        context=plain_mapping({**taken.scope.context, **taken.context}) if not quietly else {},
        breadcrumbs=tuple(_crumb(crumb) for crumb in taken.crumbs) if not quietly else (),
    )


def _crumb(crumb: Crumb) -> dict[str, Any]:
    at, category, level, message, data = crumb
    return {
        "time": datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds"),
        "category": clean_text(category, 200),
        "level": clean_text(level, 20),
        "message": clean_text(message, 1_000),
        "data": plain_mapping(data),
    }


def task_failure(error: BaseException) -> ErrorReport:
    """The report of the error a task fails with, made at once; `services.moves` adds the task."""
    scope = current_scope()
    taken = Taken(
        id="",
        at=time.time(),
        error=error,
        trace=error.__traceback__,
        scope=scope,
        crumbs=tuple(scope.trail),
        variables={},
        kind="TASK_FAILURE",
        level="error",
        handled=False,
        task_id=None,
        agent_id=None,
        fingerprint=(),
        tags={},
        user={},
        context={},
    )
    return render(taken, _about)


_about = About(host=platform.node())


def is_about(about: About) -> None:
    """Let the errors of tasks, which know no hub, tell this of the program: what the hub opened last was told."""
    global _about  # noqa: PLW0603 - a process is one program
    _about = about


def marks_of(error: BaseException) -> dict[str, str]:
    """The occurrences that an exception has become so far, by what it happened in; kept on the exception itself."""
    try:
        found = error.__dict__.get(MARKS)
        if found is None:
            found = error.__dict__[MARKS] = {}
    except Exception:  # noqa: BLE001 - an exception may have no dict, or one that refuses
        return {}
    return found if isinstance(found, dict) else {}


def handled_now() -> BaseException | None:
    """The exception that is being handled."""
    return sys.exception()
