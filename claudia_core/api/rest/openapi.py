"""The OpenAPI 3.1 document: the table of operations, and whatever else the application serves."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

import claudia_core
from claudia_core.api import problems
from claudia_core.api.contract.operations import TABLE, Operation
from claudia_core.api.contract.outputs import TaskOut
from claudia_core.api.realtime.described import WEBSOCKETS
from claudia_core.api.rest.reading import Binding, properties

PREFIX = "/api/v1"
REF = "#/components/schemas/{model}"

DESCRIPTION = """Everything the hub knows and does, as JSON.

* **Errors** are RFC 9457 problem documents; their `code` is stable, `field` names what was wrong.
* **Pages**: an answer's `next` goes into `after` of the next request; it is null at the end.
* **Repeats**: a change sent with an `Idempotency-Key` happens once within 24 hours; its repeats get the same answer.
* **Versions**: a task's `ETag` is its version. `If-None-Match` asks only for news; a change with `If-Match`
  happens only if the task is still at that version.
* **Live**: `/api/v1/events/stream` tells events as they happen. So do WebSockets: `/ws` for channels to subscribe to,
  and `/ws/tasks/{id}` for one task to its end; what they say is in this document's `x-websockets`.
"""

EXAMPLES: dict[str, dict[str, Any]] = {
    "tasks.create_many": {"tasks": [{"name": "part 1", "type": "export"}, {"name": "part 2", "type": "export"}]},
    "tasks.start": {"agent_id": "01932f3e-7b5a-7cc0-9c5d-1f2e3d4c5b6a"},
    "tasks.complete": {"result": {"rows": 1200}},
    "tasks.fail": {"message": "row 17 has no date", "type": "ValueError"},
    "tasks.rerun": {"payload": {"file_id": "file124"}},
    "filters.rename": {"name": "Broken this week"},
    "tasks.cancel": {"reason": "not needed any more"},
    "events.append": {"events": [{"type": "invoice:paid", "subject": "42", "data": {"amount": 12.5}}]},
    "progress.update": {"updates": [{"id": "01932f3e-7b5a-7cc0-9c5d-1f2e3d4c5b6a", "current": 30}]},
    "errors.report": {"type": "ValueError", "message": "row 17 has no date", "culprit": "etl.clean.parse"},
    "errors.ignore": {"more": 100},
    "errors.change": {"ids": ["0123456789abcdef0123456789abcdef"], "action": "resolve"},
    "errors.comment": {"text": "the warehouse was restarted"},
    "health.run": {"name": "disk"},
    "users.add": {"name": "ann", "scope": "operator"},
    "users.change": {"scope": "admin"},
    "keys.create": {"name": "nightly build", "scope": "operator", "days": 90},
    "sessions.end_all": {},
}

PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "What went wrong, as an RFC 9457 problem document.",
    "required": ["type", "title", "status", "detail", "code"],
    "x-codes": {code: {"status": kind.status, "title": kind.title} for code, kind in problems.KINDS.items()},
    "properties": {
        "type": {"type": "string", "format": "uri-reference", "description": "Where the code is explained."},
        "title": {"type": "string", "description": "What all problems with this code share."},
        "status": {"type": "integer", "description": "The HTTP status."},
        "detail": {"type": "string", "description": "What was wrong here."},
        "code": {"type": "string", "description": "Stable, for programs.", "enum": list(problems.KINDS)},
        "field": {"type": "string", "description": "The field that was wrong, such as `tasks.3.name`."},
        "hint": {"type": "string", "description": "What would be right."},
        "instance": {"type": "string", "format": "uri-reference", "description": "The path that was asked."},
    },
}

WHEN = {
    400: "The request cannot be read.",
    401: "No valid token was sent.",
    403: "The token does not allow this, or another site's page asks.",
    404: "Nothing has that id.",
    408: "The body took too long to come in.",
    409: "The change does not fit the present state.",
    412: "The task was changed since it was read.",
    413: "The body or a value is over its limit.",
    415: "The body is not plain JSON.",
    422: "A value breaks a rule.",
    500: "Something went wrong in the hub.",
    503: "The store cannot be reached now; try again.",
}

KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Any text of your own, such as a UUID: the change happens once, repeats get the same answer.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"},
}
IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "required": False,
    "description": "The task's `ETag`: change it only if it is still that one.",
    "schema": {"type": "string"},
}
IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "description": "An `ETag` that is known: the answer is 304 if the task is still that one.",
    "schema": {"type": "string"},
}
ETAG = {"ETag": {"description": "The task's version.", "schema": {"type": "string"}}}


def document(app: FastAPI) -> dict[str, Any]:
    """The document as it is served."""
    described = [Described(operation) for operation in TABLE]
    models = [(model, "validation") for item in described if (model := item.body) is not None]
    models += [(item.operation.output, "serialization") for item in described]
    _, schemas = models_json_schema(list(dict.fromkeys(models)), ref_template=REF)  # type: ignore[arg-type]
    others = _others(app)
    paths: dict[str, dict[str, Any]] = defaultdict(dict, others.get("paths", {}))
    for item in described:
        paths[PREFIX + item.operation.path][item.operation.method.lower()] = item.document()
    known = {**others.get("components", {}).get("schemas", {}), **schemas.get("$defs", {}), "Problem": PROBLEM}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Claudia", "version": claudia_core.__version__, "description": DESCRIPTION},
        "tags": [{"name": noun} for noun in dict.fromkeys(item.noun for item in described)],
        "paths": dict(paths),
        "components": {
            "schemas": known,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"token": []}],
        "x-websockets": WEBSOCKETS,
    }


def _others(app: FastAPI) -> dict[str, Any]:
    """What FastAPI knows of the routes that others added; its own form of validation errors is not what is sent."""
    routes = [route for route in app.routes if getattr(route, "include_in_schema", True)]  # routers say nothing of it
    found = get_openapi(title="Claudia", version=claudia_core.__version__, routes=routes)
    for methods in found.get("paths", {}).values():
        for described in methods.values():
            refused = {status for status, answer in described["responses"].items() if _is_refusal(status, answer)}
            described["responses"] |= {status: _problem(int(status)) for status in {*refused, "400", "401", "403"}}
    for name in ("HTTPValidationError", "ValidationError"):
        found.get("components", {}).get("schemas", {}).pop(name, None)
    return found


NAMED = frozenset({"user", "template"})
"""Fields of questions that name something, which may not be there."""


def _is_refusal(status: str, answer: dict[str, Any]) -> bool:
    return status == "422" or problems.MEDIA_TYPE in answer.get("content", {})


class Described:
    """An operation in the document's terms."""

    def __init__(self, operation: Operation) -> None:
        self.operation = operation
        self.noun = operation.name.partition(".")[0]
        self._binding = Binding(operation)
        self._is_task = operation.output is TaskOut

    @property
    def body(self) -> type[BaseModel] | None:
        """What its body holds; None where it has none."""
        rest = self._binding.rest
        return None if self.operation.is_read or not rest.model_fields else rest

    def document(self) -> dict[str, Any]:
        """Its Operation Object."""
        described: dict[str, Any] = {
            "operationId": self.operation.name,
            "tags": [self.noun],
            "summary": self.operation.run.__name__.replace("_", " ").capitalize(),
            "description": self._description(),
            "parameters": [*self._parameters(), *self._headers()],
            "responses": self._responses(),
        }
        if self.body is not None:
            described["requestBody"] = self._request_body(self.body)
        return described

    def _description(self) -> str:
        asked = (self.operation.input.__doc__ or "").strip()
        answered = (self.operation.output.__doc__ or "").strip()
        return f"{asked}\n\nAnswers: {answered}\n\nFor the scope `{self.operation.scope}`."

    def _parameters(self) -> list[dict[str, Any]]:
        found = []
        if self._binding.path is not None:
            found += [_parameter("path", name, schema) for name, schema in properties(self._binding.path).items()]
        if self.operation.is_read:
            found += [_parameter("query", name, schema) for name, schema in properties(self._binding.rest).items()]
        return found

    def _headers(self) -> list[dict[str, Any]]:
        if self.operation.is_read:
            return [IF_NONE_MATCH] if self._is_task else []
        return [KEY, IF_MATCH] if self._is_task and self._binding.path else [KEY]

    def _request_body(self, model: type[BaseModel]) -> dict[str, Any]:
        content: dict[str, Any] = {"schema": {"$ref": REF.format(model=model.__name__)}}
        if self.operation.name in EXAMPLES:
            content["example"] = EXAMPLES[self.operation.name]
        is_required = any(field.is_required() for field in model.model_fields.values())
        return {"required": is_required, "content": {"application/json": content}}

    def _responses(self) -> dict[str, Any]:
        schema = {"$ref": REF.format(model=self.operation.output.__name__)}
        good: dict[str, Any] = {
            "description": (self.operation.output.__doc__ or "").strip(),
            "content": {"application/json": {"schema": schema}},
        }
        if self._is_task:
            good["headers"] = ETAG
        found: dict[str, Any] = {str(self.operation.status): good}
        if self.operation.is_read and self._is_task:
            found["304"] = {"description": "The task is still the one that is known.", "headers": ETAG}
        return found | {str(status): _problem(status) for status in self._statuses()}

    def _statuses(self) -> list[int]:
        found = [400, 401, 403, 413, 422, 500, 503]
        is_named = not NAMED.isdisjoint(self.operation.input.model_fields)
        found += [404] if self._binding.path is not None or not self.operation.is_read or is_named else []
        found += [] if self.operation.is_read else [408, 409, 415]
        found += [412] if not self.operation.is_read and self._is_task and self._binding.path else []
        return sorted(found)


def _parameter(place: str, name: str, schema: dict[str, Any]) -> dict[str, Any]:
    plain = {key: value for key, value in schema.items() if key not in ("title", "description")}
    if place == "query" and "anyOf" in plain:  # a query knows no null: left out is left out
        kinds = [kind for kind in plain.pop("anyOf") if kind.get("type") != "null"]
        plain = {**plain, **kinds[0]}
    plain = {key: value for key, value in plain.items() if not (key == "default" and value is None)}
    described = {"name": name, "in": place, "required": place == "path", "schema": plain}
    if "description" in schema:
        described["description"] = schema["description"]
    return described


def _problem(status: int) -> dict[str, Any]:
    codes = [code for code, kind in problems.KINDS.items() if kind.status == status] or ["access_denied"]
    example = {
        "type": f"/api/docs#{codes[0]}",
        "title": problems.KINDS[codes[0]].title,
        "status": status,
        "detail": WHEN[status],
        "code": codes[0],
    }
    content = {"schema": {"$ref": REF.format(model="Problem")}, "example": example}
    codes_text = ", ".join(f"`{code}`" for code in codes)
    return {"description": f"{WHEN[status]} Codes: {codes_text}.", "content": {problems.MEDIA_TYPE: content}}
