"""Log lines with named values."""

import logging
import subprocess
import sys

from claudia_core.logs import get_logger


def test_values_are_in_the_line_and_on_the_record(caplog):
    """A line tells the event and its values; handlers find them on the record, with the caller's own place."""
    with caplog.at_level(logging.INFO, "claudia_core.sample"):
        get_logger("claudia_core.sample").warning("a duty failed", duty="prune", tries=2)
    record = caplog.records[0]
    assert record.getMessage() == "a duty failed duty='prune' tries=2"
    assert record.values == {"duty": "prune", "tries": 2}
    assert record.filename == "test_logs.py"


def test_what_is_not_logged_is_not_formatted(caplog):
    """A value's text is not made for a level that is off."""

    class Dear:
        def __repr__(self):
            raise AssertionError("formatted")

    with caplog.at_level(logging.WARNING, "claudia_core.sample"):
        get_logger("claudia_core.sample").info("looked", at=Dear())
    assert caplog.records == []


def test_a_library_leaves_standard_output_alone():
    """Warnings of Claudia in a program that configures no logging go to standard error."""
    code = "from claudia_core.logs import get_logger; get_logger('claudia_core.x').warning('away', since=1)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == ""
    assert done.stderr == "away since=1\n"
