"""What is left of many tasks when those who work on them are killed, or compete for them."""

import os
import subprocess
import sys
from collections import Counter
from contextlib import ExitStack

import pytest

from claudia_core.engines.in_hand import MOST_AHEAD
from claudia_core.model import Status
from claudia_core.services.tasks.service import NewTask
from claudia_core.testing.waiting import eventually
from tests.engines.agents import ROOT, agent, online

IS_SLOW = bool(os.environ.get("CLAUDIA_SLOW"))
BRIEF = {"CLAUDIA_HEARTBEAT": "0.3", "CLAUDIA_LEASE": "2"}


def every(hub, type):
    """The subjects of all events of a type."""
    found, position = [], 0
    while True:
        part = hub.store.events(position, 10_000, [type])
        found += [event.subject for event in part.events]
        position = part.position
        if position >= hub.store.head():
            return found


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_thousand_tasks_and_kills(claudia_file, tmp_path):
    """Agents, and the hub's server, are killed amid 1,000 tasks: each ends once, completed, and none is forgotten."""
    database, out = tmp_path / "claudia.db", tmp_path / "out"
    with ExitStack() as running:
        server = [sys.executable, "-m", "claudia_core", "serve", "--port", "0", "-d", str(database)]
        known = {name: value for name, value in os.environ.items() if not name.startswith("CLAUDIA_")}
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        hub = subprocess.Popen(server, cwd=tmp_path, env=known | BRIEF, **quiet)
        running.callback(hub.wait)
        running.callback(hub.kill)
        first, second = (running.enter_context(agent(database, "--capacity", "6", **BRIEF)) for _ in range(2))
        online(claudia_file, 2)
        tasks = [NewTask(type="note", payload={"file": str(out)}) for _ in range(1_000)]
        ids = {task.id for task in claudia_file.tasks.create_many(tasks)}

        def wait_for(number):
            eventually(lambda: claudia_file.tasks.counts()[Status.COMPLETED] >= number, 120)

        wait_for(150)
        first.kill()
        third = running.enter_context(agent(database, "--capacity", "6", **BRIEF))
        wait_for(350)
        hub.kill()
        wait_for(550)
        second.kill()
        wait_for(700)
        third.kill()
        running.enter_context(agent(database, "--capacity", "6", **BRIEF))
        wait_for(1_000)
    counts = claudia_file.tasks.counts()
    assert (counts[Status.COMPLETED], counts[Status.FAILED], counts[Status.ACTIVE]) == (1_000, 0, 0)
    completed = every(claudia_file, "task:completed")
    assert Counter(completed) == Counter(ids), "each has one end"
    lines = [line.split() for line in out.read_text().splitlines()]
    assert {id for id, _ in lines} == ids
    assert len({tuple(line) for line in lines}) == len(lines), "no attempt ran twice"
    assert claudia_file.queues.of("note").running == claudia_file.queues.of("note").waiting == 0


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("type", ["note", "once"])
def test_kills_amid_quick_tasks(claudia_file, tmp_path, type):
    """Tasks that are claimed ahead by agents that are killed: each ends once; what is not tried again begins once."""
    database, out, number = tmp_path / "claudia.db", tmp_path / "out", 4_000
    out.touch()
    payload = {"file": str(out)} | ({"seconds": 0} if type == "note" else {})
    with ExitStack() as running:
        doomed = [running.enter_context(agent(database, "--capacity", "2", **BRIEF)) for _ in range(2)]
        online(claudia_file, 2)
        ids = {task.id for task in claudia_file.tasks.create_many([NewTask(type=type, payload=payload)] * number)}
        for killed, done in zip(doomed, (300, 900), strict=True):
            eventually(lambda done=done: claudia_file.tasks.counts()[Status.COMPLETED] >= done, 120)
            killed.kill()
        running.enter_context(agent(database, "--capacity", "2", **BRIEF))
        eventually(lambda: is_over(claudia_file.tasks.counts(), number), 120)
    ends = Counter(every(claudia_file, "task:completed") + every(claudia_file, "task:failed"))
    assert ends == Counter(ids), "each has one end"
    failed = claudia_file.tasks.list(status=Status.FAILED, limit=1_000).tasks
    assert {task.error.code for task in failed} <= {"lost"}
    begun = Counter(line.split()[0] for line in out.read_text().splitlines())
    assert begun.keys() >= set(every(claudia_file, "task:completed"))
    if type == "once":
        assert max(begun.values()) == 1, "what may have been begun is not begun again"
        assert len(failed) <= 2 * (2 + 2 * MOST_AHEAD), "those in line, and those whose end was not saved"
    else:
        assert not failed


def is_over(counts, number):
    """Whether that many tasks have ended."""
    return sum(counts[status] for status in Status if status.is_terminal) == number


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_agents_of_several_processes(claudia_file, tmp_path):
    """Tasks that wait are claimed by agents in several processes at once: each exactly once."""
    number, processes, agents = (10_000, 4, 2) if IS_SLOW else (1_000, 2, 2)
    ids = [task.id for task in claudia_file.tasks.create_many(NewTask(type="x") for _ in range(number))]
    command = [sys.executable, "-m", "tests.engines.claimer", str(tmp_path / "claudia.db"), str(agents)]
    pipe = subprocess.PIPE
    with ExitStack() as running:
        claimers = []
        for _ in range(processes):
            claimer = subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True)
            running.callback(claimer.communicate)
            running.callback(claimer.kill)
            claimers.append(claimer)
        assert [claimer.stdout.readline() for claimer in claimers] == ["ready\n"] * processes
        for claimer in claimers:
            claimer.stdin.write("\n")
            claimer.stdin.flush()
        taken = [claimer.communicate(timeout=240)[0].split() for claimer in claimers]
    assert Counter(id for some in taken for id in some) == Counter(ids)
    assert claudia_file.tasks.counts()[Status.COMPLETED] == number
    assert Counter(every(claudia_file, "task:started")) == Counter(ids)
