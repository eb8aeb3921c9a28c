"""Projections of one's own: each event once, in order, one process at a time; folded again when asked."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from claudia_core.app import Claudia
from claudia_core.errors import NotFound
from claudia_core.leased import Leased, LeaseLost
from claudia_core.model.event import Event
from claudia_core.model.health import Health
from claudia_core.ports import Retention
from claudia_core.projections import Projection, request_rebuild
from claudia_core.services.events import NewEvent
from claudia_core.settings import default_settings
from claudia_core.testing.waiting import eventually


def pay(claudia: Claudia, *sums: int) -> None:
    """Events to fold."""
    claudia.events.append([NewEvent("invoice:paid", "x", {"sum": one}) for one in sums])


def total(state: dict[str, Any], event: Event) -> dict[str, Any]:
    """The sum, and in which order it came."""
    return {"sum": state["sum"] + event.data["sum"], "seen": [*state["seen"], event.sequence]}


START = {"sum": 0, "seen": []}


@pytest.fixture
def project(claudia_file: Claudia) -> Iterator[Callable[..., Projection]]:
    """Projections on the hub's store, with a short lease."""
    made: list[Projection] = []

    def make(name: str = "paid", fold: Any = total, **options: Any) -> Projection:
        values = {"start": START, "types": ("invoice:paid",), "lease": 1.0, **options}
        made.append(Projection(claudia_file.store, name, fold, **values))
        return made[-1]

    yield make
    for one in made:
        one.stop()


def test_each_event_once_in_order(claudia_file: Claudia, project: Callable[..., Projection]) -> None:
    """What was there before and what comes; over restarts and takeovers."""
    pay(claudia_file, 1, 2)
    first = project()
    pay(claudia_file, 3)
    eventually(lambda: first.state["sum"] == 6)
    first.stop()
    pay(claudia_file, 4)
    second, third = project(), project()
    pay(claudia_file, 5)
    eventually(lambda: second.state["sum"] == 15)
    assert third.state["seen"] == [1, 2, 3, 4, 5]
    assert third.lag == 0
    assert [second.work.is_holder, third.work.is_holder].count(True) == 1


def test_folded_again(claudia_file: Claudia, project: Callable[..., Projection]) -> None:
    """When asked, or by another version of the fold; meanwhile the state before can be read."""
    pay(claudia_file, *range(1, 11))
    first = project()
    eventually(lambda: first.state["sum"] == 55)
    states: list[int] = []
    request_rebuild(claudia_file.store, "paid")
    until = time.monotonic() + 1.0
    while time.monotonic() < until:
        states.append(first.state["sum"])
    assert set(states) == {55}
    first.stop()

    def double(state: dict[str, Any], event: Event) -> dict[str, Any]:
        return {"sum": state["sum"] + 2 * event.data["sum"], "seen": []}

    second = project(fold=double, version=2)
    eventually(lambda: second.state["sum"] == 110)
    assert second.health() == (Health.PASS, "0 events behind")
    with pytest.raises(NotFound, match="no projection"):
        request_rebuild(claudia_file.store, "nothing")


def test_a_fold_that_fails(claudia_file: Claudia, project: Callable[..., Projection]) -> None:
    """It is tried again, the state stays where it was, and the health says why."""
    broken = [True]

    def fold(state: dict[str, Any], event: Event) -> dict[str, Any]:
        if broken[0] and event.data["sum"] == 2:
            raise ValueError("no twos")
        return total(state, event)

    made = project(fold=fold)
    pay(claudia_file, 1)
    eventually(lambda: made.state["sum"] == 1)
    pay(claudia_file, 2)
    eventually(lambda: made.health()[0] is Health.WARN)
    assert "no twos" in made.health()[1]
    assert made.state["sum"] == 1
    broken[0] = False
    eventually(lambda: made.state["sum"] == 3)
    eventually(lambda: made.health()[0] is Health.PASS)


def test_what_was_pruned_is_counted(claudia_file: Claudia, project: Callable[..., Projection]) -> None:
    """It begins at the oldest event kept; what goes while nobody folds is missed, and said so."""
    pay(claudia_file, 1)
    first = project()
    eventually(lambda: first.state["sum"] == 1)
    first.stop()
    pay(claudia_file, *range(2, 12))
    claudia_file.store.prune(Retention(events=3))
    second = project()
    eventually(lambda: second.state["sum"] == 1 + 9 + 10 + 11)
    assert claudia_file.store.get("meta", "projection/paid")["missed"] == 7


def test_on_a_hub(claudia: Claudia) -> None:
    """`claudia.project` registers its health and ends with the hub."""
    pay(claudia, 1, 2)
    made = claudia.project("paid", total, start=START, types=("invoice:paid",))
    eventually(lambda: made.state["sum"] == 3)
    assert "projection paid" in {check.name for check in claudia.health.report().checks}


def test_who_lost_the_lease_saves_nothing(claudia: Claudia) -> None:
    """A process that was frozen while its lease passed on finds out within the transaction."""
    idle = Leased(claudia.store, "work", lambda _: 60.0, lease=0.2)
    assert idle._hold()
    time.sleep(0.3)
    other = Leased(claudia.store, "work", lambda _: 60.0, lease=60)
    assert other._hold()

    def save(tx):
        idle.guard(tx)
        tx.emit("a:b", "", {})

    with pytest.raises(LeaseLost):
        claudia.store.write(save).result(10)
    assert claudia.store.head() == 0
    with pytest.raises(LeaseLost):
        idle.hold()


HOLDER = """
import sys, time
from claudia_core import Claudia
from claudia_core.settings import default_settings
claudia = Claudia(settings=default_settings(database_url=sys.argv[1], display="off", lease=1.0, heartbeat=0.4))
made = claudia.project("count", lambda state, event: state + 1, start=0, types=("invoice:paid",))
while made.state != 2:
    time.sleep(0.02)
print("ready", flush=True)
time.sleep(600)
"""


def test_another_process_takes_over(tmp_path: Path) -> None:
    """After a kill of the one that held the lease, within about its time."""
    url = str(tmp_path / "claudia.db")
    with Claudia(settings=default_settings(database_url=url, display="off")) as claudia:
        pay(claudia, 1, 2)
        with subprocess.Popen([sys.executable, "-c", HOLDER, url], stdout=subprocess.PIPE, text=True) as holder:
            try:
                assert holder.stdout is not None
                assert holder.stdout.readline() == "ready\n"
                mine = claudia.project("count", lambda state, _: state + 1, start=0, types=("invoice:paid",), lease=1.0)
                assert not mine.work.is_holder
            finally:
                holder.kill()
            pay(claudia, 3)
            eventually(lambda: mine.state == 3, timeout=20)
