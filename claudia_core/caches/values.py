"""What may be kept in a cache."""

from __future__ import annotations

import math
from typing import Any

import orjson

from claudia_core.errors import InvalidValue, TooLarge

MAX_VALUE_BYTES = 8_000_000
MAX_KEY = 1_000
MAX_SECONDS = 31_536_000.0


def encode(key: str, value: Any, ttl: float) -> bytes:
    """A value as JSON.

    Raises:
        InvalidValue: it is not JSON, or the key or the time cannot be used.
        TooLarge: it is over 8 MB.
    """
    if not key or len(key) > MAX_KEY:
        raise InvalidValue(f"the key {key!r:.80} has {len(key):,} characters", field="key", hint="use 1 to 1,000")
    if not (math.isfinite(ttl) and 0 < ttl <= MAX_SECONDS):
        raise InvalidValue(f"ttl is {ttl!r}", field="ttl", hint="use seconds above 0, a year at most")
    try:
        body = orjson.dumps(value)
    except TypeError as error:
        raise InvalidValue(f"the value of {key!r:.80} is not JSON: {error}", field="value") from error
    if len(body) > MAX_VALUE_BYTES:
        raise TooLarge(f"the value of {key!r:.80} is {len(body):,} bytes", field="value", hint="8 MB at most")
    return body
