"""Tails the log into the bus, after the commit."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Protocol

from claudia_core.bus import EventBus
from claudia_core.errors import StoreClosed, WaitTimeout
from claudia_core.logs import get_logger
from claudia_core.model.event import Event, EventSlice, Gap
from claudia_core.model.times import utc_now
from claudia_core.ports import Store

log = get_logger(__name__)

BUSY = 0.05
"""Seconds after the last news for which more are expected."""

BREATH = 0.003
"""Seconds to wait then, so that a busy log costs a wake-up per slice and not per commit."""

GLANCE = 0.02
"""Seconds that those wait then who only show what happens: nobody looks more often."""

SLICE = 1_000
"""Most events read at once."""


class Follower(Protocol):
    """What the feed hands the log to, on its own thread, in order."""

    def apply(self, events: list[Event], gap: Gap | None) -> None:
        """Take the next events; `gap` says what was lost before them."""
        ...


class Feed:
    """One thread that reads the log of a store from where it was started and hands it on.

    Followers get whole slices, the bus gets single events. Started by the first follower or handler. Where events were
    pruned before they could be read, followers get the gap, and the bus an event `log:gap` with `first` and `last`
    (a notice of this process, not saved).
    """

    def __init__(self, store: Store, bus: EventBus) -> None:
        self._store = store
        self._bus = bus
        self._followers: list[_Behind] = []
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._moved = threading.Condition()
        self._thread: threading.Thread | None = None
        self._handed_at = 0.0
        self.position = 0
        self.gaps = 0
        self.error: Exception | None = None

    @property
    def lag(self) -> int:
        """Events in the log that have not been handed on yet."""
        return max(0, self._store.head() - self.position)

    def start(self) -> None:
        """Begin at the log's head; nothing happens when the feed runs."""
        with self._lock:
            if self._thread is not None or self._stopped.is_set():
                return
            self.position = self._begin()
            self._thread = threading.Thread(target=self._run, name="claudia-feed", daemon=True)
            self._thread.start()

    def _begin(self) -> int:
        return self._store.head()

    def attach(self, follower: Follower, load: Callable[[], int], *, patience: float = BREATH) -> None:
        """Hand the log to `follower` from the sequence that `load()` returns.

        `load` is called with no events in flight and returns the head of the picture it took: nothing is missed and
        nothing comes twice. A busy log may keep the follower waiting for `patience` seconds where nobody is in a
        greater hurry: what people look at needs fewer, larger slices than what programs wait for.
        """
        self.start()
        with self._moved:
            self._followers.append(_Behind(follower, load(), patience))

    def detach(self, follower: Follower) -> None:
        """Stop handing the log to `follower`."""
        with self._moved:
            self._followers = [behind for behind in self._followers if behind.follower is not follower]

    def wait_until(self, sequence: int, timeout: float = 10.0) -> None:
        """Wait until everything up to `sequence` has been handed on.

        Raises:
            WaitTimeout: it was not within `timeout` seconds.
        """
        with self._moved:
            if not self._moved.wait_for(lambda: self.position >= sequence, timeout):
                raise WaitTimeout(f"the feed is at {self.position}, not at {sequence}, after {timeout:g} s")

    def stop(self) -> None:
        """End the thread; stopping twice is fine."""
        self._stopped.set()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(5.0)

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                if self._store.wait(self.position, 0.5) > self.position:
                    self._breathe()
                    self._hand_on(self._store.events(self.position, SLICE))
                self.error = None
            except StoreClosed:
                return
            except Exception as error:  # noqa: BLE001 - the one thread that tells everyone must not end unseen
                if self.error is None:
                    log.warning("the feed cannot read the log and tries again", error=repr(error))
                self.error = error
                self._stopped.wait(0.5)

    def _breathe(self) -> None:
        """While news come quickly, take a few commits together; the first of them is never delayed."""
        if time.monotonic() - self._handed_at < BUSY:
            self._stopped.wait(self._patience())
        self._handed_at = time.monotonic()

    def _patience(self) -> float:
        """How long the most impatient follower waits; handlers are in a hurry."""
        return BREATH if self._bus.handler_count else min((one.patience for one in self._followers), default=BREATH)

    def _hand_on(self, part: EventSlice) -> None:
        if part.gap is not None:
            self.gaps += 1
        with self._moved:
            for follower in self._followers:
                try:
                    follower.apply(part.events, part.gap)
                except Exception as error:  # noqa: BLE001 - one listener must not hurt another
                    log.error("a follower of the feed failed", follower=repr(follower.follower), error=repr(error))
        if self._bus.handler_count:
            if part.gap is not None:
                self._bus.emit(self._notice(part.gap))
            for event in part.events:
                self._bus.emit(event)
        with self._moved:
            self.position = part.position
            self._moved.notify_all()

    def _notice(self, gap: Gap) -> Event:
        data = {"first": gap.first, "last": gap.last}
        return Event(gap.last, self._store.epoch, "log:gap", "", utc_now(), data)


class _Behind:
    """Keeps from a follower what its first picture already held."""

    def __init__(self, follower: Follower, loaded: int, patience: float) -> None:
        self.follower = follower
        self.patience = patience
        self._loaded = loaded

    def apply(self, events: list[Event], gap: Gap | None) -> None:
        if events and events[0].sequence <= self._loaded:
            events = [event for event in events if event.sequence > self._loaded]
        if gap is not None and gap.last <= self._loaded:
            gap = None
        if events or gap:
            self.follower.apply(events, gap)
