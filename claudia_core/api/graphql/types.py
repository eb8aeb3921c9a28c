"""GraphQL types made from the contract's models, so that a field added there is a field here."""

from __future__ import annotations

import types as python_types
from collections.abc import Callable, Mapping
from dataclasses import MISSING
from datetime import datetime
from functools import cache
from typing import Annotated, Any, NewType, Union, get_args, get_origin

import strawberry
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from strawberry.scalars import JSON
from strawberry.types.scalar import ScalarDefinition

from claudia_core.api.contract import error_outputs, outputs

Moment = NewType("Moment", str)
Long = NewType("Long", int)

SCALARS: Mapping[object, ScalarDefinition] = {
    Moment: strawberry.scalar(
        name="DateTime",
        description="RFC 3339 text with a timezone, such as 2026-11-23T01:26:48.000000+00:00.",
        serialize=lambda value: value,
        parse_value=lambda value: value,
    ),
    Long: strawberry.scalar(
        name="Long", description="An integer of up to 64 bits.", serialize=lambda value: value, parse_value=int
    ),
}

WORDS: Mapping[object, object] = {str: str, bool: bool, float: float, int: int, datetime: Moment}


class Types:
    """Object types by the output they are made from."""

    def __init__(self) -> None:
        self._made: dict[type[BaseModel], Any] = {}

    def of(self, model: type[BaseModel]) -> Any:
        """The object type of an output, named without the `Out`."""
        return self._made.get(model) or self.make(model)

    def make(self, model: type[BaseModel], **more: Any) -> Any:
        """The same with fields that only a graph has; before any type that refers to it is made."""
        fields = model.model_fields.items()
        hints = {name: _hint(name, field.annotation, self.of, Long) for name, field in fields}
        made = _class(model, hints, _fields(model) | more)
        name = model.__name__.removesuffix("Out")
        self._made[model] = strawberry.type(made, name=name, description=model.__doc__)
        return self._made[model]


@cache
def input_type(model: type[BaseModel]) -> Any:
    """The input type of a model that is part of an operation's input."""
    hints = {name: argument_hint(name, field) for name, field in model.model_fields.items()}
    made = _class(model, hints, _fields(model, default))
    return strawberry.input(made, name=f"{model.__name__}Input", description=model.__doc__)


def _class(model: type[BaseModel], hints: Mapping[str, Any], fields: Mapping[str, Any]) -> Any:
    return type(model.__name__, (), {**fields, "__annotations__": hints})


def _fields(model: type[BaseModel], default: Callable[[FieldInfo], Any] = lambda _: MISSING) -> dict[str, Any]:
    fields = model.model_fields.items()
    return {name: strawberry.field(description=field.description, default=default(field)) for name, field in fields}


def default(field: FieldInfo) -> Any:
    """What GraphQL shows as default: nothing for a required field or one that may be left out."""
    if field.is_required():
        return strawberry.UNSET
    value = field.get_default(call_default_factory=True)
    if isinstance(value, list):
        return tuple(value)  # strawberry hashes defaults
    return strawberry.UNSET if value is None or isinstance(value, dict) else value


def argument_hint(name: str, field: FieldInfo) -> Any:
    """The type of an argument. What may be left out and has no default to show is nullable."""
    hint = _hint(name, field.annotation, input_type, int)
    is_open = not field.is_required() and default(field) is strawberry.UNSET
    return hint | None if is_open and not _takes_none(hint) else hint


def _hint(name: str, hint: Any, nested: Any, integer: object) -> Any:
    """A pydantic annotation as strawberry's; whatever has no type of its own in GraphQL is JSON."""
    origin, args = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _hint(name, args[0], nested, integer)
    if origin in (Union, python_types.UnionType) and type(None) in args and len(args) == 2:
        inner = next(arg for arg in args if arg is not type(None))
        return _hint(name, inner, nested, integer) | None
    if origin is list:
        return list[_hint("", args[0], nested, integer)]  # type: ignore[misc]
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        return nested(hint)
    if hint is str and (name == "id" or name.endswith("_id")):
        return strawberry.ID
    if hint is int:
        return integer
    return WORDS.get(hint, JSON | None if not origin else JSON)


def _takes_none(hint: Any) -> bool:
    return type(None) in get_args(hint)


def _defaults() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for model in (*vars(outputs).values(), *vars(error_outputs).values()):
        if isinstance(model, type) and issubclass(model, BaseModel):
            found |= {
                name: field.get_default(call_default_factory=True)
                for name, field in model.model_fields.items()
                if not field.is_required()
            }
    return found


DEFAULTS: Mapping[str, Any] = _defaults()
"""What a field is when an answer leaves it out, such as the traceback of an error in a list."""


def value_of(answer: Mapping[str, Any], name: str) -> Any:
    """A field of an answer, which is plain JSON as operations give it."""
    found = answer.get(name, DEFAULTS)
    return DEFAULTS.get(name) if found is DEFAULTS else found
