"""Claims: what agents take from the queues of a store, each task once."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from claudia_core.errors import StaleClaim
from claudia_core.model.agent import Agent
from claudia_core.model.policy import RetryPolicy
from claudia_core.model.task import Status, Task
from claudia_core.model.times import utc_now
from claudia_core.ports import Store
from claudia_core.services.agents import Agents
from claudia_core.services.tasks.claims import Ahead, Claims, Settlement, Terms
from claudia_core.services.tasks.failures import failing
from claudia_core.services.tasks.holds import returning
from claudia_core.services.tasks.moves import completing
from claudia_core.services.tasks.queues import Queues
from claudia_core.services.tasks.service import NewTask, Tasks
from claudia_core.testing.conformance.suite import Suite

TASKS = 120
AGENTS = 4
AT_ONCE = RetryPolicy(delay=0)


class StoreClaims(Suite):
    """Promises of the queues on any store."""

    def test_each_is_taken_once(self, store: Store) -> None:
        """Agents that take tasks at the same time: every task is taken, none twice, and each knows whose it is."""
        Tasks(store).create_many([NewTask(type="x") for _ in range(TASKS)])
        agents = [agent_of(store) for _ in range(AGENTS)]

        def take(agent: Agent) -> list[Task]:
            taken: list[Task] = []
            while some := Claims(store).turn(agent.id, {"x": Terms()}, 7).taken:
                taken += some
            return taken

        with ThreadPoolExecutor(AGENTS) as pool:
            found = list(pool.map(take, agents))
        counted = Counter(task.id for tasks in found for task in tasks)
        assert len(counted) == TASKS
        assert set(counted.values()) == {1}
        for agent, tasks in zip(agents, found, strict=True):
            assert {(task.agent_id, task.status, task.claim) for task in tasks} <= {(agent.id, Status.ACTIVE, 1)}

    def test_priority_then_age(self, store: Store) -> None:
        """The highest priority first, then the oldest, over several types; not what is due later."""
        tasks = Tasks(store)
        made = {
            name: tasks.create(name, type=type, priority=priority).id
            for name, type, priority in (("old", "a", 0), ("low", "b", -5), ("new", "b", 0), ("high", "a", 9))
        }
        tasks.create("later", type="a", priority=50, due_at=utc_now() + timedelta(hours=1))
        tasks.create("other", type="c", priority=99)
        agent = agent_of(store)
        both = {"a": Terms(), "b": Terms()}
        taken = [Claims(store).turn(agent.id, both, 1).taken for _ in range(5)]
        assert [task.id for some in taken for task in some] == [made[name] for name in ("high", "old", "new", "low")]
        waiting = {queue.type: (queue.waiting, queue.delayed, queue.running) for queue in Queues(store).list()}
        assert waiting == {"a": (1, 1, 2), "b": (0, 0, 2), "c": (1, 0, 0)}

    def test_most_of_a_type(self, store: Store) -> None:
        """A limit of a type holds over all agents, and holds up nothing else."""
        tasks = Tasks(store)
        tasks.create_many([NewTask(type="few", priority=1) for _ in range(5)] + [NewTask(type="many")] * 5)
        terms = {"few": Terms(most=2), "many": Terms()}
        first, second = agent_of(store), agent_of(store)
        types = [task.type for task in Claims(store).turn(first.id, terms, 4).taken]
        assert types == ["few", "few", "many", "many"]
        assert [task.type for task in Claims(store).turn(second.id, terms, 9).taken] == ["many"] * 3

    def test_a_claim_is_fenced(self, store: Store) -> None:
        """What a former claimant says is refused, while the one that has the task now is heard."""
        task, agent = Tasks(store).create(type="x"), agent_of(store)
        claims, terms = Claims(store), {"x": Terms(attempts=2, policy=AT_ONCE)}
        old = claims.turn(agent.id, terms, 1).taken[0]
        lost = Settlement(task.id, old.claim, failing("lost", again=True))
        turn = claims.turn(agent.id, terms, 1, [lost])
        new = turn.taken[0]
        assert (new.id, new.claim, new.attempt) == (task.id, old.claim + 1, 2)
        late = claims.turn(agent.id, terms, 0, [Settlement(task.id, old.claim, completing("old"))]).settled[0]
        assert isinstance(late, StaleClaim)
        assert f"claim {old.claim}" in str(late)
        assert agent.id in str(late)
        done = claims.turn(agent.id, terms, 0, [Settlement(task.id, new.claim, completing("new"))]).settled[0]
        assert isinstance(done, Task)
        assert (done.status, done.result) == (Status.COMPLETED, "new")

    def test_quick_ones_are_taken_ahead(self, store: Store) -> None:
        """Beyond its room an agent takes what is expected to begin soon, in the order of the queue; a limit holds."""
        Tasks(store).create_many([NewTask(type="quick") for _ in range(8)] + [NewTask(type="few", priority=1)] * 3)
        terms = {"quick": Terms(seconds=0.25), "few": Terms(seconds=0.25, most=2)}
        agent, claims = agent_of(store), Claims(store)
        taken = claims.turn(agent.id, terms, 1, ahead=Ahead(64, 1.0)).taken
        assert [task.type for task in taken] == ["few", "few", "quick", "quick", "quick"]
        assert not claims.turn(agent.id, terms, 0, ahead=Ahead(64, 0.2)).taken
        assert len(claims.turn(agent.id, terms, 0, ahead=Ahead(64, 0.3)).taken) == 1

    def test_a_turn_of_many_ends(self, store: Store) -> None:
        """Of those saved together, one whose claim was lost is refused alone; one that had not begun loses nothing."""
        tasks, claims, agent = Tasks(store), Claims(store), agent_of(store)
        tasks.create_many([NewTask(type="x") for _ in range(4)])
        first, second, third, fourth = claims.turn(agent.id, {"x": Terms()}, 4).taken
        tasks.cancel(second.id)
        moves = (completing(1), completing(2), returning(), failing("bad"))
        ends = [
            Settlement(task.id, task.claim, move)
            for task, move in zip((first, second, third, fourth), moves, strict=True)
        ]
        done, refused, back, failed = claims.turn(agent.id, {"x": Terms()}, 0, ends).settled
        assert isinstance(refused, StaleClaim)
        assert [task.status for task in (done, back, failed) if isinstance(task, Task)] == [
            Status.COMPLETED, Status.PENDING, Status.FAILED,
        ]  # fmt: skip
        (again,) = claims.turn(agent.id, {"x": Terms()}, 4).taken
        assert (again.id, again.attempt, again.attempts, again.claim) == (third.id, 1, 1, 2)
        late = claims.turn(agent.id, {"x": Terms()}, 0, [Settlement(third.id, 1, completing("late"))]).settled[0]
        assert isinstance(late, StaleClaim)

    def test_who_does_not_work_takes_nothing(self, store: Store) -> None:
        """A paused agent, one that drains, one that left, and one that nobody knows."""
        Tasks(store).create(type="x")
        agents, claims = Agents(store), Claims(store)
        paused, drained, gone = (agent_of(store) for _ in range(3))
        agents.pause(paused.id)
        agents.drain(drained.id)
        agents.leave(gone.id)
        for id in (paused.id, drained.id, gone.id, "nobody"):
            assert not claims.turn(id, {"x": Terms()}, 1).taken
        agents.resume(paused.id)
        assert len(claims.turn(paused.id, {"x": Terms()}, 1).taken) == 1


def agent_of(store: Store) -> Agent:
    """A new agent."""
    return Agents(store).register()
