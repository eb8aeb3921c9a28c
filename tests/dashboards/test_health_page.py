"""The health page and its parts as objects: refresh, then look at what they hold."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from claudia_core.model.health import Health
from claudia_core.model.identity import Identity, Kind, Scope, acting_as
from claudia_core.model.times import utc_now
from claudia_core.services.health import HealthPeriod, Run, Standing
from claudia_core.testing.outage import CHECKS, DATABASE, REFUSED, WAREHOUSE, staged_outage
from dashboards.cells import health as cells
from dashboards.figures.health_graph import graph, twin_rows
from dashboards.pages.health import HealthPage
from dashboards.parts import HealthList, HealthStrip
from tests.dashboards.conftest import XSS, settle

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def staged():
    """A hub whose database is away."""
    with staged_outage() as hub:
        settle(hub)
        yield hub


def shown(page):
    """What the list shows: names and states."""
    return {row["name"]["text"]: row["status"]["word"] for row in page.checks.table.rows}


def standing(name="api", status=Health.PASS, **values):
    """A check that was run a minute ago."""
    given = {"at": NOW - timedelta(minutes=1), "every": 60.0, "since": NOW - timedelta(hours=1), **values}
    return Standing(name=name, status=status, **given)


def test_every_check_with_its_state_and_past(staged):
    """What fails, what it silences, how long it takes, when it failed last, 90 days of it; the verdict names it."""
    page = HealthPage(staged)
    page.refresh()
    assert shown(page) == {
        DATABASE: "fail", "network": "pass", "orders api": "silenced", "queue": "pass", "reports": "silenced",
        "store": "pass",
    }  # fmt: skip
    assert "✖ database fails · ✔ 3 checks well · 2 silenced" in page.heading.object
    rows = {row["id"]: row for row in page.checks.table.rows}
    database = rows[DATABASE]
    assert database["name"]["hint"] == REFUSED
    assert database["failed"] is not None
    assert rows["reports"]["name"]["hint"] == "silent while database fails"
    days = database["days"]["days"]
    assert len(days) == 90
    assert days[-1] == "poor"
    assert set(days[:20]) == {"none"}
    assert database["available"] != "100%"
    assert "fails on" in database["days"]["label"]
    assert rows["reports"]["available"] == "100%", "silence is no fail"
    assert [item["count"] for item in page.tabs.items] == ["6", "1", "0", "3", "2", "0"]


def test_checks_by_state(staged):
    """A choice of the tabs, which is in the address, and says so where there is none."""
    page = HealthPage(staged)
    page.tabs._on_message({"choose": "silenced"})
    page.refresh()
    assert set(shown(page)) == {"orders api", "reports"}
    page.status = "warn"
    page.refresh()
    assert page.checks.table._wanted[0] == "No check is like this now"


def test_one_check_in_detail(staged):
    """Facts with what it depends on and silences, its days, its hours as chart and table, when it turned."""
    page = HealthPage(staged, id=DATABASE)
    page.refresh()
    detail = page.detail
    assert page.title == DATABASE
    assert "✖ fail" in detail.title.object
    facts = {row["id"]: row["value"][1] for row in detail.facts.rows}
    assert facts["Depends on 0"]["text"] == "network"
    assert [facts[f"Silences {at}"]["text"] for at in range(2)] == ["orders api", "reports"]
    assert facts["It said"] == REFUSED
    assert [row["says"] for row in detail.changes.rows] == ["warn → fail", "pass → warn"]
    assert detail.bars.rows[0]["days"]["titles"][-1].endswith("failed")
    assert detail.days.rows[0]["failed"] is not None
    assert len(detail.days.rows) == 8, "a week, and the bad evening before"
    hours = detail.chart.pull_data()
    assert len(hours) > 24 * 6
    assert detail.chart.twin(hours)[0]["failed"] is not None
    detail.chart.draw(hours)


def test_a_check_that_there_is_not(staged):
    """Is told, and offers nothing."""
    page = HealthPage(staged, id="<nothing>")
    page.refresh()
    assert "Check not found" in page.detail.title.object
    assert "<nothing>" not in page.detail.title.object
    assert not page.detail.run.button.visible


def test_what_silences_what(staged):
    """Columns by what comes first, the lines in force marked, and the same as rows."""
    found = graph(staged.health.standings(), utc_now())
    places = {box["label"]: (box["x"], box["word"]) for box in found["boxes"]}
    assert places == {
        "network": (0, "pass"), DATABASE: (1, "fail"), "queue": (1, "pass"), "orders api": (2, "silenced"),
        "reports": (2, "silenced"),
    }  # fmt: skip
    names = [box["label"] for box in found["boxes"]]
    lines = {(names[line["from"]], names[line["to"]]): line["on"] for line in found["lines"]}
    assert lines == {
        ("network", DATABASE): False, ("network", "queue"): False, (DATABASE, "orders api"): True,
        (DATABASE, "reports"): True,
    }  # fmt: skip
    rows = {row["id"]: row for row in twin_rows(staged.health.standings(), utc_now())}
    assert (rows[DATABASE]["after"], rows[DATABASE]["silences"]) == ("network", "orders api, reports")
    assert "store" not in rows


def test_a_circle_and_what_is_not_there_are_drawn():
    """Two processes can make a circle between them, or name a check that nobody registered."""
    found = graph([standing("a", after=("b",)), standing("b", after=("a", "gone"))], NOW)
    assert {box["label"]: box["word"] for box in found["boxes"]} == {"a": "pass", "b": "pass", "gone": "no such check"}
    assert len(found["lines"]) == 3
    assert graph([standing("alone")], NOW) == {"boxes": [], "lines": []}


def test_circuits_stand_below(staged):
    """The service whose circuit opened, with when it is tried again and what it said."""
    page = HealthPage(staged)
    page.refresh()
    (row,) = page.circuits.table.rows
    assert (row["name"]["text"], row["status"]["word"], row["errors"], row["refused"]) == (WAREHOUSE, "open", "3", "1")
    assert row["name"]["hint"].startswith("DatabaseError: could not connect")
    assert row["retry"] is not None


def test_checks_are_run_now(claudia):
    """One or all, counted, and told; the list shows it at once."""
    answers = [False]
    claudia.health.register("mine", lambda: answers[0])
    page = HealthPage(claudia)
    page.refresh()
    assert shown(page) == {"mine": "not run yet", "store": "not run yet"}
    asyncio.run(page.run.act())
    assert page.notice[:2] == ("2 checks ran, 1 check failed: mine", "bad")
    assert shown(page) == {"mine": "fail", "store": "pass"}
    answers[0] = True
    page.id = "mine"
    page.refresh()
    asyncio.run(page.detail.run.act())
    assert page.notice[0].startswith("mine: pass in ")
    assert "✔ pass" in page.detail.title.object
    assert [day.passed for day in claudia.health.days(["mine"])["mine"]] == [1]


def test_running_takes_an_operator(claudia):
    """Who may only look is told so, and nothing is run."""
    ran = []
    claudia.health.register("mine", lambda: ran.append(1))
    page = HealthPage(claudia)
    with acting_as(Identity(Kind.USER, "u1", "vera", frozenset({Scope.VIEWER}))):
        asyncio.run(page.run.act())
    assert page.notice[1] == "bad"
    assert not ran
    assert not page.run.button.disabled


def test_a_check_of_another_process_is_not_run_here(staged):
    """It is shown; the button is there only where the process that serves the page runs it."""
    staged.health.unregister("queue")
    try:
        page = HealthPage(staged, id="queue")
        page.refresh()
        assert page.detail.body.visible
        assert not page.detail.run.button.visible
        assert {row["label"]: row["value"][1] for row in page.detail.facts.rows}["Run by"] == "another process"
    finally:
        staged.health.register("queue", lambda: None, every=60.0, after=CHECKS["queue"].after)


def test_who_is_not_watched_any_more_says_so():
    """What was said long ago is not told as if it were now."""
    old = standing(at=NOW - timedelta(hours=2), output="fine")
    assert cells.state(old, NOW) == "not watched"
    assert cells.says(old, NOW) == "no process has run it for long; it said: fine"
    assert cells.verdict([old], NOW) == ("", "1 not watched")


def test_the_verdict_names_the_worst():
    """At most three names; nothing is well by itself."""
    many = [standing(f"c{number}", Health.FAIL) for number in range(5)]
    assert cells.verdict(many, NOW) == ("failed", "✖ c0, c1, c2 and 2 more fail")
    assert cells.verdict([standing("a", Health.WARN)], NOW) == ("cancelled", "▲ a warns")
    assert cells.verdict([standing("a"), standing("b")], NOW) == ("completed", "✔ 2 checks well")


def test_shares_are_rounded_down():
    """One fail in a million runs is not 100%."""
    assert cells.percent([HealthPeriod(NOW, 999_999, 0, 1, 0.1)]) == "99.99%"
    assert cells.percent([HealthPeriod(NOW, 10, 0, 0, 0.1)]) == "100%"
    assert cells.percent([]) is None


def test_the_last_runs_are_bars():
    """With their span for who cannot see them."""
    runs = (Run(Health.PASS, 0.002), Run(Health.FAIL, 1.5))
    assert cells.run_bars(standing(runs=runs))["label"] == "2 ms to 1.5 s in the last 2 runs"
    assert cells.run_bars(standing()) is None


def test_what_checks_say_is_text(claudia):
    """Markup in names and outputs is never markup in headings."""
    claudia.health.register(XSS, lambda: (Health.FAIL, XSS))
    claudia.health.run()
    page = HealthPage(claudia)
    page.refresh()
    assert XSS not in page.heading.object
    page.id = XSS
    page.refresh()
    assert XSS not in page.detail.title.object
    assert "&lt;img" in page.detail.title.object


def test_parts_stand_alone(staged):
    """The list and the strip, for any app or cell; what is not well comes first in the strip."""
    part = HealthList(staged, state="fail")
    part.refresh()
    assert [row["id"] for row in part.table.rows] == [DATABASE]
    strip = HealthStrip(staged)
    strip.refresh()
    items = [(item["label"], item["word"]) for item in strip.strip.items]
    assert items[:3] == [(DATABASE, "fail"), ("orders api", "silenced"), ("reports", "silenced")]
    assert {word for _, word in items[3:]} == {"pass"}
