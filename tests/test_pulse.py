"""What a process does now and then."""

import threading

from claudia_core.pulse import Duty, Pulse
from claudia_core.testing.waiting import eventually


def test_duties_are_done_again_and_again():
    """Each at its own period, from its first time on."""
    pulse, often, never = Pulse(), [], []
    pulse.add(Duty("often", 0.01, lambda: often.append(1)))
    pulse.add(Duty("never", 0.01, lambda: never.append(1), first=600))
    eventually(lambda: len(often) > 5)
    pulse.stop()
    pulse.stop()
    assert never == []


def test_a_duty_that_fails_is_done_again_and_hurts_no_other():
    """A heartbeat must go on whatever else breaks."""
    pulse, done, failed = Pulse(), [], []

    def fails():
        failed.append(1)
        raise RuntimeError("a bug")

    pulse.add(Duty("fails", 0.01, fails))
    pulse.add(Duty("works", 0.01, lambda: done.append(1)))
    eventually(lambda: len(done) > 3 and len(failed) > 3)
    pulse.stop()


def test_a_duty_of_the_same_name_is_replaced():
    """Asked for twice, it is done once."""
    pulse, first, second, go_on = Pulse(), [], [], threading.Event()
    pulse.add(Duty("blocks", 600, lambda: go_on.wait(20)))
    pulse.add(Duty("reap", 0.01, lambda: first.append(1)))
    pulse.add(Duty("reap", 0.01, lambda: second.append(1)))
    go_on.set()
    eventually(lambda: len(second) > 3)
    pulse.stop()
    assert first == []


def test_a_late_duty_is_not_made_up_for():
    """After a pause it is done once, not once for each period that was missed."""
    pulse, done, began = Pulse(), [], threading.Event()

    def slow():
        began.set()
        done.append(1)
        threading.Event().wait(0.2)

    pulse.add(Duty("slow", 0.001, slow))
    assert began.wait(10)
    pulse.stop()
    assert len(done) <= 2
