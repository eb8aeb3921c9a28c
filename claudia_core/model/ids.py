"""Ids that sort by the time they were made: UUID version 7 (RFC 9562, section 5.7)."""

from __future__ import annotations

import os
import threading
import time
import uuid

from claudia_core.errors import InvalidValue
from claudia_core.model.values import shown


class _Sequence:
    """Milliseconds in the high bits and a counter in the next twelve, so that ids of one process never go back."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0

    def next(self) -> int:
        now = (time.time_ns() // 1_000_000) << 12
        with self._lock:
            self._last = max(now, self._last + 1)
            return self._last


_sequence = _Sequence()
if hasattr(os, "register_at_fork"):
    # Another thread may hold the lock at the moment of a fork: the child would wait for it for ever.
    os.register_at_fork(after_in_child=_sequence.__init__)  # type: ignore[misc]


def new_id() -> str:
    """A new UUIDv7 as 36 characters; ids made later in this process sort after it."""
    stamp = _sequence.next()
    random = int.from_bytes(os.urandom(8)) & 0x3FFF_FFFF_FFFF_FFFF
    value = ((stamp >> 12) << 80) | (0x7 << 76) | ((stamp & 0xFFF) << 64) | (0x2 << 62) | random
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def require_id(value: object, field: str = "id") -> str:
    """`value` in lower case, if it is a UUID in its 36-character form (or a `uuid.UUID`).

    Raises:
        InvalidValue: it is anything else.
    """
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, str) and len(value) == 36:
        try:
            text = str(uuid.UUID(value))
        except ValueError:
            text = ""
        if text == value.lower():
            return text
    raise InvalidValue(f"{field} is not a UUID: {shown(value)}", field=field, hint="leave it out to get a new one")
