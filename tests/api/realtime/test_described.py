"""What is written about sockets and streams is what they do: the API's document and docs/guide/realtime.md."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from jsonschema import Draft202012Validator

from claudia_core import Claudia
from claudia_core.api import rest
from claudia_core.api.realtime import mount
from claudia_core.api.realtime.described import WEBSOCKETS
from claudia_core.api.rest.openapi import document
from claudia_core.ports import Retention
from tests.api.realtime.serving import Served, hear, say

GUIDE = (Path(__file__).resolve().parents[3] / "docs/guide/realtime.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `(\{.*?\})` \| (.+?) \|$", GUIDE, re.MULTILINE)


def of(messages: list[dict[str, Any]], type: str) -> dict[str, Any]:
    """The schema of a type of message."""
    return next(schema for schema in messages if schema["properties"]["type"]["const"] == type)


def require_described(path: str, message: dict[str, Any]) -> None:
    """What was heard fits its schema, and the schema leaves nothing out."""
    schema = of(WEBSOCKETS[path]["says"], message["type"])
    Draft202012Validator(schema).validate(message)
    assert set(message) <= set(schema["properties"])


def test_the_document_tells_of_streams_and_sockets(claudia: Claudia) -> None:
    """Streams as operations with their filters, sockets beside them, because OpenAPI has no words for those."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    rest.mount(app, claudia)
    mount(app, claudia)
    found = document(app)
    stream = found["paths"]["/api/v1/events/stream"]["get"]
    assert stream["operationId"] == "events.stream"
    assert {parameter["name"] for parameter in stream["parameters"]} >= {"channel", "type", "subject", "last-event-id"}
    assert list(stream["responses"]["200"]["content"]) == ["text/event-stream"]
    assert "`bad_cursor`" in stream["responses"]["422"]["description"]
    assert found["paths"]["/events/{user_id}"]["get"]["operationId"] == "events.notifications"
    assert list(found["x-websockets"]) == ["/ws", "/ws/tasks/{id}"]


async def test_channels_say_what_is_described(served: Served) -> None:
    """Each kind of message fits its schema."""
    task = served.claudia.tasks.create("rows")
    served.append(*range(5))
    served.claudia.store.prune(Retention(events=1))
    epoch, heard = served.claudia.store.epoch, []
    async with served.ws() as client:
        heard.append(await hear(client))
        heard.append(await say(client, type="subscribe", channel="events:*", cursor=f"{epoch}:1"))
        heard += [await hear(client)]
        heard.append(await say(client, type="unsubscribe", channel="events:*"))
        heard.append(await say(client, type="ping"))
        heard.append(await say(client, type="sing"))
    for message in heard:
        require_described("/ws", message)
    assert {message["type"] for message in heard} >= {"connected", "subscribed", "message", "pong", "error"}
    async with served.ws(f"/ws/tasks/{task.id}") as client:
        require_described("/ws/tasks/{id}", await hear(client))


@pytest.mark.parametrize(("said", "answered"), ROWS, ids=[said[:40] for said, _ in ROWS])
async def test_the_guides_messages(served: Served, said: str, answered: str) -> None:
    """Each message of the guide's table is taken, and its answer has the fields that are shown."""
    served.append(*range(50))
    message = json.loads(said.replace("E:41", f"{served.claudia.store.epoch}:41"))
    async with served.ws() as client:
        await hear(client)
        if message["type"] == "unsubscribe":
            await say(client, type="subscribe", channel="tasks")
        found = await say(client, **message)
    shown = set(re.findall(r'"(\w+)":', answered.partition("; or")[0])) or {"type", "channel", "recovered", "cursor"}
    assert set(found) == shown
    assert found.get("recovered", True) is ("cursor" in message or "recovered" not in found)


def test_the_guides_table_is_read() -> None:
    """The rows that the test above runs."""
    assert [json.loads(said)["type"] for said, _ in ROWS] == ["subscribe", "subscribe", "unsubscribe", "ping"]
