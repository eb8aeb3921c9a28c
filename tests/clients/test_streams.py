"""The log of a hub, followed from elsewhere."""

import asyncio
import threading
import time

import pytest

from claudia_core import Event
from claudia_core.clients import ClaudiaApiClient
from claudia_core.clients.streams import EventStream, Message, Parser
from claudia_core.clients.transport import Address
from claudia_core.errors import BadCursor, HubUnavailable, InvalidValue
from claudia_core.model.event import Gap
from claudia_core.ports import Retention
from claudia_core.services.events import NewEvent
from tests.clients.serving import TOKEN


def append(hub, *numbers, type="test:happened"):
    hub.events.append([NewEvent(type, "s", {"n": n, "text": "a\u2028b\n\n"}) for n in numbers])


def numbers(stream, count):
    found = []
    for event in stream:
        found.append(event.data["n"])
        if len(found) == count:
            return found
    raise AssertionError("a stream does not end")


def test_pieces_of_any_size():
    """Bytes come as they come: whole events are made of them, and an id without data moves the cursor."""
    data = b"retry: 3\nid: a\nevent: x\ndata: 1\ndata: 2\n\n: comment\r\nid: b\r\n\r\nda"
    wanted = [Message("a", "x", "1\n2"), Message("b")]
    for size in (1, 2, 3, 7, 100):
        parser = Parser()
        pieces = [data[at : at + size] for at in range(0, len(data), size)]
        assert [message for piece in pieces for message in parser.feed(piece)] == wanted


def test_from_a_cursor(served, client):
    """What came before and what comes now, each once, equal to what the hub itself reads."""
    start = client.events.cursor()
    append(served.hub, 1, 2)
    stream = client.events.stream(after=start)
    first = next(iter(stream))
    assert isinstance(first, Event)
    assert first == served.hub.events.list(after=start, limit=1).events[0]
    append(served.hub, 3)
    assert numbers(stream, 2) == [2, 3]


def test_filters(served, client):
    """By type with wildcards, and by subject."""
    start = client.events.cursor()
    append(served.hub, 1, type="test:a")
    append(served.hub, 2, type="other:a")
    append(served.hub, 3, type="test:b")
    assert numbers(client.events.stream(after=start, types=["test:*"]), 2) == [1, 3]
    task = served.hub.tasks.create("x")
    assert next(iter(client.events.stream(after=start, subject=task.id))).type == "task:created"


async def test_async(served, client):
    """The same with `async for`, one after the other and broken off."""
    start = client.events.cursor()
    append(served.hub, 1, 2, 3)
    stream = client.events.stream(after=start)
    found = []
    async with asyncio.timeout(10):
        for _ in range(3):
            async for event in stream:
                found.append(event.data["n"])
                break
    assert found == [1, 2, 3]


def test_a_gap(served, client):
    """Events that are not kept any more are a Gap, in the stream and in its cursor."""
    start = client.events.cursor()
    append(served.hub, 1, 2, 3)
    served.hub.store.prune(Retention(events=1))
    stream = iter(client.events.stream(after=start))
    gap = next(stream)
    assert isinstance(gap, Gap)
    assert gap.first == start.sequence + 1
    assert next(stream).data["n"] == 3


@pytest.mark.parametrize(("after", "kind"), [("other-log:1", BadCursor), ("nonsense", BadCursor)])
def test_cursors_of_another_log(client, after, kind):
    """Are refused in the first step."""
    with pytest.raises(kind):
        next(iter(client.events.stream(after=after)))


def test_patterns_that_are_none(client):
    """Are refused in the first step, too."""
    with pytest.raises(InvalidValue):
        next(iter(client.events.stream(types=["Not A Type"])))


def test_closed_from_another_thread(client):
    """A loop that waits ends at once."""
    stream = client.events.stream()
    thread = threading.Thread(target=lambda: list(stream))
    thread.start()
    time.sleep(0.3)
    started = time.monotonic()
    stream.close()
    thread.join(5)
    assert not thread.is_alive()
    assert time.monotonic() - started < 2


@pytest.mark.parametrize("noise", ["<html>", "[]", "{}", '{"id": "x", "time": 1}', "event: gap\ndata: {}"])
def test_what_is_no_event(served, client, noise):
    """Is left behind and asked for again, and nothing after it is lost: whoever follows a hub does not end by it."""
    start = client.events.cursor()
    append(served.hub, 1, 2)
    stream = client.events.stream(after=start)
    first = next(iter(stream))
    _, name, text = noise.rpartition("data: ")
    message = Message("other:9", "gap" if name else "message", text)
    with pytest.raises(HubUnavailable, match="no event"):
        stream._take(message)
    assert stream.cursor == str(first.cursor)
    assert numbers(stream, 1) == [2]


def test_patience(served):
    """A hub that stays away is given up."""
    stream = EventStream(Address.parse("http://127.0.0.1:9"), patience=0.3)
    with pytest.raises(HubUnavailable, match="stayed away"):
        list(stream)


@pytest.mark.slow
def test_each_event_once_though_the_hub_is_killed(killable):
    """Killed and started again in the middle, twice: nothing is missed and nothing comes twice."""
    total, found = 60, []
    with ClaudiaApiClient(killable.base, TOKEN) as client:
        stream = client.events.stream(after=client.events.cursor(), types=["test:*"])
        reader = threading.Thread(target=lambda: found.extend(numbers(stream, total)))
        reader.start()
        for n in range(total):
            append(client, n)
            if n in (20, 40):
                killable.stop()
                killable.start()
        reader.join(30)
    assert found == list(range(total))
