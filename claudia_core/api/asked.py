"""From what a caller sent to an operation's input: one place, so that every protocol refuses the same with one code."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from claudia_core.errors import InvalidValue, Malformed, TooLarge
from claudia_core.model.values import likely

TOO_LARGE = frozenset({"string_too_long", "too_long"})
"""Pydantic's error types that mean a value over its limit."""


def checked[Input: BaseModel](model: type[Input], values: Mapping[str, Any]) -> Input:
    """`values` as the operation's input.

    Raises:
        InvalidValue: a value breaks a rule, or a field is unknown; `field` names the first one.
        TooLarge: a text or list is too long.
        Malformed: the values are not JSON, or nested too deeply.
    """
    try:
        return model.model_validate_json(_text(values), strict=True)
    except ValidationError as error:
        raise refusal(error, model) from error


def _text(values: Mapping[str, Any]) -> bytes:
    """As JSON, because strict rules for JSON are not those for Python values: a date is text there."""
    try:
        return json.dumps(values).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise Malformed(f"this is not JSON: {error}") from error


def refusal(error: ValidationError, model: type[BaseModel]) -> InvalidValue:
    """Pydantic's finding as an error of ours; only the first one, and never what was sent."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    if first["type"] == "json_invalid":
        return Malformed(first["msg"], field="body", hint="send one JSON object in UTF-8, at most 200 levels deep")
    field = ".".join(str(part) for part in first["loc"]) or None
    if first["type"] == "extra_forbidden" and len(first["loc"]) == 1:
        return unknown_field(str(field), model.model_fields)
    kind = TooLarge if first["type"] in TOO_LARGE else InvalidValue
    message = first["msg"][0].lower() + first["msg"][1:]
    return kind(f"{field}: {message}" if field else message, field=field)


def unknown_field(field: str, known: Iterable[str]) -> InvalidValue:
    """There is no such field; the one that may have been meant, or all there are."""
    return InvalidValue(f"there is no field {field!r:.80}", field=field, hint=likely(field, known))
