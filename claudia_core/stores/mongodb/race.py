"""How writers of one MongoDB database stay fair, and get on when one of them died in the middle of a commit.

Who lost a race waits for the head to move and goes at once; who won while others wait holds back for a moment: so
nobody starves.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import Any

from pymongo import errors
from pymongo.client_session import ClientSession
from pymongo.database import Database

from claudia_core.errors import StoreBusy
from claudia_core.logs import get_logger
from claudia_core.model.ids import new_id
from claudia_core.model.times import to_text, utc_now
from claudia_core.stores.mongodb.open import Client, mongodb_errors
from claudia_core.stores.mongodb.reader import CHAIN, Row

log = get_logger(__name__)

WRITERS = "writers"
"""Collection of the sessions in which writers make their transactions."""

QUEUE = "queue"
"""The document of `meta` in which a writer says that it lost a race and waits."""

LOOK = 0.001
"""Seconds between looks at the head while another writer's commit is awaited."""

COURTESY = 0.004
"""Seconds that a winner leaves to those who wait."""

WAITING = 0.5
"""Seconds for which a writer that said it waits is believed to wait."""

STUCK = 1.0
"""Seconds without any commit after which the other writers' transactions are ended; twice as long each time after.

One of them belongs to a process that died in the middle, or is one of our own that was given up while the server hung:
it would keep its locks for a minute. A writer that is alive begins again.
"""

LEFT = 8
"""Sessions of our own that are remembered after they were given up."""


class Race:
    """One writer among those of a database.

    Args:
        client: of the store.
        database: read and written outside of transactions.
        place: for messages.
        patience: seconds after which a writer that keeps losing gives up.
    """

    def __init__(self, client: Client, database: Database[dict[str, Any]], place: str, *, patience: float) -> None:
        self.me = new_id()
        self._client = client
        self._database = database
        self._place = place
        self._patience = patience
        self._lost_since: float | None = None
        self._stuck = STUCK
        self._sessions: deque[Any] = deque(maxlen=LEFT)
        self._pause = threading.Event()  # never set: its wait is a pause

    def enter(self, session: ClientSession) -> None:
        """Make the session known, so that others can end what it leaves behind."""
        if session.session_id not in self._sessions:
            self._sessions.append(session.session_id)
        known = {"$set": {"session": session.session_id, "since": to_text(utc_now())}}
        self._database[WRITERS].update_one({"_id": self.me}, known, upsert=True)

    def leave(self) -> None:
        """Be forgotten."""
        try:
            self._database[WRITERS].delete_one({"_id": self.me})
        except errors.PyMongoError:  # whoever is stuck ends a session that is over already
            return

    def lost(self) -> None:
        """Another writer was faster."""
        self._lost_since = self._lost_since or time.monotonic()

    def over(self) -> None:
        """This one won, or gave up."""
        self._lost_since, self._stuck = None, STUCK

    def make_room(self, chain: Row, *, look: bool) -> None:
        """Called before a commit: who lost waits for the winner, who won for those who wait.

        Args:
            chain: what was found at the last commit.
            look: whether to look for those who wait, if `chain` does not tell of any.

        Raises:
            StoreBusy: races were lost for longer than the patience.
            StoreUnavailable: the database cannot be reached.
        """
        with mongodb_errors(self._place):
            if self._lost_since is not None:
                self._wait_for_the_winner(self._lost_since, chain)
            elif chain.get("writer", self.me) != self.me or (look and self._somebody_waits()):
                self._pause.wait(COURTESY)

    def _wait_for_the_winner(self, since: float, chain: Row) -> None:
        if time.monotonic() - since > self._patience:
            self.over()
            raise StoreBusy(f"the store {self._place} is written by others all the time", hint="try again")
        meta = self._database["meta"]
        meta.update_one({"_id": QUEUE}, {"$set": {"writer": self.me, "at": time.time()}}, upsert=True)
        until = time.monotonic() + WAITING
        while time.monotonic() < until:
            found = meta.find_one({"_id": CHAIN}, {"n": 1}) or {}
            if found.get("n") != chain.get("n"):
                return
            self._pause.wait(LOOK)
        if time.monotonic() - since > self._stuck:
            self._stuck *= 2
            self._end_transactions()

    def _end_transactions(self) -> None:
        writers = list(self._database[WRITERS].find({"_id": {"$ne": self.me}}, {"session": 1}))
        sessions = [*(writer["session"] for writer in writers), *self._sessions]  # of ours, none is in use now
        try:
            self._client.admin.command("killSessions", sessions)
        except errors.PyMongoError as error:
            log.warning("a transaction that blocks this one could not be ended", error=str(error))

    def _somebody_waits(self) -> bool:
        row = self._database["meta"].find_one({"_id": QUEUE})
        return row is not None and row["writer"] != self.me and time.time() - float(row["at"]) < WAITING
