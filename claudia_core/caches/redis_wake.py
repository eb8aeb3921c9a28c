"""A wake-up over Redis: whoever committed says so, and others look at the log at once instead of soon.

A message says nothing about what happened, and may be lost: while nobody listened, or while the driver connected
anew. The truth is the log, which is read by sequence after each message and at least twice a second.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import redis

from claudia_core.errors import SettingsError
from claudia_core.logs import get_logger

log = get_logger(__name__)

LISTEN = 1.0
"""Seconds that one wait for a message lasts: less than the driver's time-out for a silent server."""

PAUSE = 2.0
"""Seconds before a server that is away is tried again."""


class RedisWake:
    """Tells of commits, and hears of those of others, on threads of its own that begin when they are needed.

    Args:
        url: of the Redis.
        channel: its name; those who share a log share a channel.
        timeout: seconds to wait for an answer.

    Raises:
        SettingsError: the address cannot be read.
    """

    def __init__(self, url: str, channel: str, *, timeout: float = 3.0) -> None:
        try:
            self._client = redis.Redis.from_url(url, socket_timeout=timeout, socket_connect_timeout=timeout)
        except ValueError as error:
            hint = "redis://HOST:6379/0"
            raise SettingsError("the Redis address cannot be read", field="redis_url", hint=hint) from error
        self._channel = channel
        self._stopped = threading.Event()
        self._committed = threading.Event()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._is_telling = False
        self.is_open = False
        self.told = 0
        self.heard = 0

    def tell(self) -> None:
        """Something was committed; returns at once. Several commits within one message's way are told once."""
        self._committed.set()
        if not self._is_telling:
            with self._lock:
                self._begin_telling()

    def listen(self, on_wake: Callable[[], None]) -> None:
        """Call `on_wake` from now on after each message, and once whenever messages may have been lost."""
        with self._lock:
            if not self._stopped.is_set():
                self._start(lambda: self._hear(on_wake), "claudia-redis-listener")

    def stop(self) -> None:
        """End both threads; stopping twice is fine."""
        self._stopped.set()
        self._committed.set()
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(LISTEN + 4.0)
        self._client.close()

    def _begin_telling(self) -> None:
        if not self._is_telling and not self._stopped.is_set():
            self._is_telling = True
            self._start(self._tell, "claudia-redis-teller")

    def _start(self, work: Callable[[], None], name: str) -> None:
        thread = threading.Thread(target=work, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _tell(self) -> None:
        while not self._stopped.is_set():
            self._committed.wait()
            self._committed.clear()
            try:
                self._client.publish(self._channel, b"")
                self.told += 1
            except redis.RedisError as error:
                log.info("commits are not told over Redis", error=type(error).__name__)
                self._stopped.wait(PAUSE)

    def _hear(self, on_wake: Callable[[], None]) -> None:
        while not self._stopped.is_set():
            try:
                self._follow(on_wake)
            except (redis.RedisError, OSError) as error:
                if not self._stopped.is_set():
                    log.info("commits of others are not heard of over Redis", error=type(error).__name__)
            finally:
                self.is_open = False
            self._stopped.wait(PAUSE)

    def _follow(self, on_wake: Callable[[], None]) -> None:
        with self._client.pubsub() as listener:  # type: ignore[no-untyped-call]
            listener.subscribe(self._channel)
            while not self._stopped.is_set():
                message = listener.get_message(timeout=LISTEN)
                if message is None:
                    continue
                if message["type"] == "subscribe":  # also when the driver connected anew by itself
                    self.is_open = True
                else:
                    self.heard += 1
                on_wake()
