"""What a cache is asked: small, in its own verbs. An adapter is right when it passes `CacheConformance`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final, Protocol


class _Missing:
    """The answer where a key is not kept; not None, which can be kept."""

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = _Missing()


class Cache(Protocol):
    """Values for a while: whatever JSON can hold. A cache that is away keeps nothing, finds nothing and says so."""

    def get(self, key: str) -> Any:
        """The value kept under `key`, or `MISSING`."""
        ...

    def set(self, key: str, value: Any, ttl: float, tags: Iterable[str] = ()) -> None:
        """Keep a value for `ttl` seconds; `tags` name groups that it can be dropped with.

        Raises:
            InvalidValue: the value is not JSON, the key is empty, or the time is not above 0.
            TooLarge: the value is over 8 MB.
        """
        ...

    def delete(self, *keys: str) -> int:
        """Drop those keys; returns how many were there."""
        ...

    def invalidate_pattern(self, pattern: str) -> int:
        """Drop every key that matches, where `*` stands for anything and `?` for one character; returns how many."""
        ...

    def invalidate_tag(self, *tags: str) -> int:
        """Drop everything kept with one of those tags; returns how many were there."""
        ...

    def claim(self, key: str, seconds: float) -> str | None:
        """The right to make the value of a key, for a while: a token, or None while somebody else has it."""
        ...

    def release(self, key: str, token: str) -> None:
        """Give the right back; nothing happens when it has gone to somebody else."""
        ...

    def close(self) -> None:
        """Let go of everything; closing twice is fine."""
        ...


def matcher(pattern: str) -> re.Pattern[str]:
    """The pattern as a regular expression for whole keys."""
    parts = {"*": ".*", "?": "."}
    return re.compile("".join(parts.get(char) or re.escape(char) for char in pattern), re.DOTALL)
