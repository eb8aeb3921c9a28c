"""Requests into checked inputs: limits while reading, JSON and query strings by the same strict rules."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError, create_model
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import Receive

from claudia_core.api.asked import refusal
from claudia_core.api.contract.operations import Operation
from claudia_core.errors import InvalidValue, Malformed, RequestTimeout, TooLarge, UnsupportedMedia

BODY_LIMIT = 2_000_000
BATCH_LIMIT = 8_000_000
"""Most bytes of a body: of one thing, and of a batch."""

BODY_SECONDS = 30.0
"""Seconds a body may take to come in."""

MAX_PARAMETERS = 200
"""Most parameters of a query string."""

BATCHES = frozenset({"tasks.create_many", "events.append"})


class Binding:
    """How an operation's input is put together: fields named in its path from there, the others from query or body."""

    def __init__(self, operation: Operation) -> None:
        names = set(re.findall(r"{(\w+)}", operation.path))
        self._input = operation.input
        self.path = part(operation.input, names, "Path") if names else None
        self.rest = part(operation.input, set(operation.input.model_fields) - names, "Body")
        self.limit = BATCH_LIMIT if operation.name in BATCHES else BODY_LIMIT
        self._is_read = operation.is_read
        self._types = {name: json_type(schema) for name, schema in properties(self.rest).items()}

    async def read(self, headers: Headers, query: bytes, receive: Receive) -> bytes:
        """What is asked beside the path, as JSON.

        Raises:
            InvalidValue and its kinds: it cannot be read, or is over a limit.
            ClientDisconnect: the client went away.
        """
        if self._is_read:
            return self._read_query(query)
        if query:
            raise InvalidValue("this address takes no query", field="query", hint="send the fields in the body")
        body = await read_body(headers, receive, self.limit)
        if body:
            require_json_type(headers)
        return body or b"{}"

    def bind(self, path: Mapping[str, str], content: bytes) -> BaseModel:
        """The checked input.

        Raises:
            InvalidValue and its kinds: a field breaks a rule.
        """
        try:
            rest = self.rest.model_validate_json(content, strict=True)
            if self.path is None:
                return rest
            return self._input.model_construct(**vars(self.path.model_validate(path)), **vars(rest))
        except ValidationError as error:
            raise _refusal(error, self.rest) from error

    def _read_query(self, query: bytes) -> bytes:
        try:
            pairs = parse_qsl(
                query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MAX_PARAMETERS
            )
        except ValueError as error:
            raise Malformed("the query cannot be read", field="query", hint="use name=value&..., as UTF-8") from error
        values: dict[str, Any] = {}
        for name, text in pairs:
            self._add(values, name, text)
        return orjson.dumps(values)

    def _add(self, values: dict[str, Any], name: str, text: str) -> None:
        type = self._types.get(name, "string")
        if type == "array":
            values.setdefault(name, []).append(text)
        elif name in values:
            raise InvalidValue(f"{name} is there twice", field=name)
        else:
            values[name] = READ[type](text)


def _refusal(error: ValidationError, model: type[BaseModel]) -> InvalidValue:
    first = error.errors(include_url=False, include_input=False)[0]
    if first["type"] == "json_invalid":
        return Malformed(first["msg"], field="body", hint="send one JSON object in UTF-8, at most 200 levels deep")
    return refusal(error, model)


def part(model: type[BaseModel], names: set[str], suffix: str) -> type[BaseModel]:
    """The model with only these fields; the model itself where these are all."""
    if names == set(model.model_fields):
        return model
    fields: dict[str, Any] = {name: (model.model_fields[name].annotation, model.model_fields[name]) for name in names}
    config = ConfigDict(**{**model.model_config, "json_schema_extra": _examples(model, names)})
    return create_model(f"{model.__name__}{suffix}", __config__=config, __doc__=model.__doc__, **fields)


def _examples(model: type[BaseModel], names: set[str]) -> dict[str, Any]:
    extra = model.model_config.get("json_schema_extra")
    if not isinstance(extra, dict) or not isinstance(extra.get("examples"), list):
        return {}
    return {"examples": [{k: v for k, v in example.items() if k in names} for example in extra["examples"]]}  # type: ignore[union-attr]


def properties(model: type[BaseModel]) -> dict[str, Any]:
    """The JSON schemas of a model's fields."""
    found: dict[str, Any] = model.model_json_schema().get("properties", {})
    return found


def json_type(schema: Mapping[str, Any]) -> str:
    """The JSON type that a field's text in a query stands for."""
    kinds = [schema, *schema.get("anyOf", ())]
    return next((kind["type"] for kind in kinds if kind.get("type", "null") != "null"), "string")


def _integer(text: str) -> int | str:
    return int(text) if re.fullmatch(r"-?[0-9]{1,18}", text) else text


READ: Mapping[str, Callable[[str], Any]] = {
    "string": str,
    "integer": _integer,
    "boolean": lambda text: {"true": True, "false": False}.get(text, text),
}
"""Texts of a query that stand for something else; what does not fit stays text, and is then refused as such."""


async def read_body(headers: Headers, receive: Receive, limit: int) -> bytes:
    """The request's body, of at most `limit` bytes, also when it comes in chunks.

    Raises:
        TooLarge, RequestTimeout, ClientDisconnect.
    """
    announced = headers.get("content-length", "0")
    if announced.isdecimal() and int(announced[:20]) > limit:
        raise _too_large(limit)
    message = await receive()
    body: bytes = message.get("body", b"")
    if message["type"] == "http.request" and not message.get("more_body", False):
        if len(body) > limit:
            raise _too_large(limit)
        return body
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await _read_on(message, receive, limit)
    except TimeoutError as error:
        raise RequestTimeout(f"the body did not come in within {BODY_SECONDS:g} s") from error


async def _read_on(message: Mapping[str, Any], receive: Receive, limit: int) -> bytes:
    parts, size = [], 0
    while True:
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > limit:
            raise _too_large(limit)
        if not message.get("more_body", False):
            return b"".join(parts)
        message = await receive()


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"the body is over the limit of {limit:,} bytes", field="body", hint="send it in several parts")


def require_json_type(headers: Headers) -> None:
    """Refuse bodies that are not plain JSON: other types are what foreign pages can send without asking.

    Raises:
        UnsupportedMedia.
    """
    type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if type != "application/json":
        raise UnsupportedMedia(f"the body's type is {type!r:.80}", hint="send Content-Type: application/json")
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise UnsupportedMedia("the body is compressed", hint="send it as it is")
