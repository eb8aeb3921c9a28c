"""A day on which errors suddenly became many, staged on a hub: for runbooks, demonstrations and tests.

A shop has its usual few errors all day. Forty minutes ago release 1.4.2 went out: since then carts cannot be paid,
tasks fail with it, and an error that was resolved in the morning is back. Time is given to the store, not waited for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from claudia_core.app import Claudia
from claudia_core.model.report import ErrorReport
from claudia_core.model.times import utc_now
from claudia_core.settings import default_settings
from claudia_core.stores.memory import MemoryStore
from claudia_core.stores.sqlite.store import SqliteStore
from claudia_core.testing.clock import PastClock

BEFORE, AFTER = "1.4.1", "1.4.2"
DEPLOYED = 40
"""Minutes ago at which the release went out."""

HOURS = 23
SPIKE = 4
"""Errors a minute since then."""

USUAL = (
    ErrorReport(type="TimeoutError", message="the bank did not answer within 30 s", culprit="shop.bank.ask"),
    ErrorReport(type="shop.errors.CardRefused", message="the card was refused", culprit="shop.pay.charge"),
)
RESOLVED = ErrorReport(type="ConnectionResetError", message="prices.internal:5432", culprit="shop.prices.load")
"""Resolved in the morning; back with the release."""

SHOPS = ("north", "south", "west")
TASKS = ("settle carts: north", "settle carts: south", "settle carts: west")

type Step = tuple[float, Callable[[], object]]
"""What happens, at so many minutes from the end of the stage; before it, so negative."""


def staged_spike(path: Path | None = None, *, end: datetime | None = None) -> Claudia:
    """A hub on which the day is staged, in memory or in a new file; `end` is now unless given."""
    last = utc_now() if end is None else end
    clock = PastClock(last - timedelta(hours=HOURS + 1))
    store = MemoryStore(clock=clock) if path is None else SqliteStore(path, clock=clock)
    claudia = Claudia(store=store, settings=default_settings(service="shop", release=AFTER, environment="production"))
    for at, do in sorted(_steps(claudia), key=lambda step: step[0]):
        clock.move_to(last + timedelta(minutes=at))
        do()
    clock.move_to(last)
    clock.join()
    return claudia


def _steps(claudia: Claudia) -> Iterator[Step]:
    for hour in range(HOURS, 0, -1):
        for number, usual in enumerate(USUAL):
            yield -60.0 * hour + 7 * number, _telling(claudia, usual, BEFORE if hour > 1 else AFTER, hour)
    for minute in (-700.0, -690.0, -680.0):
        yield minute, _telling(claudia, RESOLVED, BEFORE, 0)
    yield -600.0, lambda: _resolve(claudia)
    for minute in range(DEPLOYED):
        for part in range(SPIKE):
            yield -minute - part / SPIKE, _paying(claudia, minute * SPIKE + part)
    for number, name in enumerate(TASKS):
        yield -30.0 + 5 * number, _failing(claudia, name)
    yield -25.0, _telling(claudia, RESOLVED, AFTER, 1)


def _telling(claudia: Claudia, report: ErrorReport, release: str, number: int) -> Callable[[], object]:
    told = replace(report, service="shop", release=release, environment="production", host=f"app-{1 + number % 3}")
    return lambda: claudia.errors.report(told)


def _resolve(claudia: Claudia) -> None:
    (issue,) = claudia.errors.issues(text=RESOLVED.culprit).issues
    claudia.errors.resolve(issue.id)
    claudia.errors.comment(issue.id, "prices.internal was restarted")


def _paying(claudia: Claudia, number: int) -> Callable[[], object]:
    def pay() -> None:
        claudia.errors.capture(attempt(number), tags={"shop": SHOPS[number % 3]}, cart=number)
        claudia.flush()

    return pay


def _failing(claudia: Claudia, name: str) -> Callable[[], object]:
    def fail() -> None:
        task = claudia.tasks.create(name, type="settle", start=True)
        claudia.tasks.fail(task.id, attempt(name))

    return fail


def attempt(id: object) -> KeyError:
    """The error that settling a cart of this day makes."""
    try:
        settle({"id": id, "items": [{"price": 12.5}]})
    except KeyError as error:
        return error
    raise AssertionError("it fails since the release")


def settle(cart: dict[str, object]) -> float:
    """What the shop does with a cart.

    Raises:
        KeyError: an item has no count, as since the release.
    """
    items = cart["items"]
    assert isinstance(items, list), "a cart has items"
    return float(sum(item["price"] * item["count"] for item in items))
