"""Resuming by cursor: exactly once, without a hole, and an explicit gap where events are no longer kept."""

import asyncio
import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from claudia_core import Claudia
from claudia_core.api.realtime import Limits
from claudia_core.ports import Retention
from tests.api.realtime.serving import Served, hear, hear_numbers, say, serving

ALL = "events:test:*"


async def test_resume_replays_what_was_missed_then_goes_on_live(served: Served) -> None:
    """A client that comes back with its cursor gets all it missed in order, once, and then the news."""
    async with served.ws() as client:
        await hear(client)
        await say(client, type="subscribe", channel=ALL)
        served.append(1)
        cursor = (await hear(client))["cursor"]
    served.append(*range(2, 900))
    async with served.ws() as client:
        await hear(client)
        answer = await say(client, type="subscribe", channel=ALL, cursor=cursor)
        assert (answer["recovered"], answer["cursor"]) == (True, cursor)
        assert "gap" not in answer
        served.append(*range(900, 1_000))
        assert await hear_numbers(client, 998) == list(range(2, 1_000))
        assert (await say(client, type="ping"))["type"] == "pong", "nothing came twice"


async def test_from_the_beginning_of_a_long_log(claudia: Claudia) -> None:
    """What lies further back than memory reaches is read from the store, while news keep coming."""
    with serving(claudia, limits=Limits(window_events=50, batch_bytes=4_000)) as served:
        for start in range(0, 3_000, 1_000):
            served.append(*range(start, start + 1_000))
        async with served.ws() as client:
            welcome = await hear(client)
            await client.send(json.dumps({"type": "subscribe", "channel": ALL, "cursor": f"{welcome['epoch']}:0"}))
            assert (await hear(client))["recovered"]
            got = await hear_numbers(client, 1_000)
            served.append(*range(3_000, 3_300))
            assert got + await hear_numbers(client, 2_300) == list(range(3_300))


async def test_each_channel_resumes_at_its_own_cursor(served: Served) -> None:
    """A channel that catches up does not disturb one that is live, and then joins it."""
    async with served.ws() as client:
        epoch = (await hear(client))["epoch"]
        served.append(*range(10))
        served.append(*range(10), type="other:happened")
        await say(client, type="subscribe", channel="events:other:*")
        await say(client, type="subscribe", channel=ALL, cursor=f"{epoch}:4")
        assert await hear_numbers(client, 6) == [4, 5, 6, 7, 8, 9]
        served.append(10)
        served.append(10, type="other:happened")
        last = [
            (message["channel"], message["data"]["data"]["n"]) for message in [await hear(client) for _ in range(2)]
        ]
    assert last == [(ALL, 10), ("events:other:*", 10)]


async def test_what_was_pruned_is_told_as_a_gap(claudia: Claudia) -> None:
    """A cursor older than what is kept gets the range that is lost, and everything after it."""
    with serving(claudia) as served:
        served.append(*range(1, 11))
        claudia.store.prune(Retention(events=4))
        async with served.ws() as client:
            epoch = (await hear(client))["epoch"]
            answer = await say(client, type="subscribe", channel=ALL, cursor=f"{epoch}:2")
            assert answer["recovered"] is False
            assert answer["gap"] == {"first": 3, "last": 6}
            assert answer["cursor"] == f"{epoch}:6"
            assert await hear_numbers(client, 4) == [7, 8, 9, 10]


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that appends numbered events, one commit each, to `hub.db`."""
    program = """
import sys, time
from claudia_core import Claudia
from claudia_core.services.events import NewEvent
with Claudia(sys.argv[1], display="off", durability="normal") as hub:
    print("ready", flush=True)
    sys.stdin.readline()
    for n in range(int(sys.argv[2])):
        hub.events.append([NewEvent("test:happened", "s", {"n": n})])
        if n % 5 == 0:
            time.sleep(0.004)
    print("done", flush=True)
    sys.stdin.readline()
"""
    command = [sys.executable, "-c", program, str(tmp_path / "hub.db"), "3000"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.kill()


CLIENT = """
import asyncio, json, sys
from websockets.asyncio.client import connect
async def main(url, path):
    out = open(path, "a", buffering=1)
    lines = open(path).read().split("\\n")[:-1]
    async with connect(url, compression=None, proxy=None) as client:
        epoch = json.loads(await client.recv())["epoch"]
        cursor = lines[-1].split()[1] if lines else f"{epoch}:0"
        await client.send(json.dumps({"type": "subscribe", "channel": "events:test:*", "cursor": cursor}))
        assert json.loads(await client.recv())["recovered"]
        async for text in client:
            message = json.loads(text)
            out.write(f"{message['data']['data']['n']} {message['cursor']}\\n")
asyncio.run(main(*sys.argv[1:]))
"""

READER = """
import json, sys
from http.client import HTTPConnection
from urllib.parse import urlsplit
url, path = urlsplit(sys.argv[1]), sys.argv[2]
out = open(path, "a", buffering=1)
lines = open(path).read().split("\\n")[:-1]
connection = HTTPConnection(url.netloc)
after = {"Last-Event-ID": lines[-1].split()[1]} if lines else {}
connection.request("GET", url.path + "?type=test:*" + ("" if lines else "&after=" + sys.argv[3]), headers=after)
found = {}
for line in connection.getresponse():
    name, _, value = line.decode().rstrip("\\n").partition(": ")
    if name == "data" and found.get("event") == "test:happened":
        out.write(f"{json.loads(value)['data']['n']} {found['id']}\\n")
    found = {} if not name else {**found, name: value}
"""
CLIENTS = {"socket": (CLIENT, "/ws", "ws"), "stream": (READER, "/api/v1/events/stream", "http")}


@pytest.mark.parametrize("kind", CLIENTS)
def test_a_client_killed_many_times_sees_every_event_once(
    kind: str, tmp_path: Path, writer: subprocess.Popen[str], served: Served
) -> None:
    """One process writes, one serves, and a client is killed with SIGKILL in the middle of its stream, again and again.

    The client keeps each event with its cursor in a file and resumes behind the last line.
    """
    path = tmp_path / "seen"
    path.touch()
    program, address, scheme = CLIENTS[kind]
    more = [f"{served.claudia.store.epoch}:0"] if kind == "stream" else []
    command = [sys.executable, "-c", program, served.url(address, scheme), str(path), *more]
    assert writer.stdin is not None
    writer.stdin.write("go\n")
    writer.stdin.flush()
    deaths = 0
    until = time.monotonic() + 15
    while time.monotonic() < until:
        with subprocess.Popen(command) as client:
            before = path.stat().st_size
            stop = time.monotonic() + 3
            while path.stat().st_size == before and time.monotonic() < stop and not _is_complete(path):
                time.sleep(0.002)
            time.sleep(random.uniform(0.0, 0.05))
            client.kill()
        _drop_half_a_line(path)
        if _is_complete(path):
            break
        deaths += 1
    seen = [int(line.split()[0]) for line in path.read_text().splitlines()]
    assert seen == list(range(3_000))
    assert deaths >= 3, "it was killed in the middle"


def _is_complete(path: Path) -> bool:
    return path.read_text().count("\n") >= 3_000


def _drop_half_a_line(path: Path) -> None:
    """A line that the kill cut in two was not seen: its event must come again."""
    text = path.read_text()
    path.write_text(text[: text.rfind("\n") + 1])


async def test_joining_while_many_write_misses_nothing(tmp_path: Path, claudia: Claudia) -> None:
    """Clients that come at any moment, with a cursor, see the same stream from there, whatever memory held."""
    with serving(claudia, limits=Limits(window_events=30, batch_bytes=2_000)) as served:
        epoch = claudia.store.epoch

        async def follow(start: int) -> list[int]:
            async with served.ws() as client:
                await hear(client)
                await say(client, type="subscribe", channel=ALL, cursor=f"{epoch}:{start}")
                return await hear_numbers(client, 600 - start)

        def write() -> None:
            for n in range(600):
                served.append(n)

        writing = asyncio.create_task(asyncio.to_thread(write))
        followers = []
        for _ in range(12):
            await asyncio.sleep(0.02)
            followers.append(asyncio.create_task(follow(random.randint(0, claudia.store.head()))))
        got = await asyncio.wait_for(asyncio.gather(*followers), 20)
        await writing
    for numbers in got:
        assert numbers == list(range(600 - len(numbers), 600))
