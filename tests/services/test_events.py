"""The log for people and programs."""

import re
from pathlib import Path

import pytest

import claudia_core
from claudia_core.errors import BadCursor, InvalidValue, TooLarge
from claudia_core.model import Cursor
from claudia_core.model.times import utc_now
from claudia_core.services.events import MAX_BATCH, RESERVED, NewEvent
from claudia_core.testing.builders import saved_task


def test_events_of_ones_own(claudia):
    """Are in the log in the given order, between Claudia's own, and reach handlers."""
    heard = []
    claudia.on("invoice:*", heard.append)
    saved_task(claudia)
    assert claudia.events.append([NewEvent("invoice:paid", "7", {"sum": 3}), NewEvent("invoice:sent")]) == 2
    found = claudia.events.list().events
    assert [event.type for event in found] == ["task:created", "invoice:paid", "invoice:sent"]
    assert (found[1].subject, found[1].data) == ("7", {"sum": 3})
    claudia.feed.wait_until(3)
    assert [event.type for event in heard] == ["invoice:paid", "invoice:sent"]


BAD = [
    NewEvent("invoice"),
    NewEvent("Invoice:Paid"),
    NewEvent("a:b:c"),
    NewEvent(""),
    NewEvent(3),
    NewEvent("task:created"),
    NewEvent("log:gap"),
    NewEvent("invoice:paid", data=[1]),
    NewEvent("invoice:paid", data={"a": object()}),
    NewEvent("invoice:paid", data={"a": "x" * 64_000}),
    NewEvent("invoice:paid", subject="a\x00"),
    NewEvent("invoice:paid", subject="x" * 201),
]


@pytest.mark.parametrize("bad", BAD, ids=[f"{n} {event.type}" for n, event in enumerate(BAD)])
def test_a_bad_event_is_named_and_none_is_appended(claudia, bad):
    """Types have one form, and Claudia's own cannot be forged."""
    with pytest.raises(InvalidValue) as caught:
        claudia.events.append([NewEvent("invoice:paid"), bad])
    assert caught.value.field in ("type", "subject", "data")
    assert claudia.store.head() == 0


def test_all_that_claudia_emits_is_its_own():
    """Each first word of an event that the code emits is reserved: nobody can publish what looks like it."""
    sources = (path.read_text() for path in Path(claudia_core.__file__).parent.rglob("*.py"))
    words = {word for text in sources for word in re.findall(r"""\bemit\(\s*f?["']([a-z_.]+):""", text)}
    assert {"task", "mail", "notification"} <= words <= RESERVED


def test_too_many_at_once(claudia):
    """The limit is in the message."""
    with pytest.raises(TooLarge, match="over the limit of 1000"):
        claudia.events.append([NewEvent("invoice:paid")] * (MAX_BATCH + 1))


def test_reading_on(claudia):
    """By cursor, as value or text, until nothing is left; filtered by type and subject; since a moment."""
    tasks = [saved_task(claudia) for _ in range(5)]
    then = utc_now()
    part = claudia.events.list(limit=3)
    cursor = claudia.events.cursor(part.position)
    assert [event.sequence for event in claudia.events.list(after=cursor).events] == [4, 5]
    assert [event.sequence for event in claudia.events.list(after=str(cursor), limit=1).events] == [4]
    assert claudia.events.list(after=claudia.events.cursor()).events == []
    assert [event.sequence for event in claudia.events.list(subject=tasks[2].id).events] == [3]
    while utc_now() == then:
        """Until the clock has moved."""
    claudia.events.append([NewEvent("invoice:paid")])
    assert [event.sequence for event in claudia.events.list(types=["invoice:paid"]).events] == [6]
    assert [event.sequence for event in claudia.events.list(since=then).events] == [6]


def test_cursors_of_elsewhere(claudia):
    """Another log's, one beyond the end and nonsense are told apart, each by name."""
    epoch = claudia.store.epoch
    for cursor, what in ((Cursor("other", 0), "another log"), (f"{epoch}:7", "beyond"), ("x", "not a cursor")):
        with pytest.raises(BadCursor, match=what) as caught:
            claudia.events.list(after=cursor)
        assert caught.value.field == "cursor"
    for limit in (0, -1, MAX_BATCH + 1):
        with pytest.raises(InvalidValue, match="limit"):
            claudia.events.list(limit=limit)
