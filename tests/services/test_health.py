"""Whether the hub's parts are well."""

import pytest

from claudia_core.model import Check, Health, HealthReport
from claudia_core.testing.clock import START


def test_the_worst_check_is_the_reports_status():
    """Pass, then warn, then fail; nothing to check is a pass."""
    checks = [Check("a", Health.PASS), Check("b", Health.WARN, "slow", 0.25), Check("c", Health.FAIL, "gone")]
    for number, status in enumerate((Health.PASS, Health.PASS, Health.WARN, Health.FAIL)):
        assert HealthReport(START, tuple(checks[:number])).status is status


def test_the_document_is_health_json():
    """One list of observations by check, times in milliseconds."""
    report = HealthReport(START, (Check("store", Health.WARN, "slow", 0.25),))
    document = report.to_document()
    assert document["status"] == "warn"
    assert document["checks"]["store"][0] == {
        "status": "warn",
        "output": "slow",
        "observedValue": 250.0,
        "observedUnit": "ms",
    }


def test_a_hub_is_well(claudia, claudia_file):
    """The store answers; one on disk says how the disk stands, too."""
    assert [check.name for check in claudia.health.report().checks] == ["store"]
    checks = {check.name: check for check in claudia_file.health.report().checks}
    assert checks.keys() == {"store", "disk"}
    assert checks["store"].status is Health.PASS
    assert checks["store"].seconds >= 0


@pytest.mark.parametrize("answer", [(Health.WARN, "slow"), (Health.FAIL, "gone")])
def test_checks_of_ones_own(claudia, answer):
    """Are part of the report."""
    claudia.health.register("queue", lambda: answer)
    report = claudia.health.report()
    assert report.status is answer[0]
    assert (report.checks[-1].name, report.checks[-1].output) == ("queue", answer[1])


def test_a_check_that_raises_is_a_fail(claudia):
    """With what was raised, and without ending the report."""

    def broken():
        raise ConnectionError("refused")

    claudia.health.register("queue", broken)
    claudia.health.register("after", lambda: (Health.PASS, ""))
    queue, after = claudia.health.report().checks[-2:]
    assert (queue.status, queue.output) == (Health.FAIL, "ConnectionError: refused")
    assert after.status is Health.PASS
