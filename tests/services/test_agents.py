"""Agents: which processes run tasks, and which were lost."""

from datetime import timedelta

import pytest

from claudia_core.errors import NotFound
from claudia_core.model import AgentStatus, Status
from claudia_core.model.times import to_text, utc_now
from claudia_core.services.agents import REAP_AT_ONCE, Agents
from claudia_core.services.tasks.service import NewTask
from claudia_core.testing.builders import saved_task
from claudia_core.testing.waiting import eventually


@pytest.fixture
def brief(claudia):
    """Agents with a lease of 50 ms."""
    return Agents(claudia.store, lease=0.05)


def wait_for_expiry(agents, agent):
    return eventually(lambda: (at := to_text(utc_now())) > to_text(agents.get(agent.id).expires_at) and at)


def test_an_agent_tells_what_it_is(claudia):
    """Its process, its machine and until when it counts as alive."""
    import os

    agent = claudia.agents.register("worker")
    assert (agent.name, agent.pid, agent.status) == ("worker", os.getpid(), AgentStatus.ONLINE)
    assert agent.expires_at == agent.heartbeat_at + timedelta(seconds=claudia.settings.lease)
    assert claudia.agents.get(agent.id) == agent
    assert claudia.agents.list() == [agent]
    with pytest.raises(NotFound):
        claudia.agents.get("x")


def test_a_heartbeat_renews_the_lease_without_an_event(claudia):
    """Thousands of agents must not fill the log."""
    agent = claudia.agents.register()
    head = claudia.store.head()
    claudia.agents.heartbeat(agent.id)
    claudia.agents.heartbeat("nobody")
    claudia.flush()
    assert claudia.agents.get(agent.id).heartbeat_at > agent.heartbeat_at
    assert claudia.store.head() == head


def test_an_agent_that_lives_is_not_reaped(claudia):
    """Its lease has not run out."""
    agent = claudia.agents.register()
    task = saved_task(claudia, Status.ACTIVE, agent_id=agent.id)
    assert claudia.agents.reap(to_text(utc_now())) == 0
    assert claudia.tasks.get(task.id).status is Status.ACTIVE


def test_a_lost_agents_tasks_fail(claudia, brief):
    """Only the active ones, each with its progress and content; each reports its error once."""
    agent = brief.register("worker")
    active = saved_task(claudia, Status.ACTIVE, agent_id=agent.id, payload={"a": 1})
    claudia.tasks.progress(active.id, 4)
    done = saved_task(claudia, Status.COMPLETED, agent_id=agent.id)
    pending, other = saved_task(claudia), saved_task(claudia, Status.ACTIVE, agent_id="other")
    assert brief.reap(wait_for_expiry(brief, agent)) == 1
    lost = claudia.tasks.get(active.id)
    assert (lost.status, lost.error.code, lost.progress.current, lost.payload) == (Status.FAILED, "lost", 4, {"a": 1})
    assert "worker" in lost.error.message
    assert len(claudia.errors.occurrences(task_id=active.id)) == 1
    assert [claudia.tasks.get(task.id).status for task in (done, pending, other)] == [
        Status.COMPLETED,
        Status.PENDING,
        Status.ACTIVE,
    ]
    assert brief.get(agent.id).status is AgentStatus.LOST
    assert brief.reap(to_text(utc_now())) == 0


def test_many_lost_tasks(claudia, brief):
    """More than one commit's worth."""
    agent = brief.register()
    number = REAP_AT_ONCE + 10
    claudia.tasks.create_many([NewTask(name="x", agent_id=agent.id) for _ in range(number)], start=True)
    assert brief.reap(wait_for_expiry(brief, agent)) == number
    assert claudia.tasks.counts()[Status.FAILED] == number


def test_a_given_up_agent_comes_back(claudia, brief):
    """A process that was only slow is online again with its next sign of life."""
    agent = brief.register()
    brief.reap(wait_for_expiry(brief, agent))
    brief.heartbeat(agent.id)
    claudia.flush()
    assert brief.get(agent.id).status is AgentStatus.ONLINE
    types = [event.type for event in claudia.store.events(0).events]
    assert types == ["agent:online", "agent:lost", "agent:online"]


def test_watching_gives_one_look_of_grace(claudia, brief):
    """After a machine slept every lease has run out; who beats before the next look is not lost."""
    sleeper, dead = brief.register("sleeper"), brief.register("dead")
    tasks = [saved_task(claudia, Status.ACTIVE, agent_id=agent.id) for agent in (sleeper, dead)]
    wait_for_expiry(brief, dead)
    assert brief.watch() == 0
    brief.heartbeat(sleeper.id)
    claudia.flush()
    assert brief.watch() == 1
    assert [claudia.tasks.get(task.id).status for task in tasks] == [Status.ACTIVE, Status.FAILED]


def test_leaving_in_good_order(claudia):
    """Tasks that it still has are cancelled; nobody needs to find it lost."""
    agent = claudia.agents.register()
    parent = saved_task(claudia, Status.ACTIVE, agent_id=agent.id)
    child = saved_task(claudia, Status.ACTIVE, agent_id=agent.id, parent_id=parent.id)
    claudia.agents.leave(agent.id)
    claudia.agents.leave(agent.id)
    assert claudia.agents.get(agent.id).status is AgentStatus.OFFLINE
    assert {claudia.tasks.get(task.id).status for task in (parent, child)} == {Status.CANCELLED}
    types = [event.type for event in claudia.store.events(0, types=("agent:offline", "task:cancelled")).events]
    assert types == ["task:cancelled", "task:cancelled", "agent:offline"]


def test_agents_of_long_ago_are_forgotten(claudia, brief):
    """Those that ended or were lost; never one that is online."""
    left, lost, alive = brief.register("left"), brief.register("lost"), claudia.agents.register("alive")
    brief.leave(left.id)
    brief.reap(wait_for_expiry(brief, lost))
    assert brief.prune(utc_now() - timedelta(days=1)) == 0
    assert brief.prune(utc_now() + timedelta(days=1)) == 2
    assert [agent.id for agent in brief.list()] == [alive.id]
