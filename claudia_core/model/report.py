"""What is told about one error before it has a place among the others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any

import orjson

from claudia_core.errors import InvalidValue, TooLarge
from claudia_core.model.ids import require_id
from claudia_core.model.times import from_text, require_utc, to_optional_text
from claudia_core.model.values import (
    JSON,
    MAX_MESSAGE,
    MAX_TRACEBACK,
    clean_text,
    require_json,
    require_labels,
    require_text,
    shown,
)

MAX_PLACE = 500
MAX_CONTEXT_BYTES = 100_000
MAX_STACK_BYTES = 400_000
MAX_EXCEPTIONS = 50
MAX_FRAMES = 250
"""Most frames of all exceptions of one report together."""

MAX_LINES = 20
MAX_LINE = 500
MAX_BREADCRUMBS = 100
MAX_FINGERPRINT = 20
LEVELS = ("fatal", "error", "warning", "info", "debug")


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorReport:
    """One error as a program tells it.

    Args:
        type: the exception's type, with its module unless that is `builtins`.
        message: what it says.
        id: a UUID of the occurrence, so that telling twice counts once.
        time: when it happened; when it is saved where left out.
        traceback: as text, oldest frame first.
        culprit: where it was raised, such as `module.function`.
        exceptions: the raised one first, then its causes and the members of a group; see `clean_exceptions`.
        fingerprint: what it is grouped by; `{{ default }}` stands for what would be taken without one.
        level: one of `LEVELS`.
        kind: how it was met, such as `captured`, `uncaught_exception` or `TASK_FAILURE`.
        handled: whether the program went on.
        user, request, context: JSON objects.
        breadcrumbs: what happened before it, oldest first: objects with `time`, `category`, `level`, `message`.
    """

    type: str
    message: str = ""
    id: str | None = None
    time: datetime | None = None
    traceback: str = ""
    culprit: str = ""
    exceptions: tuple[dict[str, Any], ...] = ()
    fingerprint: tuple[str, ...] = ()
    level: str = "error"
    kind: str = "captured"
    handled: bool = True
    task_id: str | None = None
    agent_id: str | None = None
    service: str = ""
    release: str = ""
    environment: str = ""
    host: str = ""
    user: Mapping[str, JSON] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    request: Mapping[str, JSON] = field(default_factory=dict)
    context: Mapping[str, JSON] = field(default_factory=dict)
    breadcrumbs: tuple[dict[str, Any], ...] = ()

    def checked(self) -> ErrorReport:
        """This with every value checked, and texts made safe to store.

        Raises:
            InvalidValue, TooLarge: a value breaks a rule; `field` names it.
        """
        return replace(
            self,
            type=require_text(self.type, "type", 200),
            message=clean_text(self.message, MAX_MESSAGE),
            id=None if self.id is None else require_id(self.id),
            time=None if self.time is None else require_utc(self.time, "time"),
            traceback=clean_text(self.traceback, MAX_TRACEBACK, "traceback"),
            culprit=clean_text(self.culprit, MAX_PLACE, "culprit"),
            exceptions=clean_exceptions(self.exceptions),
            fingerprint=_fingerprint(self.fingerprint),
            level=_level(self.level),
            kind=clean_text(self.kind, 50, "kind"),
            task_id=_optional(self.task_id, "task_id"),
            agent_id=_optional(self.agent_id, "agent_id"),
            service=clean_text(self.service, 200, "service"),
            release=clean_text(self.release, 200, "release"),
            environment=clean_text(self.environment, 100, "environment"),
            host=clean_text(self.host, 255, "host"),
            user=_object(self.user, "user", 10_000),
            tags=require_labels(self.tags, "tags"),
            request=_object(self.request, "request", 50_000),
            context=_object(self.context, "context", MAX_CONTEXT_BYTES),
            breadcrumbs=clean_breadcrumbs(self.breadcrumbs),
        )

    def to_document(self) -> dict[str, Any]:
        """As plain JSON."""
        document = {name.name: getattr(self, name.name) for name in fields(self)}
        lists = {name: list(document[name]) for name in ("exceptions", "fingerprint", "breadcrumbs")}
        return {**document, **lists, "time": to_optional_text(self.time)}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> ErrorReport:
        """The value that `to_document` wrote."""
        time = document["time"]
        lists = {name: tuple(document[name]) for name in ("exceptions", "fingerprint", "breadcrumbs")}
        return cls(**{**document, **lists, "time": None if time is None else from_text(time)})


def _optional(value: str | None, name: str) -> str | None:
    return None if value is None else require_text(value, name, 100)


def _level(value: str) -> str:
    if value not in LEVELS:
        raise InvalidValue(f"level is {shown(value)}", field="level", hint=f"use {', '.join(LEVELS)}")
    return value


def _fingerprint(parts: Any) -> tuple[str, ...]:
    if not isinstance(parts, list | tuple):
        raise InvalidValue(f"fingerprint is {shown(parts)}", field="fingerprint", hint="use a list of texts")
    if len(parts) > MAX_FINGERPRINT:
        raise TooLarge(f"fingerprint has {len(parts)} parts, over the limit of {MAX_FINGERPRINT}", field="fingerprint")
    return tuple(clean_text(part, 200, "fingerprint") for part in parts)


def _object(value: Any, name: str, limit: int) -> dict[str, JSON]:
    if not isinstance(value, Mapping):
        raise InvalidValue(f"{name} is {shown(value)}", field=name, hint="use a dict")
    checked = require_json(dict(value), name, limit)
    assert isinstance(checked, dict), "a dict gives a dict"
    return {clean_text(key, 200, name): _clean(item) for key, item in checked.items()}


def _clean(value: JSON) -> JSON:
    """Without NUL bytes and other signs that a page or a terminal would stumble over."""
    if isinstance(value, str):
        return clean_text(value, MAX_CONTEXT_BYTES)
    if isinstance(value, dict):
        return {clean_text(key, 200): _clean(item) for key, item in value.items()}
    return [_clean(item) for item in value] if isinstance(value, list) else value


@dataclass(frozen=True, slots=True)
class Frame:
    """One call on the stack. `before` and `after` are lines of source around `code`."""

    file: str
    function: str
    module: str = ""
    line: int = 0
    in_app: bool = True
    before: list[str] = field(default_factory=list)
    code: str = ""
    after: list[str] = field(default_factory=list)
    locals: dict[str, str] = field(default_factory=dict)

    def to_document(self) -> dict[str, Any]:
        """As plain JSON."""
        return {name: getattr(self, name) for name in self.__slots__}


def clean_exceptions(exceptions: Any) -> tuple[dict[str, Any], ...]:
    """Exceptions of a report in their known form.

    Each has `type`, `message`, `notes`, `relation` (`raised`, `cause`, `context`, `group`) to `parent`, which is a
    place in the list, and `frames`, oldest first, as `Frame` has them.

    Raises:
        InvalidValue, TooLarge: they are no list of objects, or over 400,000 bytes or 50 exceptions.
    """
    found = _copied(exceptions, "exceptions", MAX_STACK_BYTES)
    if len(found) > MAX_EXCEPTIONS:
        raise TooLarge(f"{len(found)} exceptions, over the limit of {MAX_EXCEPTIONS}", field="exceptions")
    left = MAX_FRAMES
    cleaned = []
    for one in found:
        exception = _exception(_require_object(one, "exceptions"), left)
        left -= len(exception["frames"])
        cleaned.append(exception)
    return tuple(cleaned)


def _exception(one: Mapping[str, Any], most: int) -> dict[str, Any]:
    frames = _plain_list(one.get("frames", []), "frames")
    parent = one.get("parent")
    return {
        "type": _text(one, "type", 200) or "Error",
        "message": _text(one, "message", MAX_MESSAGE),
        "notes": _texts(one.get("notes", []), 20, MAX_MESSAGE),
        "relation": _text(one, "relation", 20) or "raised",
        "parent": parent if isinstance(parent, int) and 0 <= parent < MAX_EXCEPTIONS else None,
        "frames": [
            _frame(_require_object(frame, "frames")) for frame in frames[len(frames) - min(most, len(frames)) :]
        ],
    }


def _frame(frame: Mapping[str, Any]) -> dict[str, Any]:
    line = frame.get("line")
    variables = frame.get("locals", {})
    return Frame(
        file=_text(frame, "file", MAX_PLACE),
        function=_text(frame, "function", MAX_PLACE),
        module=_text(frame, "module", MAX_PLACE),
        line=line if isinstance(line, int) and 0 <= line < 2**31 else 0,
        in_app=frame.get("in_app", True) is not False,
        before=_texts(frame.get("before", []), MAX_LINES, MAX_LINE),
        code=_text(frame, "code", MAX_LINE),
        after=_texts(frame.get("after", []), MAX_LINES, MAX_LINE),
        locals={clean_text(name, 200): clean_text(str(value), 1_000) for name, value in [*variables.items()][:50]}
        if isinstance(variables, dict)
        else {},
    ).to_document()


def clean_breadcrumbs(breadcrumbs: Any) -> tuple[dict[str, Any], ...]:
    """The last hundred breadcrumbs in their known form.

    Raises:
        InvalidValue, TooLarge: they are no list of objects, or over 200,000 bytes.
    """
    found = _copied(breadcrumbs, "breadcrumbs", 200_000)
    return tuple(_breadcrumb(_require_object(one, "breadcrumbs")) for one in found[-MAX_BREADCRUMBS:])


def _breadcrumb(one: Mapping[str, Any]) -> dict[str, Any]:
    names = {"time": 40, "category": 200, "level": 20, "message": 1_000}
    found: dict[str, Any] = {name: _text(one, name, limit) for name, limit in names.items()}
    data = one.get("data")
    return {**found, "data": _clean(data) if isinstance(data, dict) else {}}


def _copied(value: Any, name: str, limit: int) -> list[Any]:
    """A plain copy of a list whose items are looked through afterwards, so that a NaN in it does no harm."""
    if not value:
        _plain_list(value, name)
        return []
    try:
        body = orjson.dumps(_plain_list(value, name))
    except TypeError as error:
        raise InvalidValue(
            f"{name} is not JSON: {error}", field=name, hint="use dict, list, str, int, float"
        ) from error
    if len(body) > limit:
        raise TooLarge(f"{name} is {len(body):,} bytes of JSON, over the limit of {limit:,}", field=name)
    found: list[Any] = orjson.loads(body)
    return found


def _plain_list(value: Any, name: str) -> list[Any]:
    if not isinstance(value, list | tuple):
        raise InvalidValue(f"{name} is {shown(value)}", field=name, hint="use a list of objects")
    return list(value)


def _require_object(value: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise InvalidValue(f"{name} holds {shown(value)}", field=name, hint="use a list of objects")
    return value


def _text(one: Mapping[str, Any], name: str, limit: int) -> str:
    value = one.get(name)
    return clean_text(value, limit, name) if isinstance(value, str) else ""


def _texts(value: Any, most: int, limit: int) -> list[str]:
    found = value if isinstance(value, list) else []
    return [clean_text(text, limit) for text in found[:most] if isinstance(text, str)]
