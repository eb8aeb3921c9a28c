"""What an event is called when people are told about it: a title, a few words, and where to look."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode

import orjson

from claudia_core.model.event import Event
from claudia_core.model.notice import MOST_TITLE, MOST_WORDS
from claudia_core.model.times import duration_text, to_text
from claudia_core.model.values import clean_text


class Words(NamedTuple):
    """A title on one line, text of a few, and an address below the hub's; empty where there is nothing to see."""

    title: str
    text: str
    link: str = ""


def words_of(event: Event) -> Words:
    """How people are told about an event. Nothing in it can break a line of the title or hold control characters."""
    noun = event.type.partition(":")[0]
    made = SAID.get(event.type, BY_NOUN.get(noun, _any))(event)
    title = " ".join(clean_text(made.title, MOST_TITLE).split())
    return Words(title or event.type, clean_text(made.text, MOST_WORDS), made.link)


def template_data(event: Event) -> dict[str, Any]:
    """What mail templates are filled with beside the receiver's name: the guide's words, and the event's."""
    words, data = words_of(event), event.data
    return {
        "title": words.title,
        "text": words.text,
        "event": event.type,
        "time": to_text(event.time),
        "taskId": event.subject if event.type.startswith("task:") else "",
        "taskName": _text(data, "name"),
        "duration": duration_text(data.get("duration") if isinstance(data.get("duration"), int | float) else None),
        "error": _error(data),
    }


def _task(event: Event) -> Words:
    verb = event.type.partition(":")[2]
    lines = [_error(event.data)] if event.type == "task:failed" else []
    took = template_data_duration(event.data)
    lines += [f"After {took}."] if took else []
    return Words(f"{_text(event.data, 'name') or 'A task'}: {verb}", "\n".join(filter(None, lines)), task_link(event))


def template_data_duration(data: Mapping[str, Any]) -> str:
    """How long a task took, in words; empty where that is not known."""
    seconds = data.get("duration")
    return duration_text(seconds) if isinstance(seconds, int | float) else ""


def task_link(event: Event) -> str:
    """Where a task is shown."""
    return "/tasks?" + urlencode({"id": event.subject})


def _issue(event: Event) -> Words:
    data, verb = event.data, event.type.partition(":")[2]
    where = _text(data, "culprit")
    title = f"{_text(data, 'title') or _text(data, 'type') or 'An error'}: {verb}"
    return Words(title, f"In {where}." if where else "", "/errors?" + urlencode({"id": event.subject}))


def _agent(event: Event) -> Words:
    data, verb = event.data, event.type.partition(":")[2]
    name, host = _text(data, "name") or event.subject, _text(data, "host")
    text = f"On {host}; last heard of at {_text(data, 'heartbeat_at')}." if host else ""
    return Words(f"Agent {name}: {verb}", text, "/agents")


def _health(event: Event) -> Words:
    data = event.data
    return Words(
        f"Health of {event.subject}: {_text(data, 'status')}, was {_text(data, 'before')}",
        _text(data, "output"),
        "/health",
    )


def _webhook(event: Event) -> Words:
    data, verb = event.data, event.type.partition(":")[2]
    return Words(
        f"Webhook {_text(data, 'name') or event.subject}: {verb}",
        _text(data, "reason") or _error(data),
        "/integrations",
    )


def _any(event: Event) -> Words:
    about = f" {event.subject}" if event.subject else ""
    said = orjson.dumps(event.data).decode() if event.data else ""
    return Words(f"{event.type}{about}", said[:MOST_WORDS])


BY_NOUN: Mapping[str, Callable[[Event], Words]] = {
    "task": _task,
    "issue": _issue,
    "agent": _agent,
    "webhook": _webhook,
}
SAID: Mapping[str, Callable[[Event], Words]] = {"health:changed": _health}


def _text(data: Mapping[str, Any], name: str) -> str:
    value = data.get(name)
    return value if isinstance(value, str) else ""


def _error(data: Mapping[str, Any]) -> str:
    error = data.get("error")
    if isinstance(error, dict):
        return ": ".join(filter(None, (_text(error, "type"), _text(error, "message"))))
    return error if isinstance(error, str) else ""
