"""The schema: a field for each operation of the contract, and what only a graph has."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import cache
from inspect import Parameter, Signature
from typing import Annotated, Any

import strawberry
from graphql import GraphQLError
from pydantic import BaseModel
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext, ExecutionResult, Info
from strawberry.types.graphql import OperationType

from claudia_core.api.contract import outputs
from claudia_core.api.contract.operations import OPERATIONS, TABLE, Operation
from claudia_core.api.graphql.context import Context
from claudia_core.api.graphql.limits import Limits
from claudia_core.api.graphql.names import name_of
from claudia_core.api.graphql.refusals import Codes
from claudia_core.api.graphql.subscription import Subscription
from claudia_core.api.graphql.task import TYPES
from claudia_core.api.graphql.types import SCALARS, argument_hint, default, value_of

LIST = "tasks.list"
SINGLE = ("status", "type")
"""Lists in the contract of which `tasks` takes one item."""


@cache
def schema() -> strawberry.Schema:
    """The one schema of every hub."""
    reads = {name_of(operation): _field(operation) for operation in TABLE if operation.is_read}
    writes = {name_of(operation): _field(operation) for operation in TABLE if not operation.is_read}
    return Schema(
        query=_type("Query", "Questions; they change nothing.", {"tasks": _tasks(), **reads}),
        mutation=_type("Mutation", "Changes; each is saved when its answer comes.", writes),
        subscription=Subscription,
        extensions=[Limits, Codes],
        config=StrawberryConfig(default_resolver=value_of, scalar_map=SCALARS),
    )


class Schema(strawberry.Schema):
    """strawberry's schema with quieter logs, and no subscription without a socket."""

    async def execute(
        self, *args: Any, allowed_operation_types: Iterable[OperationType] | None = None, **values: Any
    ) -> ExecutionResult:
        """Answer once; what is to be answered many times goes to `stream`."""
        allowed = set(allowed_operation_types or OperationType) - {OperationType.SUBSCRIPTION}
        return await super().execute(*args, **values | {"allowed_operation_types": allowed})

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """Expected errors are answers, not log lines; unexpected ones are logged where they happen."""


def _type(name: str, doc: str, fields: Mapping[str, Any]) -> Any:
    return strawberry.type(type(name, (), dict(fields)), description=doc)


def _field(operation: Operation) -> Any:
    async def resolve(info: Info[Context, None], **values: Any) -> Any:
        answer = await info.context.carry_out(operation, plain(values))
        return answer["items"] if _is_list(operation.output) else answer

    parameters = [_parameter(name, field) for name, field in operation.input.model_fields.items()]
    return _made(resolve, parameters, _answer_type(operation.output), operation.output.__doc__)


def _tasks() -> Any:
    """`tasks`: the list itself, with one status and one type, as the guide asks for it."""

    async def resolve(info: Info[Context, None], **values: Any) -> Any:
        asked = plain(values)
        lists = {name: [asked[name]] for name in SINGLE if asked.get(name) is not None}
        others = {name: value for name, value in asked.items() if name not in SINGLE}
        return (await info.context.carry_out(OPERATIONS[LIST], others | lists))["items"]

    fields = OPERATIONS[LIST].input.model_fields
    parameters = [_parameter(name, field) for name, field in fields.items() if name not in SINGLE]
    kind, none = Parameter.KEYWORD_ONLY, strawberry.UNSET
    texts = [Parameter(name, kind, annotation=str | None, default=none) for name in SINGLE]
    doc = "Tasks, newest first, without their content. `tasksPage` takes several statuses and says what comes next."
    return _made(resolve, [*texts, *parameters], _list_of(outputs.TaskOut), doc)


def _made(resolve: Callable[..., Awaitable[Any]], parameters: Iterable[Parameter], type: Any, doc: str | None) -> Any:
    info = Parameter("info", Parameter.POSITIONAL_OR_KEYWORD, annotation=Info)
    resolve.__signature__ = Signature([info, *parameters], return_annotation=type)  # type: ignore[attr-defined]
    resolve.__annotations__ = {"info": Info, "return": type}
    return strawberry.field(resolver=resolve, description=doc)


def _parameter(name: str, field: Any) -> Parameter:
    hint = argument_hint(name, field)
    described: Any = Annotated[hint, strawberry.argument(description=field.description)]
    value = Parameter.empty if field.is_required() else default(field)
    return Parameter(name, Parameter.KEYWORD_ONLY, annotation=described, default=value)


def _is_list(output: type[BaseModel]) -> bool:
    return set(output.model_fields) == {"items"}


def _answer_type(output: type[BaseModel]) -> Any:
    if _is_list(output):
        (item,) = output.model_fields["items"].annotation.__args__  # type: ignore[union-attr]
        return _list_of(item)
    return TYPES.of(output)


def _list_of(model: type[BaseModel]) -> Any:
    return list[TYPES.of(model)]  # type: ignore[misc]  # made when the program runs


def plain(value: Any) -> Any:
    """Arguments as plain values; what was left out is not there."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if hasattr(value, "__strawberry_definition__"):
        value = vars(value)
    elif not isinstance(value, dict):
        return value
    return {name: plain(item) for name, item in value.items() if item is not strawberry.UNSET}
