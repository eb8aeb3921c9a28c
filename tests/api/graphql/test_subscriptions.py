"""Subscriptions over graphql-transport-ws, asked by the `gql` client and by bare sockets."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest
import websockets
from gql import Client, GraphQLRequest, gql
from gql.transport.exceptions import TransportQueryError
from gql.transport.websockets import WebsocketsTransport

from claudia_core.api.graphql.limits import MAX_OPERATIONS
from claudia_core.app import Claudia
from claudia_core.ports import Retention
from claudia_core.services.events import NewEvent
from tests.api.graphql.conftest import Endpoint

EVENTS = """subscription($types: [String!]! = [], $subject: ID, $after: String) {
  events(types: $types, subject: $subject, after: $after) { cursor event { type subject data } gap { first last } }
}"""
TASK = "subscription($id: ID!) { task(id: $id) { status progress { current } result } }"
PATIENCE = 20


def append(hub: Claudia, first: int, last: int) -> None:
    hub.events.append([NewEvent("test:number", str(number), {"n": number}) for number in range(first, last)])


async def subscribe(endpoint: Endpoint, query: str, **variables: Any) -> AsyncIterator[dict[str, Any]]:
    client = Client(transport=WebsocketsTransport(url=endpoint.socket))
    async with (
        client as session,
        aclosing(session.subscribe(GraphQLRequest(query, variable_values=variables))) as messages,
    ):
        async for message in messages:
            yield next(iter(message.values()))


async def take(messages: AsyncIterator[Any], number: int) -> list[Any]:
    async with asyncio.timeout(PATIENCE):
        return [await anext(messages) for _ in range(number)]


async def gone(hub: Claudia) -> None:
    """Wait until nobody follows the feed."""
    async with asyncio.timeout(PATIENCE):
        while hub.feed._followers:  # noqa: ASYNC110 - another thread's list
            await asyncio.sleep(0.02)


async def test_events_come_as_they_happen(endpoint: Endpoint) -> None:
    """A subscription from a cursor gets what was missed, then what happens, each once and in order."""
    append(endpoint.hub, 0, 3)
    start = f"{endpoint.hub.store.epoch}:0"
    async with aclosing(subscribe(endpoint, EVENTS, after=start)) as messages:
        missed = await take(messages, 3)
        await asyncio.to_thread(append, endpoint.hub, 3, 5)
        live = await take(messages, 2)
    assert [message["event"]["data"]["n"] for message in missed + live] == [0, 1, 2, 3, 4]
    assert live[-1]["cursor"] == str(endpoint.hub.events.cursor())


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"types": ["task:*"]}, ["task:created", "task:started"]),
        ({"types": ["task:started", "test:number"]}, ["task:started", "test:number"]),
        ({"types": ["test:*"], "subject": "7"}, ["test:number"]),
    ],
)
async def test_events_are_chosen(endpoint: Endpoint, wanted: dict[str, Any], expected: list[str]) -> None:
    """Types may hold wildcards, and a subject narrows further."""
    endpoint.hub.tasks.create("rows", start=True)
    append(endpoint.hub, 7, 8)
    start = f"{endpoint.hub.store.epoch}:0"
    async with aclosing(subscribe(endpoint, EVENTS, after=start, **wanted)) as messages:
        assert [message["event"]["type"] for message in await take(messages, len(expected))] == expected


async def test_client_that_is_killed_resumes_without_loss_or_doubles(endpoint: Endpoint) -> None:
    """Sockets torn in the middle of a stream, many times: the cursor gives every event once."""
    total, seen = 300, list[int]()
    cursor = f"{endpoint.hub.store.epoch}:0"
    writer = asyncio.create_task(trickle(endpoint.hub, total))
    async with asyncio.timeout(60):
        while len(seen) < total:
            async with torn(endpoint, cursor) as messages:
                async for message in messages:
                    cursor = message["cursor"]
                    seen.append(message["event"]["data"]["n"])
                    if len(seen) % 17 == 0 or len(seen) == total:
                        break
    await writer
    assert seen == list(range(total))
    await gone(endpoint.hub)


async def trickle(hub: Claudia, total: int) -> None:
    for first in range(0, total, 10):
        await asyncio.to_thread(append, hub, first, first + 10)
        await asyncio.sleep(0.005)


@asynccontextmanager
async def torn(endpoint: Endpoint, cursor: str) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
    """A subscription whose connection is cut without a word at the end."""
    socket = await websockets.connect(endpoint.socket, subprotocols=[websockets.Subprotocol("graphql-transport-ws")])
    await socket.send(json.dumps({"type": "connection_init"}))
    payload = {"query": EVENTS, "variables": {"after": cursor, "types": ["test:number"]}}
    await socket.send(json.dumps({"type": "subscribe", "id": "1", "payload": payload}))

    async def messages() -> AsyncIterator[dict[str, Any]]:
        async for text in socket:
            message = json.loads(text)
            if message["type"] == "next":
                yield message["payload"]["data"]["events"]

    try:
        yield messages()
    finally:
        socket.transport.abort()


async def test_pruned_events_are_a_gap(endpoint: Endpoint) -> None:
    """Who resumes before the oldest event kept is told which are lost, then goes on."""
    append(endpoint.hub, 0, 50)
    endpoint.hub.store.prune(Retention(events=10))
    oldest = endpoint.hub.store.log_status().oldest
    start = f"{endpoint.hub.store.epoch}:1"
    async with aclosing(subscribe(endpoint, EVENTS, after=start)) as messages:
        gap, first = await take(messages, 2)
    assert gap["gap"] == {"first": 2, "last": oldest - 1}
    assert gap["event"] is None
    assert gap["cursor"] == f"{endpoint.hub.store.epoch}:{oldest - 1}"
    assert first["cursor"] == f"{endpoint.hub.store.epoch}:{oldest}"


@pytest.mark.parametrize("end", ["complete", "fail", "cancel"])
async def test_task_is_followed_to_its_end(endpoint: Endpoint, end: str) -> None:
    """The stream of one task begins with its state and ends by itself, whatever the end is."""
    tasks = endpoint.hub.tasks
    id = tasks.create("rows", start=True).id
    async with asyncio.timeout(PATIENCE), aclosing(subscribe(endpoint, TASK, id=id)) as messages:
        seen = [await anext(messages)]
        await asyncio.to_thread(tasks.progress, id, 5)
        seen.append(await anext(messages))
        await asyncio.to_thread(getattr(tasks, end), id, *{"complete": [{"x": 1}], "fail": ["broken"]}.get(end, []))
        seen += [message async for message in messages]
    assert [message["status"] for message in seen] == ["active", "active", tasks.get(id).status]
    assert seen[1]["progress"]["current"] == 5
    assert seen[-1]["result"] == ({"x": 1} if end == "complete" else None)
    await gone(endpoint.hub)


async def test_ended_task_is_told_once(endpoint: Endpoint) -> None:
    """A task that ended before is one message, and the stream ends."""
    task = endpoint.hub.tasks.create("rows", start=True)
    endpoint.hub.tasks.complete(task.id)
    async with asyncio.timeout(PATIENCE):
        assert [message["status"] async for message in subscribe(endpoint, TASK, id=task.id)] == ["completed"]


async def test_tasks_are_told_as_they_are(endpoint: Endpoint) -> None:
    """Of several changes of one task between two looks only the last is told, with its cursor."""
    hub = endpoint.hub
    start = str(hub.events.cursor())
    one, two = hub.tasks.create("one", type="a", start=True), hub.tasks.create("two", type="b")
    hub.tasks.progress(one.id, 3)
    query = """subscription($after: String, $type: String) {
      tasks(after: $after, type: $type) { cursor task { id status } }
    }"""
    async with aclosing(subscribe(endpoint, query, after=start)) as messages:
        seen = await take(messages, 2)
    assert [message["task"]["id"] for message in seen] == [two.id, one.id]
    async with aclosing(subscribe(endpoint, query, after=start, type="b")) as messages:
        assert (await take(messages, 1))[0]["task"] == {"id": two.id, "status": "pending"}


@pytest.mark.parametrize(
    ("query", "variables", "code"),
    [
        (EVENTS, {"after": "nonsense"}, "bad_cursor"),
        (EVENTS, {"after": "other-epoch:1"}, "bad_cursor"),
        (EVENTS, {"types": ["x:y"] * 21}, "too_large"),
        (EVENTS, {"types": ["*a" * 101]}, "too_large"),
        (TASK, {"id": "nothing"}, "task_not_found"),
        ("subscription { nothing { id } }", {}, "invalid_value"),
        ("subscription { tasks { task { " + "parent { " * 12 + "id" + " }" * 15, {}, "too_large"),
    ],
)
async def test_refused_subscriptions_say_why(
    endpoint: Endpoint, query: str, variables: dict[str, Any], code: str
) -> None:
    """A subscription that cannot begin ends with an error that has a code, and the socket lives on."""
    with pytest.raises(TransportQueryError) as caught:
        await take(subscribe(endpoint, query, **variables), 1)
    assert caught.value.errors
    assert caught.value.errors[0]["extensions"]["code"] == code


async def test_many_subscriptions_share_a_socket(endpoint: Endpoint) -> None:
    """Queries and subscriptions go over one connection at the same time."""
    async with Client(transport=WebsocketsTransport(url=endpoint.socket)) as session:
        streams = [session.subscribe(GraphQLRequest(EVENTS, variable_values={"subject": str(n)})) for n in range(5)]
        firsts = [asyncio.create_task(anext(stream)) for stream in streams]
        assert await session.execute(gql("{ health { status } }"))
        await asyncio.sleep(0.3)
        await asyncio.to_thread(append, endpoint.hub, 0, 5)
        async with asyncio.timeout(PATIENCE):
            found = [(await first)["events"]["event"]["data"]["n"] for first in firsts]
        assert found == [0, 1, 2, 3, 4]
        for stream in streams:
            await stream.aclose()
    await gone(endpoint.hub)


async def test_a_long_way_without_a_match_is_gone_at_once(endpoint: Endpoint) -> None:
    """Who resumes far back, and wants little of it, does not wait for the next change at every slice."""
    for _ in range(8):
        append(endpoint.hub, 0, 1_000)
    endpoint.hub.events.append([NewEvent("rare:one")])
    begun = time.monotonic()
    start = f"{endpoint.hub.store.epoch}:0"
    async with aclosing(subscribe(endpoint, EVENTS, after=start, types=["rare:*"])) as messages:
        (found,) = await take(messages, 1)
    assert found["event"]["type"] == "rare:one"
    assert time.monotonic() - begun < 8  # 16 slices; each that waited would take 2 s


async def test_a_socket_has_a_limit_of_operations(endpoint: Endpoint) -> None:
    """The one beyond is refused with a code; those that are open, and one after one of them ended, go on."""
    async with websockets.connect(
        endpoint.socket, subprotocols=[websockets.Subprotocol("graphql-transport-ws")]
    ) as socket:
        await socket.send('{"type": "connection_init"}')
        assert json.loads(await socket.recv())["type"] == "connection_ack"
        query = {"query": "subscription { events { cursor } }"}
        for number in range(MAX_OPERATIONS + 1):
            await socket.send(json.dumps({"type": "subscribe", "id": str(number), "payload": query}))
        async with asyncio.timeout(PATIENCE):
            refused = json.loads(await socket.recv())
            assert (refused["id"], refused["type"]) == (str(MAX_OPERATIONS), "error")
            assert refused["payload"][0]["extensions"]["code"] == "too_large"
            await socket.send('{"type": "complete", "id": "0"}')
            await socket.send(
                json.dumps({"type": "subscribe", "id": "last", "payload": {"query": "{ health { status } }"}})
            )
            assert json.loads(await socket.recv())["id"] == "last"
    await gone(endpoint.hub)


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("{", 4400),
        ("[]", 4400),
        ('{"type": "nonsense"}', 4400),
        ('{"type": "subscribe", "id": "1", "payload": {"query": "{ health { status } }"}}', 4401),
        ('{"type": "connection_init", "payload": 5}', 4400),
        ('{"type": "subscribe", "id": [], "payload": {"query": "{ health { status } }"}}', 4400),
    ],
)
async def test_malformed_messages_end_the_socket(endpoint: Endpoint, message: str, code: int) -> None:
    """What is not of the protocol closes this socket with the protocol's code, and no other."""
    async with websockets.connect(
        endpoint.socket, subprotocols=[websockets.Subprotocol("graphql-transport-ws")]
    ) as socket:
        await socket.send(message)
        async with asyncio.timeout(PATIENCE):
            await socket.wait_closed()
        assert socket.close_code == code
    assert endpoint.ask("{ health { status } }")


async def test_foreign_page_gets_no_socket(endpoint: Endpoint) -> None:
    """A page of another origin cannot open a subscription."""
    with pytest.raises(websockets.InvalidStatus):
        await websockets.connect(
            endpoint.socket,
            subprotocols=[websockets.Subprotocol("graphql-transport-ws")],
            origin=websockets.Origin("http://evil.example"),
        )
