"""Checks as they are run: together, within their time, judged by thresholds, silent where another is to blame."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest

from claudia_core import Claudia
from claudia_core.errors import IntegrationError, InvalidValue
from claudia_core.model.delivery import Attempt
from claudia_core.model.health import Health
from claudia_core.model.times import utc_now
from claudia_core.services.health import HealthChecks
from claudia_core.services.webhooks.deliveries import Outcome, settle
from claudia_core.stores.memory import MemoryStore
from claudia_core.testing.clock import FakeClock


@pytest.fixture
def checks() -> Iterator[HealthChecks]:
    store = MemoryStore()
    yield HealthChecks(store)
    store.close()


def statuses(checks: HealthChecks) -> dict[str, Health]:
    return {check.name: check.status for check in checks.report().checks if check.name != "store"}


def test_two_hundred_checks_of_which_ten_hang(checks: HealthChecks) -> None:
    """All others are well and quick; those that hang fail within their time, and are not started again meanwhile."""
    go, started = threading.Event(), []

    def hang() -> None:
        started.append(1)
        go.wait(60)

    for number in range(200):
        checks.register(f"c{number:03d}", hang if number % 20 == 0 else lambda: None, timeout=2.0)
    began = time.perf_counter()
    report = checks.report()
    first = time.perf_counter() - began
    failed = {check.name: check for check in report.checks if check.status is Health.FAIL}
    assert len(report.checks) == 201
    assert len(failed) == 10
    assert all("no answer within 2 s" in check.output for check in failed.values())
    assert first < 10.0, "together, not one after the other"
    began = time.perf_counter()
    assert checks.report().status is Health.FAIL
    assert time.perf_counter() - began < 2.0, "what hangs already is not waited for again"
    assert len(started) == 10
    go.set()


def test_coroutine_functions_are_awaited_and_cut_off(checks: HealthChecks) -> None:
    """A probe may be a coroutine function; one that takes too long is cancelled."""

    async def fine() -> tuple[Health, str]:
        await asyncio.sleep(0)
        return Health.WARN, "slow"

    async def hang() -> None:
        await asyncio.sleep(60)

    checks.register("fine", fine)
    checks.register("hang", hang, timeout=0.05)
    assert statuses(checks) == {"fine": Health.WARN, "hang": Health.FAIL}


@pytest.mark.parametrize(
    ("answer", "status", "output"),
    [
        (None, "pass", ""),
        (True, "pass", ""),
        (False, "fail", ""),
        ("warn", "warn", ""),
        (Health.FAIL, "fail", ""),
        ((Health.WARN, "slow"), "warn", "slow"),
        ({"status": "healthy", "latency": 3}, "pass", ""),
        ({"status": "unhealthy", "error": "gone"}, "fail", "gone"),
        ({"status": "degraded"}, "warn", ""),
        (3, "fail", "answered 3"),
        ({"no": "status"}, "fail", "answered 'nothing'"),
    ],
)
def test_what_probes_may_answer(checks: HealthChecks, answer: object, status: str, output: str) -> None:
    """Nothing, a truth, a status, a pair, or the guide's dict; anything else is a fail that says so."""
    checks.register("mine", lambda: answer)
    check = checks.report().checks[-1]
    assert check.status.value == status
    assert output in check.output


def test_thresholds_against_flapping(checks: HealthChecks) -> None:
    """Two fails warn, the third counts; one success does not make it well again, the second does."""
    answers = iter(["fail", "pass", "fail", "fail", "fail", "pass", "fail", "pass", "pass"])
    checks.register("mine", lambda: next(answers), failures=3, successes=2)
    found = [statuses(checks)["mine"].value for _ in range(9)]
    assert found == ["warn", "pass", "warn", "warn", "fail", "fail", "fail", "fail", "pass"]


def test_a_failing_parent_silences_its_children(checks: HealthChecks) -> None:
    """Only the cause counts, also for grandchildren; with the cause gone, they speak again."""
    network = ["fail"]
    checks.register("network", lambda: network[0])
    checks.register("api", lambda: False, after=["network"])
    checks.register("page", lambda: False, after=["api"])
    checks.register("other", lambda: True)
    found = {check.name: check.silenced_by for check in checks.report().checks}
    assert found == {"store": "", "network": "", "api": "network", "page": "api", "other": ""}
    network[0] = "pass"
    found = {check.name: check.silenced_by for check in checks.report().checks}
    assert (found["api"], found["page"]) == ("", "api")
    with pytest.raises(InvalidValue, match="depend on itself"):
        checks.register("network", lambda: True, after=["page"])


def test_a_silenced_check_does_not_count() -> None:
    """The report's status is that of what is to blame; the document says who silenced whom."""
    store = MemoryStore()
    checks = HealthChecks(store)
    checks.register("cache", lambda: False)
    checks.register("page", lambda: False, after=["cache"])
    document = checks.report().to_document()
    assert document["status"] == "fail"
    assert document["checks"]["page"][0]["output"].startswith("silenced by cache")
    store.close()


def test_changes_are_events_and_hours_are_kept() -> None:
    """A change of state is one event, however often the check runs; runs are counted by hour and day."""
    clock = FakeClock()
    store = MemoryStore(clock=clock)
    checks = HealthChecks(store)
    state = ["pass"]
    checks.register("queue", lambda: (Health(state[0]), "said so"), every=1e-9)
    checks.register("page", lambda: Health(state[0]), every=1e-9, after=["queue"])
    for status in ("pass", "pass", "fail", "fail", "pass", "warn"):
        state[0] = status
        checks.watch()
        clock.move(6 * 3_600)
    changes = [event for event in store.events(0).events if event.type == "health:changed"]
    told = [(event.subject, event.data["before"], event.data["status"]) for event in changes]
    assert [one for one in told if one[0] == "queue"] == [
        ("queue", "pass", "fail"),
        ("queue", "fail", "pass"),
        ("queue", "pass", "warn"),
    ]
    assert [one for one in told if one[0] == "page"] == [("page", "pass", "warn")], "silent while the queue failed"
    end = clock.now() + timedelta(hours=1)
    by_hour = checks.history("queue", end=end, days=3, width=3_600)
    assert [(hour.passed, hour.warned, hour.failed) for hour in by_hour] == [
        (1, 0, 0), (1, 0, 0), (0, 0, 1), (0, 0, 1), (1, 0, 0), (0, 1, 0),
    ]  # fmt: skip
    days = checks.history("queue", end=end)
    assert [day.availability for day in days] == [0.5, 1.0]
    with pytest.raises(InvalidValue, match="width"):
        checks.history("queue", width=60)
    store.close()


def test_only_what_is_due_is_run(checks: HealthChecks) -> None:
    """A check runs when its time has come; a report may take what is fresh."""
    runs: list[int] = []
    checks.register("seldom", lambda: runs.append(1), every=3_600)
    for _ in range(3):
        checks.watch()
    checks.report(max_age=60)
    assert len(runs) == 1
    checks.report()
    assert len(runs) == 2


def test_who_looks_often_does_not_stop_the_watch(checks: HealthChecks) -> None:
    """A check that a load balancer asks for all the time is still counted when its time comes."""
    checks.report()
    checks.watch()
    assert [period.passed for period in checks.history("store")] == [1]
    checks.watch()
    assert [period.passed for period in checks.history("store")] == [1], "not due yet"


@pytest.mark.parametrize(
    "rules", [{"timeout": 0}, {"timeout": 1e9}, {"every": -1}, {"failures": 0}, {"successes": 101}, {"name": ""}]
)
def test_rules_are_checked(checks: HealthChecks, rules: dict[str, float]) -> None:
    """What is out of range is refused by name."""
    with pytest.raises(InvalidValue):
        checks.register(**{"name": "mine", "probe": lambda: True, **rules})  # type: ignore[arg-type]


def test_a_server_watches(claudia: Claudia) -> None:
    """Watching adds the checks of a server and ends with the hub; a check that hangs holds up nothing else."""
    claudia.watch_health()
    claudia.watch_health()
    names = [check.name for check in claudia.health.report().checks]
    assert names == ["store", "log", "circuits", "webhooks", "notifications"]
    with pytest.raises(IntegrationError), claudia.integration("github", failures=1):
        raise OSError("down")
    endpoint, _ = claudia.webhooks.create("https://ci.example/", name="CI")
    delivery = claudia.webhooks.test(endpoint.id)
    refused = Outcome(attempt=Attempt(time=utc_now(), status=410, seconds=0.1), is_success=False, gone=True)
    claudia.store.write(lambda tx: settle(tx, delivery.id, refused)).result()
    found = {check.name: (check.status, check.output) for check in claudia.health.report().checks}
    assert found["circuits"] == (Health.WARN, "left alone: github")
    assert found["webhooks"] == (Health.WARN, "not delivered to: CI")
