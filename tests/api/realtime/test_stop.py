"""The server stops at once, whatever is open."""

import asyncio
import time

import pytest
from websockets.exceptions import ConnectionClosed

from claudia_core import Claudia
from tests.api.realtime.raw import RawClient
from tests.api.realtime.serving import hear, say, serving


async def test_stopping_does_not_wait_for_open_sockets_and_streams(claudia: Claudia) -> None:
    """Idle sockets, a socket that never reads, streams and a stream that never reads: all end within two seconds."""
    running = serving(claudia, options={"timeout_graceful_shutdown": None})
    served = running.__enter__()
    async with served.ws() as client, served.ws("/ws/tasks/" + claudia.tasks.create("rows").id) as watcher:
        await hear(client)
        await say(client, type="subscribe", channel="tasks")
        await hear(watcher)
        with RawClient(served.port) as stream, RawClient(served.port) as deaf, RawClient(served.port) as mute:
            stream.get("/api/v1/events/stream")
            deaf.get("/api/v1/events/stream")
            mute.upgrade()
            mute.hear_json()
            mute.say(type="subscribe", channel="events:test:*")
            mute.hear_json()
            for _ in range(10):
                served.append(*range(100), text="x" * 8_000)
            started = time.monotonic()
            await asyncio.to_thread(running.__exit__, None, None, None)
            assert time.monotonic() - started < 3
        with pytest.raises(ConnectionClosed):
            await hear(client)
        assert client.close_code == 1012


async def test_under_a_plain_server_streams_end_when_it_loses_patience(
    claudia: Claudia, caplog: pytest.LogCaptureFixture
) -> None:
    """A server without our protocols cancels its streams in the end; they finish in good order, without a traceback."""
    running = serving(claudia, options={"timeout_graceful_shutdown": 1, "http": "h11", "ws": "websockets-sansio"})
    served = running.__enter__()
    with RawClient(served.port) as stream:
        stream.get("/api/v1/events/stream")
        started = time.monotonic()
        await asyncio.to_thread(running.__exit__, None, None, None)
        assert time.monotonic() - started < 4
        assert stream.read_until(b"0\r\n\r\n")
    assert "Traceback" not in caplog.text


async def test_the_hub_outlives_a_server(claudia: Claudia) -> None:
    """After a server has ended the feed goes on, and a second server serves the same hub."""
    for n in range(2):
        with serving(claudia) as served:
            async with served.ws() as client:
                await hear(client)
                await say(client, type="subscribe", channel="events:test:*")
                served.append(n)
                assert (await hear(client))["data"]["data"]["n"] == n
    heard = []
    claudia.on("test:*", heard.append)
    served.append(7)
    claudia.feed.wait_until(claudia.store.head())
    assert [event.data["n"] for event in heard] == [7]
