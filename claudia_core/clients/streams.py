"""The log of a hub, live: server-sent events, resumed where they broke off."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Any

import httpx2
import orjson

from claudia_core.clients.refusals import refusal
from claudia_core.clients.transport import POOL, Address, Backoff, options
from claudia_core.errors import ClaudiaError, HubUnavailable
from claudia_core.model.event import Cursor, Event, Gap
from claudia_core.model.times import from_text

PATH = "/api/v1/events/stream"

SILENCE = 45.0
"""Seconds without a byte after which a stream counts as broken: a hub shows every 15 s that it lives."""


def event_of(document: Mapping[str, Any]) -> Event:
    """The event of a CloudEvent."""
    cursor = Cursor.parse(document["id"])
    time = from_text(document["time"])
    return Event(cursor.sequence, cursor.epoch, document["type"], document.get("subject", ""), time, document["data"])


@dataclass
class Message:
    """One server-sent event."""

    id: str = ""
    event: str = "message"
    data: str = ""


class Parser:
    """Server-sent events from bytes as they come; see the HTML standard, 9.2.6. Lines end in LF or CRLF."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[Message]:
        """The events that are complete now; one without data only moves the id."""
        *blocks, self._rest = (self._rest + data).replace(b"\r\n", b"\n").split(b"\n\n")
        for block in blocks:
            yield _message(block.decode("utf-8", "replace"))


def _message(block: str) -> Message:
    message, lines = Message(), []
    for line in block.split("\n"):
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "data":
            lines.append(value)
        elif field in ("id", "event"):
            setattr(message, field, value)
    message.data = "\n".join(lines)
    return message


class EventStream:
    """Events as they happen, each once, also when the hub is restarted meanwhile: `for event in stream`.

    Gives an `Event` for each that matches, and a `Gap` where events are lost that the hub does not keep any more.
    Works with `for` and with `async for`; each loop begins where the one before it ended. It goes on for ever, unless
    the hub stays away for longer than `patience`.

    Args:
        address: where the hub is.
        after: a cursor to begin behind; what happens from the first step of the loop on when None.
        types: event types to take, with `*` and `?` as in `task:*`; all when empty.
        subject: only events about this id.
        patience: seconds after which a hub that stays away is given up; None for never.

    Raises (in the loop):
        BadCursor: the cursor is none of this log, which may have been restored.
        HubUnavailable: the hub stayed away.
        AccessDenied: the token is not right.
    """

    def __init__(
        self,
        address: Address,
        *,
        after: str | None = None,
        types: Sequence[str] = (),
        subject: str | None = None,
        patience: float | None = None,
    ) -> None:
        self.cursor = after
        self._address = address
        self._query = [("type", type) for type in types] + ([] if subject is None else [("subject", subject)])
        self._backoff = Backoff(patience)
        self._stopped = threading.Event()
        self._wire: socket.socket | None = None

    def close(self) -> None:
        """End a loop (`for`) at once, from another thread."""
        self._stopped.set()
        if self._wire is not None:
            with suppress(OSError):
                self._wire.shutdown(socket.SHUT_RDWR)

    def __iter__(self) -> Iterator[Event | Gap]:
        client = POOL.lease(self._address)
        try:
            while not self._stopped.is_set():
                try:
                    with client.stream("GET", self._url(), headers=self._headers(), timeout=_timeout()) as response:
                        self._wire = response.extensions["network_stream"].get_extra_info("socket")
                        if self._stopped.is_set():
                            return
                        if not response.is_success:
                            response.read()
                        self._require_stream(response)
                        yield from self._events(response)
                    failure: Exception = HubUnavailable("the stream ended")
                except (httpx2.HTTPError, HubUnavailable) as error:
                    failure = error
                self._wire = None
                self._stopped.wait(0 if self._stopped.is_set() else self._backoff.pause(failure))
        finally:
            POOL.give_back(self._address)

    def _events(self, response: httpx2.Response) -> Iterator[Event | Gap]:
        parser = Parser()
        for data in response.iter_raw():
            for message in parser.feed(data):
                found = self._take(message)
                if found is not None:
                    yield found

    async def __aiter__(self) -> AsyncIterator[Event | Gap]:
        async with httpx2.AsyncClient(**options(self._address)) as client:  # type: ignore[arg-type]
            while True:
                try:
                    async with client.stream(
                        "GET", self._url(), headers=self._headers(), timeout=_timeout()
                    ) as response:
                        if not response.is_success:
                            await response.aread()
                        self._require_stream(response)
                        async with aclosing(self._aevents(response)) as events:
                            async for event in events:
                                yield event
                    failure: Exception = HubUnavailable("the stream ended")
                except (httpx2.HTTPError, HubUnavailable) as error:
                    failure = error
                await asyncio.sleep(self._backoff.pause(failure))

    async def _aevents(self, response: httpx2.Response) -> AsyncGenerator[Event | Gap]:
        parser = Parser()
        async for data in response.aiter_raw():
            for message in parser.feed(data):
                found = self._take(message)
                if found is not None:
                    yield found

    # --- what both loops share ------------------------------------------------------------------------------------

    def _url(self) -> httpx2.URL:
        return httpx2.URL(self._address.base + PATH, params=self._query)

    def _headers(self) -> dict[str, str]:
        resume = {} if self.cursor is None else {"last-event-id": self.cursor}
        return {"accept": "text/event-stream", "accept-encoding": "identity", **self._address.headers, **resume}

    def _require_stream(self, response: httpx2.Response) -> None:
        if response.is_success and response.headers.get("content-type", "").startswith("text/event-stream"):
            self._backoff.worked()
            return
        if response.is_success:
            raise ClaudiaError(f"{self._address} answers with something else than events: no hub?")
        error = refusal(response)
        if error.retryable:
            raise HubUnavailable(error.message, hint=error.hint) from error
        raise error

    def _take(self, message: Message) -> Event | Gap | None:
        found = None
        if message.data and message.event != "connected":
            try:
                document = orjson.loads(message.data)
                found = Gap(**document) if message.event == "gap" else event_of(document)
            except (ValueError, TypeError, KeyError, AttributeError, ClaudiaError) as error:
                raise HubUnavailable(f"{self._address} sent what is no event") from error
        if message.id:
            self.cursor = message.id
        return found


def _timeout() -> httpx2.Timeout:
    return httpx2.Timeout(10.0, read=SILENCE)
