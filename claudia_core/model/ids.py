"""Ids that sort by the time they were made: UUID version 7 (RFC 9562, section 5.7)."""

from __future__ import annotations

import os
import threading
import time
import uuid

from claudia_core.errors import InvalidValue


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


def new_id() -> str:
    """A new UUIDv7 as 36 characters; ids made later in this process sort after it."""
    stamp = _sequence.next()
    random = int.from_bytes(os.urandom(8)) & 0x3FFF_FFFF_FFFF_FFFF
    value = ((stamp >> 12) << 80) | (0x7 << 76) | ((stamp & 0xFFF) << 64) | (0x2 << 62) | random
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def require_id(value: object, field: str = "id") -> str:
    """`value` if it is a UUID in its 36-character form.

    Raises:
        InvalidValue: it is anything else.
    """
    if isinstance(value, str):
        try:
            return str(uuid.UUID(value))
        except ValueError:
            pass
    raise InvalidValue(f"{field} is not a UUID: {value!r:.80}", field=field, hint="leave it out to get a new one")
