"""The four ways to carry out an operation: its own `run`, REST, GraphQL and gRPC, all asked in the contract's words."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import Any, get_args, get_origin

import graphql
import grpc
import httpx2
from google.protobuf.message_factory import GetMessageClass
from google.rpc.error_details_pb2 import ErrorInfo
from grpc_status import rpc_status
from pydantic import BaseModel

from claudia_core.api import graphql as graphql_api
from claudia_core.api import problems, rest
from claudia_core.api.asked import checked
from claudia_core.api.contract.operations import OPERATIONS, Operation
from claudia_core.api.graphql.names import name_of
from claudia_core.api.graphql.schema import schema
from claudia_core.api.grpc import serve_grpc
from claudia_core.api.grpc.messages import fill, to_values
from claudia_core.api.grpc.methods import operation_of, path_of, services
from claudia_core.app import Claudia
from claudia_core.errors import ClaudiaError
from tests.api.graphql.serving import serving

TOKEN = "t" * 32
PROTOCOLS = ("run", "rest", "graphql", "grpc")

type Ask = Callable[[str, Mapping[str, Any]], Any]


class Refused(Exception):
    """An operation was refused; `code` is what the protocol told."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@contextmanager
def spoken(hub: Claudia) -> Iterator[Mapping[str, Ask]]:
    """A way to ask `hub` by each protocol, over real sockets where it has some."""
    with ExitStack() as stack:
        address = stack.enter_context(serving(hub, problems.mount, rest.mount, graphql_api.mount))
        client = stack.enter_context(httpx2.Client(base_url=f"http://{address}"))
        server = stack.enter_context(serve_grpc(hub, "127.0.0.1", 0, TOKEN))
        channel = stack.enter_context(grpc.insecure_channel(server.address))
        yield {
            "run": lambda name, values: by_run(hub, OPERATIONS[name], values),
            "rest": lambda name, values: by_rest(client, OPERATIONS[name], values),
            "graphql": lambda name, values: by_graphql(client, OPERATIONS[name], values),
            "grpc": lambda name, values: by_grpc(channel, OPERATIONS[name], values),
        }


# --- run ----------------------------------------------------------------------------------------------------------


def by_run(hub: Claudia, operation: Operation, values: Mapping[str, Any]) -> Any:
    try:
        return operation.run(hub, checked(operation.input, values))
    except ClaudiaError as error:
        raise Refused(error.code) from error


# --- REST ---------------------------------------------------------------------------------------------------------


def by_rest(client: httpx2.Client, operation: Operation, values: Mapping[str, Any]) -> Any:
    inside = {name: values[name] for name in re.findall(r"{(\w+)}", operation.path)}
    rest_of = {name: value for name, value in values.items() if name not in inside}
    path = rest.PREFIX + operation.path.format(**inside)
    if operation.is_read:
        response = client.get(path, params={name: _texts(value) for name, value in rest_of.items()})
    else:
        response = client.request(operation.method, path, json=rest_of)
    if response.is_error:
        assert response.headers["content-type"] == problems.MEDIA_TYPE
        raise Refused(response.json()["code"])
    assert response.status_code == operation.status
    return response.json()


def _texts(value: Any) -> Any:
    if isinstance(value, list):
        return [_texts(item) for item in value]
    return json.dumps(value) if isinstance(value, bool) else str(value)


# --- GraphQL ------------------------------------------------------------------------------------------------------


@cache
def _schema() -> graphql.GraphQLSchema:
    return graphql.build_schema(schema().as_str())


def by_graphql(client: httpx2.Client, operation: Operation, values: Mapping[str, Any]) -> Any:
    kind, place = ("query", _schema().query_type) if operation.is_read else ("mutation", _schema().mutation_type)
    name = camel(name_of(operation))
    assert place is not None
    asked = {camel(key): value for key, value in values.items()}
    types = {key: place.fields[name].args[key].type for key in asked}
    declared = _listed(f"${key}: {type}" for key, type in types.items())
    passed = _listed(f"{key}: ${key}" for key in types)
    query = f"{kind}{declared} {{ answer: {name}{passed} {selection(operation.output)} }}"
    variables = {key: _input(types[key], value) for key, value in asked.items()}
    answer = client.post("/graphql", json={"query": query, "variables": variables}).json()
    if "errors" in answer:
        raise Refused(answer["errors"][0]["extensions"]["code"])
    return answer["data"]["answer"]


def _listed(parts: Iterator[str]) -> str:
    text = ", ".join(parts)
    return f"({text})" if text else ""


def _input(type: Any, value: Any) -> Any:
    """A value with the names that GraphQL has for the fields of its input objects."""
    while hasattr(type, "of_type"):
        type = type.of_type
    if isinstance(value, list):
        return [_input(type, item) for item in value]
    if isinstance(type, graphql.GraphQLInputObjectType):
        return {camel(key): _input(type.fields[camel(key)].type, item) for key, item in value.items()}
    return value


def selection(model: type[BaseModel]) -> str:
    """Every field of an output, under the contract's name; an answer of nothing but items is the list itself."""
    fields = model.model_fields
    if set(fields) == {"items"}:
        return selection(_model_in(fields["items"].annotation))
    return "{ " + " ".join(_selected(name, field.annotation) for name, field in fields.items()) + " }"


def _selected(name: str, hint: Any) -> str:
    field = name if camel(name) == name else f"{name}: {camel(name)}"
    inner = _model_in(hint)
    return f"{field} {selection(inner)}" if inner else field


def _model_in(hint: Any) -> Any:
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        return hint
    args = () if get_origin(hint) is dict else get_args(hint)
    return next(filter(None, map(_model_in, args)), None)


def camel(name: str) -> str:
    return re.sub(r"_(\w)", lambda found: found[1].upper(), name)


# --- gRPC ---------------------------------------------------------------------------------------------------------


@cache
def _methods() -> Mapping[str, Any]:
    every = [method for service in services() for method in service.methods]
    return {operation.name: method for method in every if (operation := operation_of(method))}


def by_grpc(channel: grpc.Channel, operation: Operation, values: Mapping[str, Any]) -> Any:
    method = _methods()[operation.name]
    asked, answered = GetMessageClass(method.input_type), GetMessageClass(method.output_type)
    call = channel.unary_unary(path_of(method), asked.SerializeToString, answered.FromString)
    try:
        answer = call(fill(asked(), values), metadata=(("authorization", f"Bearer {TOKEN}"),), timeout=30)
    except grpc.RpcError as error:
        raise Refused(_reason(error)) from error
    return to_values(answer)


def _reason(error: Any) -> str:
    info = ErrorInfo()
    for detail in rpc_status.from_call(error).details:
        detail.Unpack(info)
    return info.reason


# --- equality -----------------------------------------------------------------------------------------------------


def normal(value: Any) -> Any:
    """What is the same in every protocol: without what is empty, names in one form, lists without their wrapping."""
    if isinstance(value, list):
        return [normal(item) for item in value]
    if not isinstance(value, dict):
        return value
    found = {snake(key): normal(item) for key, item in value.items()}
    kept = {key: item for key, item in found.items() if item not in (None, "", [], {})}
    return kept["items"] if set(kept) == {"items"} else kept


def snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])([A-Z])", lambda found: f"_{found[1].lower()}", name)


def masked(value: Any, names: frozenset[str]) -> Any:
    """The same with a star for what is another each time."""
    if isinstance(value, list):
        return [masked(item, names) for item in value]
    if isinstance(value, dict):
        return {key: "*" if key in names else masked(item, names) for key, item in value.items()}
    return value
