"""What pages show of values, without any page."""

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from claudia_core.boards import Minute, Picture
from claudia_core.failures import Failures
from claudia_core.model.task import Status
from claudia_core.model.times import to_text
from claudia_core.services.tasks.new_task import NewTask
from claudia_core.services.trends import Pace, Took, Trends
from dashboards import frames
from dashboards.parts.charts.throughput import ThroughputChart

AT = 1_795_000_020
NOW = datetime.fromtimestamp(AT + 30, UTC)


def beside(now: Pace, before: Pace) -> Trends:
    """An hour and a day that are alike, beside those before."""
    return Trends(now, before, now, before, ())


def picture(*minutes: Minute, **counts: int) -> Picture:
    """A picture with these minutes and counts."""
    return Picture(
        version=1,
        sequence=1,
        as_of=NOW,
        counts={status: counts.get(status.value, 0) for status in Status},
        open=(),
        recent=(),
        failed=(),
        errors=(),
        events=(),
        minutes=minutes,
    )


@pytest.mark.parametrize("module", ["dashboards", "dashboards.cells.tasks", "dashboards.frames", "dashboards.units"])
def test_pure_modules_import_no_panel(module):
    """They are cheap to import, and can be used where no page is."""
    code = f"import sys, {module}; sys.exit(any(name in sys.modules for name in ('panel', 'holoviews', 'pandas')))"
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0


def test_throughput_frame_has_a_row_for_each_minute():
    """Times are UTC, counts are whole numbers."""
    frame = frames.throughput_frame([Minute(AT, completed=3), Minute(AT + 60, failed=1)])
    assert list(frame["completed"]) == [3, 0]
    assert str(frame["minute"].dt.tz) == "UTC"
    assert frames.throughput_frame([]).empty


def test_a_minute_is_a_point_of_the_chart():
    """In the order of its columns."""
    found = frames.minute_points([Minute(AT, completed=3, failed=2, cancelled=1, created=7, errors=4)])
    assert found == [[AT, 3, 2, 1, 7, 4]]
    keys = [column.key for column in ThroughputChart.COLUMNS]
    assert keys == ["minute", "completed", "failed", "cancelled", "created", "errors"]
    assert {series["key"] for series in ThroughputChart.SERIES} <= set(keys)


def test_verdict_says_what_is_wrong_first():
    """Failures before errors before well-being, and an empty hub is neither."""
    assert frames.verdict(picture(Minute(AT, failed=2), active=1)) == (
        "bad",
        "✖ 2 tasks failed in the last hour · 1 task running",
    )
    assert frames.verdict(picture(Minute(AT, errors=1), active=1))[0] == "bad"
    assert frames.verdict(picture(Minute(AT), completed=1))[0] == "good"
    assert frames.verdict(picture()) == ("", "No task has been recorded yet")


def test_verdict_says_what_nobody_takes():
    """A type that no agent can run is no well-being; failures are told before it."""
    why = ("3 tasks of resize wait: no agent can run it", "1 task of mail waits: no agent can run it")
    assert frames.verdict(picture(Minute(AT), active=1), why[:1]) == ("bad", f"✖ {why[0]} · 1 task running")
    assert frames.verdict(picture(Minute(AT), active=1), why)[1] == f"✖ {why[0]} and 1 more · 1 task running"
    told = frames.verdict(picture(Minute(AT, failed=2), active=1), why[:1])[1]
    assert told == f"✖ 2 tasks failed in the last hour · {why[0]} · 1 task running"


def test_key_figures_count_the_hour():
    """Every tile has a number, a unit or a hint, and a link."""
    minutes = (Minute(AT - 60, completed=4), Minute(AT, completed=2, errors=1))
    tiles = frames.key_figures(picture(*minutes, active=3), beside(Pace(), Pace()))
    assert {tile["label"]: tile["value"] for tile in tiles} == {
        "Running": "3",
        "Failed": "0",
        "Errors": "1",
        "Completed": "6",
        "Throughput": "4",
        "Typical task": "\u2013",
    }
    assert all(tile["href"] and tile["hint"] for tile in tiles)
    assert not any("yesterday" in tile["hint"] for tile in tiles)


def test_key_figures_stand_beside_yesterday():
    """The same hour of yesterday, as soon as there was a yesterday."""
    tiles = frames.key_figures(picture(Minute(AT, failed=2)), beside(Pace(failed=2, typical=3.0), Pace(failed=7)))
    found = {tile["label"]: tile for tile in tiles}
    assert found["Failed"]["hint"] == "last hour, yesterday 7"
    assert (found["Typical task"]["value"], found["Typical task"]["unit"]) == ("3", "s")


def test_rates_beside_yesterdays():
    """The hour as counted, the day per hour; small numbers by difference, large ones in percent, durations too."""
    now, before = Pace(completed=48, failed=3, typical=2.0), Pace(completed=24, failed=1, typical=4.0)
    rows = {row["id"]: row for row in frames.trend_rows(beside(now, before))}
    assert [rows["Completed"][key] for key in ("hour", "yesterday", "moved")] == ["48", "24", "▲ 100%"]
    assert [rows["Completed"][key] for key in ("day", "before", "turned")] == ["2", "1", "▲ 1"]
    assert rows["Failed"]["moved"] == "▲ 2"
    assert rows["Errors"]["moved"] == "as before"
    assert [rows["Typical duration"][key] for key in ("hour", "yesterday", "moved")] == ["2 s", "4 s", "▼ 50%"]
    assert rows["19 in 20 within"]["moved"] is None


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "\u2013"), (0.0, "1 ms"), (0.0421, "42.1 ms"), (0.42, "420 ms"), (3.21, "3.2 s"), (42, "42 s"),
     (59.9, "1 min"), (90, "1.5 min"), (7_560, "2.1 h"), (200_000, "2.3 d"), (20_000_000, "231 d")],
)  # fmt: skip
def test_durations_in_two_or_three_digits(seconds, text):
    """With their unit."""
    assert frames.lasting(seconds) == text


def test_errors_are_told_once_an_issue():
    """The newest of each, with its culprit and count; without an issue the type remains."""
    issue = {"culprit": "orders.read", "count": 12_000}
    errors = [
        {"issue_id": "a", "message": "new", "type": "ValueError", "time": "t2", "task_id": "7", "issue": issue},
        {"issue_id": "b", "message": "", "type": "KeyError", "time": "t1", "task_id": None, "issue": None},
        {"issue_id": "a", "message": "old", "type": "ValueError", "time": "t0", "task_id": "6", "issue": issue},
    ]
    rows = frames.issue_rows(errors, 5)
    assert [(row["what"]["text"], row["what"]["hint"], row["count"]) for row in rows] == [
        ("new", "ValueError in orders.read", "12k"),
        ("KeyError", "KeyError", "1"),
    ]
    assert rows[0]["what"]["href"].endswith("errors?id=a")


def failed(name, type, minutes, id=None):
    """The summary of a task that failed some minutes ago."""
    task = NewTask(name=name).checked().to_task(NOW, "").to_summary()
    error = {"type": type, "message": "no"}
    return {**task, "id": id or f"{minutes}", "error": error, "finished_at": to_text(NOW - timedelta(minutes=minutes))}


def test_what_failed_alike_is_told_once():
    """The newest of a kind, with the count of all and a link to them, to the last one."""
    rows = [failed("load", "ValueError", 30 - n / 100, id=f"load {n}") for n in range(1_234)]
    found = Failures([*rows, failed("a & b", "KeyError", 5)])
    rows = frames.failed_rows(replace(picture(), failed=found.alike(NOW)), 5)
    assert [(row["id"], row["name"]["hint"], row["count"]["text"]) for row in rows] == [
        ("5", "KeyError: no", "1"),
        ("load 1233", "ValueError: no", "1,234"),
    ]
    assert rows[0]["count"]["href"] == "./tasks?status=failed&since=1h&name=a+%26+b"


def test_the_duration_chart_leaves_gaps():
    """Where nothing completed there is no point, and no row."""
    took = (Took(AT, 3, 1.5, 9.0), Took(AT + 300))
    assert frames.took_points(took) == [[AT, 1.5, 9.0, 3], [AT + 300, None, None, 0]]
    assert [row["slow"] for row in frames.took_rows(took)] == ["9 s"]


def test_the_twin_table_tells_only_minutes_in_which_something_happened():
    """Newest first."""
    rows = frames.twin_rows([Minute(AT, completed=1), Minute(AT + 60), Minute(AT + 120, errors=2)])
    assert [row["errors"] for row in rows] == ["2", "0"]
    assert rows[0]["minute"].endswith("+00:00")
