"""Quick tasks that an agent claims ahead: together in one commit, begun within a moment, or given back."""

import asyncio
import threading
from collections import Counter

import pytest

from claudia_core.engines.in_hand import LATE, InHand
from claudia_core.engines.pace import AHEAD, Pace
from claudia_core.engines.port import Job, Outcome
from claudia_core.model import Status
from claudia_core.model.policy import RetryPolicy
from claudia_core.model.times import from_text
from claudia_core.services.tasks.claims import Ahead, Claims, Terms
from claudia_core.services.tasks.moves import completing
from claudia_core.services.tasks.service import NewTask
from claudia_core.testing.waiting import eventually
from tests.engines.conftest import when

MANY = 400


@pytest.fixture
def turns(monkeypatch):
    """What each commit of an agent brought."""
    seen = []
    turn = Claims.turn

    def noting(self, *args, **options):
        found = turn(self, *args, **options)
        seen.append(found)
        return found

    monkeypatch.setattr(Claims, "turn", noting)
    return seen


def made(hub, count, type="quick", **values):
    """Tasks that wait, in the order of their making."""
    return hub.tasks.create_many(NewTask(type=type, payload=n, **values) for n in range(count))


def all_ended(hub, tasks):
    """Those tasks, ended."""
    return [when(hub, task.id, lambda found: found.status.is_terminal) for task in tasks]


def test_quick_tasks_share_commits(claudia, turns):
    """Many are claimed and ended by one commit; each runs once, in its turn, no more at once than there are slots."""
    order, at_once, most, lock = [], [0], [0], threading.Lock()

    @claudia.handler("quick")
    def quick(task, payload):
        with lock:
            at_once[0] += 1
            most[0] = max(most[0], at_once[0])
            order.append(payload)
        with lock:
            at_once[0] -= 1
        return payload

    tasks = made(claudia, MANY)
    agent = claudia.work(capacity=1)
    found = all_ended(claudia, tasks)
    assert [(task.status, task.result, task.claim) for task in found] == [(Status.COMPLETED, n, 1) for n in range(MANY)]
    assert order == list(range(MANY))
    assert most[0] == 1
    assert len(turns) < MANY / 2
    assert max(len(turn.settled) for turn in turns) > 4
    eventually(lambda: agent.tally.completed == MANY)
    assert agent.running == []


def test_coroutines_share_commits_too(claudia, turns):
    """Each runs once, in its turn, and no more at once than there are slots."""
    order, at_once = [], set()

    @claudia.handler("quick")
    async def quick(task, payload):
        at_once.add(payload)
        assert len(at_once) == 1
        await asyncio.sleep(0)
        order.append(payload)
        at_once.remove(payload)

    tasks = made(claudia, MANY)
    claudia.work(capacity=1)
    assert {task.status for task in all_ended(claudia, tasks)} == {Status.COMPLETED}
    assert order == list(range(MANY))
    assert len(turns) < MANY / 2


def test_two_slots_run_two_at_once(claudia):
    """What stands in line takes every slot that gets free."""
    met, seen = threading.Barrier(2, timeout=30), []

    @claudia.handler("quick")
    def quick(task, payload):
        if payload >= MANY - 2:
            met.wait()
            seen.append(payload)

    tasks = made(claudia, MANY)
    claudia.work(capacity=2)
    assert all(task.status is Status.COMPLETED for task in all_ended(claudia, tasks))
    assert sorted(seen) == [MANY - 2, MANY - 1]


def test_what_cannot_begin_is_given_back(claudia, ended):
    """When a slot is held up, what was claimed ahead for it waits in its queue again: nothing of it is spent."""
    go, held = threading.Event(), threading.Event()

    @claudia.handler("quick")
    def quick(task, payload):
        if payload == MANY // 2:
            held.set()
            assert go.wait(60)

    tasks = made(claudia, MANY)
    agent = claudia.work(capacity=1)
    assert held.wait(30)
    eventually(lambda: claudia.tasks.counts()[Status.ACTIVE] == 1)
    assert agent.running == [tasks[MANY // 2].id]
    waiting = claudia.tasks.get(tasks[MANY // 2 + 1].id)
    assert (waiting.status, waiting.attempt, waiting.attempts, waiting.agent_id, waiting.started_at) == (
        Status.PENDING, 1, 1, None, None,
    )  # fmt: skip
    assert claudia.queues.of("quick").running == 1
    go.set()
    assert all(task.status is Status.COMPLETED for task in all_ended(claudia, tasks))
    ends = Counter(event.subject for event in everything(claudia) if event.type == "task:completed")
    assert ends == Counter(task.id for task in tasks)


def everything(hub):
    """All events."""
    return hub.store.events(0, 10_000).events


@pytest.mark.parametrize("ask", ["pause", "drain"])
def test_pausing_gives_back_what_has_not_begun(claudia, ask):
    """A paused or drained agent ends what runs, and holds on to nothing else."""
    go, held = threading.Event(), threading.Event()

    @claudia.handler("quick")
    def quick(task, payload):
        if payload == 100:
            held.set()
            assert go.wait(60)

    tasks = made(claudia, MANY)
    agent = claudia.work(capacity=1)
    assert held.wait(30)
    getattr(claudia.agents, ask)(agent.agent_id)
    eventually(lambda: claudia.tasks.counts()[Status.ACTIVE] == 1)
    go.set()
    done = when(claudia, tasks[100].id, lambda found: found.status.is_terminal)
    assert done.status is Status.COMPLETED
    eventually(lambda: claudia.tasks.counts()[Status.ACTIVE] == 0)
    assert claudia.tasks.get(tasks[-1].id).status is Status.PENDING


def test_a_bad_one_in_a_batch_fails_alone(claudia):
    """Its neighbours in the same commit are completed."""

    @claudia.handler("quick")
    def quick(task, payload):
        if payload % 50 == 7:
            raise ValueError(payload)
        return object() if payload % 50 == 9 else payload

    tasks = made(claudia, MANY)
    claudia.work(capacity=2)
    found = all_ended(claudia, tasks)
    failed = {task.payload for task in found if task.status is Status.FAILED}
    assert failed == {n for n in range(MANY) if n % 50 in (7, 9)}


def test_one_whose_claim_is_lost_in_a_batch(claudia):
    """What its former agent says of it is refused; the others of the batch are saved."""
    lost = []

    @claudia.handler("quick")
    def quick(task, payload):
        if payload % 100 == 50:
            claudia.tasks.cancel(task.id, reason="not needed")
            lost.append(task.id)
        return payload

    tasks = made(claudia, MANY)
    claudia.work(capacity=2)
    found = all_ended(claudia, tasks)
    assert {task.id for task in found if task.status is Status.CANCELLED} == set(lost)
    assert Counter(task.status for task in found) == {Status.COMPLETED: MANY - 4, Status.CANCELLED: 4}


def test_one_that_is_cancelled_before_it_begins(claudia):
    """It never begins, also where its handler gives no grace, and its agent goes on with the others."""
    go, held, began = threading.Event(), threading.Event(), []

    @claudia.handler("quick", grace=0)
    def quick(task, payload):
        began.append(payload)
        if payload == 100:
            held.set()
            assert go.wait(60)

    tasks = made(claudia, MANY)
    claudia.work(capacity=1)
    assert held.wait(30)
    for task in tasks[101:]:  # whether it stands in line or in the queue
        claudia.tasks.cancel(task.id)
    go.set()
    assert when(claudia, tasks[100].id, lambda found: found.status.is_terminal).status is Status.COMPLETED
    last = claudia.tasks.create(type="quick", payload=-1)
    assert when(claudia, last.id, lambda found: found.status.is_terminal).status is Status.COMPLETED
    counts = claudia.tasks.counts()
    assert (counts[Status.COMPLETED], counts[Status.CANCELLED]) == (102, MANY - 101)
    assert began == [*range(101), -1]


def test_a_job_that_is_stopped_in_line(claudia):
    """It leaves the line at once: its slot goes to the next, and it is given back."""
    hand, engine = hand_of(claudia, "x", capacity=1)
    jobs = jobs_of(claudia, "x", 3)
    hand.take(jobs)
    assert engine.begun == jobs[:1]
    hand.stop(next(running for running in hand if running.job is jobs[1]), "lost", None)
    (given_back,) = hand.ended()
    assert given_back.was_returned
    hand.drop(given_back)
    engine.report(Outcome(jobs[0], completing(None)))
    assert engine.begun == [jobs[0], jobs[2]]


def test_jobs_that_cannot_start(claudia):
    """Each ends its task, and its slot goes to the next."""
    hand, engine = hand_of(claudia, "x", capacity=1)
    engine.refuses = True
    hand.take(jobs_of(claudia, "x", 300))
    hand.gather()
    assert [running.outcome.name for running in hand.ended()] == ["fail"] * 300


class Standing:
    """An engine whose jobs never end by themselves."""

    def __init__(self, report):
        self.report = report
        self.begun = []
        self.refuses = False

    def begin(self, job):
        if self.refuses:
            raise RuntimeError("no more threads")
        self.begun.append(job)

    def cancel(self, job, reason):
        """Nothing."""

    def kill(self, job, reason):
        return False

    def close(self):
        """Nothing."""


def hand_of(hub, type, capacity):
    """Jobs in hand, and the engine that they run on."""
    hub.handlers.register(type, lambda task, payload: None)
    hand = InHand(capacity, Standing, threading.Event())
    return hand, hand._engine


def jobs_of(hub, type, count):
    """Jobs that an agent has claimed."""
    made(hub, count, type)
    agent = hub.agents.register()
    return [
        Job(task, hub.handlers.get(type)) for task in Claims(hub.store).turn(agent.id, {type: Terms()}, count).taken
    ]


def test_a_limit_of_a_type_holds(claudia):
    """Claimed ahead or not, no more of it are active than its handler says."""
    seen = []

    @claudia.handler("few", concurrency=2)
    def few(task, payload):
        seen.append(claudia.tasks.counts()[Status.ACTIVE])

    tasks = made(claudia, 60, "few")
    claudia.work(capacity=8)
    assert all(task.status is Status.COMPLETED for task in all_ended(claudia, tasks))
    assert max(seen) <= 2


def test_work_that_must_not_be_begun_twice_is_not_claimed_ahead(claudia, turns):
    """If its agent is killed, what it had claimed counts as begun: so it claims only what begins at once."""
    claudia.handlers.register("quick", lambda task, payload: None, policy=RetryPolicy(lost="fail"))
    tasks = made(claudia, 60)
    claudia.work(capacity=2)
    assert all(task.status is Status.COMPLETED for task in all_ended(claudia, tasks))
    assert max(len(turn.taken) for turn in turns) <= 2


def test_a_start_is_told_when_it_is_near(claudia):
    """Between the commit that says that a task has started and its handler's first line is a moment."""
    from claudia_core.model.times import utc_now

    began = {}

    @claudia.handler("quick")
    def quick(task, payload):
        began[task.id] = utc_now()

    tasks = made(claudia, MANY)
    claudia.work(capacity=1)
    all_ended(claudia, tasks)
    told = {event.subject: from_text(event.data["started_at"]) for event in everything(claudia)
            if event.type == "task:started"}  # fmt: skip
    waits = sorted((began[id] - told[id]).total_seconds() for id in told)
    assert waits[0] >= 0
    assert waits[len(waits) // 2] < LATE + 0.2, "on a busy machine, too"


def test_ahead_keeps_the_order_of_the_queue(claudia):
    """What comes next is not passed over for something quicker behind it."""
    agent = claudia.agents.register()
    tasks = [
        claudia.tasks.create(type=type, priority=priority).id
        for type, priority in (("a", 9), ("a", 8), ("slow", 7), ("a", 6))
    ]
    terms = {"a": Terms(seconds=0.001), "slow": Terms()}
    taken = Claims(claudia.store).turn(agent.id, terms, 1, ahead=Ahead(64, AHEAD)).taken
    assert [task.id for task in taken] == tasks[:2]
    assert not Claims(claudia.store).turn(agent.id, terms, 0, ahead=Ahead(64, AHEAD)).taken
    again = Claims(claudia.store).turn(agent.id, terms, 1, ahead=Ahead(64, 0.0)).taken
    assert [task.id for task in again] == [tasks[2]]


def test_pace():
    """A mean of the last ones; one that was slow counts in full."""
    pace = Pace()
    assert pace.of("x") > 1e9
    for _ in range(5):
        pace.note("x", 0.001)
    assert pace.of("x") == pytest.approx(0.001)
    pace.note("x", 0.002)
    assert 0.001 < pace.of("x") < 0.002
    pace.note("x", 1.0)
    assert pace.of("x") == 1.0
