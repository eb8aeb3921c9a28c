"""Server-sent events: the stream's form, filters, resuming by `Last-Event-ID`, and what is refused."""

import asyncio
import json
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

from claudia_core import Claudia
from claudia_core.api.realtime import Limits
from claudia_core.ports import Retention
from claudia_core.testing.waiting import eventually
from tests.api.realtime.raw import RawClient
from tests.api.realtime.serving import Served, hear, say, serving

STREAM = "/api/v1/events/stream"


@dataclass
class Sent:
    """One block of a stream."""

    id: str = ""
    event: str = ""
    data: Any = None
    comment: str = ""
    retry: str = ""


class Listener:
    """Reads a stream block by block, as the HTML standard says; it knows no more than the standard's fields."""

    def __init__(self, served: Served, path: str = STREAM, **headers: str) -> None:
        self._client = RawClient(served.port)
        self.head = self._client.get(path, **headers).decode()
        self._text = b""

    def __enter__(self) -> "Listener":
        return self

    def __exit__(self, *_: object) -> None:
        self._client.socket.close()

    def _chunk(self) -> bytes:
        size = int(self._client.read_until(b"\r\n"), 16)
        data = self._client.read(size)
        self._client.read(2)
        return data

    def next(self) -> Sent:
        """The next block."""
        while b"\n\n" not in self._text:
            self._text += self._chunk()
        block, _, self._text = self._text.partition(b"\n\n")
        sent = Sent()
        for line in block.decode().split("\n"):
            name, _, value = line.partition(": ")
            setattr(sent, name or "comment", value)
        sent.data = json.loads(sent.data) if sent.data else None
        return sent

    def numbers(self, count: int) -> list[int]:
        """The `n` of the next events."""
        return [self.next().data["data"]["n"] for _ in range(count)]


def test_a_stream_begins_with_the_cursor_and_tells_events(served: Served) -> None:
    """The right headers and no open door to other origins; `connected` first; then events with id, name and data."""
    with Listener(served) as stream:
        assert stream.head.startswith("HTTP/1.1 200")
        assert "content-type: text/event-stream" in stream.head
        assert "cache-control: no-store" in stream.head
        assert "access-control-allow-origin" not in stream.head.lower()
        first = stream.next()
        assert (first.event, first.retry) == ("connected", "3000")
        assert first.data["cursor"] == first.id == f"{served.claudia.store.epoch}:0"
        task = served.claudia.tasks.create("rows")
        sent = stream.next()
    assert (sent.event, sent.id) == ("task:created", str(served.claudia.events.cursor()))
    assert sent.data["subject"] == task.id
    assert sent.data["id"] == sent.id


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("type=task:*", ["task:created", "task:started"]),
        ("type=task:created&type=progress:updated", ["task:created", "progress:updated"]),
        ("channel=progress", ["progress:updated"]),
        ("channel=tasks&channel=progress", ["task:created", "task:started", "progress:updated"]),
        ("channel=tasks&type=*:created", ["task:created"]),
        ("subject=s", ["test:happened"]),
    ],
)
def test_filters(served: Served, query: str, expected: list[str]) -> None:
    """Any of the types, any of the channels, and the subject: an event must pass each kind of filter given."""
    with Listener(served, f"{STREAM}?{query}") as stream:
        stream.next()
        task = served.claudia.tasks.create("rows", start=True, estimated_steps=2)
        served.claudia.progress.report_progress(task.id, 1)
        served.append(1)
        assert [stream.next().event for _ in expected] == expected


def test_a_browsers_cursor_resumes(served: Served) -> None:
    """`Last-Event-ID` goes on just behind that event, and wins over `after`, which a browser repeats in its address."""
    served.append(1, 2, 3, 4)
    epoch = served.claudia.store.epoch
    with Listener(served, f"{STREAM}?after={epoch}:1", Last_Event_ID=f"{epoch}:2") as stream:
        assert stream.next().data["recovered"] is True
        assert stream.numbers(2) == [3, 4]
        served.append(5)
        assert stream.numbers(1) == [5]
    with Listener(served, f"{STREAM}?after={epoch}:1") as stream:
        stream.next()
        assert stream.numbers(4) == [2, 3, 4, 5]


def test_what_was_pruned_is_told(served: Served) -> None:
    """An event `gap` with the range comes before what is still there."""
    served.append(*range(1, 11))
    served.claudia.store.prune(Retention(events=3))
    epoch = served.claudia.store.epoch
    with Listener(served, Last_Event_ID=f"{epoch}:2") as stream:
        assert stream.next().data["recovered"] is False
        gap = stream.next()
        assert (gap.event, gap.data, gap.id) == ("gap", {"first": 3, "last": 7}, f"{epoch}:7")
        assert stream.numbers(3) == [8, 9, 10]


def test_signs_of_life_move_the_cursor(claudia: Claudia) -> None:
    """A quiet stream sends comments with the present cursor, so that a browser that returns has nothing to search."""
    with serving(claudia, limits=Limits(heartbeat=0.1)) as served, Listener(served, f"{STREAM}?type=never:*") as stream:
        stream.next()
        served.append(1, 2)
        signs = [stream.next() for _ in range(4)]
        assert all(sign.comment == "still here" and sign.data is None for sign in signs)
        assert signs[-1].id == str(claudia.events.cursor())


def test_a_users_own_notifications(claudia: Claudia) -> None:
    """`/events/{user_id}` tells the events about `user:{user_id}`, to whom the hook allows it."""
    with serving(claudia, authorize=lambda scope, channel: channel != "user:bob") as served:
        with Listener(served, "/events/ada") as stream:
            stream.next()
            served.append(1, type="note:mail", subject="user:bob")
            served.append(2, type="note:mail", subject="user:ada")
            sent = stream.next()
            assert (sent.event, sent.data["data"]["n"]) == ("note:mail", 2)
        refused = httpx2.get(served.url("/events/bob", "http"))
        assert (refused.status_code, refused.json()["code"]) == (403, "access_denied")


def test_notifications_of_a_user_by_name(claudia: Claudia) -> None:
    """What rules tell a user comes on their stream, whether it is asked for by their id or by their name."""
    user = claudia.users.add("ada")
    claudia.notifications.rules.create("failed", ["task:failed"], users=["ada"])
    notifier = claudia.send_notifications()
    eventually(lambda: notifier.is_sending)
    with (
        serving(claudia) as served,
        Listener(served, "/events/ada") as by_name,
        Listener(served, f"/events/{user.id}") as by_id,
    ):
        for stream in (by_name, by_id):
            stream.next()
        claudia.tasks.fail(claudia.tasks.create("load", start=True).id, "no rows")
        for stream in (by_name, by_id):
            sent = stream.next()
            assert (sent.event, sent.data["data"]["title"]) == ("notification:sent", "load: failed")
            assert sent.data["data"]["owner"] == user.id


async def test_a_socket_knows_a_user_by_name(claudia: Claudia) -> None:
    """The channel `user:NAME` of a WebSocket gets what is told about the user's id, and keeps its name."""
    user = claudia.users.add("ada")
    with serving(claudia) as served:
        async with served.ws() as client:
            await hear(client)
            assert (await say(client, type="subscribe", channel="user:ada"))["channel"] == "user:ada"
            served.append(7, type="note:mail", subject=f"user:{user.id}")
            message = await hear(client)
            assert (message["channel"], message["data"]["data"]["n"]) == ("user:ada", 7)


@pytest.mark.parametrize(
    ("query", "code", "field"),
    [
        ("channel=nothing", "invalid_value", "channel"),
        ("type=%5B", "invalid_value", "type"),
        ("type=", "invalid_value", "type"),
        ("after=7", "bad_cursor", "cursor"),
        ("after=elsewhere:7", "bad_cursor", "cursor"),
        ("&".join(f"type=a{n}:*" for n in range(30)), "too_large", "type"),
    ],
)
def test_what_cannot_be_read_is_refused(served: Served, query: str, code: str, field: str) -> None:
    """A problem document with the stable code and the field, not a stream that stays silent."""
    answer = httpx2.get(served.url(f"{STREAM}?{query}", "http"))
    assert answer.status_code == (413 if code == "too_large" else 422)
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.json()["code"], answer.json()["field"]) == (code, field)


def test_one_stream_too_many_is_told_to_come_back(claudia: Claudia) -> None:
    """503 with Retry-After; sockets and streams count together."""
    with serving(claudia, limits=Limits(connections=1)) as served, Listener(served) as stream:
        stream.next()
        answer = httpx2.get(served.url(STREAM, "http"))
        assert (answer.status_code, answer.json()["code"]) == (503, "too_many_connections")
        assert answer.headers["retry-after"]


async def test_a_stream_that_is_left_ends(served: Served) -> None:
    """Its place is free again soon after the client has gone."""
    with Listener(served) as stream:
        stream.next()
        assert served.realtime.connections == 1
    for _ in range(100):
        if served.realtime.connections == 0:
            return
        await asyncio.sleep(0.02)
    pytest.fail("the stream still runs")


def test_a_stream_that_is_not_read_is_bounded_and_complete(served: Served) -> None:
    """A slow reader holds one buffer, and in the end has everything."""
    with Listener(served) as stream:
        stream.next()
        for start in range(0, 1_500, 100):
            served.append(*range(start, start + 100), text="x" * 8_000)
        waiting = [one.transport.get_write_buffer_size() for one in served.server.server_state.connections]
        assert max(waiting) <= 64 * 1024 + 65_536 + 20_000
        assert stream.numbers(1_500) == list(range(1_500))


async def test_httpx_reads_it_too(served: Served) -> None:
    """A common HTTP client gets the same stream."""
    async with httpx2.AsyncClient() as client, client.stream("GET", served.url(STREAM, "http")) as answer:
        lines = answer.aiter_lines()
        assert await anext(lines) == "retry: 3000"
        served.append(5)
        async for line in lines:
            if line.startswith("data: ") and '"n":5' in line:
                break
