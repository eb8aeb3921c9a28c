"""Capturing: cheap where it happens, complete in the hub, never in the way."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from claudia_core import Claudia
from claudia_core.model.issue import Occurrence
from claudia_core.settings import default_settings
from claudia_core.stores.memory import MemoryStore


def told(claudia: Claudia, id: str) -> Occurrence:
    claudia.flush()
    return claudia.errors.occurrence(id)


def test_everything_about_an_error(claudia: Claudia) -> None:
    """Chain, notes, frames with source, tags, user, breadcrumbs, context of any kind; without secrets."""
    errors = claudia.errors
    with errors.scope(tags={"shard": 3}, user={"id": 7}, job="nightly"):
        errors.breadcrumb("began", category="job", rows=5)
        try:
            try:
                raise KeyError("date")
            except KeyError as cause:
                raise ValueError("no date, password=hunter2") from cause
        except ValueError as error:
            error.add_note("row 17")
            id = errors.capture(error, tags={"cart": "x"}, thing=object(), api_key="abc")
    found = told(claudia, id)
    assert (found.type, found.message) == ("ValueError", "no date, password=[scrubbed]")
    assert found.culprit == f"{__name__}.test_everything_about_an_error"
    assert [(one["type"], one["relation"], one["parent"]) for one in found.exceptions] == [
        ("ValueError", "raised", None),
        ("KeyError", "cause", 0),
    ]
    frame = found.exceptions[0]["frames"][-1]
    assert frame["code"].strip() == 'raise ValueError("no date, password=[scrubbed]") from cause'
    assert frame["in_app"]
    assert len(frame["before"]) == 5
    assert frame["locals"] == {}
    assert found.exceptions[0]["notes"] == ["row 17"]
    assert found.tags == {"cart": "x", "shard": "3"}
    assert found.user == {"id": 7}
    assert found.context["job"] == "nightly"
    assert found.context["api_key"] == "[scrubbed]"
    assert "object object" in str(found.context["thing"])
    assert [(crumb["message"], crumb["data"]) for crumb in found.breadcrumbs] == [("began", {"rows": 5})]
    assert "hunter2" not in found.traceback
    assert found.environment == "development"
    assert found.host


def test_variables_on_request() -> None:
    """Bounded, freed of secrets, and only of the program's own functions."""
    with Claudia("memory://", display="off", capture_locals=True, service="shop", release="1.2") as claudia:
        password = "hunter2"
        rows = list(range(1_000))
        try:
            raise ValueError(len(rows))
        except ValueError as error:
            found = told(claudia, claudia.errors.capture(error))
        variables = found.exceptions[0]["frames"][-1]["locals"]
        assert variables["password"] == "[scrubbed]"
        assert password not in str(found.to_document())
        assert variables["rows"].startswith("[0, 1, 2")
        assert len(variables["rows"]) < 100
        assert (found.service, found.release) == ("shop", "1.2")


def test_groups(claudia: Claudia) -> None:
    """Each member, with its place in the group."""
    try:
        raise ExceptionGroup("several", [ValueError("a"), ExceptionGroup("more", [KeyError("b")])])
    except ExceptionGroup as error:
        found = told(claudia, claudia.errors.capture(error))
    assert [(one["message"], one["relation"], one["parent"]) for one in found.exceptions] == [
        ("several (2 sub-exceptions)", "raised", None),
        ("a", "group", 0),
        ("more (1 sub-exception)", "group", 0),
        ("'b'", "group", 2),
    ]


def test_an_error_belongs_to_the_task_at_work_and_is_reported_once(claudia: Claudia) -> None:
    """Captured within a task that then fails with it: one occurrence, which knows all that was captured."""
    ids: list[str] = []

    def work() -> None:
        try:
            raise ValueError("once")
        except ValueError as error:
            ids.extend(claudia.errors.capture(error, tags={"shard": "3"}) for _ in range(2))
            raise

    with pytest.raises(ValueError, match="once"), claudia.task("work") as task:
        work()
    id = ids[0]
    assert ids == [id, id]
    claudia.flush()
    (found,) = claudia.errors.occurrences()
    assert (found.id, found.task_id, found.tags) == (id, task.id, {"shard": "3"})
    assert claudia.errors.issues().issues[0].count == 1


def test_a_failed_task_that_reaches_the_end_of_the_program_is_reported_once(claudia: Claudia) -> None:
    """The hook for what nobody handles knows it already."""
    with claudia.errors.install():
        try:
            with claudia.task("work"):
                raise ValueError("out")
        except ValueError as error:
            sys.excepthook(ValueError, error, error.__traceback__)
    claudia.flush()
    assert [found.kind for found in claudia.errors.occurrences()] == ["TASK_FAILURE"]


def test_hooks_capture_what_nobody_handles(claudia: Claudia, capsys: pytest.CaptureFixture[str]) -> None:
    """In the main program, a thread, asyncio, a destructor; what was there before is called; removed, they are gone."""
    before = (sys.excepthook, threading.excepthook, sys.unraisablehook, asyncio.BaseEventLoop.call_exception_handler)

    def fail(kind: type[Exception]) -> None:
        raise kind("nobody")

    class Bad:
        def __del__(self) -> None:
            fail(BufferError)

    async def forget() -> None:
        task = asyncio.ensure_future(asyncio.to_thread(fail, EOFError))
        await asyncio.wait([task])
        del task
        gc.collect()

    before_threads = threading.excepthook
    threading.excepthook = lambda args: None
    sys_before, sys.unraisablehook = sys.unraisablehook, lambda args: None
    try:
        with claudia.errors.install():
            try:
                fail(KeyError)
            except KeyError as error:
                sys.excepthook(KeyError, error, error.__traceback__)
            thread = threading.Thread(target=fail, args=(IndexError,), name="worker")
            thread.start()
            thread.join()
            Bad()
            gc.collect()
            asyncio.run(forget())
            sys.excepthook(KeyboardInterrupt, KeyboardInterrupt(), None)
    finally:
        threading.excepthook, sys.unraisablehook = before_threads, sys_before
    claudia.flush()
    kinds = {(found.type, found.kind, found.handled) for found in claudia.errors.occurrences()}
    assert kinds == {
        ("KeyError", "uncaught_exception", False),
        ("IndexError", "uncaught_exception", False),
        ("BufferError", "unraisable", False),
        ("EOFError", "unhandled_rejection", False),
    }
    after = (sys.excepthook, threading.excepthook, sys.unraisablehook, asyncio.BaseEventLoop.call_exception_handler)
    assert after == before
    assert "nobody" in capsys.readouterr().err


def test_functions_and_blocks(claudia: Claudia) -> None:
    """What they raise is captured, and raised on unless that is not wanted; coroutines too."""

    @claudia.errors.capturing()
    def fails() -> None:
        raise ValueError("a")

    @claudia.errors.capturing(reraise=False, level="warning")
    async def fails_too() -> None:
        raise KeyError("b")

    with pytest.raises(ValueError, match="a"):
        fails()
    asyncio.run(fails_too())
    with pytest.raises(KeyboardInterrupt), claudia.errors.capturing(reraise=False):
        raise KeyboardInterrupt
    claudia.flush()
    assert {(found.type, found.level) for found in claudia.errors.occurrences()} == {
        ("ValueError", "error"),
        ("KeyError", "warning"),
    }


class Hangs:
    """Its text never comes."""

    def __repr__(self) -> str:
        time.sleep(30)
        return "late"


class HangsItself(Exception):
    def __str__(self) -> str:
        time.sleep(30)
        return "late"


class BreaksItself(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no")

    __repr__ = __str__


class Refuses(dict[str, Any]):
    def __getitem__(self, key: str) -> Any:
        raise OSError(key)


def cyclic() -> Exception:
    first, second = ValueError("first"), KeyError("second")
    first.__cause__, second.__cause__ = second, first
    return first


def deep() -> Exception:
    error: Exception = ValueError("0")
    for n in range(2_000):
        outer = ValueError(str(n))
        outer.__context__ = error
        error = outer
    return error


def recursive() -> Exception:
    def down() -> None:
        down()

    try:
        down()
    except RecursionError as error:
        return error
    raise AssertionError


BAD: dict[str, Callable[[], tuple[Any, dict[str, Any]]]] = {
    "a megabyte of text": lambda: (ValueError("x" * 1_000_000), {}),
    "ten thousand tags": lambda: (ValueError("tags"), {"tags": {str(n): n for n in range(10_000)}}),
    "deep nesting": lambda: (ValueError("deep"), {"value": _nested(5_000)}),
    "a cyclic chain": lambda: (cyclic(), {}),
    "a long chain": lambda: (deep(), {}),
    "a deep recursion": lambda: (recursive(), {}),
    "NUL and lone surrogates": lambda: (ValueError("a\x00b\ud800"), {"k\x00": "\udfff", "tags": {"a\x00": "\ud800"}}),
    "a str that raises": lambda: (BreaksItself(), {"value": BreaksItself()}),
    "a mapping that refuses": lambda: (ValueError("map"), {"value": Refuses(a=1)}),
    "a huge group": lambda: (ExceptionGroup("g", [ValueError(str(n)) for n in range(10_000)]), {}),
    "huge values": lambda: (ValueError("big"), {"value": [["x" * 10_000] * 1_000] * 100, "n": 10**5_000}),
    "no level at all": lambda: (ValueError("level"), {"level": "loud"}),
    "hostile HTML": lambda: (ValueError("<script>window.pwned=1</script>"), {}),
}


def _nested(depth: int) -> Any:
    value: Any = "x"
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize("name", BAD)
def test_bad_errors_are_told_all_the_same(claudia: Claudia, name: str) -> None:
    """In bounded time and size, and nothing else is affected."""
    error, values = BAD[name]()
    began, used = time.perf_counter(), time.thread_time()
    id = claudia.errors.capture(error, **values)
    assert time.thread_time() - used < 0.5
    found = told(claudia, id)
    assert time.perf_counter() - began < 15
    assert len(str(found.to_document())) < 700_000
    assert found.type
    assert "\x00" not in str(found.to_document())
    assert told(claudia, claudia.errors.capture(ValueError("next"))).message == "next"


def test_what_hangs_is_told_without_its_text(claudia: Claudia, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a while, and the errors behind it follow."""
    monkeypatch.setattr(claudia._reporter._patient, "_patience", 0.2)
    first = claudia.errors.capture(HangsItself())
    second = claudia.errors.capture(ValueError("fine"), thing=Hangs())
    third = claudia.errors.capture(ValueError("next"))
    assert told(claudia, first).message == "<its text could not be had in time>"
    assert told(claudia, second).context == {}
    assert told(claudia, third).message == "next"


def test_capturing_never_raises() -> None:
    """Also after the hub was closed, and with values that make no sense."""
    claudia = Claudia(store=MemoryStore(), settings=default_settings(display="off"))
    claudia.errors.capture(None)
    claudia.errors.capture("no error", tags=5, user=6)  # type: ignore[arg-type]
    claudia.close()
    claudia.errors.capture(ValueError("late"))
    claudia.errors.capture_message("late")


def test_more_than_can_be_told_is_dropped_and_counted(claudia: Claudia, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program goes on as if nothing were."""
    monkeypatch.setattr("claudia_core.capture.reporter.MOST_WAITING", 5)
    holding = threading.Event()
    deliver = claudia._reporter._deliver
    monkeypatch.setattr(claudia._reporter, "_deliver", lambda reports: (holding.wait(10), deliver(reports))[1])
    for n in range(60):
        claudia.errors.capture(ValueError(n))
        time.sleep(0.001)
    dropped = claudia._reporter.dropped
    holding.set()
    claudia.flush()
    assert dropped > 0
    assert claudia.errors.issues().issues[0].count == 60 - dropped
