"""Changes that wait for a hub: noted at once, told in order by one thread, kept while the hub is away."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import asdict, dataclass
from itertools import islice, takewhile
from typing import Any, NoReturn

from claudia_core.clients.http import Connection, Request, prepare
from claudia_core.errors import AccessDenied, ClaudiaError, HubUnavailable, StoreClosed, StoreFull, WaitTimeout
from claudia_core.logs import get_logger
from claudia_core.services.tasks.progress import ProgressUpdate

log = get_logger(__name__)

MOST = 10_000
MOST_BYTES = 50_000_000
"""Most changes that wait, and most bytes of them. Beyond, the oldest progress is dropped for what is new; where there
is none, what is new is refused."""

TOGETHER = 100
"""Most updates of progress in one request."""

PROGRESS_BYTES = 500
"""What an update counts beside its message."""

SLOWEST = 2.0
"""Most seconds between two tries, unless the hub asks for more."""

PATIENCE = 5.0
"""Seconds that a change which wants an answer waits for those noted before it."""


@dataclass(frozen=True, slots=True, eq=False)
class Parcel:
    """One change that waits: a request, or an update of progress, which travels with others."""

    place: int
    what: Request | ProgressUpdate

    @property
    def bytes(self) -> int:
        """About how much memory it takes."""
        if isinstance(self.what, Request):
            return len(self.what.body or b"")
        return PROGRESS_BYTES + 4 * len(self.what.message or "")


class Outbox:
    """For use by any thread. `dropped` counts updates of progress that found no room.

    A change that the hub refuses is logged and gone. One that the hub cannot take now, or does not let in, waits.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._waiting: dict[str, Parcel] = {}
        self._bytes = 0
        self._posted = 0
        self._changed = threading.Condition()
        self._failure: ClaudiaError | None = None
        self._stopped = False
        self._thread: threading.Thread | None = None
        self._pid = os.getpid()
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def post(self, key: str, name: str, /, *, once: str | None = None, yields: bool = False, **values: Any) -> None:
        """Note an operation. A newer one with the same key takes the place of one that waits.

        Args:
            key: what it is about.
            name: the operation.
            once: the Idempotency-Key; see `http.prepare`.
            yields: one that waits stays instead.
            values: the operation's input.

        Raises:
            StoreFull: too much waits already.
        """
        self._put(key, prepare(name, values, once), yields=yields)

    def post_progress(self, update: ProgressUpdate) -> None:
        """Note how far a task has come; of several waiting updates of one task only the last is kept."""
        self._put(f"progress/{update.key}", update)

    def _put(self, key: str, what: Request | ProgressUpdate, *, yields: bool = False) -> None:
        with self._changed:
            if self._stopped or self._pid != os.getpid():
                raise StoreClosed("this connection to a hub is closed, or another process's", hint="make a new one")
            before = self._waiting.get(key)
            if yields and before is not None:
                return
            self._posted += 1
            parcel = Parcel(self._posted if before is None else before.place, what)
            self._make_room(parcel, before)
            self._waiting[key] = parcel
            self._bytes += parcel.bytes - (0 if before is None else before.bytes)
            self._start()
            self._changed.notify_all()

    def _make_room(self, new: Parcel, before: Parcel | None) -> None:
        more = new.bytes - (0 if before is None else before.bytes)
        while len(self._waiting) + (before is None) > MOST or self._bytes + more > MOST_BYTES:
            oldest = next((k for k, p in self._waiting.items() if _is_progress(p) and p is not before), None)
            if oldest is None:
                raise StoreFull(f"{len(self._waiting):,} changes wait for {self._connection.address} already")
            self._bytes -= self._waiting.pop(oldest).bytes
            self.dropped += 1
            if self.dropped == 1:
                log.warning("too much waits for the hub: the oldest progress is dropped", waiting=len(self._waiting))

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="claudia-outbox", daemon=True)
            self._thread.start()

    # --- waiting ------------------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Wait until the hub has been told all that was noted before; what comes next then stands in order.

        Raises:
            HubUnavailable: the hub is away, or takes too long.
            AccessDenied: it does not let this process in.
        """
        with self._changed:
            mark = self._posted
            self._changed.wait_for(lambda: self._is_told(mark) or self._failure is not None, PATIENCE)
            if not self._is_told(mark):
                self._refuse(self._failure)

    def _refuse(self, failure: ClaudiaError | None) -> NoReturn:
        if failure is not None and self._is_denied():
            raise AccessDenied(failure.message, hint=failure.hint) from failure
        raise HubUnavailable(f"changes wait for {self._connection.address}, which is away or busy") from failure

    def flush(self, timeout: float) -> None:
        """Wait until the hub has been told all that was noted before.

        Raises:
            WaitTimeout: that took more than `timeout` seconds.
            AccessDenied: the hub does not let this process in, so waiting does not help.
        """
        with self._changed:
            mark = self._posted
            self._changed.wait_for(lambda: self._is_told(mark) or self._stopped or self._is_denied(), timeout)
            if self._is_told(mark):
                return
            if self._is_denied():
                self._refuse(self._failure)
            raise WaitTimeout(f"{len(self._waiting)} changes still wait for {self._connection.address}")

    def _is_denied(self) -> bool:
        return isinstance(self._failure, AccessDenied)

    def _is_told(self, mark: int) -> bool:
        first = next(iter(self._waiting.values()), None)
        return first is None or first.place > mark

    def stop(self) -> None:
        """End the thread; what still waits is lost, and logged."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        if self._thread is not None and self._pid == os.getpid():
            self._thread.join(10.0)
        if self._waiting and self._pid == os.getpid():
            log.warning("changes were never told to the hub", hub=str(self._connection.address), lost=len(self))

    # --- the thread ---------------------------------------------------------------------------------------------

    def _run(self) -> None:
        tries = 0
        while (parcels := self._next()) is not None:
            try:
                self._connection.send_once(_request(parcels))
            except ClaudiaError as error:
                if error.retryable or isinstance(error, AccessDenied):
                    self._note(error)
                    tries += 1
                    self._pause(error.retry_after or min(SLOWEST, 0.05 * 2 ** min(tries, 10)))
                    continue
                log.warning("a change was refused by the hub", code=error.code, error=str(error))
            except Exception as error:  # noqa: BLE001 - one change must not keep all others from the hub
                log.error("a change could not be told to the hub", error=repr(error))
            tries = 0
            self._told(parcels)

    def _next(self) -> dict[str, Parcel] | None:
        """What is told next: one change, or the updates of progress at the front; None at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._stopped)
            if self._stopped:
                return None
            front = dict(islice(takewhile(lambda item: _is_progress(item[1]), self._waiting.items()), TOGETHER))
            return front or dict(islice(self._waiting.items(), 1))

    def _told(self, parcels: dict[str, Parcel]) -> None:
        with self._changed:
            if self._failure is not None:
                log.info("the hub is back", hub=str(self._connection.address))
            self._failure = None
            for key, parcel in parcels.items():
                if self._waiting.get(key) is parcel:  # not replaced meanwhile
                    del self._waiting[key]
                    self._bytes -= parcel.bytes
            self._changed.notify_all()

    def _note(self, error: ClaudiaError) -> None:
        with self._changed:
            if self._failure is None:
                log.warning("the hub does not take changes: they wait", waiting=len(self), error=str(error))
            self._failure = error
            self._changed.notify_all()

    def _pause(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        with self._changed:
            self._changed.wait_for(lambda: self._stopped, max(0.0, until - time.monotonic()))


def _is_progress(parcel: Parcel) -> bool:
    return isinstance(parcel.what, ProgressUpdate)


def _request(parcels: dict[str, Parcel]) -> Request:
    each = [parcel.what for parcel in parcels.values()]
    updates = [_document(what) for what in each if isinstance(what, ProgressUpdate)]
    if updates:
        return prepare("progress.update", {"updates": updates}, key="")  # telling it twice does no harm
    (request,) = each
    assert isinstance(request, Request), "what is no update is a request"
    return request


def _document(update: ProgressUpdate) -> dict[str, Any]:
    told = {("id" if name == "task_id" else name): value for name, value in asdict(update).items()}
    return {name: value for name, value in told.items() if value is not None}
