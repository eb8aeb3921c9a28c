"""Wakes coroutines when the log grows: one follower of the feed for all of a server's streams."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager, suppress

from anyio import to_thread

from claudia_core.api.follow import Notice, Reader
from claudia_core.app import Claudia
from claudia_core.model.event import Event, Gap

PATIENCE = 2.0
"""Seconds after which a stream looks for itself, so that a missed bell or a closed store is found."""


class Wake:
    """Follows the feed while at least one stream listens. Bells belong to the event loop they are made on."""

    def __init__(self, hub: Claudia) -> None:
        self._hub = hub
        self._bells: frozenset[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = frozenset()

    @property
    def listeners(self) -> int:
        """How many streams listen."""
        return len(self._bells)

    def apply(self, events: list[Event], gap: Gap | None) -> None:  # noqa: ARG002 - what came is read by the streams
        """See `feed.Follower`; called on the feed's thread."""
        for loop, bell in self._bells:
            with suppress(RuntimeError):  # the loop was closed
                loop.call_soon_threadsafe(bell.set)

    @contextmanager
    def listening(self) -> Iterator[asyncio.Event]:
        """A bell that rings when the log grows, for as long as the block lasts."""
        listener = (asyncio.get_running_loop(), asyncio.Event())
        self._bells |= {listener}
        if self.listeners == 1:
            self._hub.feed.attach(self, self._hub.store.head)
        try:
            yield listener[1]
        finally:
            self._bells -= {listener}
            if not self._bells:
                self._hub.feed.detach(self)


async def follow(wake: Wake, reader: Reader) -> AsyncGenerator[Notice]:
    """What a reader finds, as it comes; ends when the reader does."""
    with wake.listening() as bell:
        while not reader.ended:
            bell.clear()
            notices = await to_thread.run_sync(reader.read)
            for notice in notices:
                yield notice
                await asyncio.sleep(0)  # a socket that takes all at once must not keep the loop from the others
            if not notices and not reader.is_behind:
                with suppress(TimeoutError):
                    await asyncio.wait_for(bell.wait(), PATIENCE)
