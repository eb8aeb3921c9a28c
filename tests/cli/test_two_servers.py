"""Two real servers on one MongoDB and one Redis are one hub: everybody sees everything, and one is enough."""

import importlib.util
import json
import re
import shutil
import signal
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from claudia_core.app import Claudia
from claudia_core.clients.streams import PATH
from claudia_core.settings import default_settings
from claudia_core.testing.servers import redis_server, secantus
from claudia_core.testing.waiting import eventually
from tests.cli.program import DIRECT, Serving, run, serving
from tests.servers import require
from tests.webhooks.receiver import Receiver, receiving

pytestmark = [pytest.mark.server, pytest.mark.slow, pytest.mark.timeout(300)]

TOKEN = "a-token-that-both-servers-have"
TASKS = 20


@pytest.fixture
def place(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The settings of both."""
    found = importlib.util.find_spec("secantus")
    require("SecantusDB", found and found.origin)
    require("redis-server", shutil.which("redis-server"))
    for name in ("mongodb", "redis", "one", "two"):
        (tmp_path / name).mkdir()
    with secantus(tmp_path / "mongodb") as database, redis_server(tmp_path / "redis") as cache:
        yield {
            "CLAUDIA_DATABASE_URL": f"{database.url}/hub",
            "CLAUDIA_REDIS_URL": cache.url,
            "CLAUDIA_TOKEN": TOKEN,
            "CLAUDIA_HEARTBEAT": "0.5",
            "CLAUDIA_LEASE": "2",
            "CLAUDIA_OUTGOING_ALLOW": '["127.0.0.0/8"]',
        }


class Ear:
    """A socket that hears every event of a server."""

    def __init__(self, socket: ClientConnection) -> None:
        self.heard: list[tuple[str, int]] = []
        self._socket = socket
        socket.send(json.dumps({"type": "subscribe", "channel": "events:*"}))
        while json.loads(socket.recv(60))["type"] != "subscribed":
            continue
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        with suppress(ConnectionClosed):  # the server is killed
            for frame in self._socket:
                message = json.loads(frame)
                if message["type"] == "message":
                    self.heard.append((message["data"]["type"], int(message["data"]["sequence"])))

    def created(self) -> list[int]:
        return [sequence for type, sequence in self.heard if type == "task:created"]


@contextmanager
def hearing(server: Serving) -> Iterator[Ear]:
    """What comes over a socket of a server."""
    headers = {"Authorization": f"Bearer {server.token}"}
    with connect(f"ws{server.base[4:]}/ws", additional_headers=headers, proxy=None, open_timeout=60) as socket:
        yield Ear(socket)


def post(server: Serving, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """A request that changes something."""
    headers = {"Authorization": f"Bearer {server.token}", "content-type": "application/json"}
    request = urllib.request.Request(server.base + path, json.dumps(body).encode(), headers)
    with DIRECT.open(request, timeout=60) as answer:
        found: dict[str, Any] = json.loads(answer.read())
        return found


def page_text(server: Serving) -> str:
    """What a browser is sent for the page of tasks, all of its data included: asked for by Bokeh's protocol."""
    session = re.search(r'"token":"([^"]+)"', server.get("/tasks", timeout=60))
    assert session is not None
    where = f"ws{server.base[4:]}/tasks/ws"
    headers = {"Authorization": f"Bearer {server.token}"}
    protocols = [Subprotocol("bokeh"), Subprotocol(session.group(1))]
    with connect(
        where, additional_headers=headers, subprotocols=protocols, proxy=None, open_timeout=60, max_size=None
    ) as socket:
        for frame in ('{"msgid": "1", "msgtype": "PULL-DOC-REQ"}', "{}", "{}"):
            socket.send(frame)
        while True:
            frame = socket.recv(60)
            if isinstance(frame, str) and '"PULL-DOC-REPLY"' in frame:
                return f"{socket.recv(60)!r}{socket.recv(60)!r}"


def replayed(server: Serving, cursor: str, count: int) -> list[str]:
    """The ids of the next events behind a cursor."""
    headers = {"Authorization": f"Bearer {server.token}", "Last-Event-ID": cursor}
    request = urllib.request.Request(f"{server.base}{PATH}?channel=events:*", headers=headers)
    ids: list[str] = []
    with DIRECT.open(request, timeout=60) as stream:
        for line in stream:
            if line.startswith(b"id:"):
                ids.append(line[3:].strip().decode())
            if len(ids) > count:
                return ids
    raise AssertionError("the stream ended")


def test_one_hub(place: dict[str, str], tmp_path: Path) -> None:
    """Work told to either is on both pages and all sockets, in one order; a cursor of one is good at the other; what
    one process at a time does goes on when the one that did it is killed."""
    with ExitStack() as stack:
        receiver: Receiver = stack.enter_context(receiving())
        servers = [stack.enter_context(serving(tmp_path / name, **place)) for name in ("one", "two")]
        ears = [stack.enter_context(hearing(server)) for server in servers]
        hub = stack.enter_context(Claudia(place["CLAUDIA_DATABASE_URL"], display="off"))
        post(servers[0], "/api/v1/webhooks", {"url": receiver.url, "events": ["task:created"]})
        names = [f"a task with number {n}." for n in range(TASKS)]
        for n, name in enumerate(names):
            post(servers[n % 2], "/api/v1/tasks", {"name": name})

        eventually(lambda: all(len(ear.created()) == TASKS for ear in ears), timeout=60)
        assert ears[0].created() == ears[1].created() == sorted(ears[0].created())
        for ear in ears:
            sequences = [sequence for _, sequence in ear.heard]
            assert sequences == list(range(sequences[0], sequences[0] + len(sequences))), "all of the log, in its order"
        eventually(lambda: len(set(receiver.ids)) == TASKS, timeout=60)
        start = f"{hub.store.epoch}:{ears[0].created()[0]}"
        assert replayed(servers[0], start, 5) == replayed(servers[1], start, 5)
        for server in servers:
            eventually(lambda server=server: all(name in page_text(server) for name in names), timeout=60)

        working = next(server for server in servers if server.process.pid == holder(hub))
        staying = next(server for server in servers if server is not working)
        working.stop(signal.SIGKILL)
        for n in range(3):
            post(staying, "/api/v1/tasks", {"name": f"after {n}"})
        ear = ears[servers.index(staying)]
        eventually(lambda: len(ear.created()) == TASKS + 3, timeout=60)
        eventually(lambda: len(set(receiver.ids)) == TASKS + 3, timeout=90)
        assert holder(hub) == staying.process.pid
        assert '"status":"pass"' in staying.get("/readyz")


def holder(hub: Claudia) -> int:
    """The process that sends webhooks."""
    found = hub.store.get("subscriptions", "webhooks")
    assert found is not None
    return int(found["holder"].split("/")[1])


def test_a_login_in_a_mongodb_counts(place: dict[str, str], tmp_path: Path) -> None:
    """A server that others reach starts once somebody can sign in, wherever the users are kept."""
    shown = run(tmp_path, "serve", "--host", "0.0.0.0", "--port", "0", **place)
    assert (shown.returncode, "no login" in shown.stderr) == (2, True)
    with Claudia(settings=default_settings(database_url=place["CLAUDIA_DATABASE_URL"], display="off")) as hub:
        hub.users.add("ann", "four random words", scope="admin")
    shown = run(tmp_path, "serve", "--host", "0.0.0.0", "--port", "0", **place)
    assert (shown.returncode, "CLAUDIA_PUBLIC_URL" in shown.stderr) == (2, True), shown.stderr
