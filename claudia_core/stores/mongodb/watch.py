"""Learns of other processes' commits from a change stream: a wake-up, never the truth about what happened."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from pymongo.database import Database

from claudia_core.logs import get_logger
from claudia_core.stores.mongodb.reader import CHAIN

log = get_logger(__name__)

AWAIT_MS = 1_000
PAUSE = 2.0
"""Seconds before a change stream that broke is opened again."""


class ChangeWatch:
    """Calls `on_change` from a thread of its own soon after any process committed.

    Where the server offers no change streams, or while the stream is broken, `is_open` is False: look often then.
    """

    def __init__(self, database: Database[dict[str, Any]], on_change: Callable[[], None]) -> None:
        self._database = database
        self._on_change = on_change
        self._stopped = threading.Event()
        self.is_open = False
        self._thread = threading.Thread(target=self._run, name="claudia-mongodb-watch", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread, once the client is closed; stopping twice is fine."""
        self._stopped.set()
        if self._thread is not threading.current_thread():
            self._thread.join(AWAIT_MS / 1000 + 2.0)

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self._follow()
            except Exception as error:  # noqa: BLE001 - whatever ends the stream, looking often goes on
                if not self._stopped.is_set():
                    log.info("commits of others are looked for, not announced", error=repr(error))
            finally:
                self.is_open = False
            self._stopped.wait(PAUSE)

    def _follow(self) -> None:
        wanted = [{"$match": {"documentKey._id": CHAIN}}]
        with self._database["meta"].watch(wanted, max_await_time_ms=AWAIT_MS) as stream:
            self.is_open = True
            while stream.alive and not self._stopped.is_set():
                if stream.try_next() is not None:
                    self._on_change()
