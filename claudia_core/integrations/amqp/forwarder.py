"""Events of the log as CloudEvents on a topic exchange: confirmed, at least once, in order."""

from __future__ import annotations

import asyncio

import orjson
from aio_pika import DeliveryMode, ExchangeType, Message
from aio_pika.abc import AbstractChannel, AbstractExchange

from claudia_core.integrations.amqp.broker import Broker
from claudia_core.model.event import Event
from claudia_core.ports import Store
from claudia_core.subscriptions import Subscription

CONTENT_TYPE = "application/cloudevents+json"
PATIENCE = 30.0
"""Seconds for the confirmations of one stretch of events."""


class Forwarder:
    """A named durable subscription whose handler publishes: while the broker is away, events wait in the log.

    The routing key is the type with a dot, `task.completed`; `message_id` is the event's id, by which a duplicate is
    known. One process on a store forwards at a time.

    Args:
        broker: where to.
        store: whose log.
        exchange: the topic exchange; declared durable.
        name: the subscription's name.
        lease: seconds after which another process takes over from one that died.
        from_start: whether a new subscription begins at the oldest event kept, or behind what is there.
    """

    def __init__(
        self,
        broker: Broker,
        store: Store,
        exchange: str,
        *,
        name: str = "amqp",
        lease: float = 10.0,
        from_start: bool = False,
    ) -> None:
        self._broker = broker
        self._name = exchange
        self._channel: AbstractChannel | None = None
        self._exchange: AbstractExchange | None = None
        self._confirmed = 0
        self.fault: Exception | None = None
        self.subscription = Subscription(
            store, name, self._forward, batch=True, lease=lease, max_pause=5.0, from_start=from_start
        )

    def stop(self) -> None:
        """Forward no more; another process may go on."""
        self.subscription.stop()

    def _forward(self, events: list[Event]) -> None:
        try:
            self._broker.run(self._publish(events), PATIENCE)
        except Exception as error:
            self._channel, self.fault = None, error  # the next try takes a new one
            raise
        self.fault = None

    async def _publish(self, events: list[Event]) -> None:
        """Go on behind what was confirmed: a queue that is full takes some of them each time, and must get further."""
        exchange = await self._ready()
        rest = [event for event in events if event.sequence > self._confirmed]
        sent = (exchange.publish(message(event), event.type.replace(":", "."), mandatory=False) for event in rest)
        for event, outcome in zip(rest, await asyncio.gather(*sent, return_exceptions=True), strict=True):
            if isinstance(outcome, BaseException):
                raise outcome
            self._confirmed = event.sequence

    async def _ready(self) -> AbstractExchange:
        if self._exchange is None or self._channel is None or self._channel.is_closed:
            self._channel = await self._broker.channel(confirms=True)
            self._exchange = await self._channel.declare_exchange(self._name, ExchangeType.TOPIC, durable=True)
        return self._exchange


def message(event: Event) -> Message:
    """An event as a message: a CloudEvent in structured JSON."""
    return Message(
        orjson.dumps(event.to_cloudevent()),
        content_type=CONTENT_TYPE,
        delivery_mode=DeliveryMode.PERSISTENT,
        message_id=f"{event.epoch}:{event.sequence}",
        timestamp=event.time,
        type=event.type,
        app_id="claudia",
    )
