"""A hub elsewhere in the place of a store: its log can be read and followed; its documents are reached by services."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn, cast

from claudia_core.bus import EventBus
from claudia_core.clients.filters import RemoteFilters
from claudia_core.clients.health import RemoteHealth
from claudia_core.clients.http import Connection
from claudia_core.clients.hub import RemoteAgents, RemoteErrors, RemoteEvents, log_status
from claudia_core.clients.outbox import Outbox
from claudia_core.clients.streams import EventStream
from claudia_core.clients.tasks import RemoteProgress, RemoteTasks
from claudia_core.clients.transport import Address
from claudia_core.clients.webhooks import RemoteWebhooks
from claudia_core.errors import BadCursor, ClaudiaError, StoreError
from claudia_core.feed import Feed
from claudia_core.logs import get_logger
from claudia_core.model.event import Cursor, Event, EventSlice, Gap
from claudia_core.ports import LogStatus, Store

logger = get_logger(__name__)

TIMEOUT = 10.0
PATIENCE = 10.0
"""Seconds for one answer, and for all tries: work that is watched should not wait long for a hub that is away."""

REFUSED: Mapping[str, str] = {
    "write": "changes are made by the services, such as tasks.create()",
    "post": "changes are made by the services, such as progress.update()",
    "snapshot": "pages and boards are shown by the hub itself",
    "get": "use tasks.get() and its like",
    "get_many": "use tasks.get() and its like",
    "find": "use tasks.list() and its like",
    "count": "use tasks.counts()",
    "samples": "rollups are shown by the hub itself",
    "sequence_at": "use events.list(since=...)",
    "prune": "it prunes its log itself",
}
"""Methods of `ports.Store` that do not work from elsewhere, and what does."""

LOOK = 0.5
"""Seconds between two looks at the log's head."""


class RemoteStore:
    """A hub behind an address, with its services. What a page would need of its documents is refused."""

    def __init__(self, address: Address, *, lease: float = 15.0) -> None:
        self.connection = Connection(address, timeout=TIMEOUT, patience=PATIENCE)
        self.outbox = Outbox(self.connection)
        self.tasks = RemoteTasks(self.connection, self.outbox)
        self.progress = RemoteProgress(self.connection, self.outbox)
        self.errors = RemoteErrors(self.connection)
        self.log = RemoteEvents(self.connection)
        self.agents = RemoteAgents(self.connection, self.outbox, lease)
        self.health = RemoteHealth(self.connection)
        self.webhooks = RemoteWebhooks(self.connection)
        self.filters = RemoteFilters(self.connection)

    @property
    def url(self) -> str:
        """The hub's address, without the token."""
        return self.connection.address.base

    @property
    def epoch(self) -> str:
        """Names the hub's log."""
        return self.log_status().epoch

    def log_status(self) -> LogStatus:
        """See `ports.Store`."""
        return log_status(self.connection)

    def head(self) -> int:
        """See `ports.Reader`."""
        return self.log_status().head

    def events(self, after: int, limit: int = 500, types: Sequence[str] = (), subject: str | None = None) -> EventSlice:
        """See `ports.Reader`; at most 1,000 at once."""
        cursor = Cursor(self.epoch, after)
        return self.log.list(after=cursor, types=types, subject=subject, limit=min(limit, 1_000))

    def wait(self, after: int, timeout: float) -> int:
        """See `ports.Store`."""
        until = time.monotonic() + timeout
        while (head := self.head()) <= after and (rest := until - time.monotonic()) > 0:
            time.sleep(min(LOOK, rest))
        return head

    def flush(self, timeout: float = 30.0) -> None:
        """See `ports.Store`."""
        self.outbox.flush(timeout)

    def close(self) -> None:
        """See `ports.Store`."""
        self.outbox.stop()
        self.connection.close()

    def __getattr__(self, name: str) -> Any:
        """What else `ports.Store` has belongs to the hub itself; calling it raises StoreError."""
        if name not in REFUSED:
            raise AttributeError(name)
        hint = f"its pages are at {self.url}"

        def refuse(*_: object, **__: object) -> NoReturn:
            raise StoreError(f"the hub is elsewhere and does not lend its store: {REFUSED[name]}", hint=hint)

        return refuse


class RemoteFeed(Feed):
    """See `feed.Feed`; fed by the hub's stream of events, which is resumed after the hub was away."""

    def __init__(self, store: RemoteStore, bus: EventBus) -> None:
        super().__init__(cast("Store", store), bus)  # all that a feed asks of it is there
        self._remote = store
        self._epoch = ""
        self._stream: EventStream | None = None

    def _begin(self) -> int:
        status = self._remote.log_status()
        self._epoch = status.epoch
        return status.head

    def stop(self) -> None:
        """See `feed.Feed`."""
        self._stopped.set()
        if self._stream is not None:
            self._stream.close()
        super().stop()

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self._follow()
                self.error = None
            except ClaudiaError as error:
                if self.error is None:
                    logger.warning("the feed cannot follow the hub and tries again", error=str(error))
                self.error = error
                self._stopped.wait(0.5)

    def _follow(self) -> None:
        cursor = str(Cursor(self._epoch, self.position))
        self._stream = EventStream(self._remote.connection.address, after=cursor)
        if self._stopped.is_set():
            return
        try:
            for found in self._stream:
                self._hand_on(_slice(found))
        except BadCursor as error:
            logger.warning("the hub has another log now: events between may be missing", error=str(error))
            self.position = self._begin()


def _slice(found: Event | Gap) -> EventSlice:
    if isinstance(found, Gap):
        return EventSlice([], found.last, found)
    return EventSlice([found], found.sequence)
