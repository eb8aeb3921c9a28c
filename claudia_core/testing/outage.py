"""A database that went down, staged on a hub: for runbooks, demonstrations and tests.

All was well for weeks but for one bad evening. Fifty minutes ago the database became slow, forty minutes ago it went
away: since then what depends on it is silent, loads fail, and calls to it are left alone. Time is given to the store,
not waited for; the checks are registered, too, so that running them says the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from claudia_core.app import Claudia
from claudia_core.errors import IntegrationError
from claudia_core.model.health import Check, Health
from claudia_core.model.times import utc_now
from claudia_core.ports import Transaction
from claudia_core.services import rollups
from claudia_core.services.health import Rules
from claudia_core.services.health.history import SECONDS, note, series
from claudia_core.settings import default_settings
from claudia_core.stores.memory import MemoryStore
from claudia_core.stores.sqlite.store import SqliteStore
from claudia_core.testing.clock import PastClock

DATABASE = "database"
CHECKS: Mapping[str, Rules] = {
    "network": Rules(60.0),
    DATABASE: Rules(60.0, ("network",)),
    "orders api": Rules(60.0, (DATABASE,)),
    "reports": Rules(60.0, (DATABASE,)),
    "queue": Rules(60.0, ("network",)),
}
USUAL: Mapping[str, float] = {"network": 0.002, DATABASE: 0.006, "orders api": 0.045, "reports": 0.12, "queue": 0.003}
"""Seconds that each takes when all is well."""

SLOW, DOWN = 50, 40
"""Minutes ago at which the database became slow, and went away."""

DAYS = 60
BAD_EVENING = 12
"""Days ago on which an hour was bad, too."""

REFUSED = "ConnectionRefusedError: db.internal:5432 refused the connection"
LOADS = ("load orders", "load customers", "load stock")
WAREHOUSE = "warehouse"
"""The service that is called, and left alone since its circuit opened."""


class DatabaseError(Exception):
    """What the driver of this stage raises."""


def staged_outage(path: Path | None = None, *, end: datetime | None = None) -> Claudia:
    """A hub on which the outage is staged, in memory or in a new file; `end` is now unless given."""
    last = utc_now() if end is None else end
    clock = PastClock(last - timedelta(days=DAYS))
    store = MemoryStore(clock=clock) if path is None else SqliteStore(path, clock=clock)
    claudia = Claudia(store=store, settings=default_settings())
    store.write(lambda tx: _long_past(tx, last)).result()
    for minute in range(120, 0, -1):
        clock.move_to(last - timedelta(minutes=minute))
        ran = [check_at(name, minute) for name in CHECKS]
        store.write(lambda tx, ran=ran: note(tx, ran, CHECKS)).result()  # type: ignore[misc]
        if minute <= DOWN and minute % 12 == 0:
            _fail_load(claudia, LOADS[minute // 12 % len(LOADS)])
    clock.move_to(last)
    clock.join()
    _go_on(claudia)
    return claudia


def check_at(name: str, minute: float) -> Check:
    """What a check came to, so many minutes ago."""
    rules = CHECKS[name]
    if name == DATABASE and minute <= DOWN:
        return Check(name, Health.FAIL, REFUSED, 0.001)
    if name == DATABASE and minute <= SLOW:
        return Check(name, Health.WARN, "took 0.840 s, more than 0.5 s", 0.84)
    if DATABASE in rules.after and minute <= DOWN:
        return Check(name, Health.FAIL, "HTTP 503", 0.01, silenced_by=DATABASE)
    return Check(name, Health.PASS, "", USUAL[name] * (1 + minute % 7 / 10))


def _long_past(tx: Transaction, end: datetime) -> None:
    """Hours of the weeks before, sixty runs each."""
    first = rollups.bucket(end - timedelta(days=DAYS), rollups.HOUR)
    bad = rollups.bucket(end - timedelta(days=BAD_EVENING), rollups.HOUR)
    for name, usual in USUAL.items():
        for hour in range(first, rollups.bucket(end, rollups.HOUR) - rollups.HOUR, rollups.HOUR):
            fails = 25 if name == DATABASE and hour == bad else 0
            tx.increment(series(name, Health.PASS.value), hour, 60 - fails)
            tx.increment(series(name, SECONDS), hour, 60 * usual * (1 + hour // rollups.HOUR % 5 / 10))
            if fails:
                tx.increment(series(name, Health.FAIL.value), hour, fails)


def _fail_load(claudia: Claudia, name: str) -> None:
    task = claudia.tasks.create(name, type="load", start=True)
    try:
        read_rows(name)
    except DatabaseError as error:
        claudia.tasks.fail(task.id, error)


def read_rows(name: str) -> None:
    """What a load does first.

    Raises:
        DatabaseError: as long as the database is away.
    """
    raise DatabaseError(f"could not connect to db.internal:5432 while reading {name.removeprefix('load ')}")


def _go_on(claudia: Claudia) -> None:
    """The checks as this process runs them, and calls that opened a circuit."""
    for name, rules in CHECKS.items():
        claudia.health.register(name, _probe(name), every=rules.every, after=rules.after)
    claudia.health.run("store")
    warehouse = claudia.integration(WAREHOUSE, failures=3)
    for _ in range(4):
        with suppress(IntegrationError), warehouse as call:
            call.sent("SELECT 1")
            raise DatabaseError("could not connect to db.internal:5432")


def _probe(name: str) -> Callable[[], tuple[Health, str]]:
    found = check_at(name, 0)
    return lambda: (found.status, found.output)
