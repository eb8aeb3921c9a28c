"""Work that one process at a time does, round by round, under a lease in the store."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable
from datetime import timedelta

from claudia_core.errors import ClaudiaError, StoreClosed
from claudia_core.leases import Sighting
from claudia_core.logs import get_logger
from claudia_core.model.health import Health
from claudia_core.model.ids import new_id
from claudia_core.model.times import from_text, to_text
from claudia_core.ports import Document, Store, Transaction

log = get_logger(__name__)

MOST_PAUSE = 30.0
"""Most seconds between two tries of a round that fails."""


class LeaseLost(Exception):
    """Another process does this work now: what was about to be saved is not."""


class Leased:
    """A thread that does its rounds while this process holds the lease.

    A round that fails is tried again after a pause that doubles. What a round saves is checked by `guard` within the
    same transaction: a process that was frozen, and woke up after its lease had passed on, saves nothing.

    Args:
        store: where the lease is kept.
        name: of the work; all processes that use one name share it.
        round: does a stretch of the work, and returns the seconds until the next one.
        lease: seconds without a renewal after which another process may take over. A round that takes longer than a
            third of it calls `hold` meanwhile.
    """

    def __init__(self, store: Store, name: str, round: Callable[[Leased], float], *, lease: float = 15.0) -> None:
        self.name = name
        self.holder = f"{socket.gethostname()}/{os.getpid()}/{new_id()[-12:]}"
        self.is_holder = False
        self.rounds = 0
        self.failures = 0
        self.failing_since: float | None = None
        self.last_error: Exception | None = None
        self._store = store
        self._round = round
        self._lease = lease
        self._renewed = float("-inf")
        self._other = Sighting()
        self._beat = 0
        self._next = 0.0
        self._stopped = threading.Event()
        self._woken = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"claudia-{name}", daemon=True)

    @property
    def id(self) -> str:
        """Of the lease's document."""
        return f"lease/{self.name}"

    @property
    def is_stopped(self) -> bool:
        """Whether the work is to end."""
        return self._stopped.is_set()

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wake(self) -> None:
        """Do the next round now."""
        self._next = 0.0
        self._woken.set()

    def stop(self) -> None:
        """End the thread and give the lease back, so that another process can go on at once."""
        self._stopped.set()
        self._woken.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(10.0)

    def hold(self) -> None:
        """Renew the lease where it is time to; called within a long round.

        Raises:
            LeaseLost: another process has it.
        """
        if not self._hold():
            raise LeaseLost(f"{self.name} is done by another process")

    def well(self) -> None:
        """It works again; called within a long round."""
        self.failing_since = self.last_error = None

    def guard(self, tx: Transaction) -> None:
        """Refuse to save what another process is to save.

        Raises:
            LeaseLost: another process has the lease.
        """
        found = tx.get("meta", self.id)
        if found is None or found["holder"] != self.holder:
            self.is_holder = False
            raise LeaseLost(f"{self.name} is done by another process")

    def health(self) -> tuple[Health, str] | None:
        """What is wrong with it in this process; None when nothing is."""
        if self.failing_since is None or self.last_error is None:
            return None
        seconds = time.monotonic() - self.failing_since
        return Health.WARN, f"fails for {seconds:.0f} s, and is tried again: {self.last_error}"[:400]

    def _run(self) -> None:
        pause = 0.1
        while not self._stopped.is_set():
            try:
                rest = self._turn()
                pause = 0.1
            except StoreClosed:
                return
            except LeaseLost:
                rest = self._lease / 4
            except Exception as error:  # noqa: BLE001 - whatever the source does, the next round may succeed
                self._note(error)
                rest, pause = pause, min(2 * pause, MOST_PAUSE)
                self._next = time.monotonic() + rest
            self._woken.wait(min(rest, self._lease / 4) if self.is_holder else rest)
            self._woken.clear()
        self._release()

    def _turn(self) -> float:
        if not self._hold():
            return self._lease / 4
        if time.monotonic() < self._next:
            return self._next - time.monotonic()
        rest = self._round(self)
        self.rounds += 1
        self.well()
        self._next = time.monotonic() + rest
        return rest

    def _note(self, error: Exception) -> None:
        self.failures += 1
        self.last_error = error
        if self.failing_since is None:
            self.failing_since = time.monotonic()
            log.warning("leased work failed and is tried again", name=self.name, error=repr(error))

    def _hold(self) -> bool:
        if self.is_holder and time.monotonic() - self._renewed < self._lease / 3:
            return True
        started = time.monotonic()
        self.is_holder = self._store.write(self._claim).result()
        self._renewed = started
        return self.is_holder

    def _claim(self, tx: Transaction) -> bool:
        found = tx.get("meta", self.id)
        if found and self._is_taken(found, tx):
            return False
        self._put(tx, self.holder, self._lease)
        return True

    def _is_taken(self, found: Document, tx: Transaction) -> bool:
        is_others = found["holder"] not in ("", self.holder)
        return is_others and from_text(found["until"]) > tx.now and not self._other.is_over(found)

    def _put(self, tx: Transaction, holder: str, seconds: float) -> None:
        until = to_text(tx.now + timedelta(seconds=seconds))
        self._beat += 1
        row = {"id": self.id, "holder": holder, "until": until, "lease": self._lease, "beat": self._beat}
        tx.put("meta", row)

    def _release(self) -> None:
        if not self.is_holder:
            return
        try:
            self._store.write(self._give_back).result(5.0)
        except (ClaudiaError, TimeoutError) as error:
            log.warning("a lease was not given back", name=self.name, error=str(error))

    def _give_back(self, tx: Transaction) -> None:
        found = tx.get("meta", self.id)
        if found is not None and found["holder"] == self.holder:
            self._put(tx, "", 0)
