"""The circuit breaker: when it refuses, when it tries again, and who may try."""

import asyncio
import threading

import pytest

from claudia_core.errors import CircuitOpen
from claudia_core.resilience.breaker import Circuit, CircuitBreaker


class Seconds:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def broken() -> None:
    raise OSError("down")


def fail(breaker: CircuitBreaker, times: int) -> None:
    for _ in range(times):
        with pytest.raises(OSError, match="down"):
            breaker.execute(broken)


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def breaker(seconds: Seconds) -> CircuitBreaker:
    return CircuitBreaker("github", failures=3, reset=10, now=seconds)


def test_opens_after_failures_in_a_row(breaker: CircuitBreaker) -> None:
    """Failures with a success between them do not open it; three in a row do, and then nothing is called."""
    fail(breaker, 2)
    assert breaker.execute(lambda: 1) == 1
    fail(breaker, 2)
    assert breaker.circuit is Circuit.CLOSED
    fail(breaker, 1)
    called: list[int] = []
    with pytest.raises(CircuitOpen, match="github") as caught:
        breaker.execute(lambda: called.append(1))
    assert not called
    assert caught.value.retry_after == 10
    assert caught.value.retryable


def test_one_probe_at_a_time(breaker: CircuitBreaker, seconds: Seconds) -> None:
    """When the time is over, of many callers one gets through; its success closes the circuit for all."""
    fail(breaker, 3)
    seconds.now += 10
    inside, go, called = threading.Event(), threading.Event(), []

    def probe() -> None:
        called.append(1)
        inside.set()
        assert go.wait(10)

    thread = threading.Thread(target=breaker.execute, args=(probe,))
    thread.start()
    assert inside.wait(10)
    assert breaker.circuit is Circuit.HALF_OPEN
    for _ in range(20):
        with pytest.raises(CircuitOpen):
            breaker.execute(lambda: called.append(1))
    go.set()
    thread.join()
    assert called == [1]
    assert breaker.circuit is Circuit.CLOSED
    assert breaker.execute(lambda: "all again") == "all again"


def test_a_failing_probe_opens_it_again(breaker: CircuitBreaker, seconds: Seconds) -> None:
    """One failure of the probe is enough, and the whole time runs again."""
    fail(breaker, 3)
    seconds.now += 10
    fail(breaker, 1)
    seconds.now += 9.9
    with pytest.raises(CircuitOpen):
        breaker.execute(lambda: 1)
    seconds.now += 0.2
    assert breaker.execute(lambda: 1) == 1


def test_late_outcomes_decide_nothing(breaker: CircuitBreaker, seconds: Seconds) -> None:
    """A call from before the circuit opened, ending well afterwards, does not close it; nor does its failure count."""
    early = breaker.admit()
    fail(breaker, 3)
    breaker.succeed(early)
    assert breaker.circuit is Circuit.OPEN
    seconds.now += 10
    assert breaker.execute(lambda: 1) == 1
    breaker.fail(early)
    fail(breaker, 2)
    assert breaker.circuit is Circuit.CLOSED


def test_a_lost_probe_does_not_close_the_door_for_ever(breaker: CircuitBreaker, seconds: Seconds) -> None:
    """A probe that nobody hears of again counts as lost after `reset` seconds; one that is cancelled, at once."""
    fail(breaker, 3)
    seconds.now += 10
    breaker.admit()
    with pytest.raises(CircuitOpen):
        breaker.admit()
    seconds.now += 10
    with pytest.raises(KeyboardInterrupt):
        breaker.execute(interrupt)
    assert breaker.execute(lambda: 1) == 1
    assert breaker.circuit is Circuit.CLOSED


def interrupt() -> None:
    raise KeyboardInterrupt


def test_answers_are_no_failures(seconds: Seconds) -> None:
    """An error that does not count leaves the circuit closed, however often it comes."""
    breaker = CircuitBreaker("api", failures=1, counts=lambda error: not isinstance(error, LookupError), now=seconds)
    for _ in range(5):
        with pytest.raises(KeyError):
            breaker.execute(lambda: {}["nothing"])
    assert breaker.circuit is Circuit.CLOSED


def test_listeners_hear_each_change_once(breaker: CircuitBreaker, seconds: Seconds) -> None:
    """Listeners get the name and the new state; one that raises hurts neither the call nor the next listener."""
    heard: list[tuple[str, Circuit]] = []

    def bad(*_: object) -> None:
        raise ValueError

    breaker.listen(bad)
    breaker.listen(lambda name, circuit: heard.append((name, circuit)))
    fail(breaker, 3)
    seconds.now += 10
    breaker.execute(lambda: 1)
    assert heard == [("github", state) for state in (Circuit.OPEN, Circuit.HALF_OPEN, Circuit.CLOSED)]


async def test_failures_of_coroutines_count(breaker: CircuitBreaker, seconds: Seconds) -> None:
    """What is awaited counts as what is called; a cancelled probe makes room for the next."""

    async def down() -> None:
        raise OSError("down")

    for _ in range(3):
        with pytest.raises(OSError, match="down"):
            await breaker.execute_async(down)
    with pytest.raises(CircuitOpen):
        await breaker.execute_async(down)
    seconds.now += 10
    probe = asyncio.create_task(breaker.execute_async(lambda: asyncio.sleep(60)))
    await asyncio.sleep(0)
    probe.cancel()
    with pytest.raises(asyncio.CancelledError):
        await probe
    assert await breaker.execute_async(lambda: asyncio.sleep(0, "well")) == "well"
    assert breaker.circuit is Circuit.CLOSED
