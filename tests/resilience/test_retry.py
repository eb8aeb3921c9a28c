"""Trying again: when, how often, and what is told about it."""

import logging
from datetime import UTC, datetime

import httpx2
import pytest

from claudia_core.errors import CircuitOpen, InvalidValue, StoreUnavailable
from claudia_core.resilience.retry import Retry, may_help, retry_with_backoff
from claudia_core.resilience.retry_after import seconds_of

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
FAST = {"initial": 0.0, "jitter": 0.0}


def answer(status: int, **headers: str) -> httpx2.HTTPStatusError:
    response = httpx2.Response(status, headers=headers, request=httpx2.Request("GET", "http://127.0.0.1/"))
    return httpx2.HTTPStatusError("no", request=response.request, response=response)


class Flaky:
    """Fails so many times, then answers."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.calls = 0

    def __call__(self) -> str:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "well"


def test_tries_until_it_goes_well() -> None:
    """Two failures that pass, then an answer."""
    flaky = Flaky(OSError("one"), answer(503))
    assert retry_with_backoff(flaky, **FAST) == "well"
    assert flaky.calls == 3


def test_the_last_error_comes_out() -> None:
    """After the last attempt the caller gets the error itself."""
    flaky = Flaky(OSError("one"), OSError("two"), OSError("three"))
    with pytest.raises(OSError, match="two"):
        retry_with_backoff(flaky, attempts=2, **FAST)
    assert flaky.calls == 2


@pytest.mark.parametrize(
    "error",
    [
        InvalidValue("no"),
        answer(404),
        KeyError("x"),
        CircuitOpen("open", "x", 1),
        answer(429, **{"retry-after": "999"}),
    ],
)
def test_what_cannot_help_is_not_tried(error: Exception) -> None:
    """A wrong value, a 404, a defect, an open circuit, or a pause that is too long: one call and no more."""
    flaky = Flaky(error)
    with pytest.raises(type(error)):
        retry_with_backoff(flaky, longest=30, **FAST)
    assert flaky.calls == 1


async def test_coroutines_are_awaited() -> None:
    """A coroutine function gives something to await, with the same retries."""
    flaky = Flaky(StoreUnavailable("away"))

    async def work() -> str:
        return flaky()

    assert await retry_with_backoff(work, **FAST) == "well"
    assert flaky.calls == 2


def test_a_server_says_when() -> None:
    """Retry-After is seconds or a date; an error of Claudia's may carry it, too."""
    assert may_help(answer(429, **{"retry-after": "7"})) == 7
    assert seconds_of("Mon, 23 Nov 2026 12:00:30 GMT", NOW) == 30
    assert seconds_of("Mon, 23 Nov 2026 11:00:00 GMT", NOW) == 0
    assert [seconds_of(text, NOW) for text in (None, "", "soon", "-1", "1e9", "\u0661")] == [None] * 6
    away = StoreUnavailable("away")
    away.retry_after = 3
    assert may_help(away) == 3


def test_logs_hold_no_secrets(caplog: pytest.LogCaptureFixture) -> None:
    """What is told about a retry is the call's name and the error's type: neither arguments nor texts."""
    flaky = Flaky(OSError("password=hunter2"))
    with caplog.at_level(logging.DEBUG):
        Retry(**FAST).call(flaky, "github: list")  # type: ignore[arg-type]
    assert "github: list" in caplog.text
    assert "OSError" in caplog.text
    assert "hunter2" not in caplog.text
    assert "stamina" not in caplog.text
