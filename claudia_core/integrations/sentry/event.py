"""An event of the Sentry protocol as a report of ours.

Source: https://develop.sentry.dev/sdk/foundations/transport/event-payloads/. What is too long is cut, never
refused: a program that meets an error cannot do anything about the size of what it knows about it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson

from claudia_core.errors import ClaudiaError
from claudia_core.model.ids import require_id
from claudia_core.model.report import (
    LEVELS,
    MAX_CONTEXT_BYTES,
    MAX_EXCEPTIONS,
    MAX_FINGERPRINT,
    MAX_FRAMES,
    MAX_LINE,
    MAX_LINES,
    MAX_PLACE,
    MAX_STACK_BYTES,
    ErrorReport,
)
from claudia_core.model.times import from_text, to_text
from claudia_core.model.values import MAX_LABELS, MAX_MESSAGE, MAX_TRACEBACK, clean_text

MOST_LOCALS = 30
MOST_LOCAL = 1_000
DEEPEST = 20
"""Levels of objects and lists within user, request and context; what lies deeper is told as text."""

KINDS = {"excepthook": "uncaught_exception", "threading": "uncaught_exception", "logging": "logged"}
"""How an error was met, by the SDK's `mechanism`."""

RELATIONS = {"__cause__": "cause", "__context__": "context"}


def report_of(event: Mapping[str, Any], *, service: str, project: str) -> ErrorReport:
    """The error that an event tells.

    Args:
        event: the payload of an item of type `event`.
        service: whom to name as its program, where the event has no tag `service`.
        project: of the address that it came to; kept as a tag.
    """
    values = _values(event)
    raised = values[-1] if values else {}
    mechanism = _dict(raised.get("mechanism"))
    exceptions = tuple(_fitting(_exceptions(values)))
    message = _text(raised.get("value")) if values else _said(event)
    tags = dict(_tags(event.get("tags"))) | ({"project": project} if project else {})
    return ErrorReport(
        id=_id(event.get("event_id")),
        type=exceptions[0]["type"] if exceptions else _type(event),
        message=clean_text(message, MAX_MESSAGE),
        time=_time(event.get("timestamp")),
        traceback=_traceback(exceptions),
        culprit=_culprit(exceptions) or clean_text(_text(event.get("transaction")), MAX_PLACE),
        exceptions=exceptions,
        fingerprint=_fingerprint(event.get("fingerprint")),
        level=_level(event.get("level")),
        kind=KINDS.get(_text(mechanism.get("type")), "captured" if values else "message"),
        handled=mechanism.get("handled") is not False,
        task_id=_task(tags.get("task_id")),
        service=clean_text(tags.get("service") or service, 200),
        release=clean_text(_text(event.get("release")), 200),
        environment=clean_text(_text(event.get("environment")), 100),
        host=clean_text(_text(event.get("server_name")), 255),
        user=_within(_dict(event.get("user")), 9_000),
        tags=tags,
        request=_within(_dict(event.get("request")), 45_000),
        context=_within(_context(event), MAX_CONTEXT_BYTES - 10_000),
        breadcrumbs=tuple(_breadcrumbs(event.get("breadcrumbs"))),
    )


def _values(event: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Exceptions as they come, the raised one last."""
    found = event.get("exception")
    listed = found.get("values") if isinstance(found, dict) else found
    return [one for one in _list(listed) if isinstance(one, dict)][-MAX_EXCEPTIONS:]


def _exceptions(values: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Exceptions as `model.report.clean_exceptions` has them: the raised one first."""
    turned = values[::-1]
    places = {_number(one, "exception_id"): place for place, one in enumerate(turned)}
    left = MAX_FRAMES
    for place, one in enumerate(turned):
        mechanism = _dict(one.get("mechanism"))
        frames = [_frame(f) for f in _list(_dict(one.get("stacktrace")).get("frames")) if isinstance(f, dict)]
        kept = frames[len(frames) - min(left, len(frames)) :]
        left -= len(kept)
        source = _text(mechanism.get("source"))
        parent = _number(one, "parent_id")
        above = place - 1 if parent is None else places.get(parent, place - 1)
        yield {
            "type": _type_name(one),
            "message": clean_text(_text(one.get("value")), MAX_MESSAGE),
            "notes": [],
            "relation": "raised" if place == 0 else "group" if "[" in source else RELATIONS.get(source, "cause"),
            "parent": None if place == 0 else min(above, place - 1),
            "frames": kept,
        }


def _number(exception: Mapping[str, Any], name: str) -> int | None:
    """A number of its `mechanism`; older SDKs tell none."""
    found = _dict(exception.get("mechanism")).get(name)
    return found if type(found) is int else None


def _frame(frame: Mapping[str, Any]) -> dict[str, Any]:
    line, variables = frame.get("lineno"), frame.get("vars")
    return {
        "file": clean_text(_text(frame.get("abs_path") or frame.get("filename")), MAX_PLACE),
        "function": clean_text(_text(frame.get("function")), MAX_PLACE),
        "module": clean_text(_text(frame.get("module")), MAX_PLACE),
        "line": line if type(line) is int and line >= 0 else 0,
        "in_app": frame.get("in_app") is not False,
        "before": [clean_text(_text(one), MAX_LINE) for one in _list(frame.get("pre_context"))[-MAX_LINES:]],
        "code": clean_text(_text(frame.get("context_line")), MAX_LINE),
        "after": [clean_text(_text(one), MAX_LINE) for one in _list(frame.get("post_context"))[:MAX_LINES]],
        "locals": {
            clean_text(str(name), 200): clean_text(_plain(value), MOST_LOCAL)
            for name, value in [*_dict(variables).items()][:MOST_LOCALS]
        },
    }


def _fitting(exceptions: Iterator[dict[str, Any]]) -> list[dict[str, Any]]:
    """All of them within the limit of a report: without variables, then without the source around, where it must be."""
    made = list(exceptions)
    droppable: tuple[dict[str, Any], ...] = ({"locals": {}}, {"before": [], "after": []})
    for names in droppable:
        if len(orjson.dumps(made)) <= MAX_STACK_BYTES:
            break
        made = [{**one, "frames": [frame | names for frame in one["frames"]]} for one in made]
    return made


def _traceback(exceptions: tuple[dict[str, Any], ...]) -> str:
    """What Python would have printed of the raised exception."""
    if not exceptions:
        return ""
    raised = exceptions[0]
    lines = ["Traceback (most recent call last):\n"] if raised["frames"] else []
    for frame in raised["frames"]:
        lines.append(f'  File "{frame["file"]}", line {frame["line"]}, in {frame["function"]}\n')
        lines += [f"    {frame['code'].strip()}\n"] if frame["code"] else []
    lines.append(f"{raised['type']}: {raised['message']}\n" if raised["message"] else f"{raised['type']}\n")
    return clean_text("".join(lines)[-MAX_TRACEBACK:], MAX_TRACEBACK)


def _culprit(exceptions: tuple[dict[str, Any], ...]) -> str:
    frames = exceptions[0]["frames"] if exceptions else []
    if not frames:
        return ""
    where = ".".join(part for part in (frames[-1]["module"], frames[-1]["function"]) if part)
    return clean_text(where, MAX_PLACE)


def _type_name(exception: Mapping[str, Any]) -> str:
    name, module = _text(exception.get("type")).strip() or "Error", _text(exception.get("module"))
    return clean_text(name if module in ("", "builtins", "exceptions") else f"{module}.{name}", 200)


def _type(event: Mapping[str, Any]) -> str:
    """The type of what is no exception: a message, or a line of a log."""
    return f"log.{_level(event.get('level')).upper()}" if event.get("logger") else "Message"


def _said(event: Mapping[str, Any]) -> str:
    entry = _dict(event.get("logentry"))
    message = event.get("message")
    told = message if isinstance(message, str) else _dict(message).get("formatted")
    return _text(entry.get("formatted") or entry.get("message") or told)


def _context(event: Mapping[str, Any]) -> dict[str, Any]:
    contexts = {name: value for name, value in _dict(event.get("contexts")).items() if name != "trace"}
    named = {name: event[name] for name in ("transaction", "logger") if event.get(name)}
    return {**named, **_dict(event.get("extra")), **contexts}


def _within(values: Mapping[str, Any], limit: int) -> dict[str, Any]:
    """As many of the values as fit into so many bytes of JSON, in their order; `omitted` names the others."""
    kept: dict[str, Any] = {}
    omitted, left = [], limit
    for name, value in ((name, _flat(value)) for name, value in values.items()):
        size = len(orjson.dumps(value)) + len(name) * 2 + 4
        if size > left:
            omitted.append(clean_text(name, 50))
            continue
        kept[name] = value
        left -= size
    return {**kept, "omitted": omitted[:20]} if omitted else kept


def _flat(value: Any, levels: int = DEEPEST) -> Any:
    if isinstance(value, dict | list) and levels == 0:
        return clean_text(_plain(value), MOST_LOCAL)
    if isinstance(value, dict):
        return {name: _flat(one, levels - 1) for name, one in value.items()}
    return [_flat(one, levels - 1) for one in value] if isinstance(value, list) else value


def _breadcrumbs(found: Any) -> Iterator[dict[str, Any]]:
    """The last of them that fit into a report."""
    listed = found.get("values") if isinstance(found, dict) else found
    kept, left = [], 180_000
    for one in [crumb for crumb in _list(listed) if isinstance(crumb, dict)][:-101:-1]:
        crumb = {
            "time": _moment(one.get("timestamp")),
            "category": clean_text(_text(one.get("category") or one.get("type")), 200),
            "level": clean_text(_text(one.get("level")), 20),
            "message": clean_text(_text(one.get("message")), 1_000),
            "data": _within(_dict(one.get("data")), 4_000),
        }
        left -= len(orjson.dumps(crumb))
        if left < 0:
            break
        kept.append(crumb)
    yield from reversed(kept)


def _moment(value: Any) -> str:
    time = _time(value)
    return "" if time is None else to_text(time)


def _time(value: Any) -> datetime | None:
    """Seconds since 1970, or text of ISO 8601; None for what is neither."""
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC)
        return from_text(value) if isinstance(value, str) and value else None
    except (ValueError, OverflowError, OSError):
        return None


def _tags(found: Any) -> Iterator[tuple[str, str]]:
    pairs = (
        found.items() if isinstance(found, dict) else [p for p in _list(found) if isinstance(p, list) and len(p) == 2]
    )
    for name, value in list(pairs)[: MAX_LABELS - 1]:
        if str(name).strip():
            yield clean_text(str(name), 100), clean_text(_plain(value), 500)


def _fingerprint(found: Any) -> tuple[str, ...]:
    parts = tuple(clean_text(_plain(part), 200) for part in _list(found)[:MAX_FINGERPRINT])
    return () if parts == ("{{ default }}",) else parts


def _level(value: Any) -> str:
    return value if value in LEVELS else "error"


def _id(value: Any) -> str | None:
    try:
        return str(UUID(hex=value)) if isinstance(value, str) else None
    except ValueError:
        return None


def _task(value: str | None) -> str | None:
    try:
        return None if value is None else require_id(value)
    except ClaudiaError:
        return None


def _plain(value: Any) -> str:
    if isinstance(value, str):
        return value
    try:
        return orjson.dumps(value).decode(errors="replace")
    except orjson.JSONEncodeError:  # it reads more levels than it writes
        return "<nested too deeply>"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
