"""In-process publish and subscribe."""

import asyncio
import threading

import pytest

from claudia_core.bus import KEPT_FAILURES, EventBus
from claudia_core.errors import WaitTimeout
from claudia_core.testing.builders import an_event

FAILED = an_event(1, "task:failed")
DONE = an_event(2, "task:completed")
ERROR = an_event(3, "error:reported")


@pytest.fixture
def bus():
    return EventBus()


def fails(event):
    raise ValueError("handler")


PATTERNS = [
    ("task:failed", [FAILED]),
    ("task:*", [FAILED, DONE]),
    ("*:reported", [ERROR]),
    ("task:?ailed", [FAILED]),
    ("*", [FAILED, DONE, ERROR]),
    ("task", []),
    ("TASK:FAILED", []),
]


@pytest.mark.parametrize(("pattern", "expected"), PATTERNS)
def test_patterns(bus, pattern, expected):
    """Exact types and wildcards; case matters."""
    heard = []
    bus.on(pattern, heard.append)
    for event in (FAILED, DONE, ERROR):
        bus.emit(event)
    assert heard == expected


def test_order_and_unsubscribing(bus):
    """In the order they were added; the returned function ends it, and so does `off`."""
    heard = []
    end = bus.on("task:*", lambda event: heard.append("first"))
    bus.on("task:*", second := lambda event: heard.append("second"))
    bus.emit(FAILED)
    end()
    end()
    bus.emit(FAILED)
    bus.off("task:*", second)
    bus.off("task:*", second)
    bus.off("other", second)
    bus.emit(FAILED)
    assert heard == ["first", "second", "second"]
    assert bus.handler_count == 0


def test_once(bus):
    """One event only, ended before it comes by its function or by `off`."""
    heard = []
    bus.once("task:*", heard.append)
    bus.emit(FAILED)
    bus.emit(DONE)
    assert heard == [FAILED]
    bus.once("task:*", heard.append)()
    bus.once("task:*", heard.append)
    bus.off("task:*", heard.append)
    bus.emit(DONE)
    assert heard == [FAILED]


def test_once_from_many_threads(bus):
    """Still once."""
    heard = []
    for _ in range(50):
        bus.once("task:*", heard.append)
        together = threading.Barrier(4)

        def emit(together=together):
            together.wait(10)
            bus.emit(FAILED)

        threads = [threading.Thread(target=emit) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
    assert len(heard) == 50


def test_on_any(bus):
    """Every event."""
    heard = []
    bus.on_any(heard.append)
    bus.emit(ERROR)
    assert heard == [ERROR]


@pytest.mark.parametrize("error", [ValueError, SystemExit, AssertionError])
def test_a_handler_that_raises_does_not_hurt_another(bus, error):
    """It is counted and kept with its event, a bounded number of times."""
    heard = []

    def handler(event):
        raise error("mine")

    bus.on("*", handler)
    bus.on("*", heard.append)
    for _ in range(KEPT_FAILURES + 5):
        assert bus.emit(FAILED) == 1
    assert len(heard) == bus.failed_calls == KEPT_FAILURES + 5
    assert len(bus.failures) == KEPT_FAILURES
    failure = bus.failures[-1]
    assert failure.event is FAILED
    assert isinstance(failure.error, error)
    assert "handler" in failure.handler


def test_ctrl_c_is_not_swallowed(bus):
    """A KeyboardInterrupt belongs to the program."""

    def handler(event):
        raise KeyboardInterrupt

    bus.on("*", handler)
    with pytest.raises(KeyboardInterrupt):
        bus.emit(FAILED)


def test_changes_while_an_event_is_handed_out(bus):
    """They count from the next event on."""
    heard = []

    def first(event):
        heard.append("first")
        end()
        bus.on("*", lambda event: heard.append("new"))

    bus.on("*", first)
    end = bus.on("*", lambda event: heard.append("second"))
    bus.emit(FAILED)
    assert heard == ["first", "second"]
    bus.off("*", first)
    bus.emit(FAILED)
    assert heard == ["first", "second", "new"]


def test_emitting_within_a_handler(bus):
    """Is done at once; no lock is held."""
    heard = []
    bus.on("task:failed", lambda event: bus.emit(ERROR))
    bus.on("error:reported", heard.append)
    bus.emit(FAILED)
    assert heard == [ERROR]


def test_a_coroutine_function_needs_emit_async(bus):
    """It is not silently lost, and no warning about a coroutine that was never awaited follows."""

    async def handler(event):
        """Never runs."""

    bus.on("*", handler)
    assert bus.emit(FAILED) == 1
    assert "emit_async" in str(bus.failures[0].error)


async def test_emit_async(bus):
    """Awaits coroutines together, calls plain functions, and says what became of each."""
    together = asyncio.Barrier(2)

    async def waits(event):
        await together.wait()
        return event.type

    bus.on("*", waits)
    bus.on("task:*", waits)
    bus.on("*", lambda event: 7)
    bus.on("*", fails)
    outcomes = await asyncio.wait_for(bus.emit_async(FAILED), 10)
    assert sorted(str(outcome.result) for outcome in outcomes) == ["7", "None", "task:failed", "task:failed"]
    (failure,) = [outcome for outcome in outcomes if outcome.error]
    assert (failure.handler, str(failure.error)) == ("fails", "handler")
    assert bus.failed_calls == 1


async def test_emit_async_can_be_cancelled(bus):
    """Cancelling reaches the handlers."""

    async def sleeps(event):
        await asyncio.sleep(60)

    bus.on("*", sleeps)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(bus.emit_async(FAILED), 0.05)


def test_wait_for(bus):
    """The next event that is accepted; the handler goes afterwards."""
    waiting = threading.Event()

    def emit():
        while bus.handler_count == 0:
            waiting.wait(0.001)
        for event in (ERROR, DONE, FAILED):
            bus.emit(event)

    thread = threading.Thread(target=emit)
    thread.start()
    assert bus.wait_for("task:*", 10, lambda event: event.type == "task:failed") is FAILED
    thread.join(10)
    assert bus.handler_count == 0


def test_wait_for_in_vain(bus):
    """The error names the pattern and the time."""
    with pytest.raises(WaitTimeout, match=r"no event task:\* within 0.01 s"):
        bus.wait_for("task:*", 0.01)
    assert bus.handler_count == 0


def test_many_types_do_not_fill_memory(bus):
    """Routes are remembered by type, but not without bound."""
    bus.on("*", lambda event: None)
    for number in range(5_000):
        bus.emit(an_event(number, f"task:{number}"))
    assert len(bus._routes) <= 1_001
