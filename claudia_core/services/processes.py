"""What the processes on a store tell of the services they call: figures, and calls while somebody looks."""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from claudia_core.model.ids import new_id
from claudia_core.model.times import from_text, require_utc, to_text, utc_now
from claudia_core.model.values import clean_text
from claudia_core.ports import Query, Range, Store, Transaction
from claudia_core.resilience.debugger import EVERY, SeenCall
from claudia_core.resilience.integrations import Integrations
from claudia_core.resilience.services import Service, together

EVERY_SECONDS = 5.0
"""Seconds between two looks at what there is to tell; nothing is written while nothing has changed."""

LOOK = 0.5
"""Seconds for which the store is not asked again for what others told."""

KEPT = timedelta(seconds=60)
"""How long a process counts as there after it told something; while it lives, it says so in half of that."""

MOST_SERVICES = 500
MOST_CALLS = 100
MOST_PROCESSES = 200
ORDERS = "debugging"
"""The document of `meta` that says which services' calls are kept, in all processes."""


@dataclass(frozen=True, slots=True)
class Process:
    """A process that calls services: a server, an agent, a script, a notebook."""

    id: str
    name: str
    at: datetime
    services: tuple[Service, ...]
    calls: tuple[SeenCall, ...] = ()
    is_here: bool = False


class Processes:
    """Tells of this process, and reads what all tell; without a store, such as of a hub elsewhere, of this one alone.

    Args:
        store: where it is told.
        integrations: this process's.
        now: the clock.
    """

    def __init__(
        self, store: Store | None, integrations: Integrations, *, now: Callable[[], datetime] = utc_now
    ) -> None:
        self.id = new_id()
        program = Path(sys.argv[0]).name if sys.argv and sys.argv[0] else "python"
        self.name = clean_text(f"{program} {os.getpid()} on {socket.gethostname()}", 100)
        self._store = store
        self._integrations = integrations
        self._now = now
        self._told: dict[str, Any] = {}
        self._at: datetime | None = None
        self._seen: dict[str, str] = {}
        self._pid = os.getpid()
        self._known: tuple[float, list[Process]] = (float("-inf"), [])
        self._lock = threading.Lock()

    def tell(self) -> bool:
        """Save how this process's services stand, where that is news; whether it was written."""
        if self._store is None:
            return False
        self._obey(self._store)
        here, now = self._here(), self._now()
        told = {
            "services": [one.to_document() for one in here.services],
            "calls": [call.to_document() for call in here.calls],
        }
        is_fresh = self._at is not None and now - self._at < KEPT / 2
        if not here.services or (told == self._told and is_fresh):
            return False
        document = {"id": self.id, "name": self.name, "at": to_text(now), "expires_at": to_text(now + KEPT), **told}
        self._store.write(lambda tx: tx.put("processes", document)).result()
        self._told, self._at = told, now
        return True

    def leave(self) -> None:
        """Take back what this process told."""
        if self._store is not None and self._at is not None and self._pid == os.getpid():  # not of a fork's parent
            self._store.write(lambda tx: _forget(tx, self.id, to_text(self._now()))).result()
            self._at = None

    def all(self) -> list[Process]:
        """The processes that call services, this one first, as it is now."""
        here = self._here()
        others = [] if self._store is None else self._others(self._store)
        return [here, *others]

    def services(self, process: str = "") -> list[Service]:
        """Services by name, of all processes together or of one by its id."""
        by_name: dict[str, list[Service]] = defaultdict(list)
        for one in self.all():
            for service in one.services if process in ("", one.id) else ():
                by_name[service.name].append(service)
        return [together(by_name[name]) for name in sorted(by_name)]

    def calls(
        self, *, process: str = "", since: datetime | None = None, limit: int = 100, **wanted: str | None
    ) -> list[SeenCall]:
        """Calls that debuggers kept, the newest first: all of this process, the last ones of others.

        `wanted` are `integration`, `operation` and `outcome`; None for any.

        Raises:
            InvalidValue: `since` has no timezone.
        """
        earliest = None if since is None else require_utc(since, "since")
        found: list[SeenCall] = []
        if process in ("", self.id):
            found += self._integrations.debugger.calls(since=since, limit=limit, **wanted)
        for one in [] if self._store is None or process == self.id else self._others(self._store):
            if process in ("", one.id):
                found += [call for call in one.calls if _is_like(call, earliest, wanted)]
        return sorted(found, key=lambda call: call.time, reverse=True)[:limit]

    def debug(self, integration: str = EVERY, minutes: float = 15.0) -> datetime | None:
        """Keep the calls of a service in all processes for so many minutes, 0 to end it; returns until when.

        Others do it when they next tell, within 5 seconds.

        Raises:
            InvalidValue, Conflict: see `Debugger.turn_on`.
        """
        debugger = self._integrations.debugger
        until = debugger.turn_on(integration, minutes) if minutes else None
        if until is None:
            debugger.turn_off(integration)
        if self._store is not None:
            text = "" if until is None else to_text(until)
            self._store.write(lambda tx: _order(tx, integration, text, to_text(self._now()))).result()
        return until

    def _obey(self, store: Store) -> None:
        """Turn this process's debugger on and off as was ordered anywhere since it last looked."""
        found = store.get("meta", ORDERS) or {"on": {}}
        debugger, now = self._integrations.debugger, self._now()
        with self._lock:
            for name, text in found["on"].items():
                if self._seen.get(name) == text:
                    continue
                minutes = (from_text(text) - now).total_seconds() / 60 if text else 0.0
                if minutes > 0:
                    debugger.turn_on(name, min(minutes, 24 * 60.0))
                elif name in self._seen:
                    debugger.turn_off(name)
            self._seen = dict(found["on"])

    def _here(self) -> Process:
        debugger = self._integrations.debugger
        services = tuple(
            Service.of(made, debugged=debugger.is_on(made.name), process=self.name)
            for made in self._integrations.all()[:MOST_SERVICES]
        )
        return Process(self.id, self.name, self._now(), services, tuple(debugger.calls(limit=MOST_CALLS)), is_here=True)

    def _others(self, store: Store) -> list[Process]:
        """What others told; pages ask several times at a beat, and are answered from memory for a moment."""
        at, known = self._known
        if time.monotonic() - at < LOOK:
            return known
        there = Range(to_text(self._now()), "~")
        page = store.find(Query("processes", {"expires_at": there}, "expires_at", limit=MOST_PROCESSES))
        known = [_process(document) for document in page.documents if document["id"] != self.id]
        self._known = time.monotonic(), known
        return known


def _is_like(call: SeenCall, earliest: datetime | None, wanted: Mapping[str, str | None]) -> bool:
    if earliest is not None and call.time < earliest:
        return False
    return all(value is None or getattr(call, name) == value for name, value in wanted.items())


def _process(document: dict[str, Any]) -> Process:
    name = document["name"]
    services = tuple(Service.from_document(one, name) for one in document["services"])
    calls = tuple(SeenCall(**{**one, "time": from_text(one["time"])}) for one in document["calls"])
    return Process(document["id"], name, from_text(document["at"]), services, calls)


def _forget(tx: Transaction, id: str, now: str) -> None:
    """A process that left goes, and those that died."""
    tx.delete("processes", id)
    over = Query("processes", {"expires_at": Range("0", now)}, "expires_at", limit=MOST_PROCESSES)
    for document in tx.find(over).documents:
        tx.delete("processes", document["id"])


def _order(tx: Transaction, integration: str, until: str, now: str) -> None:
    found = tx.get("meta", ORDERS) or {"id": ORDERS, "on": {}}
    if integration == EVERY and not until:
        on = dict.fromkeys(found["on"], "")
    else:
        on = {name: end for name, end in found["on"].items() if end > now}
    tx.put("meta", {**found, "on": {**on, integration: until}})
