"""The two WebSocket endpoints, as ASGI applications: they hear the client while a task of their own writes to it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from starlette.types import ASGIApp, Receive, Scope, Send

from claudia_core.api.realtime.channels import channel
from claudia_core.api.realtime.realtime import Realtime, reads_all
from claudia_core.api.realtime.session import Session
from claudia_core.api.realtime.watch import Watch
from claudia_core.api.realtime.wire import INTERNAL, NOT_FOUND, POLICY, TOO_BIG, TRY_LATER, Wire
from claudia_core.errors import AccessDenied, ClaudiaError, InvalidValue, TaskNotFound, TooLarge, TooManyConnections
from claudia_core.logs import get_logger

log = get_logger(__name__)

CLOSE_CODES: Mapping[type[ClaudiaError], int] = {
    TaskNotFound: NOT_FOUND,
    AccessDenied: POLICY,
    TooLarge: TOO_BIG,
    TooManyConnections: TRY_LATER,
}
"""How a connection closes after an error that ends it; everything else is an internal error."""

type Document = dict[str, Any]
type Answer = Callable[[Document], Awaitable[None]]


class Request(NamedTuple):
    """A message type: its fields besides `type`, and what it does."""

    fields: frozenset[str]
    answer: Callable[[Session, Document], Awaitable[None]]


async def _subscribe(session: Session, document: Document) -> None:
    cursor = document.get("cursor")
    if cursor is not None and not isinstance(cursor, str):
        raise InvalidValue("cursor is not a text", field="cursor", hint="use the form epoch:sequence")
    await session.subscribe(channel(document.get("channel")), cursor)


async def _unsubscribe(session: Session, document: Document) -> None:
    await session.unsubscribe(channel(document.get("channel")).name)


async def _ping(session: Session, _: Document) -> None:
    await session.pong()


REQUESTS: Mapping[str, Request] = {
    "subscribe": Request(frozenset({"channel", "cursor"}), _subscribe),
    "unsubscribe": Request(frozenset({"channel"}), _unsubscribe),
    "ping": Request(frozenset(), _ping),
}


async def _answer(session: Session, document: Document) -> None:
    """Do what a message asks.

    Raises:
        InvalidValue: its type or a field is unknown, or a value breaks a rule; `field` names it.
        AccessDenied, Conflict: see `Session.subscribe`.
    """
    request = REQUESTS.get(str(document.get("type")))
    if request is None:
        raise InvalidValue(f"no message type {document.get('type')!r:.80}", field="type", hint=", ".join(REQUESTS))
    unknown = next((name for name in document if name != "type" and name not in request.fields), None)
    if unknown is not None:
        hint = f"it takes: {', '.join(sorted(request.fields)) or 'nothing'}"
        raise InvalidValue(f"{document['type']} has no field {unknown!r:.80}", field=unknown[:80], hint=hint)
    await request.answer(session, document)


class Socket:
    """What both endpoints do: take the connection, hear it, write to it, and end both together."""

    def __init__(self, realtime: Realtime) -> None:
        self._realtime = realtime

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification."""
        wire = Wire(scope, receive, send)
        with suppress(OSError), self._realtime.place() as has_place:  # OSError: the client is gone
            await wire.accept(self._realtime.limits.message_bytes)
            try:
                if not has_place:
                    raise self._realtime.full()
                await self._realtime.relay.start()
            except ClaudiaError as error:
                await _end(wire, error)
            else:
                await self.serve(wire)

    async def serve(self, wire: Wire) -> None:
        """Serve an accepted connection."""
        raise NotImplementedError


class ChannelsSocket(Socket):
    """`/ws`: channels to subscribe to. What a client may say is in `REQUESTS`."""

    async def serve(self, wire: Wire) -> None:
        """See `Socket.serve`."""
        realtime = self._realtime
        session = Session(
            wire,
            realtime.relay,
            realtime.limits,
            lambda name: realtime.authorize(wire.scope, name),
            lambda name: realtime.own_name(wire.scope, name),
            reads_all=reads_all(wire.scope),
        )
        await session.welcome()
        await _converse(wire, session.write, lambda document: _answer(session, document))


class BesideBokeh:
    """Middleware: WebSockets at `/ws` go to the channels, unless they are those of Panel's page at `/`."""

    def __init__(self, app: ASGIApp, channels: ChannelsSocket) -> None:
        self._app = app
        self._channels = channels

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification."""
        is_socket = scope["type"] == "websocket" and "bokeh" not in scope["subprotocols"]
        is_ours = is_socket and scope["path"].removeprefix(scope.get("root_path", "")) == "/ws"
        await (self._channels if is_ours else self._app)(scope, receive, send)


class TaskSocket(Socket):
    """`/ws/tasks/{id}`: one task to its end; then the connection closes with 1000."""

    async def serve(self, wire: Wire) -> None:
        """See `Socket.serve`."""
        realtime = self._realtime
        id = wire.scope["path_params"]["id"]
        if not realtime.authorize(wire.scope, f"task:{id}"):
            await _end(wire, AccessDenied(f"not allowed to read task:{id}", field="id"))
            return
        watch = Watch(wire, realtime.claudia, realtime.relay, id)

        async def pong(document: Document) -> None:
            if document != {"type": "ping"}:
                raise InvalidValue("this socket only tells", field="type", hint="send ping, or use /ws for channels")
            await wire.say({"type": "pong"})

        async def write() -> None:
            await watch.write()
            await wire.close(1000, "the task has ended")

        await _converse(wire, write, pong)


async def _converse(wire: Wire, write: Callable[[], Awaitable[None]], answer: Answer) -> None:
    writer = asyncio.create_task(_write(wire, write))
    try:
        while await _hear(wire, answer):
            pass
    finally:
        writer.cancel()
        with suppress(asyncio.CancelledError):
            await writer


async def _write(wire: Wire, write: Callable[[], Awaitable[None]]) -> None:
    with suppress(OSError):
        try:
            await write()
        except ClaudiaError as error:
            await _end(wire, error)
        except OSError:
            raise
        except Exception:
            log.exception("a socket's writer failed", path=wire.scope["path"])
            await wire.close(INTERNAL, "internal error")


async def _hear(wire: Wire, answer: Answer) -> bool:
    """Take one message; False when the connection has ended."""
    try:
        document = await wire.hear()
        if document is None:
            return False
        await answer(document)
    except TooLarge as error:
        if error.field is None:
            await _end(wire, error)
        else:
            await wire.say_error(error)
    except ClaudiaError as error:
        await wire.say_error(error)
    return True


async def _end(wire: Wire, error: ClaudiaError) -> None:
    await wire.say_error(error)
    await wire.close(CLOSE_CODES.get(type(error), INTERNAL), error.code)
