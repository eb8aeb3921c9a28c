"""Tails the log into the bus, after the commit; and named durable subscriptions with a stored cursor and a lease."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Protocol

import structlog

from claudia_core.bus import EventBus
from claudia_core.errors import ClaudiaError, StoreClosed, WaitTimeout
from claudia_core.model.event import Cursor, Event, Gap
from claudia_core.model.ids import new_id
from claudia_core.model.times import from_text, to_text
from claudia_core.ports import Document, Store, Transaction

log = structlog.get_logger(__name__)

SLICE = 1_000
"""Most events read at once."""


class Follower(Protocol):
    """What the feed hands the log to, on its own thread, in order."""

    def apply(self, events: list[Event], gap: Gap | None) -> None:
        """Take the next events; `gap` says what was lost before them."""
        ...


class Feed:
    """One thread that reads the log of a store from where it was started and hands it on.

    Followers get whole slices, the bus gets single events. Started by the first follower or handler.
    """

    def __init__(self, store: Store, bus: EventBus) -> None:
        self._store = store
        self._bus = bus
        self._followers: list[_Behind] = []
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._moved = threading.Condition()
        self._thread: threading.Thread | None = None
        self.position = 0
        self.gaps = 0
        self.error: ClaudiaError | None = None

    @property
    def lag(self) -> int:
        """Events in the log that have not been handed on yet."""
        return max(0, self._store.head() - self.position)

    def start(self) -> None:
        """Begin at the log's head; nothing happens when the feed runs."""
        with self._lock:
            if self._thread is not None or self._stopped.is_set():
                return
            self.position = self._store.head()
            self._thread = threading.Thread(target=self._run, name="claudia-feed", daemon=True)
            self._thread.start()

    def attach(self, follower: Follower, load: Callable[[], int]) -> None:
        """Hand the log to `follower` from the sequence that `load()` returns.

        `load` is called with no events in flight and returns the head of the picture it took: nothing is missed and
        nothing comes twice.
        """
        self.start()
        with self._moved:
            self._followers.append(_Behind(follower, load()))

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
                    self._hand_on()
                self.error = None
            except StoreClosed:
                return
            except ClaudiaError as error:
                if self.error is None:
                    log.warning("the feed cannot read the log", error=str(error))
                self.error = error
                self._stopped.wait(0.5)

    def _hand_on(self) -> None:
        part = self._store.events(self.position, SLICE)
        if part.gap is not None:
            self.gaps += 1
        with self._moved:
            for follower in self._followers:
                try:
                    follower.apply(part.events, part.gap)
                except Exception as error:  # noqa: BLE001 - one listener must not hurt another
                    log.error("a follower of the feed failed", follower=repr(follower.follower), error=repr(error))
        if self._bus.handler_count:
            for event in part.events:
                self._bus.emit(event)
        with self._moved:
            self.position = part.position
            self._moved.notify_all()


class _Behind:
    """Keeps from a follower what its first picture already held."""

    def __init__(self, follower: Follower, loaded: int) -> None:
        self.follower = follower
        self._loaded = loaded

    def apply(self, events: list[Event], gap: Gap | None) -> None:
        if events and events[0].sequence <= self._loaded:
            events = [event for event in events if event.sequence > self._loaded]
        if events or gap:
            self.follower.apply(events, gap)


class Subscription:
    """A named cursor on the log that one process at a time works at: at least once, in order.

    The handler gets one event at a time. When it raises, the same event comes again after a pause that doubles up to
    `max_pause` seconds. The cursor is stored after each stretch. The lease passes to another process when this one has
    not renewed it for `lease` seconds.

    Args:
        store: where the log, the cursor and the lease are.
        name: the subscription's name; all processes that use one name share its cursor.
        handler: called with each event on the subscription's own thread.
        types: event types to take; empty for all.
        on_gap: called when events were pruned before they could be handled.
        from_start: where a new subscription begins: the oldest event kept, or the head.
    """

    def __init__(
        self,
        store: Store,
        name: str,
        handler: Callable[[Event], Any],
        *,
        types: tuple[str, ...] = (),
        on_gap: Callable[[Gap], Any] | None = None,
        lease: float = 10.0,
        from_start: bool = False,
        max_pause: float = 30.0,
    ) -> None:
        self.name = name
        self.holder = f"{socket.gethostname()}/{os.getpid()}/{new_id()[-12:]}"
        self.is_holder = False
        self.handled = 0
        self.failures = 0
        self.last_error: BaseException | None = None
        self._store = store
        self._handler = handler
        self._types = types
        self._on_gap = on_gap
        self._lease = lease
        self._from_start = from_start
        self._max_pause = max_pause
        self._position = 0
        self._renewed = 0.0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"claudia-subscription-{name}", daemon=True)
        self._thread.start()

    @property
    def cursor(self) -> Cursor:
        """How far this process has handled the log."""
        return Cursor(self._store.epoch, self._position)

    def stop(self) -> None:
        """End the thread and give the lease back, so that another process can go on at once."""
        self._stopped.set()
        if self._thread is not threading.current_thread():
            self._thread.join(10.0)

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                if self._hold():
                    self._work()
                else:
                    self._stopped.wait(self._lease / 4)
            except StoreClosed:
                return
            except ClaudiaError as error:
                self.last_error = error
                self._stopped.wait(min(1.0, self._lease / 4))
        self._release()

    def _hold(self) -> bool:
        """Take or renew the lease; True while this process has it."""
        if self.is_holder and time.monotonic() - self._renewed < self._lease / 3:
            return True
        started = time.monotonic()
        held = self._store.write(self._claim).result()
        if held is not None and not self.is_holder:
            self._position = held
        self.is_holder = held is not None
        self._renewed = started
        return self.is_holder

    def _claim(self, tx: Transaction) -> int | None:
        found = tx.get("subscriptions", self.name)
        if found and found["holder"] not in ("", self.holder) and from_text(found["until"]) > tx.now:
            return None
        position = self._resume(tx, found)
        kept = self._position if self.is_holder and found and found["holder"] == self.holder else position
        tx.put("subscriptions", self._document(tx, kept))
        return position

    def _resume(self, tx: Transaction, found: Document | None) -> int:
        if found is not None and found["epoch"] == self._store.epoch:
            return int(found["position"])
        return 0 if self._from_start else self._store.head()

    def _document(self, tx: Transaction, position: int, *, holding: bool = True) -> Document:
        until = tx.now + timedelta(seconds=self._lease if holding else 0)
        return {
            "id": self.name,
            "epoch": self._store.epoch,
            "position": position,
            "holder": self.holder if holding else "",
            "until": to_text(until),
        }

    def _work(self) -> None:
        if self._store.wait(self._position, min(0.5, self._lease / 4)) <= self._position:
            return
        part = self._store.events(self._position, 100, self._types)
        if part.gap is not None and self._on_gap is not None:
            self._on_gap(part.gap)
        for event in part.events:
            if not self._deliver(event):
                self._save()
                return
            self._position = event.sequence
        self._position = part.position
        self._save()

    def _deliver(self, event: Event) -> bool:
        """Hand one event over until it is taken; False when the lease was lost or the subscription stopped."""
        pause, next_try = 0.05, 0.0
        while not self._stopped.is_set() and self._hold():
            rest = next_try - time.monotonic()
            if rest > 0:
                self._stopped.wait(min(rest, self._lease / 4))
                continue
            try:
                self._handler(event)
            except Exception as error:  # noqa: BLE001 - the event comes again; the error is kept and counted
                self.failures += 1
                self.last_error = error
                log.warning("a subscription's handler failed", name=self.name, type=event.type, error=repr(error))
                next_try = time.monotonic() + pause
                pause = min(2 * pause, self._max_pause)
            else:
                self.handled += 1
                return True
        return False

    def _save(self) -> None:
        self._store.write(self._store_position).result()

    def _store_position(self, tx: Transaction) -> None:
        found = tx.get("subscriptions", self.name)
        if found is not None and found["holder"] == self.holder:
            tx.put("subscriptions", self._document(tx, self._position))
        else:
            self.is_holder = False

    def _release(self) -> None:
        if not self.is_holder:
            return
        try:
            self._store.write(self._give_back).result(5.0)
        except (ClaudiaError, TimeoutError) as error:
            log.warning("a subscription's lease was not given back", name=self.name, error=str(error))

    def _give_back(self, tx: Transaction) -> None:
        found = tx.get("subscriptions", self.name)
        if found is not None and found["holder"] == self.holder:
            tx.put("subscriptions", self._document(tx, self._position, holding=False))
