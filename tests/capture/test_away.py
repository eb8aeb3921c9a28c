"""While the hub is away errors wait on disk, up to a limit, and are told when it is back."""

from __future__ import annotations

import logging
import stat
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from claudia_core.capture.capturing import Capturing
from claudia_core.capture.reporter import Reporter
from claudia_core.capture.spool import Spool
from claudia_core.capture.taken import About
from claudia_core.errors import ClaudiaError, InvalidValue, StoreUnavailable
from claudia_core.model.report import ErrorReport
from claudia_core.testing.waiting import eventually


class Hub:
    """Takes errors while it is there."""

    def __init__(self) -> None:
        self.is_away = False
        self.told: list[ErrorReport] = []

    def deliver(self, reports: Sequence[ErrorReport]) -> list[ClaudiaError | None]:
        if self.is_away:
            return [StoreUnavailable("away")] * len(reports)
        self.told += reports
        return [InvalidValue("no") if report.message == "refused" else None for report in reports]


@pytest.fixture
def hub() -> Hub:
    return Hub()


type Begin = Callable[..., Capturing]


@pytest.fixture
def begin(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Begin:
    monkeypatch.setattr("claudia_core.capture.reporter.FIRST_PAUSE", 0.05)
    begun: list[Reporter] = []

    def make(**limits: int) -> Capturing:
        reporter = Reporter(hub.deliver, About("shop"), Spool(tmp_path / "spool", **limits), lambda report: report)
        reporter.begin()
        begun.append(reporter)
        return Capturing(reporter)

    return make


def files(folder: Path) -> list[Path]:
    return sorted((folder / "spool").glob("*.json"))


def test_errors_wait_on_disk_and_are_told_later(hub: Hub, begin: Begin, tmp_path: Path) -> None:
    """In order, readable by nobody else, and gone from the disk when they are told."""
    hub.is_away = True
    errors = begin()
    ids = [errors.capture(ValueError(str(n))) for n in range(3)]
    assert errors.reporter is not None
    assert errors.reporter.flush(5)
    assert [path.stem for path in files(tmp_path)] == ids
    assert stat.S_IMODE((tmp_path / "spool").stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in files(tmp_path)} == {0o600}
    hub.is_away = False
    eventually(lambda: [report.id for report in hub.told] == ids)
    eventually(lambda: not files(tmp_path))
    errors.reporter.stop(1)


def test_another_run_of_the_program_tells_what_waits(hub: Hub, begin: Begin, tmp_path: Path) -> None:
    """Also errors that could not be told at the end of the first one."""
    hub.is_away = True
    errors = begin()
    id = errors.capture(ValueError("kept"))
    assert errors.reporter is not None
    errors.reporter.stop(1)
    assert [path.stem for path in files(tmp_path)] == [id]
    hub.is_away = False
    again = begin()
    eventually(lambda: [report.message for report in hub.told] == ["kept"])
    assert again.reporter is not None
    again.reporter.stop(1)


def test_beyond_the_limit_errors_go_to_the_log(
    hub: Hub, begin: Begin, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The first ones stay on disk: they tell how it began."""
    hub.is_away = True
    errors = begin(most=2)
    with caplog.at_level(logging.ERROR):
        for n in range(4):
            errors.capture(ValueError(f"error {n}"))
        assert errors.reporter is not None
        errors.reporter.flush(5)
    assert len(files(tmp_path)) == 2
    assert "error 3" in caplog.text
    assert "error 0" not in caplog.text
    errors.reporter.stop(1)


def test_what_the_hub_refuses_is_logged_and_does_not_wait(
    hub: Hub, begin: Begin, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Telling it again would not help."""
    errors = begin()
    with caplog.at_level(logging.ERROR):
        errors.capture(ValueError("refused"))
        errors.capture(ValueError("fine"))
        assert errors.reporter is not None
        errors.reporter.flush(5)
    assert files(tmp_path) == []
    assert "refused" in caplog.text
    errors.reporter.stop(1)


def test_damaged_and_foreign_files_are_set_aside(hub: Hub, begin: Begin, tmp_path: Path) -> None:
    """What can be read is told all the same."""
    folder = tmp_path / "spool"
    folder.mkdir()
    (folder / "0.json").write_bytes(b"\x00not json")
    (folder / "1.json").write_text("[1, 2]")
    good = ErrorReport(type="ValueError", id="01932f3e-7b5a-7cc0-9c5d-1f2e3d4c5b6a")
    Spool(folder).put(good)
    errors = begin()
    eventually(lambda: [report.id for report in hub.told] == [good.id])
    eventually(lambda: sorted(path.name for path in folder.iterdir()) == ["0.bad", "1.bad"])
    assert errors.reporter is not None
    errors.reporter.stop(1)
