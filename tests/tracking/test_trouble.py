"""What befalls runs from outside: a store that goes away, a hub that is closed, a fork, a killed process."""

import os
import signal
import subprocess
import sys
import textwrap

import pytest

from claudia_core.app import Claudia
from claudia_core.errors import StoreClosed, StoreUnavailable
from claudia_core.model import AgentStatus, Status
from claudia_core.settings import default_settings
from claudia_core.testing.stores import FlakyStore
from claudia_core.testing.waiting import eventually


@pytest.fixture
def flaky():
    """A hub whose store can go away."""
    with Claudia(store=FlakyStore(), settings=default_settings(display="off")) as hub:
        yield hub


def test_a_store_that_goes_away_does_not_break_the_loop(flaky):
    """The loop runs to its end; when the store is back, so are the end and the progress."""
    rows = flaky.track(range(5))
    for row in rows:
        if row == 2:
            flaky.store.is_away = True
    assert rows.status is Status.COMPLETED
    assert flaky.tasks.get(rows.id).status is Status.ACTIVE
    flaky.store.is_away = False
    flaky.flush()
    task = eventually(lambda: (task := flaky.tasks.get(rows.id)).status.is_terminal and task)
    assert (task.status, task.progress.current) == (Status.COMPLETED, 5)


def test_loops_begun_while_the_store_is_away(flaky):
    """Inner loops and tasks of a long job are recorded later, in order, with their failures."""
    with flaky.task("job") as job:
        flaky.store.is_away = True
        list(rows := flaky.track(range(3)))
        with pytest.raises(KeyError), flaky.task("inner") as inner:
            raise KeyError("lost file")
        flaky.store.is_away = False
    flaky.flush()
    found = {run.id: flaky.tasks.get(run.id) for run in (job, rows, inner)}
    assert [task.status for task in found.values()] == [Status.COMPLETED, Status.COMPLETED, Status.FAILED]
    assert {found[run.id].parent_id for run in (rows, inner)} == {job.id}
    assert found[inner.id].error.message == "'lost file'"


def test_a_service_says_that_the_store_is_away(flaky):
    """Who asks for a saved change hears that it was not saved, and that a retry can help."""
    flaky.store.is_away = True
    with pytest.raises(StoreUnavailable) as caught:
        flaky.tasks.create("a task")
    assert caught.value.retryable
    flaky.store.is_away = False


def test_closing_with_open_runs(claudia_file):
    """They end as cancelled with their progress; the loop itself goes on in peace."""
    rows = claudia_file.track(range(5))
    with claudia_file.task("around", estimated_steps=4) as around:
        around.progress(2)
        for row in rows:
            if row == 3:
                claudia_file.close()
    with Claudia(claudia_file.store.path, display="off") as again:
        tasks = [again.tasks.get(run.id) for run in (rows, around)]
        assert [task.status for task in tasks] == [Status.CANCELLED] * 2
        assert [task.progress.current for task in tasks] == [3, 2]
        assert "closed" in tasks[0].progress.message
        (agent,) = again.agents.list()
        assert agent.status is AgentStatus.OFFLINE


def run(code: str, *arguments: object, **options) -> subprocess.CompletedProcess:
    command = [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, **options)


def test_a_script_that_dies_of_an_exception(claudia_file):
    """The interpreter's end saves what the uncaught exception did, without `close()`; nothing is printed."""
    code = """
        import sys
        from claudia_core import Claudia
        claudia = Claudia(sys.argv[1])
        held = iter(claudia.track(range(10), "held"))
        for row in claudia.track(range(10), "plain"):
            for inner in held:
                if inner == 4:
                    raise ValueError("uncaught")
    """
    done = run(code, claudia_file.store.path)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.rstrip().endswith("ValueError: uncaught")
    found = {task.name: task for task in claudia_file.tasks.list().tasks}
    assert (found["plain"].status, found["plain"].error.message) == (Status.FAILED, "uncaught")
    assert (found["held"].status, found["held"].progress.current) == (Status.FAILED, 4)


def test_a_script_that_ends(claudia_file):
    """A script needs no `close()`."""
    code = """
        import sys
        from claudia_core import Claudia
        claudia = Claudia(sys.argv[1])
        for row in claudia.track(range(10), "plain"):
            pass
        task = claudia.task("left open").__enter__()
    """
    assert run(code, claudia_file.store.path).returncode == 0
    found = {task.name: task.status for task in claudia_file.tasks.list().tasks}
    assert found == {"plain": Status.COMPLETED, "left open": Status.CANCELLED}


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_fork(claudia_file):
    """In the child the parent's hub says what to do instead, and closing it does not touch the parent's work."""
    rows = claudia_file.track(range(3))
    for row in rows:
        if row == 1:
            child = os.fork()
            if child == 0:
                code = 1
                try:
                    list(claudia_file.track([1]))
                except StoreClosed as error:
                    code = 0 if "after a fork" in str(error) else 2
                finally:
                    claudia_file.close()
                    os._exit(code)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert claudia_file.tasks.get(rows.id).status is Status.COMPLETED
    assert len(claudia_file.tasks.list().tasks) == 1


def test_a_killed_process_is_found_by_its_lease(tmp_path):
    """After `kill -9` another process fails the task as lost, with the last progress kept and one error reported."""
    code = """
        import sys, time
        from claudia_core import Claudia
        claudia = Claudia(sys.argv[1], heartbeat=0.2, lease=0.6)
        with claudia.task("outer"):
            for row in claudia.track(range(100), "killed"):
                if row == 7:
                    print("at seven", flush=True)
                    time.sleep(60)
    """
    file = tmp_path / "claudia.db"
    settings = default_settings(database_url=str(file), display="off", heartbeat=0.2, lease=0.6)
    command = [sys.executable, "-c", textwrap.dedent(code), str(file)]
    with (
        Claudia(settings=settings) as hub,
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process,
    ):
        try:
            assert process.stdout.readline() == "at seven\n"
            (task,) = hub.tasks.list(name="killed").tasks
            eventually(lambda: hub.progress.get(task.id).current == 7)
            hub.watch_agents()
            eventually(lambda: hub.agents.get(task.agent_id).heartbeat_at > hub.agents.get(task.agent_id).started_at)
            assert hub.tasks.get(task.id).status is Status.ACTIVE
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
        eventually(lambda: hub.agents.get(task.agent_id).status is AgentStatus.LOST)
        for name in ("killed", "outer"):
            (lost,) = hub.tasks.list(name=name).tasks
            assert (lost.status, lost.error.code) == (Status.FAILED, "lost")
            assert f"pid {process.pid}" in lost.error.message
        assert hub.progress.get(task.id).current == 7
        assert len(hub.errors.occurrences(task_id=task.id)) == 1
        assert [event.type for event in hub.store.events(0, types=("agent:lost",)).events] == ["agent:lost"]
