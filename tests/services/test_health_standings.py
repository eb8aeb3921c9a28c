"""How checks stand, for every process on the store; run when somebody asks; days that are over are read once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from claudia_core import Claudia
from claudia_core.errors import NotFound
from claudia_core.model.health import Health
from claudia_core.model.identity import Identity, Kind, Scope, acting_as
from claudia_core.ports import Reader, Sample
from claudia_core.services.health import HealthChecks
from claudia_core.services.health.past import Past
from claudia_core.stores.memory import MemoryStore
from claudia_core.testing.clock import FakeClock

Stage = tuple[HealthChecks, HealthChecks, FakeClock]


@pytest.fixture
def stage() -> Iterator[Stage]:
    """A process that runs checks, and another one on the same store."""
    clock = FakeClock()
    store = MemoryStore(clock=clock)
    yield HealthChecks(store), HealthChecks(store), clock
    store.close()


def test_every_process_sees_how_checks_stand(stage: Stage) -> None:
    """State, since when, the last fail with its words, what it depends on, the last runs; also of another process."""
    runs_it, looks, clock = stage
    answers = iter([(Health.PASS, ""), (Health.FAIL, "gone"), (Health.PASS, "back")])
    runs_it.register("queue", lambda: next(answers), every=30, after=["store"])
    began = clock.now()
    for _ in range(3):
        runs_it.run("queue")
        clock.move(60)
    (standing,) = (one for one in looks.standings() if one.name == "queue")
    assert (standing.status, standing.output, standing.after, standing.every) == (Health.PASS, "back", ("store",), 30)
    assert (standing.since, standing.at) == (began + timedelta(minutes=2), began + timedelta(minutes=2))
    assert (standing.failed_at, standing.failure) == (began + timedelta(minutes=1), "gone")
    assert [run.status.value for run in standing.runs] == ["pass", "fail", "pass"]
    assert not standing.is_here
    assert not standing.is_missed(began + timedelta(minutes=4))
    assert standing.is_missed(began + timedelta(minutes=5)), "nobody seems to run it any more"


def test_a_silenced_check_keeps_its_past(stage: Stage) -> None:
    """It says who silences it, and what it said before; with the cause gone it speaks again."""
    runs_it, looks, _ = stage
    network = [True]
    runs_it.register("network", lambda: network[0])
    runs_it.register("api", lambda: (Health.FAIL, "refused") if not network[0] else None, after=["network"])
    runs_it.run()
    network[0] = False
    runs_it.run()
    (api,) = (one for one in looks.standings() if one.name == "api")
    assert (api.silenced_by, api.status, len(api.runs)) == ("network", Health.PASS, 1)
    network[0] = True
    runs_it.run()
    (api,) = (one for one in looks.standings() if one.name == "api")
    assert (api.silenced_by, len(api.runs)) == ("", 2)


def test_what_nobody_runs_any_more_is_forgotten(stage: Stage) -> None:
    """A week after the others ran on without it; while nothing runs at all, everything stays listed."""
    runs_it, looks, clock = stage
    runs_it.register("renamed", lambda: None)
    runs_it.run()
    runs_it.unregister("renamed")
    clock.move(8 * 86_400)
    assert "renamed" in [one.name for one in looks.standings()]
    runs_it.run()
    assert "renamed" not in [one.name for one in looks.standings()]


def test_a_check_that_never_ran_is_listed(stage: Stage) -> None:
    """Without a state, as one of this process."""
    runs_it, _, _ = stage
    runs_it.register("later", lambda: None)
    (later,) = (one for one in runs_it.standings() if one.name == "later")
    assert (later.status, later.is_here, later.at) == (None, True, None)


def test_only_what_runs_here_is_run(stage: Stage) -> None:
    """Another process's check is refused in words; one that runs is counted at once."""
    runs_it, looks, _ = stage
    runs_it.register("mine", lambda: False)
    assert runs_it.run("mine")["mine"].status is Health.FAIL
    with pytest.raises(NotFound, match="runs no check 'mine'"):
        looks.run("mine")
    assert set(looks.run()) == {"store"}


class Counting:
    """A reader that counts what it is asked."""

    def __init__(self, reader: Reader) -> None:
        self.asked = 0
        self._reader = reader

    def samples(self, *args: Any) -> list[Sample]:
        self.asked += 1
        return self._reader.samples(*args)


def test_days_that_are_over_are_read_once(stage: Stage) -> None:
    """Today is read anew; a day later yesterday is over, too."""
    checks, _, clock = stage
    clock.move(-(clock.now().hour * 3_600 + clock.now().minute * 60 + clock.now().second) % 86_400)
    past = Past(checks._store)
    checks.run("store")
    assert [day.passed for day in past.days(["store"], 3, clock.now())["store"]] == [1]
    checks.run("store")
    assert [day.passed for day in past.days(["store"], 3, clock.now())["store"]] == [2]
    clock.move(86_400)
    checks.run("store")
    counting = Counting(checks._store)
    past._reader = counting  # type: ignore[assignment]  # all that it is asked for
    for _ in range(3):
        assert [day.passed for day in past.days(["store"], 3, clock.now())["store"]] == [2, 1]
    assert counting.asked == 4, "once for what is over, three times for today"
    clock.move(5 * 86_400)
    assert past.days(["store"], 3, clock.now()) == {"store": []}


def test_who_ran_checks_is_in_the_audit_log(claudia: Claudia) -> None:
    """Run over the contract by somebody with a name."""
    from claudia_core.api.access.perform import perform
    from claudia_core.api.contract.operations import OPERATIONS

    operation = OPERATIONS["health.run"]
    who = Identity(Kind.USER, "u1", "ann", frozenset({Scope.OPERATOR}))
    with acting_as(who):
        told = perform(operation, claudia, operation.input(name="store"), who)
    assert list(told["checks"]) == ["store"]
    assert [(entry.action, entry.actor) for entry in claudia.audit.list().entries] == [("health.run", "user:u1")]
