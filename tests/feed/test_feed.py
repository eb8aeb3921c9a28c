"""The feed tails the log into the bus and to followers."""

import subprocess
import sys
import textwrap
import threading
import time

import pytest

from claudia_core.errors import StoreUnavailable, WaitTimeout
from claudia_core.feed import SLICE
from claudia_core.ports import Retention
from claudia_core.testing.builders import saved_task
from claudia_core.testing.waiting import eventually


class Follower:
    """Keeps what it is handed."""

    def __init__(self):
        self.sequences = []
        self.gaps = []
        self.threads = set()

    def apply(self, events, gap):
        self.sequences += [event.sequence for event in events]
        self.threads.add(threading.current_thread().name)
        if gap is not None:
            self.gaps.append(gap)


def write_many(claudia, number, type="step:done"):
    def work(tx):
        for step in range(number):
            tx.emit(type, "", {"step": step})

    claudia.store.write(work).result(30)


def test_events_arrive_after_their_commit(claudia):
    """In order, once each, with the saved state already there to be read."""
    seen = []
    claudia.on("task:*", lambda event: seen.append((event.type, claudia.tasks.get(event.subject).status.value)))
    for _ in range(3):
        saved_task(claudia)
    claudia.feed.wait_until(claudia.store.head())
    assert seen == [("task:created", "pending")] * 3


def test_events_of_before_do_not_come(claudia):
    """The bus begins where it was started."""
    saved_task(claudia)
    heard = []
    claudia.on("*", heard.append)
    saved_task(claudia)
    claudia.feed.wait_until(claudia.store.head())
    assert [event.sequence for event in heard] == [2]
    assert claudia.feed.lag == 0


def test_events_of_a_second_process_arrive(claudia_file):
    """In order and whole, while this process writes, too."""
    heard = []
    claudia_file.on("step:done", heard.append)
    code = """
        import sys
        from claudia_core import Claudia
        with Claudia(sys.argv[1]) as claudia:
            for number in range(50):
                claudia.store.write(lambda tx: tx.emit("step:done", "theirs", {"number": number})).result()
    """
    command = [sys.executable, "-c", textwrap.dedent(code), str(claudia_file.store.path)]
    with subprocess.Popen(command) as process:
        for number in range(50):
            claudia_file.store.write(lambda tx, number=number: tx.emit("step:done", "ours", {"number": number}))
        assert process.wait(60) == 0
    eventually(lambda: len(heard) == 100)
    assert [event.sequence for event in heard] == sorted(event.sequence for event in heard)
    for subject in ("ours", "theirs"):
        assert [event.data["number"] for event in heard if event.subject == subject] == list(range(50))


def test_wait_for_an_event_of_the_hub(claudia):
    """From whatever thread it comes."""
    task = saved_task(claudia)
    timer = threading.Timer(0.05, lambda: claudia.tasks.start(task.id))
    timer.start()
    assert claudia.wait_for("task:started", 10).subject == task.id
    timer.join()


def test_a_handler_that_raises_does_not_stop_the_feed(claudia):
    """Later events still come, to it and to others."""
    calls = []

    def fails(event):
        calls.append(event)
        raise ValueError("handler")

    heard = []
    claudia.on("*", fails)
    claudia.on("*", heard.append)
    saved_task(claudia)
    saved_task(claudia)
    claudia.feed.wait_until(claudia.store.head())
    assert len(calls) == len(heard) == 2


def test_a_follower_that_raises_does_not_stop_the_feed(claudia):
    """The same for followers."""

    class Broken:
        def apply(self, events, gap):
            raise RuntimeError("follower")

    follower = Follower()
    claudia.feed.attach(Broken(), lambda: 0)
    claudia.feed.attach(follower, lambda: 0)
    saved_task(claudia)
    claudia.feed.wait_until(claudia.store.head())
    assert follower.sequences == [1]


def test_attaching_misses_nothing_and_repeats_nothing(claudia):
    """While others write: the picture that `load` took, and then every event behind it."""
    stop = threading.Event()

    def write():
        while not stop.is_set():
            write_many(claudia, 3)

    writer = threading.Thread(target=write)
    writer.start()
    followers, loaded = [Follower() for _ in range(20)], []
    for follower in followers:
        claudia.feed.attach(follower, lambda: loaded.append(claudia.store.head()) or loaded[-1])
    stop.set()
    writer.join(20)
    head = claudia.store.head()
    claudia.feed.wait_until(head)
    for follower, start in zip(followers, loaded, strict=True):
        assert follower.sequences == list(range(start + 1, head + 1))
    assert {name for follower in followers for name in follower.threads} <= {"claudia-feed"}


def test_detaching(claudia):
    """Nothing comes any more."""
    follower = Follower()
    claudia.feed.attach(follower, claudia.store.head)
    claudia.feed.detach(follower)
    saved_task(claudia)
    claudia.feed.wait_until(claudia.store.head())
    assert follower.sequences == []


def test_a_gap_is_told(claudia):
    """Events pruned before they could be read: followers get the range, the bus a notice, and then the rest comes."""
    follower, notices, blocked, go_on = Follower(), [], threading.Event(), threading.Event()
    claudia.feed.attach(follower, claudia.store.head)
    claudia.on("log:gap", notices.append)
    end = claudia.on("block:feed", lambda event: blocked.set() or go_on.wait(20))
    write_many(claudia, 1, "block:feed")
    assert blocked.wait(20)
    write_many(claudia, 10)
    claudia.store.prune(Retention(events=3))
    go_on.set()
    claudia.feed.wait_until(11)
    end()
    assert [(gap.first, gap.last) for gap in follower.gaps] == [(2, 8)]
    assert [event.data for event in notices] == [{"first": 2, "last": 8}]
    assert follower.sequences == [1, 9, 10, 11]
    assert claudia.feed.gaps == 1


def test_a_long_log(claudia):
    """More than one slice at once."""
    heard = []
    claudia.on("*", heard.append)
    write_many(claudia, 2 * SLICE + 7)
    claudia.feed.wait_until(claudia.store.head())
    assert [event.sequence for event in heard] == list(range(1, 2 * SLICE + 8))


def test_waiting_in_vain(claudia):
    """Says where the feed is."""
    claudia.feed.start()
    with pytest.raises(WaitTimeout, match="the feed is at 0, not at 5"):
        claudia.feed.wait_until(5, timeout=0.01)


def test_a_handler_may_close_the_hub(claudia):
    """Stopping from the feed's own thread does not wait for itself."""
    closed = threading.Event()

    def close(event):
        claudia.close()
        closed.set()

    claudia.on("task:created", close)
    saved_task(claudia)
    assert closed.wait(20)


@pytest.mark.parametrize("error", [StoreUnavailable("away"), RuntimeError("a driver's own")], ids=repr)
def test_a_store_that_cannot_be_read_for_a_while(claudia, error):
    """The feed keeps trying and shows the error meanwhile; nothing is missed."""
    from claudia_core.bus import EventBus
    from claudia_core.feed import Feed

    class Sometimes:
        """The same store, unreadable at first."""

        broken = True

        def __getattr__(self, name):
            return getattr(claudia.store, name)

        def wait(self, after, timeout):
            if self.broken:
                raise error
            return claudia.store.wait(after, timeout)

    store, bus, heard = Sometimes(), EventBus(), []
    feed = Feed(store, bus)
    bus.on("*", heard.append)
    feed.start()
    eventually(lambda: feed.error is error)
    saved_task(claudia)
    store.broken = False
    eventually(lambda: heard and feed.error is None)
    feed.stop()


def slices_of(claudia, seconds):
    """How often a busy log is handed on in that time."""
    slices = []

    class Counting:
        def apply(self, events, gap):
            slices.append(len(events))

    follower = Counting()
    claudia.feed.attach(follower, claudia.store.head, patience=0.1)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        write_many(claudia, 1)
    claudia.feed.detach(follower)
    return len(slices)


def test_a_patient_follower_gets_few_large_slices_unless_somebody_is_in_a_hurry(claudia):
    """What is only looked at costs little while much happens; a handler is told at once all the same."""
    patient = slices_of(claudia, 0.6)
    claudia.on("nothing:*", lambda event: None)
    assert 2 <= patient <= 12
    assert slices_of(claudia, 0.6) > 2 * patient
