"""Commands and events of others, as CloudEvents from a queue: each done once, acknowledged after the commit.

A CloudEvent of type `command:task.create` (or `start`, `progress`, `complete`, `fail`, `cancel`, `retry`) is done with
its `data` as arguments; any other type is appended to the log. What cannot be done goes to the dead-letter queue with
the reason in the header `x-claudia-error`, from where `redrive` brings it back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import orjson
from aio_pika import DeliveryMode, Message
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, AbstractQueue
from aio_pika.exceptions import AMQPError

from claudia_core.errors import BrokerUnavailable, ClaudiaError, InvalidValue
from claudia_core.integrations.amqp.broker import Broker, mapped
from claudia_core.logs import get_logger
from claudia_core.ports import Store, Transaction, Work
from claudia_core.services.events import Events, NewEvent
from claudia_core.services.tasks.progress import ProgressService
from claudia_core.services.tasks.service import Tasks
from claudia_core.services.webhooks.hooks import comes_first

log = get_logger(__name__)

PREFETCH = 64
PAUSE = 1.0
"""Seconds before a message that met a store that is away is tried again, and before the broker is."""

KNOWN = 7 * 86_400.0
"""Seconds for which a message is known again."""

MOST_BYTES = 1_000_000
MOST_ID = 300
COMMAND = "command:"
ERROR = "x-claudia-error"

type Command = Callable[[Store, dict[str, Any]], object]

COMMANDS: Mapping[str, Command] = {
    "task.create": lambda store, data: Tasks(store).create(**data),
    "task.start": lambda store, data: Tasks(store).start(**data),
    "task.progress": lambda store, data: ProgressService(store).report_progress(**data),
    "task.complete": lambda store, data: Tasks(store).complete(**data),
    "task.fail": lambda store, data: Tasks(store).fail(**data),
    "task.cancel": lambda store, data: Tasks(store).cancel(**data),
    "task.retry": lambda store, data: Tasks(store).retry(**data),
}


class _SeenError(Exception):
    """The message was done before."""


class _OnceStore:
    """A store whose writes happen once for a message: the change and the note that it was done are one commit."""

    def __init__(self, store: Store, key: str) -> None:
        self._store = store
        self._key = key

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def write[T](self, work: Work[T]) -> Any:
        """Run `work` unless it was done before."""

        def once(tx: Transaction) -> T:
            if not comes_first(tx, self._key, KNOWN):
                raise _SeenError
            return work(tx)

        return self._store.write(once)


class Consumer:
    """Takes messages from a queue for as long as it runs, over interruptions of the broker.

    Args:
        broker: where from.
        store: where things are done.
        queue: the queue; declared durable, with `QUEUE.dead` for what cannot be done.
    """

    def __init__(self, broker: Broker, store: Store, queue: str) -> None:
        self._broker = broker
        self._store = store
        self._name = queue
        self.done = 0
        self.repeated = 0
        self.dead = 0
        self.is_connected = False
        self.fault: BrokerUnavailable | None = None
        self._channel: AbstractChannel | None = None
        self._task = broker.submit(self._run())

    def stop(self) -> None:
        """Take no more; what was not acknowledged comes again."""
        self._task.cancel()

    def redrive(self, most: int = 1_000, timeout: float = 30.0) -> int:
        """Bring messages from the dead-letter queue back; returns how many.

        Raises:
            BrokerUnavailable: the broker did not do it in time; what was not moved is still there.
        """
        return self._broker.run(self._redrive(most), timeout)

    async def _run(self) -> None:
        while True:
            try:
                await self._consume()
            except (OSError, AMQPError, RuntimeError, TimeoutError) as error:
                self.fault = mapped(error, self._broker.url)
                log.warning("the broker is away and tried again", error=str(self.fault))
            self.is_connected = False
            await asyncio.sleep(PAUSE)

    async def _consume(self) -> None:
        channel = self._channel = await self._broker.channel(confirms=True)
        await channel.set_qos(prefetch_count=PREFETCH)
        queue = await self._declared(channel)
        self.is_connected, self.fault = True, None
        async with queue.iterator() as messages:
            async for incoming in messages:
                await self._take(channel, incoming)

    async def _declared(self, channel: AbstractChannel) -> AbstractQueue:
        await channel.declare_queue(self._dead, durable=True)
        return await channel.declare_queue(self._name, durable=True)

    @property
    def _dead(self) -> str:
        return f"{self._name}.dead"

    async def _take(self, channel: AbstractChannel, incoming: AbstractIncomingMessage) -> None:
        error = await asyncio.to_thread(self._outcome, incoming)
        if isinstance(error, ClaudiaError) and error.retryable:
            await asyncio.sleep(PAUSE)
            await incoming.nack(requeue=True)
            return
        if error is None:
            self.done += 1
        elif isinstance(error, _SeenError):
            self.repeated += 1
        else:
            known = isinstance(error, ClaudiaError)
            await self._bury(channel, incoming, str(error) if known else f"{type(error).__name__}: {error}")
        await incoming.ack()

    def _outcome(self, incoming: AbstractIncomingMessage) -> Exception | None:
        """Do what a message says; what went wrong."""
        try:
            self._do(incoming)
        except Exception as error:  # noqa: BLE001 - one message must not keep all others from the hub
            return error
        return None

    def _do(self, incoming: AbstractIncomingMessage) -> None:
        type, subject, data, key = parsed(incoming.body, incoming.message_id)
        store: Any = _OnceStore(self._store, f"amqp/{self._name}/{key}") if key else self._store
        if not type.startswith(COMMAND):
            Events(store).append([NewEvent(type, subject, data)])
            return
        command = COMMANDS.get(type.removeprefix(COMMAND))
        if command is None:
            raise InvalidValue(f"no command {type!r:.80}", field="type", hint=", ".join(COMMANDS))
        command(store, data)

    async def _bury(self, channel: AbstractChannel, incoming: AbstractIncomingMessage, reason: str) -> None:
        log.warning("a message could not be done", queue=self._name, reason=reason[:300])
        await channel.default_exchange.publish(_copy(incoming, {ERROR: reason[:1_000]}), self._dead, mandatory=True)
        self.dead += 1

    async def _redrive(self, most: int) -> int:
        channel = await self._broker.channel(confirms=True)
        try:
            dead = await channel.declare_queue(self._dead, durable=True)
            there = dead.declaration_result.message_count or 0  # what comes back meanwhile waits for the next time
            moved = 0
            while moved < min(most, there):
                incoming = await dead.get(fail=False)
                if incoming is None:
                    break
                await channel.default_exchange.publish(_copy(incoming, {}), self._name, mandatory=True)
                await incoming.ack()
                moved += 1
            return moved
        finally:
            await channel.close()


def parsed(body: bytes, message_id: str | None) -> tuple[str, str, dict[str, Any], str]:
    """Type, subject, data and key of a message; the key is empty where it has no id.

    Raises:
        InvalidValue: it is no CloudEvent in JSON.
    """
    if len(body) > MOST_BYTES:
        raise InvalidValue(f"the message has {len(body):,} bytes", field="body", hint=f"{MOST_BYTES:,} at most")
    try:
        event = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidValue(f"the message is not JSON: {error}", field="body") from error
    if not isinstance(event, dict) or event.get("specversion") != "1.0":
        raise InvalidValue("the message is no CloudEvent 1.0", field="specversion", hint="structured JSON mode")
    type, subject, data = event.get("type"), event.get("subject", ""), event.get("data", {})
    if not isinstance(type, str) or not isinstance(subject, str) or not isinstance(data, dict):
        raise InvalidValue("type and subject are texts, data an object", field="type")
    name = event.get("id") or message_id or ""
    key = f"{event.get('source', '')}/{name}" if name else ""
    if len(key) > MOST_ID:
        raise InvalidValue(f"source and id have {len(key)} characters", field="id", hint=f"{MOST_ID} at most")
    return type, subject, data, key


def _copy(incoming: AbstractIncomingMessage, headers: dict[str, Any]) -> Message:
    kept = {name: value for name, value in (incoming.headers or {}).items() if name != ERROR}
    return Message(
        incoming.body,
        headers={**kept, **headers},
        content_type=incoming.content_type,
        message_id=incoming.message_id,
        delivery_mode=DeliveryMode.PERSISTENT,
    )
