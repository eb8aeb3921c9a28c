"""Handlers that run in processes of their own: killable, and the end of nothing but their task."""

import importlib
import os
import sys
import threading

import psutil
import pytest

from claudia_core.app import Claudia
from claudia_core.engines.local import processes
from claudia_core.errors import InvalidValue
from claudia_core.model import Status
from claudia_core.testing.waiting import eventually
from tests.engines.conftest import when


@pytest.fixture
def app(tmp_path, monkeypatch):
    """A hub with the handlers of `app.py`, at work; the processes that it starts open the same store."""
    monkeypatch.setenv("CLAUDIA_DATABASE_URL", str(tmp_path / "claudia.db"))
    monkeypatch.setenv("CLAUDIA_DISPLAY", "off")
    name = "tests.engines.app"
    sys.modules.pop(name, None)
    module = importlib.import_module(name)
    with module.claudia as hub:
        hub.work(capacity=2)
        yield hub


def run(hub: Claudia, type: str, timeout: float = 60.0, **payload: object):
    task = hub.tasks.create(type=type, payload=payload or None)
    return when(hub, task.id, lambda found: found.status.is_terminal, timeout)


def test_it_runs_elsewhere_and_the_process_is_kept(app):
    """Another process than this; what it tracks is below its task; the next task has the same process."""
    first, second = run(app, "where"), run(app, "where")
    assert first.status is Status.COMPLETED, first.error
    assert first.result == second.result != os.getpid()
    child = app.tasks.children(first.id).tasks
    assert [(task.name, task.status, task.agent_id) for task in child] == [("inside", Status.COMPLETED, first.agent_id)]
    assert first.progress.current == 2


BAD = {
    "raise": ("ZeroDivisionError", "division by zero"),
    "sys.exit": ("SystemExit", "SystemExit"),
    "os._exit": ("ProcessDied", "exited with code 7"),
    "abort": ("ProcessDied", "SIGABRT"),
    "segfault": ("ProcessDied", "SIGSEGV"),
    "object": ("InvalidValue", "result is not JSON"),
    "lambda": ("InvalidValue", "result is not JSON"),
    "forks and exits": ("ProcessDied", "exited with code 9"),
}


@pytest.mark.slow
def test_ends_of_every_kind(app):
    """However a handler ends, its task fails and says so; the agent, and the next task, go on."""
    for how, (kind, message) in BAD.items():
        task = run(app, "bad", how=how)
        assert task.status is Status.FAILED, how
        assert (task.error.type.rpartition(".")[2], message in task.error.message) == (kind, True), task.error
        assert app.errors.occurrences(task_id=task.id), how
    assert run(app, "bad", how="raise").error.traceback.count("in bad") == 1
    assert run(app, "where").status is Status.COMPLETED


def test_a_copy_that_returns(app):
    """A handler that forks has one end: that of the process which was asked."""
    task = run(app, "bad", how="fork")
    assert (task.status, task.result) == (Status.COMPLETED, "parent")
    types = [event.type for event in app.events.list(subject=task.id, types=["task:completed"]).events]
    assert len(types) == 1


def test_memory_has_a_limit(app):
    """Who takes more gets a MemoryError; the process is used again."""
    task = run(app, "memory")
    assert (task.status, task.error.type) == (Status.FAILED, "MemoryError")
    assert run(app, "where").status is Status.COMPLETED


def test_one_that_hangs_is_killed(app):
    """With all that it began, and what is below its task ends with it."""
    before = {process.pid for process in psutil.Process().children(recursive=True)}
    task = run(app, "hang")
    assert (task.status, task.error.code) == (Status.FAILED, "timeout")
    assert [child.status for child in app.tasks.children(task.id).tasks] in ([], [Status.CANCELLED])
    eventually(lambda: {process.pid for process in psutil.Process().children(recursive=True)} <= before, 20)


def test_cancelling_reaches_the_process(app):
    """Its next progress raises; the process is not killed for it."""
    pid = run(app, "where").result
    task = app.tasks.create(type="listen")
    when(app, task.id, lambda found: found.progress.current > 0, 60)
    app.tasks.cancel(task.id, reason="enough")
    eventually(lambda: not app._working.running, 30)
    assert app.tasks.get(task.id).status is Status.CANCELLED
    assert run(app, "where").result == pid


def test_an_end_of_the_process_from_outside(app):
    """As when the system has no memory left."""
    pid = run(app, "where").result
    task = app.tasks.create(type="listen")
    when(app, task.id, lambda found: found.progress.current > 0, 60)
    os.kill(pid, 9)
    found = when(app, task.id, lambda found: found.status.is_terminal, 30)
    assert (found.error.type, found.error.code) == ("ProcessDied", "killed")
    assert "SIGKILL" in found.error.message


def test_stopping_leaves_no_process(app):
    """Those that wait and those that work end; what runs is queued again."""
    run(app, "where")
    task = app.tasks.create(type="listen")
    when(app, task.id, lambda found: found.progress.current > 0, 60)
    app._working.stop(60)
    assert app.tasks.get(task.id).status is Status.PENDING
    assert not [process for process in psutil.Process().children() if "spawn_main" in " ".join(_command(process))]


def _command(process):
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def test_coroutines(app):
    """Coroutine functions run side by side on one loop."""
    tasks = [app.tasks.create(type="coroutine") for _ in range(20)]
    for task in tasks:
        assert when(app, task.id, lambda found: found.status.is_terminal).result == "awaited"


def test_what_no_process_can_find(claudia):
    """A function inside another is refused when it is registered; a store in memory when a task comes."""
    with pytest.raises(InvalidValue, match="cannot be found"):
        claudia.handlers.register("x", lambda task: None, engine="process")
    claudia.handlers.register("x", _command, engine="process")
    claudia.work()
    task = when(claudia, claudia.tasks.create(type="x").id, lambda found: found.status.is_terminal)
    assert "store in memory" in task.error.message


def test_a_coroutine_that_times_out(claudia, ended):
    """Its await is cancelled; one that refuses is left to itself."""
    import asyncio

    refused = threading.Event()

    @claudia.handler("polite", timeout=0.2)
    async def polite(task):
        await asyncio.sleep(60)

    @claudia.handler("deaf", timeout=0.2, grace=0.2)
    async def deaf(task):
        for _ in range(100):
            try:
                await asyncio.sleep(0.1)
            except asyncio.CancelledError:
                refused.set()

    claudia.work()
    for type in ("polite", "deaf"):
        task = ended(claudia.tasks.create(type=type))
        assert (task.status, task.error.code) == (Status.FAILED, "timeout"), type
    assert refused.is_set()


def test_a_process_that_cannot_be_started(app, monkeypatch):
    """Its task fails and says why, as in a program whose own start, run again in the process, would start another."""

    def child():
        raise RuntimeError("before the current process has finished its bootstrapping phase")

    monkeypatch.setattr(processes, "Child", child)
    task = run(app, "where")
    assert (task.status, task.error.type) == (Status.FAILED, "RuntimeError")
    assert "bootstrapping" in task.error.message
