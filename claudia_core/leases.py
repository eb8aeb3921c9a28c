"""How one process judges another's lease without trusting anybody's clock alone."""

from __future__ import annotations

import time
from collections.abc import Callable

from claudia_core.ports import Document


class Sighting:
    """What this process has seen of another's lease.

    A lease is over when its time is, by the store's time. But that time never goes back: after a clock that was an hour
    ahead, it stands still for an hour, and no lease would end. So a lease is over, too, when it was seen not to be
    renewed for as long as it lasts, by this process's own count of seconds. `beat` counts the renewals.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._seen: tuple[object, ...] | None = None
        self._since = 0.0

    def is_over(self, found: Document) -> bool:
        """Whether the lease was seen unchanged for as long as it lasts."""
        mark = (found["holder"], found["until"], found.get("beat"))
        if mark != self._seen:
            self._seen, self._since = mark, self._now()
            return False
        return "beat" in found and self._now() - self._since > found["lease"]
