"""Webhooks that do not arrive, staged on a hub: for runbooks, demonstrations and tests.

Loads fail all day, and four receivers are told. One takes everything; one answers 503 since an hour; one wants nothing
any more and was given up; one is new and was turned off by somebody. Time is given to the store, not waited for.
"""

from __future__ import annotations

import http.server
import threading
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from claudia_core.app import Claudia
from claudia_core.errors import IntegrationError
from claudia_core.model.delivery import Attempt
from claudia_core.model.event import Event
from claudia_core.model.times import utc_now
from claudia_core.model.webhook import Endpoint
from claudia_core.ports import Transaction
from claudia_core.services.webhooks.deliveries import Outcome, queue, settle, waiting
from claudia_core.settings import default_settings
from claudia_core.stores.memory import MemoryStore
from claudia_core.stores.sqlite.store import SqliteStore
from claudia_core.testing.clock import PastClock
from claudia_core.testing.waiting import eventually

WELL, FAILING, GONE, OFF = "alerts", "billing", "old wiki", "staging"
RECEIVERS = {
    WELL: "https://alerts.example/hooks/claudia",
    FAILING: "https://billing.example/webhooks",
    GONE: "https://wiki.example/hook",
    OFF: "https://staging.example/hook",
}
EVERY = 10
"""Minutes between two loads that fail."""

NEXT = 15
"""Minutes until a delivery that failed is tried again."""

HOURS = 6
SINCE = 60
"""Minutes for which one receiver fails."""

BUSY = '{"error": "upstream unavailable", "retry": true}'
HOST = "webhook billing.example"
"""The service by which the failing receiver's host is guarded and measured."""

GUARDS: dict[str, Any] = {"timeout": None, "limit": 1_000, "reset": 30.0, "errors": (OSError,)}
"""Those of the sender of webhooks, by which the hub goes on when it begins to send."""


def staged_refusals(path: Path | None = None, *, end: datetime | None = None) -> Claudia:
    """A hub on which this is staged, in memory or in a new file; `end` is now unless given."""
    last = utc_now() if end is None else end
    clock = PastClock(last - timedelta(hours=HOURS, minutes=1))
    store = MemoryStore(clock=clock) if path is None else SqliteStore(path, clock=clock)
    claudia = Claudia(store=store, settings=default_settings(outgoing_allow=("127.0.0.0/8",)))
    for name, url in RECEIVERS.items():
        claudia.webhooks.create(url, ["task:failed"], name=name, active=name != OFF)
    claudia.hooks.create("github", "github", ["a secret of theirs"])
    position = store.head()
    for minute in range(HOURS * 60, 0, -EVERY):
        clock.move_to(last - timedelta(minutes=minute))
        task = claudia.tasks.create("load orders", type="load", start=True)
        claudia.tasks.fail(task.id, ValueError("the file is empty"))
        events = store.events(position, types=("task:failed",))
        position = events.position
        _tell(claudia, list(events.events), minute)
    clock.move_to(last)
    clock.join()
    _call(claudia)
    return claudia


def _tell(claudia: Claudia, events: list[Event], minute: int) -> None:
    """Queue what happened, and try all that waits once."""
    endpoints = claudia.webhooks.list()

    def work(tx: Transaction) -> None:
        queue(tx, [one for one in endpoints if one.active], events)

    claudia.store.write(work).result()
    for endpoint in endpoints:
        for delivery in waiting(claudia.store, endpoint, 100):
            outcome = _outcome(endpoint, len(delivery.attempts), minute)
            claudia.store.write(lambda tx, id=delivery.id, outcome=outcome: settle(tx, id, outcome)).result()  # type: ignore[misc]


def _outcome(endpoint: Endpoint, tried: int, minute: int) -> Outcome:
    now = utc_now() - timedelta(minutes=minute)
    if endpoint.name == GONE and minute <= HOURS * 30:
        attempt = Attempt(time=now, status=410, seconds=0.031, error="HTTP 410", response="Gone")
        return Outcome(attempt=attempt, is_success=False, gone=True)
    if endpoint.name == FAILING and minute <= SINCE:
        attempt = Attempt(time=now, status=503, seconds=1.2, error="HTTP 503", response=BUSY)
        again = None if tried >= 3 else now + timedelta(minutes=NEXT)
        return Outcome(attempt=attempt, is_success=False, next_at=again)
    return Outcome(attempt=Attempt(time=now, status=200, seconds=0.04 + minute % 7 / 100), is_success=True)


def _call(claudia: Claudia) -> None:
    """Calls to hosts as this process made them, kept by the debugger; one circuit opens."""
    claudia.integrations.debugger.turn_on()
    well = claudia.integration("webhook alerts.example", **GUARDS)
    for number in range(40):
        with well as call:
            call.sent("POST task:failed", {"number": number, "token": "never shown"})
            call.answered("ok")
    failing = claudia.integration(HOST, **GUARDS)
    for _ in range(6):
        with suppress(IntegrationError), failing as call:
            call.sent("POST task:failed", {"authorization": "Bearer never-shown"})
            raise ConnectionResetError("billing.example closed the connection")


class MendedReceiver:
    """A receiver on a free port of this machine that takes everything, until it is stopped."""

    def __init__(self) -> None:
        self.ids: set[str] = set()
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Taking", (_Taking,), {"ids": self.ids}))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self._server.server_port}/webhooks"

    def wait(self, number: int, timeout: float = 60.0) -> None:
        """Wait until so many different webhooks came.

        Raises:
            AssertionError: they did not in time.
        """
        eventually(lambda: len(self.ids) >= number, timeout=timeout)

    def stop(self) -> None:
        """End; nothing is left."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5.0)


class _Taking(http.server.BaseHTTPRequestHandler):
    ids: set[str]

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.ids.add(self.headers["webhook-id"])
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def mended(claudia: Claudia, endpoint: Endpoint) -> MendedReceiver:
    """The endpoint's receiver in working order, and the hub that sends."""
    receiver = MendedReceiver()
    claudia.webhooks.update(endpoint.id, url=receiver.url)
    claudia.send_webhooks()
    return receiver
