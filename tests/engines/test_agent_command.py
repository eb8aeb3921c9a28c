"""`claudia agent`: real processes, with real signals."""

import signal
import subprocess
import sys

import psutil

from claudia_core.model import AgentStatus, Status
from claudia_core.testing.waiting import eventually
from tests.engines.agents import ROOT, agent, online
from tests.engines.conftest import when

BRIEF = {"CLAUDIA_HEARTBEAT": "0.2", "CLAUDIA_LEASE": "1"}


def test_it_drains_on_sigterm(claudia_file, tmp_path):
    """What runs is done, what waits stays, and the agent leaves in good order."""
    out = tmp_path / "out"
    with agent(tmp_path / "claudia.db", "--capacity", "1", "--name", "worker") as process:
        online(claudia_file)
        tasks = [
            claudia_file.tasks.create(type="note", payload={"file": str(out), "seconds": seconds})
            for seconds in (2.0, 0.0)
        ]
        when(claudia_file, tasks[0].id, lambda task: task.status is Status.ACTIVE)
        process.send_signal(signal.SIGTERM)
        said, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert [claudia_file.tasks.get(task.id).status for task in tasks] == [Status.COMPLETED, Status.PENDING]
    found = claudia_file.agents.list()[0]
    assert (found.name, found.status, found.vitals.completed >= 0) == ("worker", AgentStatus.OFFLINE, True)
    assert "note" in said


def test_the_second_signal_stops_it(claudia_file, tmp_path):
    """What runs is queued again, for another agent."""
    with agent(tmp_path / "claudia.db", "--type", "listen") as process:
        online(claudia_file)
        task = claudia_file.tasks.create(type="listen")
        when(claudia_file, task.id, lambda task: task.progress.current > 0, 60)
        process.send_signal(signal.SIGINT)
        when(claudia_file, task.id, lambda _: claudia_file.agents.list()[0].mode == "draining")
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert claudia_file.tasks.get(task.id).status is Status.PENDING


def test_a_killed_agent(claudia_file, tmp_path):
    """Its lease runs out, another takes what it had, and each task is done; the processes it had end with it."""
    database = tmp_path / "claudia.db"
    with agent(database, "--capacity", "2", **BRIEF) as first:
        online(claudia_file)
        spinning = claudia_file.tasks.create(type="listen", attempts=2)
        when(claudia_file, spinning.id, lambda task: task.progress.current > 0, 60)
        waiting = claudia_file.tasks.create(type="note", payload={"file": str(tmp_path / "out"), "seconds": 3})
        when(claudia_file, waiting.id, lambda task: task.status is Status.ACTIVE)
        began = psutil.Process(first.pid).children(recursive=True)
        assert began
        first.kill()
        first.communicate()
        psutil.wait_procs(began, 30)
        assert not [process for process in began if process.is_running() and process.status() != "zombie"]
        claudia_file.tasks.cancel(spinning.id)
        with agent(database, **BRIEF):
            done = when(claudia_file, waiting.id, lambda task: task.status.is_terminal, 60)
    assert (done.status, done.claim, done.attempt) == (Status.COMPLETED, 2, 2)
    assert (tmp_path / "out").read_text().splitlines() == [f"{waiting.id} 2"]
    lost = claudia_file.errors.occurrences(task_id=waiting.id)[0]
    assert lost.type == "AgentLost"


def test_what_is_no_app():
    """It says what is wrong, and how to say it."""
    for app, message in (("no.such.module", "cannot be imported"), ("json", "json has no hub")):
        command = [sys.executable, "-m", "claudia_core", "agent", "--app", app]
        found = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True, timeout=60)
        assert found.returncode == 2
        assert message in found.stderr


def test_an_agent_that_was_taken_for_lost(claudia_file, tmp_path):
    """It stood still while its lease ran out, and another did its task: what it says afterwards changes nothing."""
    database, out = tmp_path / "claudia.db", tmp_path / "out"
    with agent(database, "--capacity", "1", **BRIEF) as first:
        online(claudia_file)
        task = claudia_file.tasks.create(type="note", payload={"file": str(out), "seconds": 2})
        when(claudia_file, task.id, lambda task: task.status is Status.ACTIVE)
        first.send_signal(signal.SIGSTOP)
        with agent(database, **BRIEF):
            done = when(claudia_file, task.id, lambda task: task.status.is_terminal, 60)
            first.send_signal(signal.SIGCONT)
            eventually(lambda: out.read_text().splitlines()[1:], 60)  # it has ended its work, too
            eventually(lambda: not claudia_file.agents.get(done.agent_id).vitals.running, 30)
            first.send_signal(signal.SIGTERM)
            _, errors = first.communicate(timeout=60)
    assert sorted(out.read_text().splitlines()) == [f"{task.id} 1", f"{task.id} 2"]
    assert claudia_file.tasks.get(task.id) == done
    assert (done.status, done.claim) == (Status.COMPLETED, 2)
    assert "claim 1" in errors
