"""What readers of one process share: the window of the newest events, and what is written once for several."""

from datetime import UTC, datetime

from claudia_core.api.realtime.channels import channel
from claudia_core.api.realtime.entries import Window, entry_of
from claudia_core.api.realtime.frames import SocketView
from claudia_core.model.event import Event


def entries(first, last):
    time = datetime(2026, 1, 1, tzinfo=UTC)
    return [entry_of(Event(number, "e", "a:b", "", time, {})) for number in range(first, last + 1)]


def test_a_hole_without_events_behind_it_empties_the_window():
    """Entries of before a hole would otherwise stand at the wrong places, and be told as others."""
    window = Window(100, 1_000_000)
    window.begin(0)
    window.add(entries(1, 3), 3)
    window.add([], 10)
    assert window.after(8, 10) is None
    window.add(entries(11, 12), 12)
    assert [entry.sequence for entry in window.after(10, 10)] == [11, 12]


def test_equal_names_of_different_things_share_nothing():
    """A name that was one user's and is another's now: what was written for the one is not shown to the other."""
    first, second = channel("user:ann"), channel("user:ann")
    first.subject, second.subject = "user:1", "user:2"
    assert (
        SocketView((first,), framed=True, reads_all=False).key
        != SocketView((second,), framed=True, reads_all=False).key
    )
    assert (
        SocketView((first,), framed=True, reads_all=False).key == SocketView((first,), framed=True, reads_all=False).key
    )
