"""Events of the log as rows of cells, with names in place of ids. Without panel."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from claudia_core.model.event import Event
from claudia_core.model.times import to_text
from claudia_core.ports import Reader
from dashboards import units
from dashboards.cells.tasks import VERBS, Row, fact, task_href

NAMED = {"tasks": "name", "agents": "name", "issues": "title"}
"""Where subjects have their names: collection and field."""

type Names = dict[str, tuple[str, str]]
"""By subject: the collection it was found in, empty for none, and its name."""

MOST_SAID = 300


def named(reader: Reader, events: Iterable[Event], known: Names) -> Names:
    """The names of what these events are about; `known` ones are not looked up again."""
    names = {event.subject: known[event.subject] for event in events if event.subject in known}
    missing = {event.subject for event in events} - names.keys() - {""}
    for collection, field in NAMED.items():
        if missing:
            found = reader.get_many(collection, missing)
            names |= {id: (collection, str(document.get(field) or id)) for id, document in found.items()}
            missing -= found.keys()
    return names | {subject: ("", subject) for subject in missing}


def subject(event: Event, names: Names) -> Row | None:
    """The cell of what an event is about: a task's name leads to the task."""
    if not event.subject:
        return None
    collection, name = names.get(event.subject, ("", event.subject))
    return {"text": name, "href": task_href(event.subject) if collection == "tasks" else None}


def row(event: Event, names: Names, chosen: int = 0) -> Row:
    """An event as a row of the log."""
    time = to_text(event.time)
    return {
        "id": str(event.sequence),
        "event": {"text": event.type, "href": f"./events?seq={event.sequence}", "key": str(event.sequence)},
        "about": subject(event, names),
        "says": says(event),
        "at": time,
        "time": time,
        "sequence": f"{event.sequence:,}",
        "tone": "chosen" if event.sequence == chosen else "",
    }


def says(event: Event) -> str:
    """What happened, in words without the subject's name."""
    data, word = event.data, event.type.partition(":")[2]
    if event.type == "progress:updated":
        text = units.done(data.get("current") or 0, data.get("total"), data.get("unit") or "items")
        return _joined(text, data.get("message"))
    if event.type == "error:reported":
        return _joined(data.get("type"), data.get("message"), ": ")
    error = data.get("error")
    if isinstance(error, Mapping):
        return _joined(error.get("type"), error.get("message"), ": ")
    if word not in VERBS:
        return _content(data) if data else word
    attempt = data.get("attempt", 1)
    return _joined(VERBS[word], f"attempt {attempt}" if attempt != 1 else data.get("message"))


def _joined(first: Any, second: Any, by: str = " · ") -> str:
    return by.join(str(part) for part in (first, second) if part)[:MOST_SAID]


def _content(data: Mapping[str, Any]) -> str:
    plain = {key: value for key, value in data.items() if not isinstance(value, (dict, list)) and value is not None}
    return ", ".join(f"{key}: {value}" for key, value in list(plain.items())[:8])[:MOST_SAID]


def facts(event: Event, names: Names) -> list[Row]:
    """What there is to know about an event apart from its content."""
    about = subject(event, names)
    kind = "link" if about and about["href"] else "text"
    found = (
        fact("Type", "text", event.type),
        fact("About", kind, about if kind == "link" else about and about["text"]),
        fact("When", "when", to_text(event.time)),
        fact("Sequence", "text", f"{event.sequence:,}"),
        fact("Subject", "id", event.subject),
        fact("Cursor", "id", str(event.cursor)),
    )
    return [line for line in found if line is not None]


def content(event: Event) -> list[Row]:
    """The whole event as CloudEvents JSON; not shortened, because it is there to be copied."""
    text = orjson.dumps(event.to_cloudevent(), option=orjson.OPT_INDENT_2, default=str).decode()
    return [{"id": "CloudEvent", "label": "CloudEvent", "value": text}]
