"""Figures and calls of other processes: told by each, summed by whoever looks, forgotten when they end."""

from __future__ import annotations

import contextlib
from datetime import timedelta
from pathlib import Path

import pytest

from claudia_core import Claudia
from claudia_core.errors import IntegrationError
from claudia_core.model.times import utc_now
from claudia_core.resilience.breaker import Circuit
from claudia_core.services import processes
from claudia_core.services.processes import KEPT, Processes
from claudia_core.settings import default_settings
from claudia_core.testing.waiting import eventually


@pytest.fixture(autouse=True)
def looks_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask the store each time."""
    monkeypatch.setattr(processes, "LOOK", 0.0)


@pytest.fixture
def hubs(tmp_path: Path):
    """Two on one file, as in two processes; in production the debugger is off."""
    settings = default_settings(database_url=str(tmp_path / "hub.db"), display="off", environment="production")
    with Claudia(settings=settings) as here, Claudia(settings=settings) as there:
        yield here, there


def call(hub: Claudia, name: str = "github", *, error: str = "") -> None:
    with contextlib.suppress(IntegrationError), hub.integration(name, failures=2) as made:
        made.sent(f"GET /{name}")
        if error:
            raise OSError(error)


def test_they_are_summed(hubs):
    """Counts, latencies, the last error and the worst circuit; each also by itself."""
    here, there = hubs
    call(here)
    for _ in range(2):
        call(there, error="down there")
    call(there, "stripe")
    there.processes.tell()
    github, stripe = here.processes.services()
    assert (github.figures.successes, github.figures.errors, github.histogram.number) == (1, 2, 3)
    assert (github.circuit, github.figures.last_error) == (Circuit.OPEN, "OSError: down there")
    assert github.retry_after > 0
    assert github.figures.p99 is not None
    assert github.processes == (here.processes.name, there.processes.name)
    assert stripe.processes == (there.processes.name,)
    (alone,) = here.processes.services(here.processes.id)
    assert (alone.figures.successes, alone.circuit) == (1, Circuit.CLOSED)
    assert here.integrations.get("github").breaker.circuit is Circuit.CLOSED, "what is shown changes no guard"


def test_nothing_is_written_while_nothing_changes(hubs):
    """A process that calls nothing tells nothing; one that is quiet says now and then that it is there."""
    here, there = hubs
    assert not there.processes.tell()
    call(there)
    moment = [utc_now()]
    telling = Processes(there.store, there.integrations, now=lambda: moment[0])
    assert telling.tell()
    assert not telling.tell()
    moment[0] += KEPT / 2
    assert telling.tell()
    call(there)
    assert telling.tell()
    head = here.store.head()
    telling.tell()
    assert here.store.head() == head, "it is no event"


def test_one_that_ended_or_died_is_not_counted(hubs):
    """It takes back what it told; one that died is left out after a minute, and forgotten by the next that ends."""
    here, there = hubs
    call(there)
    dead = Processes(there.store, there.integrations, now=lambda: utc_now() - KEPT - timedelta(seconds=1))
    dead.tell()
    there.processes.tell()
    assert [one.id for one in here.processes.all()] == [here.processes.id, there.processes.id]
    assert there.store.get("processes", dead.id) is not None
    there.close()
    assert [one.is_here for one in here.processes.all()] == [True]
    assert here.store.get("processes", dead.id) is None


def test_debuggers_of_all_processes(hubs):
    """Turned on anywhere, each keeps calls from its next look on, and tells the last of them; so it is turned off."""
    here, there = hubs
    call(there)
    here.processes.debug("github", 5)
    assert here.integrations.debugger.is_on("github")
    there.processes.tell()
    call(there)
    call(there, "stripe")
    there.processes.tell()
    (seen,) = here.processes.calls()
    assert (seen.integration, seen.operation) == ("github", "GET /github")
    assert here.processes.calls(process=here.processes.id) == []
    assert here.processes.calls(outcome="error") == []
    assert here.processes.services()[0].debugged
    here.processes.debug("*", 0)
    there.processes.tell()
    assert not there.integrations.debugger.is_on("github")


def test_it_is_told_by_itself(tmp_path, monkeypatch):
    """Some seconds after a process first called a service, without its doing anything."""
    monkeypatch.setattr("claudia_core.outside.EVERY_SECONDS", 0.05)
    path = tmp_path / "hub.db"
    with Claudia(path, display="off") as here, Claudia(path, display="off") as there:
        call(there)
        eventually(lambda: [one.name for one in here.processes.services()] == ["github"])


def test_a_hub_in_memory_tells_nobody():
    """There is nobody else."""
    with Claudia("memory://", display="off") as hub:
        call(hub)
        assert not hub.processes.tell()
        assert [one.is_here for one in hub.processes.all()] == [True]
        assert hub.processes.debug("github", 1)
