"""Named durable subscriptions: a stored cursor on the log and a lease, so that one process at a time does the work."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from claudia_core.errors import ClaudiaError, StoreClosed
from claudia_core.leases import Sighting
from claudia_core.logs import get_logger
from claudia_core.model.event import Cursor, Event, Gap
from claudia_core.model.ids import new_id
from claudia_core.model.times import from_text, to_text
from claudia_core.ports import Document, Store, Transaction

log = get_logger(__name__)

BUSY = 0.05
"""Seconds after the last news for which more are expected."""

BREATH = 0.02
"""Seconds to wait then, so that a busy log costs a look at it per stretch of events and not per commit."""

LONG_BREATH = 0.1
"""Seconds to wait where nothing was to be done about the stretch before."""

SLICE = 100
"""Most events read, and handed over, at once."""

UNTOUCHED = object()
"""What a handler returns that did nothing about its events: that they may come again does no harm."""


class Subscription:
    """A named cursor on the log that one process at a time works at: at least once, in order.

    The handler gets one event at a time. When it raises, the same event comes again after a pause that doubles up to
    `max_pause` seconds. The cursor is stored after each stretch of events, unless the handler returned `UNTOUCHED` for
    all of it, and with each renewal of the lease, which is renewed between two events: a handler that takes longer than
    `lease` seconds may see another process begin again at the same event. The lease passes on when it was not renewed
    for `lease` seconds.

    Args:
        store: where the log, the cursor and the lease are.
        name: the subscription's name; all processes that use one name share its cursor.
        handler: called with each event on the subscription's own thread.
        types: event types to take; empty for all.
        on_gap: called when events were pruned before they could be handled; without it, that is logged.
        lease: seconds without a renewal after which another process may take over.
        from_start: where a new subscription begins: at the oldest event kept, or behind what is there now.
        max_pause: most seconds between two tries of one event.
        batch: hand over a list of up to `SLICE` events at once instead of one: all of them come again when it raises.
    """

    def __init__(
        self,
        store: Store,
        name: str,
        handler: Callable[[Event], Any] | Callable[[list[Event]], Any],
        *,
        types: tuple[str, ...] = (),
        on_gap: Callable[[Gap], Any] | None = None,
        lease: float = 10.0,
        from_start: bool = False,
        max_pause: float = 30.0,
        batch: bool = False,
    ) -> None:
        self.name = name
        self.holder = f"{socket.gethostname()}/{os.getpid()}/{new_id()[-12:]}"
        self.is_holder = False
        self.handled = 0
        self.failures = 0
        self.last_error: BaseException | None = None
        self._store = store
        self._handler: Callable[[Any], Any] = handler
        self._batch = batch
        self._types = types
        self._on_gap = on_gap
        self._lease = lease
        self._max_pause = max_pause
        # Looked up here and not in the thread: what happens from now on must not be missed.
        self._begin = max(0, store.log_status().oldest - 1) if from_start else store.head()
        self._position = self._begin
        self._is_touched = False
        self._had_work = True
        self._renewed = 0.0
        self._other = Sighting()
        self._beat = 0
        self._worked_at = 0.0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"claudia-subscription-{name}", daemon=True)
        self._thread.start()

    @property
    def cursor(self) -> Cursor:
        """How far this process has handled the log."""
        return Cursor(self._store.epoch, self._position)

    @property
    def holds(self) -> bool:
        """Whether this process has the lease now, and no other can have taken it over."""
        return self.is_holder and time.monotonic() - self._renewed < self._lease

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
            except Exception as error:  # nobody waits for this thread: it must not end unseen
                self._note(error)
                log.exception("a subscription failed, and goes on", name=self.name)
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
        if found and self._is_taken(found, tx):
            return None
        position = self._resume(found)
        kept = self._position if self.is_holder and found and found["holder"] == self.holder else position
        tx.put("subscriptions", self._document(tx, kept))
        return position

    def _is_taken(self, found: Document, tx: Transaction) -> bool:
        is_others = found["holder"] not in ("", self.holder)
        return is_others and from_text(found["until"]) > tx.now and not self._other.is_over(found)

    def _resume(self, found: Document | None) -> int:
        """The stored position; in another log (a restored store) where a new subscription would begin."""
        if found is not None and found["epoch"] == self._store.epoch:
            return int(found["position"])
        return self._begin

    def _document(self, tx: Transaction, position: int, *, holding: bool = True) -> Document:
        until = tx.now + timedelta(seconds=self._lease if holding else 0)
        self._beat += 1
        return {
            "id": self.name,
            "epoch": self._store.epoch,
            "position": position,
            "holder": self.holder if holding else "",
            "until": to_text(until),
            "lease": self._lease,
            "beat": self._beat,
        }

    def _work(self) -> None:
        head = self._store.wait(self._position, min(0.5, self._lease / 4))
        if head <= self._position:
            return
        if head < self._position + SLICE:
            self._breathe()
        part = self._store.events(self._position, SLICE, self._types)
        if part.gap is not None:
            self._tell_gap(part.gap)
        for events in self._steps(part.events):
            if not self._deliver(events):
                self._save()
                return
            self._position = events[-1].sequence
        self._position = part.position
        self._had_work = self._is_touched
        if self._is_touched:  # else the next renewal is soon enough: nothing would be done twice
            self._save()

    def _breathe(self) -> None:
        """While news come quickly, take a few commits together; the first of them is never delayed."""
        if time.monotonic() - self._worked_at < BUSY:
            self._stopped.wait(min(BREATH if self._had_work else LONG_BREATH, self._lease / 4))
        self._worked_at = time.monotonic()

    def _steps(self, events: list[Event]) -> list[list[Event]]:
        """What is handed over at once."""
        if self._batch:
            return [events] if events else []
        return [[event] for event in events]

    def _tell_gap(self, gap: Gap) -> None:
        self._position = gap.last
        log.warning("a subscription missed events that were pruned", name=self.name, first=gap.first, last=gap.last)
        if self._on_gap is not None:
            try:
                self._on_gap(gap)
            except (Exception, SystemExit) as error:  # noqa: BLE001 - the events that are left must still come
                self._note(error)

    def _note(self, error: BaseException) -> None:
        self.failures += 1
        self.last_error = error

    def _deliver(self, events: list[Event]) -> bool:
        """Hand one step over until it is taken; False when the lease was lost or the subscription stopped."""
        pause, next_try = 0.05, 0.0
        while not self._stopped.is_set() and self._hold():
            rest = next_try - time.monotonic()
            if rest > 0:
                self._stopped.wait(min(rest, self._lease / 4))
                continue
            try:
                result = self._handler(events if self._batch else events[0])
            except (Exception, SystemExit) as error:  # noqa: BLE001 - the event comes again; the error is kept
                self._note(error)
                log.warning("a subscription's handler failed", name=self.name, type=events[0].type, error=repr(error))
                next_try = time.monotonic() + pause
                pause = min(2 * pause, self._max_pause)
            else:
                self._is_touched = self._is_touched or result is not UNTOUCHED
                self.handled += len(events)
                return True
        return False

    def _save(self) -> None:
        self._store.write(self._store_position).result()
        self._is_touched = False

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
