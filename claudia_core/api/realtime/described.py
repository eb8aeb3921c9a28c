"""What the sockets say and hear, for the API's document: OpenAPI has no words for WebSockets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from claudia_core.api.realtime.channels import NAMES
from claudia_core.api.realtime.sockets import REQUESTS

CURSOR = {"type": "string", "description": "`epoch:sequence`: the place in the log."}
GAP = {"first": {"type": "integer"}, "last": {"type": "integer"}}
LOST = {"type": "object", "properties": GAP, "description": "What is not kept any more, where some of it is not."}
EVENT = {"type": "object", "description": "A CloudEvent 1.0."}
TIME = {"type": "string", "format": "date-time"}
NAME = {"type": "string", "description": f"One of {NAMES}."}


def _message(type: str, **fields: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "required": ["type"], "properties": {"type": {"const": type}, **fields}}


ERROR = _message(
    "error",
    code={"type": "string"},
    message={"type": "string"},
    field={"type": ["string", "null"]},
    hint={"type": ["string", "null"]},
    retryable={"type": "boolean"},
)
PONG = _message("pong", timestamp=TIME, cursor=CURSOR)
"""Its timestamp and cursor come at `/ws` only."""

WEBSOCKETS: dict[str, Any] = {
    "/ws": {
        "summary": "Channels to subscribe to; a subscription with a cursor resumes there.",
        "hears": [
            _message(type, **{name: CURSOR if name == "cursor" else NAME for name in sorted(request.fields)})
            for type, request in REQUESTS.items()
        ],
        "says": [
            _message(
                "connected", client_id={"type": "string"}, timestamp=TIME, epoch={"type": "string"}, cursor=CURSOR
            ),
            _message("subscribed", channel=NAME, recovered={"type": "boolean"}, cursor=CURSOR, gap=LOST),
            _message("message", channel=NAME, data=EVENT, cursor=CURSOR, timestamp=TIME),
            _message("gap", channel=NAME, cursor=CURSOR, **GAP),
            _message("unsubscribed", channel=NAME),
            PONG,
            ERROR,
        ],
    },
    "/ws/tasks/{id}": {
        "summary": "One task, from its present state to its end; then the connection closes with 1000.",
        "hears": [_message("ping")],
        "says": [
            _message(
                "task",
                task_id={"type": "string"},
                status={"type": "string"},
                progress={"type": "object"},
                event={"type": ["string", "null"]},
                cursor=CURSOR,
                timestamp=TIME,
                error={"type": ["object", "null"]},
                task={"type": "object", "description": "The whole task, where more than progress changed."},
            ),
            PONG,
            ERROR,
        ],
    },
}
"""Each socket's messages, as JSON Schemas."""
