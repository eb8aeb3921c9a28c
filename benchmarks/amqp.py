"""Forwarding the log to RabbitMQ against raw confirmed publishing of aio-pika with the same window."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import aio_pika

from benchmarks.figure import Figure
from claudia_core.integrations.amqp.broker import Broker
from claudia_core.integrations.amqp.forwarder import Forwarder, message
from claudia_core.services.events import Events, NewEvent
from claudia_core.stores.memory import MemoryStore
from claudia_core.testing.servers import rabbitmq_server

EVENTS = 6_000
WINDOW = 100
"""Messages that wait for their confirmation at a time: a stretch of the subscription."""

ROUNDS = 3


def run() -> Iterator[Figure]:
    """Events a second, as a ratio to the driver's own on the same broker."""
    if shutil.which("rabbitmq-server") is None:
        print("  RabbitMQ is not installed: nothing to measure")
        return
    with tempfile.TemporaryDirectory() as folder, rabbitmq_server(Path(folder)) as server:
        raw = ours = 0.0
        for turn in range(ROUNDS):  # in turns, the best of each: the machine is shared
            raw = max(raw, asyncio.run(published(server.url, f"raw{turn}")))
            ours = max(ours, forwarded(server.url, f"ours{turn}"))
        words = f"raw {raw:,.0f} events/s with {WINDOW} under way"
        yield Figure("forwarding events to RabbitMQ", ours / raw, "of raw", 0.4, at_most=False, raw=words)


def a_store() -> MemoryStore:
    """A log of so many events."""
    store = MemoryStore()
    for start in range(0, EVENTS, 1_000):
        Events(store).append([NewEvent("invoice:paid", "i", {"n": n, "sum": 12}) for n in range(start, start + 1_000)])
    return store


async def published(url: str, name: str) -> float:
    """The same messages, made before, published in windows to an exchange with one durable queue."""
    store = a_store()
    messages = [message(event) for start in range(0, EVENTS, 1_000) for event in store.events(start, 1_000).events]
    store.close()
    connection = await aio_pika.connect_robust(url)
    async with connection:
        exchange = await _bound(await connection.channel(publisher_confirms=True), name)
        started = time.perf_counter()
        for start in range(0, EVENTS, WINDOW):
            part = messages[start : start + WINDOW]
            await asyncio.gather(*(exchange.publish(one, "invoice.paid", mandatory=False) for one in part))
        return EVENTS / (time.perf_counter() - started)


async def _bound(channel: aio_pika.abc.AbstractChannel, name: str) -> aio_pika.abc.AbstractExchange:
    exchange = await channel.declare_exchange(name, aio_pika.ExchangeType.TOPIC, durable=True)
    queue = await channel.declare_queue(name, durable=True)
    await queue.bind(exchange, "#")
    return exchange


def forwarded(url: str, name: str) -> float:
    """From the log, read and encoded, with the cursor stored after each stretch."""
    store = a_store()
    broker = Broker(url)
    broker.run(_declared(broker, name), 30.0)
    started = time.perf_counter()
    forwarder = Forwarder(broker, store, name, from_start=True)
    while forwarder.subscription.cursor.sequence < EVENTS and time.perf_counter() - started < 60:
        time.sleep(0.002)
    took = time.perf_counter() - started
    forwarder.stop()
    broker.close()
    store.close()
    return EVENTS / took


async def _declared(broker: Broker, name: str) -> None:
    await _bound(await broker.channel(confirms=True), name)
