"""The debugger: off by default, bounded, filtered, without secrets."""

from datetime import datetime, timedelta

import pytest

from claudia_core.errors import Conflict, InvalidValue
from claudia_core.resilience.debugger import EXCERPT, MOST_ON, Debugger
from claudia_core.testing.clock import FakeClock


def test_off_until_turned_on_and_off_again_by_itself() -> None:
    """Nothing is kept by default; per integration for some minutes; then nothing again."""
    clock = FakeClock()
    debugger = Debugger(now=clock.now)
    debugger.note("github", "list", "ok", 0.1)
    debugger.turn_on("github", minutes=5)
    debugger.note("github", "list", "ok", 0.1)
    debugger.note("slack", "post", "ok", 0.1)
    clock.move(301)
    debugger.note("github", "late", "ok", 0.1)
    assert [(call.integration, call.operation) for call in debugger.calls()] == [("github", "list")]
    with pytest.raises(InvalidValue, match="minutes"):
        debugger.turn_on("github", minutes=0)


def test_names_it_is_on_for_are_bounded() -> None:
    """Names come from people: those whose time is over are forgotten, and there are only so many at a time."""
    clock = FakeClock()
    debugger = Debugger(now=clock.now)
    for number in range(MOST_ON):
        debugger.turn_on(f"service {number}", minutes=1)
    with pytest.raises(Conflict):
        debugger.turn_on("one more")
    debugger.turn_on("service 1", minutes=2)
    clock.move(61)
    debugger.turn_on("one more")
    assert set(debugger._until) == {"service 1", "one more"}


def test_the_ring_is_bounded_and_newest_first() -> None:
    """The oldest calls go when there are more than are kept."""
    debugger = Debugger(always=True, keep=10)
    for number in range(25):
        debugger.note("github", str(number), "ok", 0.1)
    assert [call.operation for call in debugger.calls()] == [str(number) for number in range(24, 14, -1)]
    assert len(debugger.calls(limit=3)) == 3


def test_filters() -> None:
    """By integration, operation, outcome and time, all at once."""
    clock = FakeClock()
    debugger = Debugger(always=True, now=clock.now)
    for name in ("github", "slack"):
        for outcome in ("ok", "error", "refused"):
            debugger.note(name, "post", outcome, 0.1)
            clock.move(1)
    found = debugger.calls(integration="slack", outcome="error", operation="post")
    assert [call.to_document()["outcome"] for call in found] == ["error"]
    assert len(debugger.calls(since=clock.now() - timedelta(seconds=3))) == 3
    assert debugger.calls(operation="other") == []
    with pytest.raises(InvalidValue, match="timezone"):
        debugger.calls(since=datetime(2026, 1, 1))  # noqa: DTZ001 - what is refused


def test_excerpts_hold_no_secrets_and_are_short() -> None:
    """Secrets go by name and by form, from texts, bytes and objects; what is long is cut."""
    debugger = Debugger(always=True)
    debugger.note(
        "github",
        "login",
        "error",
        0.1,
        error="OSError: https://me:hunter2@host/",
        request={"user": "me", "password": "hunter2", "headers": {"Authorization": "Bearer hunter2hunter2"}},
        response=b"token=hunter2&next=1 " + b"x" * 100_000,
    )
    call = debugger.calls()[0]
    assert "hunter2" not in str(call.to_document())
    assert "me" in call.request
    assert len(call.response) == EXCERPT
