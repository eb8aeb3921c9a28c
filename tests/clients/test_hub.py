"""`Claudia("http://...")`: a hub elsewhere with the surface of one's own."""

import os
import threading
import time

import pytest

from claudia_core import Claudia, Status
from claudia_core.clients.http import Connection
from claudia_core.clients.outbox import MOST, Outbox
from claudia_core.clients.transport import POOL, Address
from claudia_core.errors import AccessDenied, HubUnavailable, StoreError, StoreFull, WaitTimeout
from claudia_core.services.tasks.moves import completing, starting
from claudia_core.services.tasks.progress import ProgressUpdate
from claudia_core.services.tasks.service import NewTask
from claudia_core.testing.waiting import eventually
from tests.clients.serving import TOKEN


def test_loops_and_blocks(served, remote):
    """Tasks of this process, under one agent, with parents, results, errors and issues in the hub."""
    for _ in remote.track(range(3), name="rows", unit="rows"):
        with remote.task("inner", estimated_steps=2) as inner:
            inner.progress(1, message="half")
            inner.result = {"ok": True}
    with pytest.raises(KeyError), remote.task("broken"):
        raise KeyError("k")
    for _ in remote.track(range(3), name="left"):
        break
    by_name = {task.name: task for task in served.hub.tasks.list().tasks}
    assert {name: task.status.value for name, task in by_name.items()} == {
        "rows": "completed",
        "inner": "completed",
        "broken": "failed",
        "left": "cancelled",
    }
    assert by_name["inner"].parent_id == by_name["rows"].id
    assert str(by_name["rows"].progress) == "3/3 rows (100%)"
    assert served.hub.tasks.get(by_name["inner"].id).result == {"ok": True}
    (agent,) = served.hub.agents.list()
    assert {task.agent_id for task in by_name.values()} == {agent.id}
    (issue,) = served.hub.errors.issues().issues
    assert issue.culprit.endswith("test_loops_and_blocks")
    remote.close()
    assert served.hub.agents.get(agent.id).status == "offline"


def test_progress_is_seen_while_the_loop_runs(served, remote):
    """Not only at its end."""
    moving = threading.Event()

    def rows():
        for n in range(1_000):
            if n >= 3:
                moving.wait(10)
            yield n

    seen = []
    thread = threading.Thread(target=lambda: [None for _ in remote.track(rows(), name="rows")])
    thread.start()
    seen.append(eventually(lambda: served.hub.tasks.list(status="active").tasks)[0])
    eventually(lambda: served.hub.progress.get(seen[0].id).current == 3)
    moving.set()
    thread.join(20)


def test_handlers(served, remote):
    """`on`, `once` and `wait_for` hear of what happens in the hub, whoever did it."""
    heard, once = [], []
    end = remote.on("task:*", lambda event: heard.append(event.type))
    remote.once("task:created", once.append)
    task = served.hub.tasks.create("x", start=True)
    eventually(lambda: heard == ["task:created", "task:started"])
    threading.Timer(0.2, served.hub.tasks.complete, (task.id,)).start()
    assert remote.wait_for("task:completed", 5).subject == task.id
    end()
    served.hub.tasks.create("y")
    remote.feed.wait_until(served.hub.store.head())
    assert heard == ["task:created", "task:started", "task:completed"]
    assert len(once) == 1
    with pytest.raises(WaitTimeout):
        remote.wait_for("never:happens", 0.2)


def test_progress_service(served, remote):
    """`update` is told soon, the last of many; the others answer once the hub has it."""
    task = remote.tasks.create("x", start=True, estimated_steps=10)
    for n in range(8):
        remote.progress.update(task.id, n, message=f"row {n}")
    remote.flush()
    assert served.hub.progress.get(task.id).message == "row 7"
    assert remote.progress.create(task.id, total=20).total == 20
    assert remote.progress.complete(task.id).percentage == 100
    remote.progress.update("nobody", 1)
    remote.flush()


def test_what_belongs_to_the_hub_itself(remote, monkeypatch):
    """Pages, subscriptions and pruning are refused in words."""
    for ask in (
        lambda: remote.boards.tasks,
        lambda: remote.subscribe("mail", print),
        remote.keep_pruned,
        remote.prune,
        lambda: remote.store.get("tasks", "x"),
        lambda: remote.health.register("x", lambda: None),
    ):
        with pytest.raises(StoreError, match="elsewhere"):
            ask()


def test_nothing_is_left(served):
    """Threads and connections end with it; closing twice is fine."""
    before = _threads()
    with Claudia(served.base, api_key=TOKEN, display="off") as remote:
        remote.on("*", print)
        list(remote.track([1]))
        started = time.monotonic()
    remote.close()
    assert time.monotonic() - started < 3
    left = [thread for thread in _threads() if thread not in before]
    named = [thread.name for thread in left if not thread.name.startswith(("claudia-api", "claudia-replay"))]
    assert set(named) <= {"claudia-feed", "claudia-file-watch"}  # the hub's own, begun with the first who listens
    assert len(named) == len(set(named))
    assert POOL._leases == {}


def _threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("claudia-")]


# --- a hub that is away ---------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_hub_is_killed_in_the_middle_of_a_loop(killable):
    """The loop goes on; its progress and end, and tasks begun meanwhile, are in the hub afterwards, in order."""
    with Claudia(killable.base, api_key=TOKEN, display="off") as remote:
        loop = remote.track(range(30), name="long")
        slowest, before = 0.0, time.monotonic()
        for n in loop:
            slowest, before = max(slowest, time.monotonic() - before), time.monotonic()
            time.sleep(0.02)
            if n == 5:
                remote.flush(10)
                killable.stop()
            if n == 10:
                with remote.task("while away") as inside:
                    inside.progress(3, total=4)
                    inside.result = {"kept": True}
            if n == 15:
                with pytest.raises(ZeroDivisionError), remote.task("broken while away"):
                    1 / 0  # noqa: B018
        with pytest.raises(HubUnavailable):
            remote.tasks.create("one that wants an answer")
        killable.start()
        remote.flush(20)
        by_name = {task.name: remote.tasks.get(task.id) for task in remote.tasks.list().tasks}
        assert {name: task.status.value for name, task in by_name.items()} == {
            "long": "completed",
            "while away": "completed",
            "broken while away": "failed",
        }
        assert by_name["long"].progress.current == 30
        assert by_name["while away"].result == {"kept": True}
        assert by_name["while away"].parent_id == by_name["long"].id
        types = [event.type for event in remote.events.list(subject=by_name["while away"].id).events]
        assert types[:2] == ["task:created", "task:started"]
        assert types[-1] == "task:completed"
        assert types.count("task:completed") == 1


@pytest.mark.slow
def test_what_happened_elsewhere_keeps_its_parent(killable):
    """News of a change do not take the place of a task with its parent that waits to be made."""
    with Claudia(killable.base, api_key=TOKEN, display="off") as remote:
        above = remote.tasks.create("above")
        killable.stop()
        new = NewTask(name="below", parent_id=above.id).checked()
        remote.tasks.note_soon(new)
        remote.tasks.note_soon(new, starting(None))
        killable.start()
        remote.flush(20)
        below = eventually(lambda: remote.tasks.children(above.id).tasks)
        assert [(task.name, task.status.value) for task in below] == [("below", "active")]


@pytest.mark.slow
def test_progress_arrives_after_the_restart_while_the_loop_still_runs(killable):
    """A handler hears of it, too: its stream is resumed."""
    with Claudia(killable.base, api_key=TOKEN, display="off") as remote:
        heard = []
        remote.on("progress:updated", lambda event: heard.append(event.data["current"]))
        with remote.task("x", estimated_steps=10) as task:
            task.progress(1)
            task.save()
            eventually(lambda: 1 in heard)
            killable.stop()
            task.progress(2)
            task.save()
            killable.start()
            eventually(lambda: 2 in heard, timeout=20)
            assert remote.progress.get(task.id).current == 2
        assert remote.tasks.get(task.id).status is Status.COMPLETED


def test_a_hub_that_is_away_from_the_start(tmp_path, unused_tcp_port):
    """The loop runs all the same, without waiting for long more than once; closing says what was lost."""
    started = time.monotonic()
    address = f"http://127.0.0.1:{unused_tcp_port}"
    with Claudia(address, api_key=TOKEN, display="off", shutdown_timeout=0.2) as remote:
        assert list(remote.track(range(5))) == [0, 1, 2, 3, 4]
        assert list(remote.track(range(5))) == [0, 1, 2, 3, 4]
        waiting = len(remote.store.outbox)
        remote.store.connection.patience = 0.1
        with pytest.raises(HubUnavailable):
            remote.on("task:*", print)
    assert waiting >= 5
    assert time.monotonic() - started < 30


def test_a_token_that_is_not_right_any_more(served, monkeypatch):
    """Changes wait: somebody may put it right."""
    connection = Connection(Address.parse(served.base, "not-the-right-token"))
    outbox = Outbox(connection)
    outbox.post("x", "tasks.create", once="", name="x", id=None)
    with pytest.raises(AccessDenied):
        outbox.flush(10)
    connection.address = Address.parse(served.base, TOKEN)
    eventually(lambda: len(outbox) == 0)
    outbox.flush(10)
    outbox.stop()
    connection.close()
    assert [task.name for task in served.hub.tasks.list().tasks] == ["x"]


def test_what_waits_is_bounded(unused_tcp_port):
    """Progress is coalesced, the oldest goes first; where only ends wait, the next one is refused in words."""
    connection = Connection(Address.parse(f"http://127.0.0.1:{unused_tcp_port}"))
    outbox = Outbox(connection)
    for n in range(MOST + 5):
        outbox.post_progress(ProgressUpdate(f"task-{n}", n))
        outbox.post_progress(ProgressUpdate(f"task-{n}", n + 1))
    assert (len(outbox), outbox.dropped) == (MOST, 5)
    for n in range(MOST):
        outbox.post(f"end-{n}", "tasks.complete", id=str(n))
    assert len(outbox) == MOST
    with pytest.raises(StoreFull, match="10,000 changes wait"):
        outbox.post("one more", "tasks.complete", id="x")
    outbox.stop()
    connection.close()


def test_many_bytes_are_bounded(unused_tcp_port):
    """Results of a megabyte do not fill the memory."""
    connection = Connection(Address.parse(f"http://127.0.0.1:{unused_tcp_port}"))
    outbox = Outbox(connection)
    for n in range(49):
        outbox.post(f"end-{n}", "tasks.complete", id=str(n), result="x" * 1_000_000)
    with pytest.raises(StoreFull):
        outbox.post("one more", "tasks.complete", id="x", result="x" * 1_000_000)
    assert len(outbox) == 49
    outbox.stop()
    connection.close()


def test_a_change_that_is_refused_does_not_stop_the_others(remote, served):
    """It is logged and gone."""
    remote.tasks.move_soon("nobody", completing(None))
    remote.tasks.create_soon(NewTask(name="after"), start=True)
    remote.flush(10)
    assert [task.name for task in served.hub.tasks.list().tasks] == ["after"]


def test_a_fork_keeps_off(remote):
    """A child may not use its parent's hub, and is told so."""
    remote.tasks.counts()
    child = os.fork()
    if child == 0:
        try:
            remote.tasks.counts()
        except StoreError:
            os._exit(0)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert remote.tasks.counts()
