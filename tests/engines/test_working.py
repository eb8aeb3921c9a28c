"""An agent at work in this process: what becomes of tasks that have handlers."""

import threading
from datetime import timedelta

import pytest

from claudia_core.app import Claudia
from claudia_core.errors import Conflict, InvalidValue
from claudia_core.model import AgentStatus, Status
from claudia_core.model.agent import AgentMode
from claudia_core.model.policy import RetryPolicy
from claudia_core.model.times import utc_now
from claudia_core.settings import default_settings
from claudia_core.testing.stores import FlakyStore
from claudia_core.testing.waiting import eventually
from tests.engines.conftest import when

AT_ONCE = RetryPolicy(delay=0)


def test_a_task_gets_done(claudia, ended):
    """Its handler gets the task and its payload; the result is kept, and the agent is told."""

    @claudia.handler("double")
    def double(task, n: int):
        task.progress(1, total=1, message="doubling")
        return {"twice": 2 * n}

    agent = claudia.work(capacity=2)
    done = ended(claudia.tasks.create(type="double", payload={"n": 21}))
    assert (done.status, done.result, done.agent_id, done.claim) == (
        Status.COMPLETED,
        {"twice": 42},
        agent.agent_id,
        1,
    )
    assert done.progress.message == "doubling"
    types = [event.type for event in claudia.events.list(subject=done.id).events]
    assert [type for type in types if type.startswith("task:")] == ["task:created", "task:started", "task:completed"]


def test_tasks_made_before_it_works(claudia, ended):
    """They wait, and are done in their order."""
    order = []
    made = [claudia.tasks.create(type="x", payload=n) for n in range(5)]
    claudia.handlers.register("x", lambda task, payload: order.append(payload))
    claudia.work(capacity=1)
    for task in made:
        assert ended(task).status is Status.COMPLETED
    assert order == list(range(5))


def test_loops_inside_are_its_children(claudia, ended):
    """As those of any task."""

    @claudia.handler("outer")
    def outer(task):
        for _ in claudia.track(range(3), name="inner"):
            assert claudia.current_task().name == "inner"
        assert claudia.current_task().id == task.id

    claudia.work()
    task = ended(claudia.tasks.create(type="outer"))
    assert task.status is Status.COMPLETED, task.error
    assert [child.name for child in claudia.tasks.children(task.id).tasks] == ["inner"]


def test_a_failure_is_told_with_its_place(claudia, ended):
    """The traceback is the handler's; the error is an issue; nobody tries again unasked."""

    @claudia.handler("bad")
    def bad(task):
        raise ValueError("no good")

    claudia.work()
    task = ended(claudia.tasks.create(type="bad"))
    assert (task.status, task.error.type, task.error.message) == (Status.FAILED, "ValueError", "no good")
    assert "in bad" in task.error.traceback
    assert len(claudia.errors.occurrences(task_id=task.id)) == 1


def test_retries(claudia, ended):
    """It is tried again after each failure, as often as the handler says; each failure is reported."""
    tries = []

    @claudia.handler("flaky", retries=2, policy=AT_ONCE)
    def flaky(task):
        tries.append(task.attempt)
        raise OSError(f"try {len(tries)}")

    claudia.work()
    task = ended(claudia.tasks.create(type="flaky"))
    assert (tries, task.attempt, task.attempts, task.claim) == ([1, 2, 3], 3, 3, 3)
    assert task.error.message == "try 3"
    types = [
        event.type for event in claudia.events.list(subject=task.id, types=["task:retrying", "task:failed"]).events
    ]
    assert types == ["task:retrying", "task:retrying", "task:failed"]
    assert len(claudia.errors.occurrences(task_id=task.id)) == 3


def test_back_off(claudia):
    """Between attempts it waits as its policy says, and tells until when and why."""
    claudia.handlers.register("x", fails, retries=1, policy=RetryPolicy(delay=3_600, longest=7_200))
    claudia.work()
    task = claudia.tasks.create(type="x")
    waiting = when(claudia, task.id, lambda found: found.attempt == 2)
    assert waiting.status is Status.PENDING
    assert waiting.error.message == "always"
    assert waiting.due_at > utc_now() + timedelta(minutes=50)
    assert "due at" in claudia.queues.why(waiting)


def fails(task):
    raise ValueError("always")


def test_what_is_not_retried(claudia, ended):
    """An exception that the handler does not name, and a payload that no attempt can make right."""

    @claudia.handler("x", retries=5, policy=AT_ONCE, retry_on=(OSError,))
    def x(task, n: int):
        raise ValueError(n)

    claudia.work()
    assert ended(claudia.tasks.create(type="x", payload={"n": 1})).attempt == 1
    refused = ended(claudia.tasks.create(type="x", payload={"n": "one"}))
    assert (refused.attempt, refused.error.type, refused.error.code) == (1, "PayloadInvalid", "payload")


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), GeneratorExit()], ids=repr)
def test_an_exit_ends_its_task_only(claudia, ended, error):
    """A handler that exits, or is interrupted, fails; the agent goes on."""

    @claudia.handler("x")
    def x(task, payload):
        if payload:
            raise error

    claudia.work(capacity=1)
    task = ended(claudia.tasks.create(type="x", payload=1))
    assert (task.status, task.error.type) == (Status.FAILED, type(error).__name__)
    assert ended(claudia.tasks.create(type="x")).status is Status.COMPLETED


def test_a_result_that_cannot_be_kept(claudia, ended):
    """The task fails, and says what is wrong with it."""
    claudia.handlers.register("x", lambda task: object())
    claudia.work()
    task = ended(claudia.tasks.create(type="x"))
    assert task.status is Status.FAILED
    assert "result is not JSON" in task.error.message


def test_an_unknown_type_waits_and_says_so(claudia, ended):
    """Nobody can run it; somebody who can is enough."""
    claudia.handlers.register("known", lambda task: None)
    claudia.work()
    task = claudia.tasks.create(type="unknown")
    assert ended(claudia.tasks.create(type="known")).status is Status.COMPLETED
    assert claudia.queues.why(claudia.tasks.get(task.id)) == "no agent that is online can run unknown"
    queue = next(queue for queue in claudia.queues.list() if queue.type == "unknown")
    assert (queue.waiting, queue.agents, queue.note) == (1, 0, "no agent that is online can run unknown")


def test_cancelling_from_elsewhere(claudia, ended):
    """The handler's next progress raises, and its end changes nothing."""
    begun = threading.Event()

    @claudia.handler("long")
    def long(task):
        begun.set()
        while True:
            task.advance()
            threading.Event().wait(0.01)

    agent = claudia.work(capacity=1)
    task = claudia.tasks.create(type="long")
    assert begun.wait(30)
    claudia.tasks.cancel(task.id, reason="not needed")
    eventually(lambda: not agent.running, 30)
    assert claudia.tasks.get(task.id).status is Status.CANCELLED
    assert claudia.tasks.get(task.id).progress.message == "not needed"


def test_pause_resume_and_drain(claudia, ended):
    """A paused agent takes nothing; a drained one ends once what it has is done."""
    go, begun = threading.Event(), threading.Event()

    @claudia.handler("x")
    def x(task, payload):
        if payload == "wait":
            begun.set()
            assert go.wait(60)

    agent = claudia.work(capacity=4)
    first = claudia.tasks.create(type="x", payload="wait")
    assert begun.wait(30)
    claudia.agents.pause(agent.agent_id)
    second = claudia.tasks.create(type="x")
    assert "paused" in claudia.queues.why(second)
    claudia.agents.resume(agent.agent_id)
    assert ended(second).status is Status.COMPLETED
    claudia.agents.drain(agent.agent_id)
    third = claudia.tasks.create(type="x")
    assert not agent.is_over
    go.set()
    agent.wait(30)
    assert ended(first).status is Status.COMPLETED
    assert claudia.tasks.get(third.id).status is Status.PENDING


def test_stopping_gives_tasks_back(claudia):
    """What does not end by itself is queued again; being given back costs none of its attempts."""
    begun = threading.Event()

    @claudia.handler("x", grace=0.1)
    def x(task):
        begun.set()
        threading.Event().wait(60)

    agent = claudia.work(capacity=1)
    task = claudia.tasks.create(type="x")
    assert begun.wait(30)
    agent.stop()
    found = claudia.tasks.get(task.id)
    assert (found.status, found.attempt, found.attempts, found.agent_id) == (Status.PENDING, 2, 2, None)
    assert claudia.agents.get(agent.agent_id).capabilities == ()


def test_closing_the_hub_ends_its_agent(claudia_file):
    """It leaves in good order."""
    claudia_file.handlers.register("x", lambda task: None)
    agent = claudia_file.work()
    claudia_file.close()
    assert agent.is_over
    with Claudia(settings=claudia_file.settings) as other:
        assert other.agents.get(agent.agent_id).status is AgentStatus.OFFLINE


def test_what_cannot_work(claudia):
    """No handlers, an unknown type, no room, and twice."""
    with pytest.raises(InvalidValue, match="no handlers"):
        claudia.work()
    claudia.handlers.register("x", lambda task: None)
    with pytest.raises(InvalidValue, match="no handler for y"):
        claudia.work(types=["y"])
    with pytest.raises(InvalidValue, match="capacity"):
        claudia.work(capacity=0)
    claudia.work()
    with pytest.raises(Conflict):
        claudia.work()


def test_a_heartbeat_tells_what_it_does(claudia, ended):
    """How much it runs, has done and uses."""
    claudia.handlers.register("x", lambda task: None)
    claudia.handlers.register("bad", fails)
    agent = claudia.work(capacity=3)
    for type in ("x", "x", "bad"):
        ended(claudia.tasks.create(type=type))
    eventually(lambda: agent.vitals().failed == 1)
    claudia.agents.heartbeat(agent.agent_id, agent.vitals())
    claudia.flush()
    told = claudia.agents.get(agent.agent_id)
    assert (told.capacity, told.mode, set(told.capabilities)) == (3, AgentMode.WORKING, {"x", "bad"})
    assert (told.vitals.completed, told.vitals.failed, told.vitals.per_minute) == (2, 1, 3.0)
    assert told.vitals.memory > 1_000_000


def test_a_timeout(claudia, ended):
    """The handler is asked to stop; one that does not listen is left to itself, and its task fails all the same."""

    @claudia.handler("polite", timeout=0.2)
    def polite(task):
        while True:
            task.advance()
            threading.Event().wait(0.01)

    @claudia.handler("deaf", timeout=0.2, grace=0.2)
    def deaf(task):
        threading.Event().wait(60)

    claudia.work()
    for type in ("polite", "deaf"):
        task = ended(claudia.tasks.create(type=type))
        assert (task.status, task.error.code) == (Status.FAILED, "timeout"), type
        assert "0.2 seconds" in task.error.message


def test_a_deadline_ends_what_runs_and_what_waits(claudia, ended):
    """A task that did not begin in time is not begun."""
    ran = threading.Event()

    @claudia.handler("x", grace=0.1)
    def x(task, payload):
        if payload:
            threading.Event().wait(60)
        ran.set()

    too_late = claudia.tasks.create(type="x", deadline=utc_now() - timedelta(seconds=1))
    claudia.work()
    assert ended(too_late).error.code == "deadline"
    cut = ended(claudia.tasks.create(type="x", payload=1, deadline=utc_now() + timedelta(seconds=0.5)))
    assert (cut.status, cut.error.code) == (Status.FAILED, "deadline")
    late = [event.subject for event in claudia.events.list(types=["task:overdue"]).events]
    assert sorted(late) == sorted([too_late.id, cut.id])
    assert not ran.is_set()


def test_a_store_that_is_away():
    """What ends meanwhile is saved when it is back, once; what waits is taken then."""
    store = FlakyStore()
    with Claudia(store=store, settings=default_settings(display="off")) as hub:
        go, ran = threading.Event(), []

        @hub.handler("x")
        def x(task, payload):
            ran.append(payload)
            assert go.wait(60)
            return payload

        agent = hub.work(capacity=1)
        first, second = (hub.tasks.create(type="x", payload=number) for number in (1, 2))
        eventually(lambda: ran, 30)
        store.is_away = True
        go.set()
        threading.Event().wait(0.3)
        assert agent.running == [first.id]
        store.is_away = False
        for task in (first, second):
            assert when(hub, task.id, lambda found: found.status.is_terminal).status is Status.COMPLETED
        assert ran == [1, 2]


def test_an_end_that_cannot_be_saved(claudia, ended, monkeypatch):
    """It fails its task, and no other: those that end in the same commit are saved."""
    from claudia_core.engines import handled
    from claudia_core.services.tasks.moves import Move, completing

    def broken(tx, task):
        raise ZeroDivisionError("in the transaction")

    def finished(result):
        return Move("complete", {}, broken) if result == "broken" else completing(result)

    monkeypatch.setattr(handled, "completing", finished)
    claudia.handlers.register("x", lambda task, payload: payload)
    tasks = [claudia.tasks.create(type="x", payload=payload) for payload in ("fine", "broken", "fine")]
    claudia.work()
    found = [ended(task) for task in tasks]
    assert [task.status for task in found] == [Status.COMPLETED, Status.FAILED, Status.COMPLETED]
    assert "ZeroDivisionError" in found[1].error.message


def test_the_same_type_over_several_agents(claudia_file):
    """No more of a type at once than its handler says, however many agents there are."""
    at_once, most, lock = [0], [0], threading.Lock()

    def x(task):
        with lock:
            at_once[0] += 1
            most[0] = max(most[0], at_once[0])
        threading.Event().wait(0.02)
        with lock:
            at_once[0] -= 1

    with Claudia(settings=claudia_file.settings) as other:
        for hub in (claudia_file, other):
            hub.handlers.register("x", x, concurrency=2)
            hub.work(capacity=8)
        tasks = [claudia_file.tasks.create(type="x") for _ in range(20)]
        for task in tasks:
            assert when(claudia_file, task.id, lambda found: found.status.is_terminal).status is Status.COMPLETED
    assert most[0] == 2


def test_a_turn_that_fails(claudia, ended, monkeypatch):
    """The agent goes on: else what it had claimed would be nobody's, and kept alive by its heartbeats."""
    from claudia_core.services.tasks.claims import Claims

    asked = []
    is_waiting = Claims.is_waiting

    def failing(self, types):
        asked.append(types)
        if len(asked) == 1:
            raise ZeroDivisionError("a defect")
        return is_waiting(self, types)

    monkeypatch.setattr(Claims, "is_waiting", failing)
    claudia.handlers.register("x", lambda task: None)
    claudia.work()
    assert ended(claudia.tasks.create(type="x")).status is Status.COMPLETED
    assert len(asked) > 1
