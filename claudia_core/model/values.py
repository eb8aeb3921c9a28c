"""Rules for values that come from outside: JSON content, names, tags, numbers. Each refusal names the field."""

from __future__ import annotations

import difflib
import json
import numbers
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from claudia_core.errors import InvalidValue, TooLarge

type JSON = bool | int | float | str | list[JSON] | dict[str, JSON] | None

MAX_CONTENT_BYTES = 1_000_000
"""Largest payload or result of a task, encoded as JSON, in bytes."""

MAX_NAME = 200
MAX_MESSAGE = 2_000
MAX_TAGS = 50
MAX_LABELS = 50
MAX_TRACEBACK = 64_000
MAX_NESTING = 100
"""Most levels of lists and dicts in a payload, result or context."""

MAX_COUNT = 2**53
"""Largest count of anything: the last integer that a JSON reader using doubles keeps exact."""

_ENCODER = json.JSONEncoder(allow_nan=False, ensure_ascii=False)


def likely(name: str, known: Iterable[str]) -> str:
    """The hint for a name that is none of the known ones: the one that may have been meant, or all there are."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1)
    return f"did you mean {close[0]!r}?" if close else f"there are: {', '.join(names) or 'none'}"


def require_json(value: Any, field: str, limit: int = MAX_CONTENT_BYTES) -> JSON:
    """A plain JSON copy of `value` (tuples become lists), not over `limit` bytes.

    Raises:
        InvalidValue: the value is not JSON (an object, NaN, a key that is not text, a lone surrogate, a cycle, an
            integer of more than 64 bits, nested too deep).
        TooLarge: it is over `limit` bytes.
    """
    if value is None:
        return None
    try:
        text = _ENCODER.encode(value).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidValue(
            f"{field} is not JSON: {error}", field=field, hint="use dict, list, str, int, float, bool and None"
        ) from error
    if len(text) > limit:
        raise TooLarge(
            f"{field} is {len(text):,} bytes of JSON, over the limit of {limit:,}",
            field=field,
            hint="store the data elsewhere and keep its address here",
        )
    _require_plain(value, field)
    copy: JSON = orjson.loads(text)
    return copy


def _require_plain(value: Any, field: str) -> None:
    """Refuse what a JSON encoder would let pass, and another one would not."""
    level = [value]
    for _ in range(MAX_NESTING + 2):
        if not level:
            return
        inner: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                _require_text_keys(item, field)
                inner.extend(item.values())
            elif isinstance(item, list | tuple):
                inner.extend(item)
            elif isinstance(item, int) and not -(2**63) <= item < 2**64:
                raise InvalidValue(f"{field} holds an integer over 64 bits", field=field, hint="send it as text")
        level = inner
    raise InvalidValue(f"{field} is nested more than {MAX_NESTING} levels deep", field=field, hint="make it flatter")


def _require_text_keys(value: dict[Any, Any], field: str) -> None:
    for key in value:
        if not isinstance(key, str):
            raise InvalidValue(
                f"{field} is not JSON: the key {shown(key)} is {type(key).__name__}, not text",
                field=field,
                hint="make the keys text",
            )


def shown(value: object) -> str:
    """At most 80 characters of a value's repr, for messages. Never raises."""
    try:
        return f"{value!r:.80}"
    except Exception:  # noqa: BLE001 - a user's __repr__ may do anything; ints over 4300 digits refuse, too
        return f"<{type(value).__name__}>"


def require_text(value: object, field: str, limit: int, *, empty: bool = False) -> str:
    """`value` if it is printable text of at most `limit` characters; line breaks and tabs are allowed.

    Raises:
        InvalidValue: not text, empty, or with control characters or lone surrogates.
        TooLarge: longer than `limit`.
    """
    if not isinstance(value, str):
        raise InvalidValue(f"{field} is {type(value).__name__}, not text: {shown(value)}", field=field)
    if not empty and not value.strip():
        raise InvalidValue(f"{field} is empty", field=field)
    if len(value) > limit:
        raise TooLarge(f"{field} has {len(value):,} characters, over the limit of {limit:,}", field=field)
    if not value.isprintable() and any(_is_unsafe(char) for char in value):
        raise InvalidValue(f"{field} holds control characters or broken Unicode: {value!r:.80}", field=field)
    return value


def clean_text(value: str, limit: int, field: str = "message") -> str:
    """`value` made safe to store: control characters and lone surrogates replaced, cut at `limit` characters.

    Raises:
        InvalidValue: it is not text.
    """
    if not isinstance(value, str):
        raise InvalidValue(f"{field} is {type(value).__name__}, not text: {shown(value)}", field=field)
    if not value.isprintable():
        value = "".join("\ufffd" if _is_unsafe(char) else char for char in value[: limit + 1])
    return value if len(value) <= limit else value[: limit - 1] + "…"


def _is_unsafe(char: str) -> bool:
    return (char < " " and char not in "\n\r\t") or "\x7f" <= char <= "\x9f" or "\ud800" <= char <= "\udfff"


def require_count(value: object, field: str) -> float:
    """`value` as a plain int or float if it is a number from 0 to 2**53; whole floats become integers.

    Numpy's scalars are numbers, too; True and False are not.

    Raises:
        InvalidValue: not a number, NaN, infinite, negative or absurdly large.
    """
    number = _plain_number(value)
    if number is not None and 0 <= number <= MAX_COUNT:
        return number
    raise InvalidValue(f"{field} is {shown(value)}", field=field, hint=f"use a number from 0 to {MAX_COUNT}")


def _plain_number(value: object) -> float | None:
    if value is True or value is False or not isinstance(value, numbers.Real):
        return None
    if isinstance(value, numbers.Integral):
        return int(value)
    try:
        number = float(value)
    except OverflowError:
        return None
    return int(number) if number.is_integer() else number


def require_tags(tags: Iterable[str], field: str = "tags") -> tuple[str, ...]:
    """The tags, each once, in the given order.

    Raises:
        InvalidValue: a tag breaks the rules of `require_text`.
        TooLarge: there are more than `MAX_TAGS`.
    """
    if isinstance(tags, str | bytes | Mapping) or not isinstance(tags, Iterable):
        raise InvalidValue(f"{field} is not a list: {shown(tags)}", field=field, hint="use a list of texts")
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
    if not isinstance(labels, Mapping):
        raise InvalidValue(f"{field} is not a dict: {shown(labels)}", field=field, hint="use a dict of texts")
    if len(labels) > MAX_LABELS:
        raise TooLarge(f"{field} has {len(labels)} entries, over the limit of {MAX_LABELS}", field=field)
    return {
        require_text(name, f"{field} name", 100): require_text(value, f"{field}.{name}", 500, empty=True)
        for name, value in labels.items()
    }
