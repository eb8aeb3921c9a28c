"""Between protobuf messages and plain JSON: the one border, so that an operation needs no code of its own here.

A Timestamp is RFC 3339 text, a Value or Struct is JSON, and a message with nothing but `items` is a list where JSON
has one. Fields have the contract's names; `observedValue` is `observed_value` here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.struct_pb2 import Struct, Value
from google.protobuf.timestamp_pb2 import Timestamp

from claudia_core.errors import InvalidValue, Malformed
from claudia_core.model.times import to_text

MAX_NESTING = 28
"""Levels of JSON that protobuf, which reads 100 levels of messages, can take: three for one of an object."""

MAX_EXACT = 2**53
"""Largest whole number that a double keeps exact."""


def parse[M: Message](kind: type[M], data: bytes) -> M:
    """The message that was sent.

    Raises:
        Malformed: the bytes are no such message, not UTF-8 or nested too deeply.
    """
    try:
        return kind.FromString(data)
    except DecodeError as error:
        raise Malformed(f"this is no {kind.DESCRIPTOR.full_name}: {error}") from error


# --- messages into JSON -------------------------------------------------------------------------------------------


def to_values(message: Message) -> dict[str, Any]:
    """A request as plain values. What is not set is left out, so that the contract's defaults hold.

    Raises:
        InvalidValue: a Timestamp is out of range.
    """
    found = {}
    field: FieldDescriptor
    for field in message.DESCRIPTOR.fields:  # type: ignore[assignment]  # one of two implementations
        if field.has_presence and not message.HasField(field.name):
            continue
        value = getattr(message, field.name)
        if field.is_repeated and not value:
            continue
        found[field.name] = _from_field(field, value)
    return found


def _from_field(field: FieldDescriptor, value: Any) -> Any:
    if _is_map(field):
        return {key: _from_single(field, item) for key, item in value.items()}
    if field.is_repeated:
        return [_from_single(field, item) for item in value]
    return _from_single(field, value)


def _from_single(field: FieldDescriptor, value: Any) -> Any:
    if not isinstance(value, Message):
        return value
    if isinstance(value, Timestamp):
        return _from_timestamp(field.name, value)
    if isinstance(value, Struct):
        return {key: from_json_value(item) for key, item in value.fields.items()}
    if isinstance(value, Value):
        return from_json_value(value)
    return to_values(value)


def _from_timestamp(name: str, value: Timestamp) -> str:
    try:
        return to_text(value.ToDatetime(UTC))
    except (ValueError, OverflowError) as error:
        raise InvalidValue(f"{name} is out of range", field=name, hint="use the years 1 to 9999") from error


def from_json_value(value: Value) -> Any:
    """A Value as JSON; whole numbers become integers."""
    kind = value.WhichOneof("kind")
    if kind == "number_value":
        number = value.number_value
        return int(number) if abs(number) <= MAX_EXACT and number.is_integer() else number
    if kind == "struct_value":
        return {key: from_json_value(item) for key, item in value.struct_value.fields.items()}
    if kind == "list_value":
        return [from_json_value(item) for item in value.list_value.values]
    return None if kind in (None, "null_value") else getattr(value, kind)


# --- JSON into messages -------------------------------------------------------------------------------------------


def fill[M: Message](message: M, answer: Mapping[str, Any]) -> M:
    """Put an answer into a message. What the message has no field for is left out."""
    fields = fields_of(message.DESCRIPTOR)
    for name, value in answer.items():
        field = fields.get(name)
        if field is not None and (value is not None or _is_value(field)):
            _set(message, field, value)
    return message


@cache
def fields_of(descriptor: Descriptor) -> Mapping[str, FieldDescriptor]:
    """The fields by the names that JSON may have for them."""
    return {name: field for field in descriptor.fields for name in (field.json_name, field.name)}


def _set(message: Message, field: FieldDescriptor, value: Any) -> None:
    target = getattr(message, field.name)
    if _is_map(field):
        _set_map(target, field, value)
    elif field.is_repeated:
        _extend(target, field, value)
    elif field.message_type is None:
        setattr(message, field.name, value)
    else:
        target.SetInParent()
        _put(target, value)


def _set_map(target: Any, field: FieldDescriptor, value: Mapping[str, Any]) -> None:
    if _value_type(field) is None:
        target.update(value)
        return
    for key, item in value.items():
        _put(target[key], item)


def _extend(target: Any, field: FieldDescriptor, value: list[Any]) -> None:
    if field.message_type is None:
        target.extend(value)
        return
    for item in value:
        _put(target.add(), item)


def _put(target: Message, value: Any) -> None:
    if isinstance(target, Timestamp):
        target.FromDatetime(datetime.fromisoformat(value))
    elif isinstance(target, Value):
        to_json_value(target, value)
    elif isinstance(target, Struct):
        for key, item in value.items():
            to_json_value(target.fields[key], item)
    else:
        fill(target, {"items": value} if isinstance(value, list) else value)


def to_json_value(target: Value, value: Any, level: int = 1) -> None:
    """Put JSON into a Value; what it cannot hold exactly becomes text."""
    if level > MAX_NESTING and isinstance(value, dict | list):
        value = json.dumps(value, ensure_ascii=False)
    if isinstance(value, dict):
        target.struct_value.SetInParent()
        for key, item in value.items():
            to_json_value(target.struct_value.fields[key], item, level + 1)
    elif isinstance(value, list):
        target.list_value.SetInParent()
        for item in value:
            to_json_value(target.list_value.values.add(), item, level + 1)
    else:
        _put_plain(target, value)


def _put_plain(target: Value, value: Any) -> None:
    if value is None:
        target.null_value = 0  # type: ignore[assignment]  # the one value of the enum
    elif isinstance(value, bool):
        target.bool_value = value
    elif isinstance(value, str):
        target.string_value = value
    elif isinstance(value, int) and abs(value) > MAX_EXACT:
        target.string_value = str(value)
    else:
        target.number_value = value


def _is_map(field: FieldDescriptor) -> bool:
    return field.message_type is not None and bool(field.message_type.GetOptions().map_entry)


def _value_type(field: FieldDescriptor) -> Descriptor | None:
    entry = field.message_type
    assert entry is not None, "asked for maps only"
    return entry.fields_by_name["value"].message_type


def _is_value(field: FieldDescriptor) -> bool:
    return field.message_type is not None and field.message_type.full_name == Value.DESCRIPTOR.full_name
