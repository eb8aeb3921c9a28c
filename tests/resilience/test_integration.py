"""One wrapper: time-out, places, circuit, retries, figures and debugger together."""

import asyncio
import threading
import time
from collections.abc import Iterator

import pytest

from claudia_core.errors import (
    CircuitOpen,
    IntegrationBusy,
    IntegrationError,
    IntegrationTimeout,
    InvalidValue,
    StoreUnavailable,
)
from claudia_core.resilience.integration import Guards, Integration
from claudia_core.resilience.integrations import Integrations
from claudia_core.resilience.retry import Retry
from claudia_core.testing.waiting import eventually

FAST = Retry(initial=0.0, jitter=0.0)


def test_a_block_is_one_measured_call() -> None:
    """What the block does is counted, timed and, with the debugger on, seen."""
    integrations = Integrations(debug=True)
    with integrations.get("github") as call:
        call.sent("GET /user/repos", {"page": 1})
        call.answered({"repos": 3})
    figures = integrations.get("github").figures
    assert (figures.successes, figures.errors, figures.in_flight) == (1, 0, 0)
    seen = integrations.debugger.calls()[0]
    assert (seen.operation, seen.outcome, seen.request) == ("GET /user/repos", "ok", '{"page": 1}')


def test_errors_say_which_service_and_why() -> None:
    """A foreign error becomes an IntegrationError with its cause; whether a retry helps is told."""
    github = Integration("github")
    with pytest.raises(IntegrationError, match="github failed: OSError: down") as caught, github:
        raise OSError("down")
    assert isinstance(caught.value.__cause__, OSError)
    assert (caught.value.integration, caught.value.retryable) == ("github", True)
    with pytest.raises(IntegrationError) as caught, github:
        raise KeyError("x")
    assert not caught.value.retryable
    with pytest.raises(StoreUnavailable), github:
        raise StoreUnavailable("our own errors stay what they are")
    assert github.figures.errors == 3


def test_errors_that_are_not_the_services() -> None:
    """Errors outside `errors` pass as they are and do not open the circuit."""
    github = Integration("github", Guards(failures=1, errors=(OSError,)))
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), github:
            raise ZeroDivisionError
    with pytest.raises(IntegrationError), github:
        raise OSError("down")
    with pytest.raises(CircuitOpen), github:
        raise AssertionError("not reached")
    assert github.figures.refused == 1


def test_calls_are_tried_again() -> None:
    """`call` repeats what can pass; each attempt is counted."""
    github = Integration("github", Guards(retry=FAST))
    errors = [OSError("one"), OSError("two")]

    def fetch() -> int:
        if errors:
            raise errors.pop()
        return 42

    assert github.call(fetch) == 42
    assert (github.figures.successes, github.figures.errors) == (1, 2)


def test_a_hanging_call_is_given_up_and_keeps_its_place() -> None:
    """The caller goes on after the time-out; the thread that hangs still counts against the limit until it ends."""
    go = threading.Event()
    slow = Integration("slow", Guards(timeout=0.05, limit=1, retry=Retry(attempts=1)))
    started = time.monotonic()
    with pytest.raises(IntegrationTimeout, match=r"slow took longer than 0.05 s"):
        slow.call(lambda: go.wait(30))
    assert time.monotonic() - started < 5
    with pytest.raises(IntegrationBusy):
        slow.call(lambda: None)
    go.set()
    eventually(lambda: _free(slow))
    assert (slow.figures.errors, slow.figures.in_flight) == (1, 0)


def _free(integration: Integration) -> bool:
    try:
        return integration.call(lambda: "again") == "again"
    except IntegrationBusy:
        return False


def test_a_block_that_took_too_long_failed() -> None:
    """A block cannot be interrupted: it reads its remaining time, and counts as a failure when it is over."""
    slow = Integration("slow", Guards(timeout=0.01, failures=1))
    with slow as call:
        time.sleep(0.02)
        assert call.remaining == 0
    assert slow.figures.errors == 1
    with pytest.raises(CircuitOpen), slow:
        raise AssertionError("not reached")


def test_one_service_does_not_take_all_places() -> None:
    """With `limit` calls under way the next is refused at once, and says so."""
    github = Integration("github", Guards(limit=2))
    with github, github, pytest.raises(IntegrationBusy, match="2 calls"), github:
        raise AssertionError("not reached")
    with github:
        assert github.figures.in_flight == 1


async def test_coroutines_are_interrupted_in_time() -> None:
    """What is awaited is cancelled when its time is over; others run meanwhile; retries hold."""
    slow = Integration("slow", Guards(timeout=0.05, retry=FAST))
    with pytest.raises(IntegrationTimeout):
        async with slow:
            await asyncio.sleep(30)
    errors = [OSError("one")]

    async def fetch() -> str:
        if errors:
            raise errors.pop()
        return "well"

    assert await slow.call_async(fetch) == "well"
    both = await asyncio.gather(*(slow.call_async(fetch) for _ in range(20)))
    assert both == ["well"] * 20
    assert (slow.figures.successes, slow.figures.errors, slow.figures.in_flight) == (21, 2, 0)


async def test_a_cancelled_call_is_nobodys_fault() -> None:
    """Cancelling from outside frees the place and does not open the circuit."""
    slow = Integration("slow", Guards(limit=1, failures=1))
    task = asyncio.create_task(slow.call_async(lambda: asyncio.sleep(30)))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await slow.call_async(lambda: asyncio.sleep(0, "free")) == "free"


def test_a_name_has_its_guards_once() -> None:
    """The first call says how a service is guarded; other guards later are refused, none are fine."""
    integrations = Integrations()
    github = integrations.get("github", timeout=5.0)
    assert integrations.get("github") is github
    assert integrations.get("github", timeout=5.0) is github
    with pytest.raises(InvalidValue, match="other guards"):
        integrations.get("github", timeout=6.0)
    assert [figures.integration for figures in integrations.figures()] == ["github"]


def test_a_decorator() -> None:
    """Every call of a decorated function is guarded and measured, coroutine functions too; generators are refused."""
    made = Integration("github", Guards(retry=Retry(attempts=2, initial=0.0, jitter=0.0)))
    failures = [ConnectionError("away")]

    @made
    def repos(user: str, *, page: int = 1) -> str:
        """What somebody has."""
        if failures:
            raise failures.pop()
        return f"{user} {page}"

    @made
    async def awaited(user: str) -> str:
        return user

    assert repos("ann", page=2) == "ann 2"
    assert (repos.__name__, repos.__doc__) == ("repos", "What somebody has.")
    assert asyncio.run(awaited("bob")) == "bob"
    assert (made.figures.successes, made.figures.errors) == (2, 1)

    def each() -> Iterator[int]:
        yield 1

    with pytest.raises(InvalidValue, match="generates"):
        made(each)
