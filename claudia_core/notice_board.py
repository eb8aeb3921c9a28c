"""The notices that came lately, for pages that show them as they come. One for each process, bounded."""

from __future__ import annotations

import threading
from collections import deque
from typing import Any, NamedTuple

from claudia_core.model.event import Event, Gap
from claudia_core.ports import Store

MOST = 200


class Told(NamedTuple):
    """A notice, whose list it is in, and the board's version since it is known."""

    version: int
    owner: str
    notice: dict[str, Any]


class NoticeBoard:
    """Folded from `notification:sent` by the feed's thread; `version` moves with each notice that pages may show."""

    def __init__(self, store: Store) -> None:
        self.version = 0
        self._store = store
        self._lock = threading.Lock()
        self._told: deque[Told] = deque(maxlen=MOST)

    def load(self) -> int:
        """Begin now: what came before is in people's lists."""
        return self._store.head()

    def apply(self, events: list[Event], gap: Gap | None) -> None:  # noqa: ARG002 - what was missed is in the lists
        """See `feed.Follower`."""
        for event in events:
            if event.type == "notification:sent" and not event.data.get("quiet"):
                with self._lock:
                    self._told.append(Told(self.version + 1, str(event.data.get("owner", "")), event.data))
                    self.version += 1

    def since(self, version: int, owner: str) -> list[dict[str, Any]]:
        """Somebody's notices that came after a version, the oldest first; of very many the last."""
        with self._lock:
            return [told.notice for told in self._told if told.version > version and told.owner == owner]
