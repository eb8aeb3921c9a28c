"""Rules for values that come from outside: JSON content, names, tags, numbers. Each refusal names the field."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

from claudia_core.errors import InvalidValue, TooLarge

type JSON = None | bool | int | float | str | list[JSON] | dict[str, JSON]

MAX_CONTENT_BYTES = 1_000_000
"""Largest payload or result of a task, encoded as JSON, in bytes."""

MAX_NAME = 200
MAX_MESSAGE = 2_000
MAX_TAGS = 50
MAX_LABELS = 50
MAX_TRACEBACK = 64_000
MAX_COUNT = 2**53
"""Largest count of anything: the last integer that a JSON reader using doubles keeps exact."""


def require_json(value: Any, field: str, limit: int = MAX_CONTENT_BYTES) -> JSON:
    """A plain JSON copy of `value` (tuples become lists), not over `limit` bytes.

    Raises:
        InvalidValue: the value is not JSON (an object, NaN, a non-text key, a lone surrogate, too deep).
        TooLarge: it is over `limit` bytes.
    """
    if value is None:
        return None
    try:
        text = json.dumps(value, allow_nan=False, ensure_ascii=False)
        size = len(text.encode())
    except (TypeError, ValueError, RecursionError, UnicodeEncodeError) as error:
        raise InvalidValue(
            f"{field} is not JSON: {error}", field=field, hint="use dict, list, str, int, float, bool and None"
        ) from error
    if size > limit:
        raise TooLarge(
            f"{field} is {size:,} bytes of JSON, over the limit of {limit:,}",
            field=field,
            hint="store the data elsewhere and keep its address here",
        )
    copy: JSON = json.loads(text)
    _require_int64(copy, field)
    return copy


def _require_int64(value: JSON, field: str) -> None:
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, dict):
            pending.extend(item.values())
        elif isinstance(item, list):
            pending.extend(item)
        elif isinstance(item, int) and not -(2**63) <= item < 2**64:
            raise InvalidValue(f"{field} holds an integer of more than 64 bits", field=field, hint="send it as text")


def require_text(value: object, field: str, limit: int, *, empty: bool = False) -> str:
    """`value` if it is printable text of at most `limit` characters; line breaks and tabs are allowed.

    Raises:
        InvalidValue: not text, empty, or with control characters or lone surrogates.
        TooLarge: longer than `limit`.
    """
    if not isinstance(value, str):
        raise InvalidValue(f"{field} is {type(value).__name__}, not text: {value!r:.80}", field=field)
    if not empty and not value.strip():
        raise InvalidValue(f"{field} is empty", field=field)
    if len(value) > limit:
        raise TooLarge(f"{field} has {len(value):,} characters, over the limit of {limit:,}", field=field)
    if not value.isprintable() and any(_is_unsafe(char) for char in value):
        raise InvalidValue(f"{field} holds control characters or broken Unicode: {value!r:.80}", field=field)
    return value


def clean_text(value: str, limit: int) -> str:
    """`value` made safe to store: control characters and lone surrogates replaced, cut at `limit` characters."""
    if not value.isprintable():
        value = "".join("\ufffd" if _is_unsafe(char) else char for char in value[: limit + 1])
    return value if len(value) <= limit else value[: limit - 1] + "…"


def _is_unsafe(char: str) -> bool:
    return (char < " " and char not in "\n\r\t") or char == "\x7f" or "\ud800" <= char <= "\udfff"


def require_count(value: object, field: str) -> float:
    """`value` if it is a number from 0 to 2**53; whole floats become integers.

    Raises:
        InvalidValue: not a number, NaN, infinite, negative or absurdly large.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        if 0 <= value <= MAX_COUNT:
            return value
    elif isinstance(value, float) and math.isfinite(value):
        if 0 <= value <= MAX_COUNT:
            return int(value) if value.is_integer() else value
    elif hasattr(value, "item"):  # a numpy scalar
        return require_count(value.item(), field)
    raise InvalidValue(f"{field} is {value!r:.80}", field=field, hint=f"use a number from 0 to {MAX_COUNT}")


def require_tags(tags: Iterable[str], field: str = "tags") -> tuple[str, ...]:
    """The tags, each once, in the given order.

    Raises:
        InvalidValue: a tag breaks the rules of `require_text`.
        TooLarge: there are more than `MAX_TAGS`.
    """
    if isinstance(tags, str):
        raise InvalidValue(f"{field} is one text: {tags!r:.80}", field=field, hint="use a list of texts")
    unique = tuple(dict.fromkeys(require_text(tag, field, 100) for tag in tags))
    if len(unique) > MAX_TAGS:
        raise TooLarge(f"{field} has {len(unique)} entries, over the limit of {MAX_TAGS}", field=field)
    return unique


def require_labels(labels: Mapping[str, str], field: str = "labels") -> dict[str, str]:
    """The labels as a plain dict of texts.

    Raises:
        InvalidValue: a name or value breaks the rules of `require_text`.
        TooLarge: there are more than `MAX_LABELS`.
    """
    if len(labels) > MAX_LABELS:
        raise TooLarge(f"{field} has {len(labels)} entries, over the limit of {MAX_LABELS}", field=field)
    return {
        require_text(name, f"{field} name", 100): require_text(value, f"{field}.{name}", 500, empty=True)
        for name, value in labels.items()
    }
