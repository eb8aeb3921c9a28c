"""The log's way from the feed's thread to all sockets and streams of a process.

There is no queue per client. A client is a position in the log: it writes what lies behind that, as fast as it can be
written to. The newest events come from one shared window in memory, encoded once; who is further behind reads the store
at its own pace. So a slow client costs nothing more and loses nothing, until retention deletes what it has not read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from claudia_core.api.realtime.entries import Batch, Entry, View, Window, batch_of, entry_of
from claudia_core.api.realtime.limits import Limits
from claudia_core.app import Claudia
from claudia_core.errors import ClaudiaError
from claudia_core.logs import get_logger
from claudia_core.model.event import Cursor, Event, Gap

log = get_logger(__name__)

type Waiter = tuple[asyncio.Future[None], Callable[[], bool] | None]

TURN = 100
"""Readers told of news before the loop turns to something else."""

PAGE = 200
"""Events read from the store at once for one client."""

SCAN = 1_000
"""Most entries of the window looked at for one batch."""

PREFILL = 500
"""Newest events read when the relay starts, so that clients that come back after a restart find them in memory."""

SHARED = 64
"""Most batches kept for other clients at the same position."""


class Relay:
    """Follows the feed and serves readers on one asyncio loop. All but `apply` belongs to that loop."""

    def __init__(self, claudia: Claudia, limits: Limits) -> None:
        self._claudia = claudia
        self._limits = limits
        self._window = Window(limits.window_events, limits.window_bytes)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._starting: asyncio.Task[None] | None = None
        self._waiters: list[Waiter] = []
        self._crowd = 64
        self._is_poked = False
        self._shared: dict[object, Batch] = {}
        self._readers = ThreadPoolExecutor(2, thread_name_prefix="claudia-replay")

    @property
    def head(self) -> int:
        """The newest sequence handed on by the feed."""
        return self._window.head

    def cursor(self, position: int | None = None) -> str:
        """The cursor at a position, or at the head."""
        return str(Cursor(self._claudia.store.epoch, self.head if position is None else position))

    # --- from the feed --------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Follow the feed from now on; waits until the first caller's start is done.

        Raises:
            StoreError: the log cannot be read; the next caller tries again.
        """
        if self._starting is None:
            self._loop = asyncio.get_running_loop()
            self._starting = asyncio.create_task(asyncio.to_thread(self._claudia.feed.attach, self, self._load))
        try:
            await asyncio.shield(self._starting)
        except ClaudiaError:
            self._starting = None
            raise

    def _load(self) -> int:
        head = self._claudia.store.head()
        part = self._claudia.store.events(max(0, head - PREFILL), PREFILL)
        head = max(head, part.events[-1].sequence) if part.events else head
        self._window.begin(part.events[0].sequence - 1 if part.events else head)
        self._window.add([entry_of(event) for event in part.events], head)
        return head

    def apply(self, events: list[Event], gap: Gap | None) -> None:
        """See `feed.Follower`: one wake-up of the loop for each slice, and none while one is under way."""
        head = events[-1].sequence if events else gap.last if gap else self.head
        self._window.add([entry_of(event) for event in events], head)
        if self._is_poked or self._loop is None:
            return
        self._is_poked = True
        try:
            self._loop.call_soon_threadsafe(self._wake)
        except RuntimeError:  # the loop was closed: there is nobody left to serve
            self._claudia.feed.detach(self)

    def _wake(self) -> None:
        self._is_poked = False
        self._shared.clear()
        waiters, self._waiters = self._waiters, []
        self._tell(waiters)

    def _tell(self, waiters: list[Waiter]) -> None:
        """Tell the waiters, some at a time: others on the loop have their turn in between."""
        for waiter in waiters[:TURN]:
            done, take = waiter
            if done.done():
                continue
            if take is not None and self._takes(take):
                self._waiters.append(waiter)
            else:
                done.set_result(None)
        if len(waiters) > TURN:
            asyncio.get_running_loop().call_soon(self._tell, waiters[TURN:])

    def _takes(self, take: Callable[[], bool]) -> bool:
        try:
            return take()
        except Exception:  # one reader must not hurt another
            log.exception("a reader of the relay failed", reader=repr(take))
            return False

    def close(self) -> None:
        """Let go of the feed and wake all readers for the last time."""
        self._claudia.feed.detach(self)
        self._readers.shutdown(wait=False, cancel_futures=True)
        if self._loop is not None:
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._wake)

    # --- to the readers -------------------------------------------------------------------------------------------

    def waiter(self, take: Callable[[], bool] | None = None) -> asyncio.Future[None]:
        """Done when the head moves, or when somebody else sets its result.

        `take` is called when the head moves: where it takes the news at once and says True, the waiting goes on.
        """
        done = asyncio.get_running_loop().create_future()
        if len(self._waiters) >= self._crowd:
            self._waiters = [waiter for waiter in self._waiters if not waiter[0].done()]
            self._crowd = 2 * len(self._waiters) + 64
        self._waiters.append((done, take))
        return done

    async def read(self, view: View, position: int, until: int | None = None, subject: str | None = None) -> Batch:
        """What `view` shows behind `position`, up to `until` or the head, at most about `batch_bytes`.

        Raises:
            StoreError: the log had to be read from the store, which failed.
        """
        batch = self.recent(view, position, until)
        if batch is not None:
            return batch
        work = asyncio.get_running_loop().run_in_executor(self._readers, self._replay, view, position, until, subject)
        return await work

    def recent(self, view: View, position: int, until: int | None = None) -> Batch | None:
        """The same from memory; None when it lies too far back."""
        key = (view.key, position, until)
        shared = self._shared.get(key)
        if shared is not None:
            return shared
        entries = self._window.after(position, SCAN)
        if entries is None:
            return None
        batch = self._batch(view, position, entries, until)
        if len(self._shared) >= SHARED:
            self._shared.clear()
        self._shared[key] = batch
        return batch

    def _batch(self, view: View, position: int, entries: list[Entry], until: int | None) -> Batch:
        last = entries[-1].sequence if entries else position
        end = last if until is None else min(last, until)
        return batch_of(view, entries, end, self._limits.batch_bytes)

    def _replay(self, view: View, position: int, until: int | None, subject: str | None) -> Batch:
        part = self._claudia.store.events(position, PAGE, (), subject)
        end = part.position if until is None else min(part.position, until)
        gap = None if part.gap is None else Gap(part.gap.first, min(part.gap.last, end))
        return batch_of(view, map(entry_of, part.events), end, self._limits.batch_bytes, gap)

    async def now(self) -> int:
        """The log's head: everything saved until now lies before it. The feed may be a little behind."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._claudia.store.head)

    async def resume(self, cursor: str) -> tuple[int, Gap | None]:
        """Where a reader with that cursor goes on, and what is lost before.

        Raises:
            BadCursor: it cannot be read, belongs to another log, or lies beyond the head.
        """
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._resume, cursor)

    def _resume(self, cursor: str) -> tuple[int, Gap | None]:
        position = self._claudia.events.position_of(cursor)
        gap = self._claudia.store.events(position, 1).gap
        return (position, None) if gap is None else (gap.last, gap)
