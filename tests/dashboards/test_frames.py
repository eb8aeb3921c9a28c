"""What pages show of values, without any page."""

import subprocess
import sys
from datetime import UTC, datetime

import pytest

from claudia_core.boards import Minute, Picture
from claudia_core.model.task import Status
from dashboards import frames

AT = 1_795_000_020


def picture(*minutes: Minute, **counts: int) -> Picture:
    """A picture with these minutes and counts."""
    return Picture(
        version=1,
        sequence=1,
        as_of=datetime.fromtimestamp(AT + 30, UTC),
        counts={status: counts.get(status.value, 0) for status in Status},
        open=(),
        recent=(),
        failed=(),
        errors=(),
        events=(),
        minutes=minutes,
    )


@pytest.mark.parametrize("module", ["dashboards", "dashboards.cells", "dashboards.frames", "dashboards.units"])
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


def test_bars_stand_on_each_other():
    """Failed begins where completed ends, cancelled where failed ends."""
    found = frames.bars([Minute(AT, completed=3, failed=2, cancelled=1)])
    assert [(found[key]["bottom"], found[key]["top"]) for key in frames.SERIES] == [([0], [3]), ([3], [5]), ([5], [6])]
    assert found["failed"]["right"][0] - found["failed"]["left"][0] < 60_000


def test_the_spec_has_a_layer_for_each_series():
    """HoloViews can draw it, also when nothing happened."""
    spec = frames.throughput_spec([Minute(AT), Minute(AT + 60, completed=2)])
    assert [layer.label for layer in spec.values()] == list(frames.SERIES)


def test_verdict_says_what_is_wrong_first():
    """Failures before errors before well-being, and an empty hub is neither."""
    assert frames.verdict(picture(Minute(AT, failed=2), active=1)) == (
        "bad",
        "✖ 2 tasks failed in the last hour · 1 task running",
    )
    assert frames.verdict(picture(Minute(AT, errors=1), active=1))[0] == "bad"
    assert frames.verdict(picture(Minute(AT), completed=1))[0] == "good"
    assert frames.verdict(picture()) == ("", "No task has been recorded yet")


def test_key_figures_count_the_hour():
    """Every tile has a number, a unit or a hint, and a link."""
    tiles = frames.key_figures(picture(Minute(AT - 60, completed=4), Minute(AT, completed=2, errors=1), active=3))
    assert {tile["label"]: tile["value"] for tile in tiles} == {
        "Running": "3",
        "Failed": "0",
        "Completed": "6",
        "Throughput": "4",
        "Errors": "1",
    }
    assert all(tile["href"] and tile["hint"] for tile in tiles)


def test_the_twin_table_tells_only_minutes_in_which_something_happened():
    """Newest first."""
    rows = frames.twin_rows([Minute(AT, completed=1), Minute(AT + 60), Minute(AT + 120, errors=2)])
    assert [row["errors"] for row in rows] == ["2", "0"]
    assert rows[0]["minute"].endswith("+00:00")
