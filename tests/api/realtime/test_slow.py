"""Clients that read slowly, not at all, or are gone: bounded memory, no harm to others, nothing lost in silence."""

import asyncio
import gc
import time
from collections.abc import Callable

import psutil
import pytest

from claudia_core import Claudia
from claudia_core.api.realtime import Limits
from claudia_core.api.realtime.serving import FrameProtocol
from claudia_core.ports import Retention
from tests.api.realtime.raw import RawClient
from tests.api.realtime.serving import Served, hear, hear_numbers, say, serving

ALL = "events:test:*"
SIZE = 8_000
EVENTS = 1_500  # times SIZE: three times what the kernel takes for a connection
BUFFER = 64 * 1024 + 65_536 + 2 * SIZE  # the transport's mark, a batch, an event


def buffered(served: Served) -> list[int]:
    """Bytes that wait in this process for each socket's client."""
    found = [one.transport for one in served.server.server_state.connections if isinstance(one, FrameProtocol)]
    return sorted(transport.get_write_buffer_size() for transport in found)


async def until(seconds: float, holds: Callable[[], bool]) -> bool:
    """Whether it holds before the time is over."""
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:  # noqa: ASYNC110 - what it waits for is in another thread
        await asyncio.sleep(0.02)
    return holds()


def subscribed(served: Served) -> RawClient:
    client = RawClient(served.port)
    client.upgrade()
    client.hear_json()
    client.say(type="subscribe", channel=ALL)
    assert client.hear_json()["type"] == "subscribed"
    return client


def flood(served: Served) -> None:
    for start in range(0, EVENTS, 100):
        served.append(*range(start, start + 100), text="x" * SIZE)


async def test_a_client_that_never_reads_costs_a_bounded_buffer_and_misses_nothing(served: Served) -> None:
    """It holds at most one buffer, others get everything meanwhile, and when it reads at last nothing is missing."""
    with subscribed(served) as sleeper:
        async with served.ws() as reader:
            await hear(reader)
            await say(reader, type="subscribe", channel=ALL)
            flooding = asyncio.create_task(asyncio.to_thread(flood, served))
            assert await asyncio.wait_for(hear_numbers(reader, EVENTS), 30) == list(range(EVENTS))
            await flooding
            waiting = buffered(served)
            assert waiting[0] == 0
            assert 0 < waiting[-1] <= BUFFER, "the sleeper is far behind, and its buffer is bounded"
        numbers = await asyncio.to_thread(lambda: [sleeper.hear_json()["data"]["data"]["n"] for _ in range(EVENTS)])
    assert numbers == list(range(EVENTS))


async def test_what_is_pruned_before_a_slow_client_reads_it_is_told_as_a_gap(claudia: Claudia) -> None:
    """The gap's range and the events that came make up the whole log: nothing is lost in silence."""
    with serving(claudia, limits=Limits(window_events=50)) as served, subscribed(served) as sleeper:
        await asyncio.to_thread(flood, served)
        assert await until(10, lambda: buffered(served)[-1] > 0), "it is stuck"
        claudia.store.prune(Retention(events=100))
        served.append(EVENTS)
        seen: list[int] = []
        gaps = 0
        while EVENTS + 1 not in seen:
            message = await asyncio.to_thread(sleeper.hear_json)
            if message["type"] == "gap":
                gaps += 1
                assert message["channel"] == ALL
                assert message["cursor"].endswith(f":{message['last']}")
                seen += range(message["first"], message["last"] + 1)
            else:
                seen.append(int(message["data"]["sequence"]))
    assert seen == list(range(1, EVENTS + 2))
    assert gaps


async def test_a_hundred_that_never_read_cost_little(served: Served) -> None:
    """Memory grows with the buffers of the sleepers, not with what they did not read."""
    sleepers = [subscribed(served) for _ in range(100)]
    gc.collect()
    before = psutil.Process().memory_info().rss
    await asyncio.to_thread(flood, served)
    assert await until(10, lambda: served.realtime.relay.head == EVENTS)
    grown = psutil.Process().memory_info().rss - before
    assert max(buffered(served)) <= BUFFER
    assert grown < 100 * BUFFER + 40_000_000, "not a hundred times 12 MB"
    for sleeper in sleepers:
        sleeper.socket.close()
    assert await until(5, lambda: served.realtime.connections == 0)


@pytest.mark.parametrize("is_behind", [False, True], ids=["idle", "buffer full"])
async def test_a_half_open_socket_is_dropped(claudia: Claudia, is_behind: bool) -> None:
    """A peer that answers no ping is let go, also when its buffer is full; a living one stays."""
    options = {"ws_ping_interval": 0.3, "ws_ping_timeout": 0.3}
    with serving(claudia, options=options) as served, subscribed(served):
        async with served.ws() as alive:
            await hear(alive)
            if is_behind:
                await asyncio.to_thread(flood, served)
            assert await until(5, lambda: served.realtime.connections == 1)
            assert (await say(alive, type="ping"))["type"] == "pong"
            assert await until(2, lambda: len(served.server.server_state.connections) == 1), "its socket is gone too"


def ping(client: RawClient, times: int) -> None:
    for _ in range(times):
        client.say(type="ping")


async def test_a_client_that_floods_and_does_not_read_is_held_back(served: Served) -> None:
    """Answers wait for the client, and its next messages wait for its answers: no queue grows."""
    with RawClient(served.port, seconds=1.0) as flooder:
        flooder.upgrade()
        with pytest.raises(TimeoutError):
            ping(flooder, 4_000_000)
        assert max(buffered(served)) <= BUFFER
        async with served.ws() as other:
            assert (await hear(other))["type"] == "connected"


async def test_clients_that_vanish_leave_nothing_behind(served: Served) -> None:
    """Sockets that come and go, politely or not, leave no connection and no waiting reader."""
    for n in range(60):
        with subscribed(served):
            if n % 3 == 0:
                served.append(n)
    assert await until(5, lambda: served.realtime.connections == 0)
    assert await until(5, lambda: not served.server.server_state.connections)
    assert len(served.realtime.relay._waiters) <= 130


async def test_a_store_that_fails_ends_the_socket_with_its_code(claudia: Claudia) -> None:
    """A log that cannot be read is told, and the client can come back with its cursor."""
    with serving(claudia, limits=Limits(window_events=1)) as served:
        served.append(*range(50))
        async with served.ws() as client:
            epoch = (await hear(client))["epoch"]
            claudia.store.close()
            await client.send(f'{{"type": "subscribe", "channel": "tasks", "cursor": "{epoch}:1"}}')
            assert (await hear(client))["code"] == "store_closed"
