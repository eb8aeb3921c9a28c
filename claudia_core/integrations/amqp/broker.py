"""A connection to RabbitMQ, on an event loop in a thread of its own."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractRobustConnection
from aio_pika.exceptions import AMQPError

from claudia_core.errors import BrokerUnavailable, SettingsError
from claudia_core.logs import get_logger

log = get_logger(__name__)

CONNECT = 5.0
"""Seconds to wait for a connection."""


class Broker:
    """Connects when it is first used and again when the connection was lost.

    Args:
        url: `amqp://` or `amqps://`, with the virtual host as path.

    Raises:
        SettingsError: the address is not one of a broker.
    """

    def __init__(self, url: str) -> None:
        if not re.match(r"amqps?://[^/]", url):
            raise SettingsError(
                f"the broker's address {without_secrets(url)} cannot be read",
                field="broker_url",
                hint="amqp://NAME:PASSWORD@HOST:5672/",
            )
        self.url = without_secrets(url)
        self._secret_url = url
        self._connection: AbstractRobustConnection | None = None
        self._connecting = threading.Lock()
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="claudia-amqp", daemon=True)
        self._thread.start()

    def submit[T](self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Run a coroutine on the broker's loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop)

    def run[T](self, work: Coroutine[Any, Any, T], timeout: float) -> T:
        """Its result.

        Raises:
            BrokerUnavailable: the broker did not do it within `timeout` seconds.
        """
        future = self.submit(work)
        try:
            return future.result(timeout)
        except (TimeoutError, OSError, AMQPError, RuntimeError) as error:
            future.cancel()
            raise BrokerUnavailable(
                f"the broker {self.url} did not take it: {type(error).__name__}", hint="check that it runs"
            ) from error

    async def channel(self, *, confirms: bool) -> AbstractChannel:
        """A new channel; on the loop."""
        connection = await self._connected()
        return await connection.channel(publisher_confirms=confirms)

    async def _connected(self) -> AbstractRobustConnection:
        connection = self._connection
        if connection is None or connection.is_closed:
            connection = self._connection = await asyncio.wait_for(aio_pika.connect_robust(self._secret_url), CONNECT)
        return connection

    def close(self) -> None:
        """Disconnect and end the thread; closing twice is fine."""
        if self.loop.is_closed():
            return
        try:
            self.submit(self._close()).result(5.0)
        except (TimeoutError, OSError, AMQPError) as error:
            log.info("the broker did not say good-bye", error=repr(error))
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(5.0)
        if not self._thread.is_alive():
            self.loop.close()

    async def _close(self) -> None:
        if self._connection is not None:
            await self._connection.close()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


def without_secrets(url: str) -> str:
    """The address without name and password."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2].partition('?')[0]}"
