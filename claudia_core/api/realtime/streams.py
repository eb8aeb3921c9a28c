"""Server-sent events: `/api/v1/events/stream` for all, `/events/{user_id}` for a user's own notifications."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query, Request
from fastapi.responses import Response
from starlette.types import Receive, Scope, Send

from claudia_core.api.problems import KINDS, MEDIA_TYPE, of_error
from claudia_core.api.realtime.channels import MAX_NAME, NAMES, channel, pattern
from claudia_core.api.realtime.frames import StreamView, gap_document, server_sent, sign_of_life
from claudia_core.api.realtime.realtime import Realtime, reads_all
from claudia_core.api.realtime.relay import Relay
from claudia_core.api.realtime.serving import BODY
from claudia_core.errors import AccessDenied, ClaudiaError, TooLarge
from claudia_core.model.event import Gap

MAX_FILTERS = 20
REFUSALS = ("access_denied", "too_large", "invalid_value", "too_many_connections")
"""Codes of the errors that a stream may be refused with."""


class EventStream(Response):
    """A response that writes what a view shows of the log for as long as the client listens.

    Each event has its cursor as `id`, its type as `event` and its CloudEvent as `data`. The stream begins with an event
    `connected`; what is lost is told by an event `gap` with `first` and `last`. Every `heartbeat` seconds comes a
    comment that moves the browser's cursor.
    """

    media_type = "text/event-stream"

    def __init__(self, realtime: Realtime, view: StreamView, position: int, gap: Gap | None, recovered: bool) -> None:
        super().__init__(headers={"cache-control": "no-store", "x-accel-buffering": "no"})
        del self.headers["content-length"]
        self._realtime = realtime
        self._relay = realtime.relay
        self._view = view
        self._position = position
        self._gap = gap
        self._recovered = recovered
        self._waiter: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._is_over = False
        self._is_due = False
        self._is_sending = False
        self._write_now: Callable[[bytes], bool] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification."""
        with self._realtime.place() as has_place:
            if not has_place:
                await of_error(self._realtime.full(), scope["path"])(scope, receive, send)
                return
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            self._offer(scope.get("extensions", {}).get(BODY, {}))
            listener = asyncio.create_task(self._listen(receive))
            try:
                await self._write(send)
            except asyncio.CancelledError:  # the server has lost its patience: end in good order
                if self._is_sending:
                    return
            finally:
                listener.cancel()
                if self._timer is not None:
                    self._timer.cancel()
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    def _offer(self, extension: dict[str, Any]) -> None:
        self._write_now = extension.get("write")
        extension.get("at_stop", set()).add(self._stop)

    def _stop(self) -> None:
        self._is_over = True
        self._wake()

    async def _listen(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._stop()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def _write(self, send: Send) -> None:
        await self._send(send, self._beginning())
        self._schedule()
        while not (self._is_over or self._realtime.is_closing):
            if self._position < self._relay.head:
                await self._advance(send)
            elif self._is_due:
                self._schedule()
                await self._send(send, sign_of_life(self._relay.cursor(self._position)))
            else:
                self._waiter = self._relay.waiter(self._take)
                await self._waiter

    def _schedule(self) -> None:
        self._is_due = False
        self._timer = asyncio.get_running_loop().call_later(self._realtime.limits.heartbeat, self._due)

    def _due(self) -> None:
        self._is_due = True
        self._wake()

    def _beginning(self) -> bytes:
        told = {"client_id": f"client_{secrets.token_urlsafe(12)}", "recovered": self._recovered}
        cursor = self._relay.cursor(self._position)
        retry = f"retry: {self._realtime.limits.retry * 1000:.0f}\n".encode()
        return retry + server_sent("connected", cursor, {**told, "cursor": cursor}) + self._told(self._gap)

    def _told(self, gap: Gap | None) -> bytes:
        return b"" if gap is None else server_sent("gap", self._relay.cursor(gap.last), gap_document(gap))

    async def _advance(self, send: Send) -> None:
        batch = await self._relay.read(self._view, self._position, subject=self._view.subject)
        body = self._told(batch.gap) + batch.data
        if body:
            await self._send(send, body)
        else:
            await asyncio.sleep(0)
        self._position = batch.position

    def _take(self) -> bool:
        """Write the news without a task switch; False where that is not possible, so that `_write` does it."""
        batch = None if self._write_now is None else self._relay.recent(self._view, self._position)
        if batch is None or batch.position != self._relay.head:
            return False
        if batch.data and not (self._write_now and self._write_now(batch.data)):
            return False
        self._position = batch.position
        return True

    async def _send(self, send: Send, body: bytes) -> None:
        self._is_sending = True
        await send({"type": "http.response.body", "body": body, "more_body": True})
        self._is_sending = False


def router(realtime: Realtime) -> APIRouter:
    """The routes of the streams."""
    routes = APIRouter(tags=["events"])
    refusals = {KINDS[code].status: KINDS[code].title for code in REFUSALS}
    described: dict[int | str, dict[str, Any]] = {
        200: {"description": "The stream", "content": {"text/event-stream": {"schema": {"type": "string"}}}},
        **{status: {"description": title, "content": {MEDIA_TYPE: {}}} for status, title in refusals.items()},
    }

    options: dict[str, Any] = {"status_code": 200, "response_class": EventStream, "responses": described}

    @routes.get("/api/v1/events/stream", operation_id="events.stream", **options)
    async def stream_events(
        request: Request,
        channel: Annotated[list[str] | None, Query(description=f"Channels: {NAMES}")] = None,
        type: Annotated[list[str] | None, Query(description="Event types, with * for any text")] = None,
        subject: Annotated[str | None, Query(description="Events about this id only", max_length=MAX_NAME)] = None,
        after: Annotated[str | None, Query(description="Cursor to begin behind; now when left out")] = None,
        last_event_id: Annotated[str | None, Header(description="The same, as browsers send it")] = None,
    ) -> Response:
        """Events as they happen, as server-sent events; `id` is the cursor, `event` the type, `data` a CloudEvent."""
        asked = Asked(channel or [], type or [], subject, last_event_id or after)
        return await asked.answer(realtime, request.scope)

    @routes.get("/events/{user_id}", operation_id="events.notifications", **options)
    async def stream_notifications(
        request: Request,
        user_id: Annotated[str, Path(max_length=100)],
        after: Annotated[str | None, Query(description="Cursor to begin behind; now when left out")] = None,
        last_event_id: Annotated[str | None, Header(description="The same, as browsers send it")] = None,
    ) -> Response:
        """A user's own notifications, as server-sent events: `notification:sent` for each, by the user's id or name."""
        asked = Asked([f"user:{user_id}"], [], None, last_event_id or after)
        return await asked.answer(realtime, request.scope)

    return routes


@dataclass(frozen=True)
class Asked:
    """What a client asks of a stream: any of the channels, any of the types, one subject, behind a cursor."""

    channels: list[str]
    types: list[str]
    subject: str | None
    cursor: str | None

    async def answer(self, realtime: Realtime, scope: Scope) -> Response:
        """The stream, or a problem document that says why not."""
        try:
            self._view(scope)
            self._require_allowed(realtime, scope)
            view = replace(self, channels=[await realtime.own_name(scope, name) for name in self.channels])._view(scope)
            await realtime.relay.start()
            position, gap = await self._start(realtime.relay)
        except ClaudiaError as error:
            return of_error(error, scope["path"])
        recovered = self.cursor is not None and gap is None
        return EventStream(realtime, view, position, gap, recovered)

    def _view(self, scope: Scope) -> StreamView:
        if len(self.channels) + len(self.types) > MAX_FILTERS:
            raise TooLarge(f"more than {MAX_FILTERS} channels and types", field="type", hint="use a pattern: task:*")
        channels = tuple(channel(name) for name in self.channels)
        types = tuple(pattern(f"events:{type}", type, "type") for type in self.types)
        return StreamView(channels, types, self.subject, reads_all=reads_all(scope))

    def _require_allowed(self, realtime: Realtime, scope: Scope) -> None:
        for name in [*self.channels, *(f"events:{type}" for type in self.types)] or ["events:*"]:
            if not realtime.authorize(scope, name):
                raise AccessDenied(f"not allowed to read {name}", field="channel")

    async def _start(self, relay: Relay) -> tuple[int, Gap | None]:
        return (await relay.now(), None) if self.cursor is None else await relay.resume(self.cursor)
