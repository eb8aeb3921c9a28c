"""What a process does now and then: show that it lives, find those that do not, prune the log."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from claudia_core.errors import StoreClosed
from claudia_core.logs import get_logger

log = get_logger(__name__)


@dataclass
class Duty:
    """Something done every `period` seconds, the first time after `first` seconds."""

    name: str
    period: float
    work: Callable[[], object]
    first: float = 0.0


class Pulse:
    """One thread for all duties. A duty that fails is logged and done again at its next time."""

    def __init__(self) -> None:
        self._next: list[tuple[float, Duty]] = []
        self._changed = threading.Condition()
        self._stopped = False
        self._thread: threading.Thread | None = None

    def add(self, duty: Duty, *, again: bool = True) -> None:
        """Do this from now on; a duty of the same name is replaced, or kept where it is not to begin `again`."""
        with self._changed:
            if not again and any(other.name == duty.name for _, other in self._next):
                return
            self._next = [entry for entry in self._next if entry[1].name != duty.name]
            self._next.append((time.monotonic() + duty.first, duty))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="claudia-pulse", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def stop(self) -> None:
        """End the thread."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(5.0)

    def _run(self) -> None:
        while True:
            with self._changed:
                when, duty = min(self._next, key=lambda pair: pair[0])
                if self._stopped:
                    return
                rest = when - time.monotonic()
                if rest > 0:
                    self._changed.wait(rest)
                    continue
                self._next.remove((when, duty))
                self._next.append((time.monotonic() + duty.period, duty))
            try:
                duty.work()
            except StoreClosed:
                return
            except Exception as error:  # noqa: BLE001 - one duty must not hurt another: without a heartbeat, tasks are lost
                log.warning("a duty failed and will be tried again", duty=duty.name, error=repr(error))
