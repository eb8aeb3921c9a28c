"""Named durable subscriptions: a stored cursor, one process at a time, at least once and in order."""

import subprocess
import sys
import textwrap
import threading

import pytest

from claudia_core.ports import Retention
from claudia_core.subscriptions import UNTOUCHED, Subscription
from claudia_core.testing.stores import FlakyStore
from claudia_core.testing.waiting import eventually


def write(store, number, type="step:done"):
    for step in range(number):
        store.write(lambda tx, step=step: tx.emit(type, "", {"step": step})).result(10)


@pytest.fixture
def subscribe(claudia):
    """Subscriptions on the hub's store, with short times, stopped at the end."""
    made = []

    def make(handler, name="mail", store=claudia.store, **options):
        made.append(Subscription(store, name, handler, **{"lease": 1.0, "max_pause": 0.1, **options}))
        return made[-1]

    yield make
    for subscription in made:
        subscription.stop()


def test_it_begins_where_it_was_made(claudia, subscribe):
    """What happened before does not come; what happens from the very next moment on does."""
    write(claudia.store, 3)
    heard = []
    subscribe(heard.append)
    write(claudia.store, 2)
    eventually(lambda: len(heard) == 2)
    assert [event.sequence for event in heard] == [4, 5]


def test_it_outlives_a_fault_of_the_store(claudia, subscribe, monkeypatch):
    """What fails in a way that nobody foresaw is counted, and what is in the log comes all the same."""
    events, faults = claudia.store.events, [RuntimeError("a defect")]

    def once(*args, **values):
        if faults:
            raise faults.pop()
        return events(*args, **values)

    monkeypatch.setattr(claudia.store, "events", once)
    heard = []
    subscription = subscribe(heard.append)
    write(claudia.store, 1)
    eventually(lambda: len(heard) == 1)
    assert (subscription.failures, faults) == (1, [])


def test_from_start(claudia, subscribe):
    """From the oldest event that is kept; what was pruned before is no gap of a new subscription."""
    write(claudia.store, 10)
    claudia.store.prune(Retention(events=4))
    heard, gaps = [], []
    subscribe(heard.append, from_start=True, on_gap=gaps.append)
    eventually(lambda: len(heard) == 4)
    assert [event.sequence for event in heard] == [7, 8, 9, 10]
    assert gaps == []


def test_from_start_of_an_empty_log(claudia, subscribe):
    """Begins with the first event."""
    heard = []
    subscribe(heard.append, from_start=True)
    write(claudia.store, 1)
    eventually(lambda: len(heard) == 1)


def test_the_cursor_is_kept(claudia, subscribe):
    """The next one with the name goes on where the last one stopped, at once, for the lease was given back."""
    heard = []
    first = subscribe(heard.append, lease=60)
    write(claudia.store, 3)
    eventually(lambda: len(heard) == 3)
    first.stop()
    write(claudia.store, 2)
    subscribe(heard.append, lease=60)
    eventually(lambda: len(heard) == 5)
    assert [event.sequence for event in heard] == [1, 2, 3, 4, 5]


def test_types(claudia, subscribe):
    """Only those that were asked for; the others move the cursor on."""
    heard = []
    subscription = subscribe(heard.append, types=("task:failed",))
    write(claudia.store, 5)
    write(claudia.store, 1, "task:failed")
    write(claudia.store, 5)
    eventually(lambda: subscription.cursor.sequence == 11)
    assert [event.sequence for event in heard] == [6]


def test_events_of_no_interest_cost_no_writes(claudia, subscribe):
    """A busy hub must not make each subscription write with every commit."""
    subscription = subscribe(lambda event: None, types=("task:failed",), lease=60)
    eventually(lambda: subscription.is_holder)
    before = claudia.store.get("subscriptions", "mail")
    write(claudia.store, 20)
    eventually(lambda: subscription.cursor.sequence == 20)
    assert claudia.store.get("subscriptions", "mail") == before
    subscription.stop()
    assert claudia.store.get("subscriptions", "mail")["position"] == 20


def test_events_that_a_handler_left_alone_cost_no_writes(claudia, subscribe):
    """The cursor is stored with the next renewal, at the end, or with the first event that something was done about."""
    subscription = subscribe(lambda event: UNTOUCHED if event.type == "step:done" else None, lease=60)
    eventually(lambda: subscription.is_holder)
    before = claudia.store.get("subscriptions", "mail")
    for last in (10, 20):  # a stretch is saved, where it is, before the next one is read
        write(claudia.store, 10)
        eventually(lambda last=last: subscription.cursor.sequence == last)
    assert claudia.store.get("subscriptions", "mail") == before
    write(claudia.store, 1, "task:failed")
    eventually(lambda: claudia.store.get("subscriptions", "mail")["position"] == 21)
    write(claudia.store, 5)
    eventually(lambda: subscription.cursor.sequence == 26)
    subscription.stop()
    assert claudia.store.get("subscriptions", "mail")["position"] == 26


def test_one_at_a_time(claudia, subscribe):
    """Of several with one name a single one works; when it stops, another goes on, in order and without a hole."""
    heard = [[], [], []]
    together = [subscribe(part.append, lease=0.4) for part in heard]
    write(claudia.store, 20)
    eventually(lambda: sum(map(len, heard)) == 20)
    assert sorted(map(len, heard)) == [0, 0, 20]
    (holder,) = [one for one in together if one.is_holder]
    holder.stop()
    write(claudia.store, 20)
    eventually(lambda: sum(map(len, heard)) == 40)
    assert sorted(event.sequence for part in heard for event in part) == list(range(1, 41))


def test_a_handler_that_raises_gets_the_event_again(claudia, subscribe):
    """The same one, until it is taken; nothing overtakes it; the error is kept."""
    heard = []

    def handler(event):
        heard.append(event.sequence)
        if len(heard) < 4:
            raise (ValueError, SystemExit, OSError)[len(heard) - 1]("not yet")

    subscription = subscribe(handler)
    write(claudia.store, 3)
    eventually(lambda: subscription.handled == 3)
    assert heard == [1, 1, 1, 1, 2, 3]
    assert subscription.failures == 3
    assert isinstance(subscription.last_error, OSError)


def test_stopping_while_an_event_fails(claudia, subscribe):
    """Is quick, and the event comes to the next one."""
    tried = threading.Event()

    def fails(event):
        tried.set()
        raise ValueError("never")

    subscription = subscribe(fails, max_pause=30)
    write(claudia.store, 1)
    assert tried.wait(10)
    subscription.stop()
    heard = []
    subscribe(heard.append)
    eventually(lambda: [event.sequence for event in heard] == [1])


def test_a_slow_handler_keeps_its_lease(claudia, subscribe):
    """The lease is renewed between events."""
    heard, others = [], []

    def slow(event):
        heard.append(event.sequence)
        threading.Event().wait(0.1)

    first = subscribe(slow, lease=0.4)
    eventually(lambda: first.is_holder)
    subscribe(others.append, lease=0.4)
    write(claudia.store, 10)
    eventually(lambda: len(heard) == 10)
    assert others == []


def test_a_gap_is_told_once(claudia, subscribe):
    """Events pruned before they were handled; what is left comes, also when telling fails."""
    heard, gaps, go_on = [], [], threading.Event()

    def handler(event):
        heard.append(event.sequence)
        if event.sequence == 1:
            go_on.wait(20)

    def on_gap(gap):
        gaps.append((gap.first, gap.last))
        raise ValueError("telling failed")

    subscribe(handler, on_gap=on_gap)
    write(claudia.store, 1)
    eventually(lambda: heard == [1])
    write(claudia.store, 10)
    claudia.store.prune(Retention(events=3))
    go_on.set()
    eventually(lambda: heard == [1, 9, 10, 11])
    assert gaps == [(2, 8)]


def test_a_store_that_goes_away(subscribe):
    """The subscription waits for it and goes on."""
    store, heard = FlakyStore(), []
    subscription = subscribe(heard.append, store=store)
    write(store, 2)
    eventually(lambda: len(heard) == 2)
    store.is_away = True
    eventually(lambda: subscription.last_error is not None)
    store.is_away = False
    write(store, 2)
    eventually(lambda: len(heard) == 4)
    subscription.stop()
    store.close()


def test_another_log(claudia, subscribe):
    """After a restore the position means nothing: it begins like a new subscription instead of somewhere."""
    write(claudia.store, 5)
    document = {"id": "mail", "epoch": "another log", "position": 3, "holder": "", "until": "2000-01-01T00:00:00+00:00"}
    claudia.store.write(lambda tx: tx.put("subscriptions", document)).result()
    heard = []
    subscribe(heard.append)
    write(claudia.store, 1)
    eventually(lambda: [event.sequence for event in heard] == [6])


def test_the_lease_of_a_killed_process_is_taken_over(claudia_file):
    """After `kill -9` the next one goes on from the stored cursor: at least once, in order, no hole."""
    code = """
        import sys
        from claudia_core import Claudia
        claudia = Claudia(sys.argv[1])
        claudia.subscribe("mail", lambda event: print(event.sequence, flush=True), lease=1.0, from_start=True)
        sys.stdin.read()
    """
    store = claudia_file.store
    command = [sys.executable, "-c", textwrap.dedent(code), str(store.path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        write(store, 5)
        theirs = [int(process.stdout.readline()) for _ in range(5)]
        process.kill()
    assert theirs == [1, 2, 3, 4, 5]
    ours = []
    write(store, 5)
    subscription = claudia_file.subscribe("mail", lambda event: ours.append(event.sequence), lease=1.0)
    assert not subscription.is_holder
    eventually(lambda: ours and ours[-1] == 10)
    assert ours == list(range(ours[0], 11))
    assert ours[0] <= 6
