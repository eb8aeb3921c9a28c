"""`/ws`: welcome, channels, and what is answered to everything that can go wrong."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import suppress

import pytest
from websockets.exceptions import ConnectionClosed

from claudia_core import Claudia
from claudia_core.api.realtime import Limits
from claudia_core.model import Status
from tests.api.realtime.serving import Served, hear, hear_numbers, say, serving


async def test_welcome_names_the_client_and_the_log(served: Served) -> None:
    """The first message says who the client is, with an id nobody can guess, and where the log stands."""
    async with served.ws() as one, served.ws() as two:
        first, second = await hear(one), await hear(two)
    assert first["type"] == "connected"
    assert first["timestamp"].endswith("+00:00")
    assert first["cursor"] == f"{first['epoch']}:0"
    assert first["client_id"] != second["client_id"]
    assert len(first["client_id"]) > 20


async def test_a_channel_tells_its_events_as_cloudevents(served: Served) -> None:
    """A message has the channel, the cursor just after the event, and the event as a CloudEvent."""
    async with served.ws() as client:
        await hear(client)
        answer = await say(client, type="subscribe", channel="tasks")
        assert answer == {"type": "subscribed", "channel": "tasks", "recovered": False, "cursor": answer["cursor"]}
        task = served.claudia.tasks.create("rows")
        message = await hear(client)
    assert (message["type"], message["channel"]) == ("message", "tasks")
    event = message["data"]
    assert (event["specversion"], event["type"], event["subject"]) == ("1.0", "task:created", task.id)
    assert event["id"] == message["cursor"]
    assert event["time"] == message["timestamp"]
    assert event["data"]["name"] == "rows"


@pytest.mark.parametrize(
    ("channel", "expected"),
    [
        ("tasks", ["task:created", "task:started", "task:failed"]),
        ("progress", ["progress:updated"]),
        ("errors", ["issue:opened", "error:reported"]),
        ("agents", ["agent:online"]),
        ("events:task:*ed", ["task:created", "task:started", "task:failed"]),
        ("events:*:opened", ["issue:opened"]),
        ("user:ada", ["note:sent"]),
    ],
)
async def test_each_channel_carries_its_types(served: Served, channel: str, expected: list[str]) -> None:
    """The table of channels: a channel carries its own types and nothing else."""
    async with served.ws() as client:
        await hear(client)
        await say(client, type="subscribe", channel=channel)
        task = served.claudia.tasks.create("rows", start=True, estimated_steps=2)
        served.claudia.progress.report_progress(task.id, 1)
        served.claudia.tasks.fail(task.id, "no more")
        served.claudia.agents.register()
        served.append(1, type="note:sent", subject="user:ada")
        served.append(1, type="note:sent", subject="user:bob")
        got = [(await hear(client))["data"]["type"] for _ in expected]
        assert got == expected
        assert (await say(client, type="ping"))["type"] == "pong", "nothing else came"


async def test_a_tasks_channel_carries_one_task(served: Served) -> None:
    """`task:{id}` tells all about one task and nothing about another."""
    one, two = (served.claudia.tasks.create(name) for name in ("one", "two"))
    async with served.ws() as client:
        await hear(client)
        await say(client, type="subscribe", channel=f"task:{one.id}")
        served.claudia.tasks.start(two.id)
        served.claudia.tasks.start(one.id)
        message = await hear(client)
    assert message["data"]["subject"] == one.id
    assert message["data"]["data"]["status"] == Status.ACTIVE


async def test_unsubscribe_ends_a_channel(served: Served) -> None:
    """After `unsubscribed` the channel is silent, and can be begun again."""
    async with served.ws() as client:
        await hear(client)
        await say(client, type="subscribe", channel="events:test:*")
        served.append(1)
        assert await hear_numbers(client, 1) == [1]
        assert await say(client, type="unsubscribe", channel="events:test:*") == {
            "type": "unsubscribed",
            "channel": "events:test:*",
        }
        served.append(2)
        await say(client, type="subscribe", channel="tasks")
        await say(client, type="unsubscribe", channel="tasks")
        assert (await say(client, type="subscribe", channel="events:test:*"))["type"] == "subscribed"
        served.append(3)
        assert await hear_numbers(client, 1) == [3]


async def test_an_event_comes_once_for_each_channel_it_belongs_to(served: Served) -> None:
    """Two channels that overlap both tell the event, each in its own message."""
    async with served.ws() as client:
        await hear(client)
        await say(client, type="subscribe", channel="events:test:*")
        await say(client, type="subscribe", channel="events:*")
        served.append(1)
        channels = {(await hear(client))["channel"] for _ in range(2)}
    assert channels == {"events:test:*", "events:*"}


async def test_pong_tells_how_far_everything_was_sent(served: Served) -> None:
    """A quiet client keeps a fresh cursor by its pings."""
    async with served.ws() as client:
        await hear(client)
        await say(client, type="subscribe", channel="tasks")
        served.append(1, 2, 3)
        for _ in range(50):
            pong = await say(client, type="ping")
            if pong["cursor"].endswith(":3"):
                break
            await asyncio.sleep(0.02)
    assert pong["cursor"] == str(served.claudia.events.cursor())


@pytest.fixture(scope="module")
def lasting() -> Iterator[Served]:
    """A server for several tests."""
    with Claudia("memory://", display="off") as hub, serving(hub) as running:
        yield running


WRONG = [
    ("{", "invalid_value", None),
    ("[]", "invalid_value", None),
    ("[" * 5_000, "invalid_value", None),
    ('"text"', "invalid_value", None),
    ("", "invalid_value", None),
    ("{}", "invalid_value", "type"),
    ('{"type": "dance"}', "invalid_value", "type"),
    ('{"type": ["ping"]}', "invalid_value", "type"),
    ('{"type": "ping", "x": 1}', "invalid_value", "x"),
    ('{"type": "subscribe"}', "invalid_value", "channel"),
    ('{"type": "subscribe", "channel": 7}', "invalid_value", "channel"),
    ('{"type": "subscribe", "channel": "nothing"}', "invalid_value", "channel"),
    ('{"type": "subscribe", "channel": "task:"}', "invalid_value", "channel"),
    ('{"type": "subscribe", "channel": "task:\\u0000"}', "invalid_value", "channel"),
    ('{"type": "subscribe", "channel": "events:[!"}', "invalid_value", "channel"),
    ('{"type": "subscribe", "channel": "' + "x" * 300 + '"}', "invalid_value", "channel"),
    ('{"type": "subscribe", "channel": "tasks", "cursor": 7}', "invalid_value", "cursor"),
    ('{"type": "subscribe", "channel": "tasks", "cursor": "7"}', "bad_cursor", "cursor"),
    ('{"type": "subscribe", "channel": "tasks", "cursor": "another:0"}', "bad_cursor", "cursor"),
    ('{"type": "unsubscribe", "channel": null}', "invalid_value", "channel"),
]


@pytest.mark.parametrize(("text", "code", "field"), WRONG)
async def test_a_wrong_message_is_answered_and_the_connection_survives(
    lasting: Served, text: str, code: str, field: str | None
) -> None:
    """The answer has a stable code and the field; the same connection then works."""
    async with lasting.ws() as client:
        await hear(client)
        await client.send(text)
        error = await hear(client)
        assert (error["type"], error["code"], error["field"]) == ("error", code, field)
        assert error["message"]
        assert (await say(client, type="subscribe", channel="tasks"))["type"] == "subscribed"


async def test_a_foreign_epoch_is_told_what_to_do(served: Served) -> None:
    """A cursor of a log that was replaced is refused with the cure; nothing is subscribed."""
    async with served.ws() as client:
        await hear(client)
        error = await say(client, type="subscribe", channel="tasks", cursor="elsewhere:3")
        assert error["code"] == "bad_cursor"
        assert "begin again without a cursor" in error["hint"]
        beyond = await say(client, type="subscribe", channel="tasks", cursor=f"{served.claudia.store.epoch}:99")
        assert beyond["code"] == "bad_cursor"
        assert (await say(client, type="subscribe", channel="tasks"))["type"] == "subscribed"


async def test_binary_is_answered(served: Served) -> None:
    """A binary message is refused in words, and the connection survives."""
    async with served.ws() as client:
        await hear(client)
        await client.send(b"\x00\xff")
        assert (await hear(client))["code"] == "invalid_value"
        assert (await say(client, type="ping"))["type"] == "pong"


async def test_invalid_utf8_ends_the_connection_without_a_traceback(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    """RFC 6455 asks for 1007; the log stays clean."""
    async with served.ws() as client:
        await hear(client)
        await client.send(b"\xff\xfe", text=True)
        with pytest.raises(ConnectionClosed):
            await hear(client)
        assert client.close_code == 1007
    assert "Traceback" not in caplog.text


async def test_an_oversize_message_ends_the_connection(served: Served) -> None:
    """Over the limit: 1009, before the message is even held in memory; others do not notice."""
    async with served.ws() as client, served.ws() as other:
        await hear(client)
        await hear(other)
        with suppress(ConnectionClosed):
            await client.send("x" * 200_000)
        await asyncio.wait_for(client.wait_closed(), 3)
        assert client.close_code == 1009
        assert (await say(other, type="ping"))["type"] == "pong"


async def test_the_101st_subscription_is_refused(served: Served) -> None:
    """A hundred channels are allowed; one more is an error, and the hundred go on."""
    async with served.ws() as client:
        await hear(client)
        for n in range(100):
            assert (await say(client, type="subscribe", channel=f"task:{n}"))["type"] == "subscribed"
        error = await say(client, type="subscribe", channel="tasks")
        assert (error["code"], error["field"]) == ("too_large", "channel")
        again = await say(client, type="subscribe", channel="task:1")
        assert again["code"] == "conflict"
        served.append(1, type="test:happened", subject="7")
        assert (await hear(client))["channel"] == "task:7"
        await say(client, type="unsubscribe", channel="task:1")
        assert (await say(client, type="subscribe", channel="tasks"))["type"] == "subscribed"


async def test_connections_are_limited(claudia: Claudia) -> None:
    """One connection too many is told so and closed with 1013; a place that is left can be taken."""
    with serving(claudia, limits=Limits(connections=2)) as served:
        async with served.ws() as one:
            await hear(one)
            async with served.ws() as two, served.ws() as three:
                await hear(two)
                error = await hear(three)
                assert (error["code"], error["retryable"]) == ("too_many_connections", True)
                await asyncio.wait_for(three.wait_closed(), 3)
                assert three.close_code == 1013
            for _ in range(50):
                if served.realtime.connections == 1:
                    break
                await asyncio.sleep(0.02)
            async with served.ws() as four:
                assert (await hear(four))["type"] == "connected"


async def test_channels_are_authorised_one_by_one(claudia: Claudia) -> None:
    """The hook sees the connection and the channel; what it refuses is not subscribed."""
    asked: list[tuple[str, str]] = []

    def authorize(scope, channel):  # type: ignore[no-untyped-def]
        asked.append((scope["path"], channel))
        return channel != "errors"

    with serving(claudia, authorize=authorize) as served:
        async with served.ws() as client:
            await hear(client)
            assert (await say(client, type="subscribe", channel="tasks"))["type"] == "subscribed"
            error = await say(client, type="subscribe", channel="errors")
            assert (error["code"], error["field"]) == ("access_denied", "channel")
        async with served.ws("/ws/tasks/abc") as client:
            assert (await hear(client))["code"] == "task_not_found"
    assert asked == [("/ws", "tasks"), ("/ws", "errors"), ("/ws/tasks/abc", "task:abc")]


async def test_without_our_uvicorn_protocol_all_is_the_same(claudia: Claudia) -> None:
    """Under a plain WebSocket implementation each message becomes a frame by itself; nothing else changes."""
    with serving(claudia, options={"ws": "websockets-sansio"}) as served:
        async with served.ws() as client:
            await hear(client)
            await say(client, type="subscribe", channel="events:test:*")
            served.append(*range(300))
            assert await hear_numbers(client, 300) == list(range(300))
            await client.send(json.dumps({"type": "x" * 20_000}))
            assert (await hear(client))["code"] == "too_large"
            await asyncio.wait_for(client.wait_closed(), 3)
            assert client.close_code == 1009
