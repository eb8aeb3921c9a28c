"""What becomes of a task whose run failed, or whose agent was lost."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import random
from typing import Any, Literal

from claudia_core.errors import InvalidValue
from claudia_core.model.values import require_count

LONGEST_WAIT = 86_400.0
"""Most seconds between two attempts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """When a task is tried again, as long as attempts are left.

    The first retry comes after `delay` seconds, each further one after `factor` times as long, up to `longest`; each
    wait is longer by up to `jitter` of it, at random, so that tasks that failed together do not come back together. A
    task whose agent was lost is tried again at once, or not at all where `lost` is `fail`: for work that must not be
    begun twice.
    """

    delay: float = 1.0
    factor: float = 2.0
    longest: float = 300.0
    lost: Literal["retry", "fail"] = "retry"
    jitter: float = 0.2

    def checked(self) -> RetryPolicy:
        """This, if every value is right.

        Raises:
            InvalidValue: one is not; `field` names it.
        """
        for name in ("delay", "longest"):
            if require_count(getattr(self, name), name) > LONGEST_WAIT:
                raise InvalidValue(f"{name} is {getattr(self, name)}", field=name, hint=f"up to {LONGEST_WAIT:g} s")
        if self.longest < self.delay:
            raise InvalidValue(f"longest is {self.longest:g}", field="longest", hint=f"not below delay, {self.delay:g}")
        if not 1 <= require_count(self.factor, "factor") <= 100:
            raise InvalidValue(f"factor is {self.factor}", field="factor", hint="use 1 to 100")
        if require_count(self.jitter, "jitter") > 1:
            raise InvalidValue(f"jitter is {self.jitter}", field="jitter", hint="use 0 to 1, a part of the wait")
        if self.lost not in ("retry", "fail"):
            raise InvalidValue(f"lost is {self.lost!r:.80}", field="lost", hint="use 'retry' or 'fail'")
        return self

    def wait(self, attempt: int, chance: Callable[[], float] = random) -> float:
        """Seconds to wait after that attempt, counted from 1, has failed; `chance` gives 0 to 1."""
        return self._least(attempt) * (1 + self.jitter * chance())

    def _least(self, attempt: int) -> float:
        if not self.delay:
            return 0.0
        power = min(attempt - 1, 1_000)
        try:
            return min(self.longest, self.delay * self.factor**power)
        except OverflowError:
            return self.longest

    def to_document(self) -> dict[str, Any]:
        """As plain JSON."""
        return {"delay": self.delay, "factor": self.factor, "longest": self.longest, "lost": self.lost}

    @classmethod
    def from_document(cls, document: Mapping[str, Any] | None) -> RetryPolicy | None:
        """The value that `to_document` wrote; None where there is none."""
        return None if document is None else cls(**document)
