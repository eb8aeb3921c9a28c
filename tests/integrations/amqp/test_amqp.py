"""The bridge to a real RabbitMQ: nothing is lost or done twice, whoever is away."""

import asyncio
import json
import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import aio_pika
import pytest

from claudia_core.app import Claudia
from claudia_core.errors import SettingsError
from claudia_core.integrations.amqp import AmqpBridge
from claudia_core.integrations.amqp.consumer import COMMANDS, ERROR
from claudia_core.model.health import Health
from claudia_core.model.times import utc_now
from claudia_core.services.events import NewEvent
from claudia_core.testing.servers import Server, free_port, rabbitmq_server
from claudia_core.testing.waiting import eventually
from tests.servers import require

pytestmark = [pytest.mark.server, pytest.mark.xdist_group("rabbitmq")]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A real broker."""
    require("RabbitMQ", shutil.which("rabbitmq-server"))
    require("RabbitMQ", "/usr/lib/rabbitmq/bin/rabbitmq-server")
    with rabbitmq_server(tmp_path_factory.mktemp("rabbitmq")) as server:
        yield server


class Peer:
    """What another program does at the broker, with a driver of its own."""

    def __init__(self, url: str, name: str) -> None:
        self.url, self.exchange, self.queue = url, f"{name}.events", f"{name}.in"

    def do[T](self, work: Callable[[Any], Any]) -> Any:
        async def run() -> Any:
            connection = await aio_pika.connect(self.url)
            async with connection:
                return await work(await connection.channel())

        return asyncio.run(run())

    def bind(self, key: str = "#") -> str:
        """A queue of its own for what comes to the exchange."""

        async def work(channel: Any) -> str:
            exchange = await channel.declare_exchange(self.exchange, "topic", durable=True)
            queue = await channel.declare_queue(f"{self.exchange}.{key}", durable=True)
            await queue.bind(exchange, key)
            return str(queue.name)

        return self.do(work)

    def take(self, name: str) -> list[Any]:
        """All messages of a queue."""

        async def work(channel: Any) -> list[Any]:
            queue = await channel.declare_queue(name, durable=True)
            found = []
            while (message := await queue.get(fail=False)) is not None:
                await message.ack()
                found.append(message)
            return found

        return self.do(work)

    def send(self, *bodies: bytes, **properties: Any) -> None:
        """Messages to the hub's queue."""

        async def work(channel: Any) -> None:
            await channel.declare_queue(self.queue, durable=True)
            for body in bodies:
                await channel.default_exchange.publish(aio_pika.Message(body, **properties), self.queue)

        self.do(work)


def cloudevent(id: str, type: str, data: Any = None, **rest: Any) -> bytes:
    return json.dumps(
        {"specversion": "1.0", "id": id, "source": "/t", "type": type, "data": data or {}, **rest}
    ).encode()


@pytest.fixture
def peer(server: Server, request: pytest.FixtureRequest) -> Peer:
    """A program elsewhere, with names of this test's own."""
    return Peer(server.url, request.node.name)


@pytest.fixture
def bridge(peer: Peer, claudia: Claudia) -> Iterator[AmqpBridge]:
    """The hub's side."""
    bridge = AmqpBridge(peer.url, claudia.store, exchange=peer.exchange, queue=peer.queue, lease=2.0)
    yield bridge
    bridge.stop()


def test_every_event_is_forwarded_in_order(peer: Peer, claudia: Claudia, bridge: AmqpBridge) -> None:
    """As CloudEvents, by type; those who bind to a pattern get only that."""
    everything, done = peer.bind("#"), peer.bind("task.completed")
    for n in range(150):
        task = claudia.tasks.create(name=f"t{n}", start=True)
        claudia.tasks.complete(task.id)
    head = claudia.store.head()
    eventually(lambda: bridge.forwarder.subscription.cursor.sequence >= head, timeout=30)
    events = [json.loads(message.body) for message in peer.take(everything)]
    assert [int(event["sequence"]) for event in events] == list(range(1, head + 1))
    assert {event["specversion"] for event in events} == {"1.0"}
    completed = peer.take(done)
    assert len(completed) == 150
    assert completed[0].content_type == "application/cloudevents+json"
    assert completed[0].message_id == json.loads(completed[0].body)["id"]


def test_commands_and_events_of_others(peer: Peer, claudia: Claudia, bridge: AmqpBridge) -> None:
    """Each is done once, however often it comes."""
    create = cloudevent("1", "command:task.create", {"name": "from elsewhere", "type": "remote", "payload": {"a": 1}})
    paid = cloudevent("2", "invoice:paid", {"amount": 5}, subject="i-7")
    peer.send(create, paid, create, paid)
    eventually(lambda: bridge.consumer.done + bridge.consumer.repeated == 4)
    assert (bridge.consumer.done, bridge.consumer.repeated) == (2, 2)
    (task,) = claudia.tasks.list(type="remote").tasks
    assert task.name == "from elsewhere"
    (event,) = claudia.events.list(types=("invoice:paid",)).events
    assert (event.subject, event.data) == ("i-7", {"amount": 5})
    assert claudia.hooks.prune() == 0
    assert claudia.hooks.prune(utc_now() + timedelta(days=8)) == 2  # what they were known by
    peer.send(cloudevent("3", "command:task.cancel", {"id": task.id}))
    eventually(lambda: claudia.tasks.get(task.id).status == "cancelled")


def test_a_queue_that_is_full(peer: Peer, claudia: Claudia, bridge: AmqpBridge) -> None:
    """The broker refuses what does not fit; it is sent again until it is taken, and all arrive."""

    async def bind(channel: Any) -> str:
        limits = {"x-max-length": 3, "x-overflow": "reject-publish"}
        exchange = await channel.declare_exchange(peer.exchange, "topic", durable=True)
        queue = await channel.declare_queue(f"{peer.exchange}.small", durable=True, arguments=limits)
        await queue.bind(exchange, "#")
        return str(queue.name)

    async def take(channel: Any) -> list[int]:
        queue = await channel.get_queue(f"{peer.exchange}.small")
        found = []
        while (message := await queue.get(fail=False)) is not None:
            await message.ack()
            found.append(int(json.loads(message.body)["data"]["n"]))
        return found

    peer.do(bind)
    claudia.events.append([NewEvent("a:b", data={"n": n}) for n in range(20)])
    eventually(lambda: bridge.forwarder.subscription.failures > 0, timeout=30)
    came: set[int] = set()
    eventually(lambda: came.update(peer.do(take)) or came == set(range(20)), timeout=60)
    eventually(lambda: peer.do(take) is None or bridge.forwarder.subscription.cursor.sequence >= 20, timeout=30)


@pytest.mark.parametrize(
    "body",
    [
        b"\xff not json",
        b"[]",
        b'{"type": "a:b"}',
        cloudevent("1", "command:rm -rf"),
        cloudevent("1", "command:task.create", {"no such field": 1}),
        cloudevent("1", "command:task.cancel", {"id": "nobody"}),
        cloudevent("1", "task:completed"),
        cloudevent("1", "invoice:paid", [1]),
        cloudevent("x" * 400, "invoice:paid"),
    ],
)
def test_what_cannot_be_done_waits_with_its_reason(server: Server, claudia: Claudia, body: bytes) -> None:
    """In the dead-letter queue; those behind it go on; it can be brought back."""
    peer = Peer(server.url, f"dead{abs(hash(body))}")
    bridge = AmqpBridge(peer.url, claudia.store, exchange=peer.exchange, queue=peer.queue)
    try:
        peer.send(body, cloudevent("next", "a:b"))
        eventually(lambda: bridge.consumer.done == 1 and bridge.consumer.dead == 1)
        assert bridge.consumer.redrive() == 1
        eventually(lambda: bridge.consumer.dead == 2)
    finally:
        bridge.stop()
    (message,) = peer.take(f"{peer.queue}.dead")
    assert message.body == body
    assert message.headers[ERROR]


def test_a_message_that_breaks_something_holds_up_nobody(
    peer: Peer, claudia: Claudia, bridge: AmqpBridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What fails in a way that nobody foresaw goes to the dead-letter queue, too, and those behind it go on."""

    def broken(store: Any, data: dict[str, Any]) -> None:
        raise AttributeError("a defect")

    monkeypatch.setitem(COMMANDS, "task.start", broken)  # type: ignore[arg-type]  # a dict
    peer.send(cloudevent("1", "command:task.start"), cloudevent("2", "a:b"))
    eventually(lambda: bridge.consumer.done == 1 and bridge.consumer.dead == 1)
    assert bridge.consumer.is_connected


def test_an_address_that_is_none() -> None:
    """It is refused without its password."""
    with pytest.raises(SettingsError, match="cannot be read") as caught:
        AmqpBridge("http://me:s3cret@127.0.0.1", None)  # type: ignore[arg-type]
    assert "s3cret" not in str(caught.value)


def test_nobody_there(claudia: Claudia) -> None:
    """Work goes on; the health says that the broker is away."""
    bridge = AmqpBridge(f"amqp://127.0.0.1:{free_port()}/", claudia.store, lease=2.0)
    claudia.events.append([NewEvent("a:b")])
    eventually(lambda: bridge.forwarder.subscription.failures > 0)
    status, words = bridge.health()
    assert status is Health.WARN
    assert "1 events wait" in words
    bridge.stop()
    bridge.stop()


@pytest.mark.slow
@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # aiormq drops tasks of a torn connection
def test_a_broker_that_is_killed(tmp_path: Path, claudia: Claudia) -> None:
    """Killed in the middle and started again: every event arrives, at least once, in order."""
    require("RabbitMQ", shutil.which("rabbitmq-server"))
    with rabbitmq_server(tmp_path) as server:
        peer = Peer(server.url, "killed")
        everything = peer.bind("#")
        server.stop()  # a broker keeps what a queue is some time after it said so: a kill would lose the queue
        server.start()
        bridge = AmqpBridge(server.url, claudia.store, exchange=peer.exchange, queue=peer.queue, lease=5.0)
        try:
            for part in range(3):
                claudia.events.append([NewEvent("a:b", data={"n": n}) for n in range(400)])
                if part == 1:
                    server.kill()
            server.start()
            head = claudia.store.head()
            eventually(lambda: bridge.forwarder.subscription.cursor.sequence >= head, timeout=60)
            peer.send(cloudevent("after", "c:d"))
            eventually(lambda: bridge.consumer.done == 1, timeout=60)
            head = claudia.store.head()
            eventually(lambda: bridge.forwarder.subscription.cursor.sequence >= head, timeout=60)
        finally:
            bridge.stop()
        numbers = [int(json.loads(message.body)["sequence"]) for message in peer.take(everything)]
        first = list(dict.fromkeys(numbers))
        assert first == list(range(1, head + 1))
