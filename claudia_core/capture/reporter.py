"""Carries captured errors from the threads they happen on to the hub: made plain and told in the background.

It never raises into the program it watches, and never makes it wait. While the hub does not take errors they are kept
on disk; what finds no room there goes to the log.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from claudia_core.capture.patience import Patient
from claudia_core.capture.spool import Spool
from claudia_core.capture.taken import About, Taken, render
from claudia_core.errors import AccessDenied, ClaudiaError, InvalidValue, StoreError
from claudia_core.logs import get_logger
from claudia_core.model.report import ErrorReport

log = get_logger(__name__)

MOST_WAITING = 1_000
"""Errors that wait in memory; more are counted and dropped: then hundreds of the same kind are on their way."""

TOGETHER = 50
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 60.0
"""Seconds between two tries to tell what waits on disk."""

type Deliver = Callable[[Sequence[ErrorReport]], Sequence[ClaudiaError | None]]
"""Tells errors to the hub; what became of each."""


class Reporter:
    """For use by any thread.

    Args:
        deliver: tells errors to the hub.
        about: what is the same for all of them.
        spool: where they wait while the hub is away; None for nowhere.
        clean: takes secrets out, before anything leaves the process or is written.
    """

    def __init__(
        self,
        deliver: Deliver,
        about: About,
        spool: Spool | None,
        clean: Callable[[ErrorReport], ErrorReport],
    ) -> None:
        self._deliver = deliver
        self.about = about
        self._spool = spool
        self._clean = clean
        self._waiting: deque[Taken] = deque()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._pid = os.getpid()
        self._busy = 0
        self._stopped = False
        self._try_at = 0.0
        self._pause = FIRST_PAUSE
        self._patient = Patient("claudia-render")
        self._told_dropped = 0.0
        self.dropped = 0

    def take(self, taken: Taken) -> bool:
        """Carry this error on; False where it had to be dropped."""
        if self._pid != os.getpid():
            self._after_fork()
        with self._changed:
            if self._stopped or len(self._waiting) >= MOST_WAITING:
                self.dropped += 1
                return False
            self._waiting.append(taken)
            if self._thread is None:
                self._start()
            elif len(self._waiting) == 1:
                self._changed.notify_all()
        return True

    def begin(self) -> None:
        """Tell what an earlier run of the program had to keep on disk."""
        with self._changed:
            if self._thread is None and not self._stopped and self._spool is not None and len(self._spool):
                self._start()

    def _start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="claudia-reporter", daemon=True)
        self._thread.start()

    def _after_fork(self) -> None:
        """The thread and what waits are the parent's; its lock may have been held."""
        self._changed = threading.Condition()
        self._waiting.clear()
        self._patient = Patient("claudia-render")
        self._thread, self._busy, self._pid = None, 0, os.getpid()

    def flush(self, timeout: float) -> bool:
        """Wait until what was captured before is told or kept on disk; False if it was not within `timeout` seconds."""
        if self._pid != os.getpid() or threading.current_thread() is self._thread:
            return True
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting and not self._busy, timeout)

    def stop(self, timeout: float) -> None:
        """Tell what waits, and end. What cannot be told in time is kept on disk."""
        self.flush(timeout)
        with self._changed:
            self._stopped = True
            left = [*self._waiting] if self._pid == os.getpid() else []
            self._waiting.clear()
            self._changed.notify_all()
        for taken in left:
            self._keep(self._report(taken), None)
        if self._thread is not None and self._pid == os.getpid() and self._thread is not threading.current_thread():
            self._thread.join(5.0)
        self._patient.stop()

    # --- the thread ---------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while (batch := self._next()) is not None:
            try:
                if batch:
                    self._tell([report for report in map(self._report, batch) if report is not None])
                else:
                    self._tell_kept()
            except Exception as error:  # noqa: BLE001 - a fault here must not end the reports of all that comes
                log.error("captured errors could not be told", number=len(batch), error=repr(error))
            finally:
                batch.clear()
                with self._changed:
                    self._busy = 0
                    self._changed.notify_all()
            self._tell_of_dropped()

    def _next(self) -> list[Taken] | None:
        """What is told next; an empty list when it is time to look at the disk, None at the end."""
        with self._changed:
            while not self._waiting and not self._stopped:
                rest = self._try_at - time.monotonic()
                if self._spool is not None and rest <= 0 and len(self._spool):
                    self._busy = 1
                    return []
                self._changed.wait(max(0.05, rest) if rest > 0 else None)
            if not self._waiting:
                return None
            batch = [self._waiting.popleft() for _ in range(min(TOGETHER, len(self._waiting)))]
            self._busy = len(batch)
            return batch

    def _report(self, taken: Taken) -> ErrorReport | None:
        try:
            return self._clean(self._patient.call(lambda: render(taken, self.about)).checked())
        except TimeoutError:
            log.warning("an error's text or variables take too long and are left out", type=_type(taken))
        except Exception as error:  # noqa: BLE001 - what the program's own objects do in their repr is theirs
            log.warning("an error's details cannot be made and are left out", type=_type(taken), error=repr(error))
        try:
            return self._clean(render(taken, self.about, quietly=True).checked())
        except Exception as error:  # noqa: BLE001 - see above
            log.error("a captured error is lost", type=_type(taken), error=repr(error))
            return None

    def _tell(self, reports: Sequence[ErrorReport]) -> None:
        outcomes = self._try(reports)
        for report, outcome in zip(reports, outcomes, strict=True):
            if outcome is not None:
                self._keep(report, outcome)
        if any(outcome is not None for outcome in outcomes):
            self._later()

    def _try(self, reports: Sequence[ErrorReport]) -> Sequence[ClaudiaError | None]:
        try:
            return self._deliver(reports)
        except ClaudiaError as error:
            return [error] * len(reports)

    def _keep(self, report: ErrorReport | None, why: ClaudiaError | None) -> None:
        """Where the hub does not take it: on disk, or else in the log."""
        if report is None:
            return
        can_wait = why is None or (_can_wait(why) and not isinstance(why, InvalidValue))
        if can_wait and self._spool is not None and self._spool.put(report):
            return
        log.error(
            "a captured error could not be told to the hub",
            reason="" if why is None else str(why),
            type=report.type,
            message=report.message,
            traceback=report.traceback,
        )

    def _tell_kept(self) -> None:
        assert self._spool is not None, "asked only with one"
        reports = self._spool.oldest(TOGETHER)
        for report, outcome in zip(reports, self._try(reports), strict=True):
            if outcome is None:
                self._spool.drop(str(report.id))
            elif _can_wait(outcome):
                self._later()
                return
            else:
                log.warning("a kept error was refused by the hub", id=report.id, error=str(outcome))
                self._spool.drop(str(report.id))
        self._pause, self._try_at = FIRST_PAUSE, 0.0
        if not reports:
            self._try_at = time.monotonic() + LONGEST_PAUSE

    def _later(self) -> None:
        self._try_at = time.monotonic() + self._pause
        self._pause = min(LONGEST_PAUSE, self._pause * 2)

    def _tell_of_dropped(self) -> None:
        now = time.monotonic()
        if self.dropped and now - self._told_dropped > 60.0:
            self._told_dropped = now
            log.warning("errors came faster than they could be told, and some were dropped", dropped=self.dropped)


def _can_wait(error: ClaudiaError) -> bool:
    return error.retryable or isinstance(error, AccessDenied | StoreError)


def _type(taken: Taken) -> Any:
    return taken.type if taken.error is None else type(taken.error).__name__
