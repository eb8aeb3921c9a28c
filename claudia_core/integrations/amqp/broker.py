"""A connection to RabbitMQ, on an event loop in a thread of its own."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any
from urllib.parse import urlsplit

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractRobustConnection
from aio_pika.exceptions import (
    AMQPError,
    AuthenticationError,
    DeliveryError,
    IncompatibleProtocolError,
    InvalidFrameError,
    ProbableAuthenticationError,
)
from aiormq.exceptions import ChannelAccessRefused, ConnectionNotAllowed

from claudia_core.errors import BrokerUnavailable, SettingsError
from claudia_core.logs import get_logger

log = get_logger(__name__)

CONNECT = 5.0
"""Seconds to wait for a connection."""

ROUNDS = 5
"""Times that the driver's tasks are ended when a broker is closed."""


class Broker:
    """Connects when it is first used and again when the connection was lost.

    Args:
        url: `amqp://` or `amqps://`, with the virtual host as path.

    Raises:
        SettingsError: the address is not one of a broker.
    """

    def __init__(self, url: str) -> None:
        require_address(url)
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
            raise mapped(error, self.url) from error

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
        for _ in range(ROUNDS):  # what is cancelled may begin a task that tidies up
            others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            if not others:
                break
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)


_BORDER: tuple[tuple[tuple[type[BaseException], ...], str, str], ...] = (
    (
        (AuthenticationError, ProbableAuthenticationError),
        "refuses the name or the password",
        "check both in CLAUDIA_BROKER_URL",
    ),
    (
        (ConnectionNotAllowed, InvalidFrameError),  # the driver cannot read how RabbitMQ 3.10 says so
        "does not let this user into the virtual host",
        "rabbitmqctl add_vhost, and set_permissions -p HOST NAME",
    ),
    (
        (ChannelAccessRefused,),
        "does not allow this user to do that",
        'rabbitmqctl set_permissions -p / NAME "claudia.*" "claudia.*|amq.default" "claudia.*"',
    ),
    ((IncompatibleProtocolError,), "speaks another protocol", "use RabbitMQ 3.8 or newer, and its port for AMQP, 5672"),
    ((DeliveryError,), "refused a message: a queue may be full", "make room in the queues of the exchange"),
    ((TimeoutError,), "does not answer in time", "check that it runs and can be reached"),
)


def mapped(error: BaseException, place: str) -> BrokerUnavailable:
    """The driver's error as one sentence with the cure, without a password."""
    for kinds, what, cure in _BORDER:
        if isinstance(error, kinds):
            return BrokerUnavailable(f"the broker {place} {what}", hint=cure)
    if isinstance(error, OSError):
        return BrokerUnavailable(f"the broker {place} does not answer", hint="check that it runs and can be reached")
    return BrokerUnavailable(f"the broker {place} did not take it: {type(error).__name__}", hint="check that it runs")


def check_broker(url: str, *, timeout: float = CONNECT) -> str:
    """Connect once; the broker's product and version.

    Raises:
        SettingsError: the address cannot be read.
        BrokerUnavailable: it does not answer in time, or refuses this user.
    """
    require_address(url)

    async def connect() -> str:
        connection = await aio_pika.connect(url, timeout=timeout)
        async with connection:
            transport: Any = connection.transport
            told = transport.connection.server_properties
        return f"{told.get('product', 'broker')} {told.get('version', '')}".strip()

    try:
        return asyncio.run(asyncio.wait_for(connect(), timeout))
    except (TimeoutError, OSError, AMQPError, RuntimeError) as error:
        raise mapped(error, without_secrets(url)) from error


def require_address(url: str) -> None:
    """Refuse what is no address of a broker.

    Raises:
        SettingsError: it is none.
    """
    if not re.match(r"amqps?://[^/]", url) or not _has_port(url):
        raise SettingsError(
            f"the broker's address {without_secrets(url)} cannot be read",
            field="broker_url",
            hint="amqp://NAME:PASSWORD@HOST:5672/, with : / ? # @ in a password as %3A...",
        )


def _has_port(url: str) -> bool:
    try:
        return urlsplit(url).port != 0
    except ValueError:
        return False


def without_secrets(url: str) -> str:
    """The address without name and password."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2].partition('?')[0]}"
