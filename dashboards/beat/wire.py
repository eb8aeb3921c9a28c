"""Wire: what one beat tells a session, as one message made of texts that sessions share.

Bokeh makes a message anew for each session, object by object, and hands it on in three writes. Sessions of one page
show the same: what differs between them is which model of theirs a text is meant for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from itertools import count
from typing import Any

import orjson
from starlette.types import Message, Scope, Send

_OPEN: ContextVar[Wire | None] = ContextVar("wire", default=None)
_NUMBERS = count(1)

LONG = 200
"""Characters from which a text is worth being kept as JSON."""


class Wire:
    """Gathers what parts tell their models while it is open."""

    def __init__(self) -> None:
        self._events: list[str] = []

    @staticmethod
    def here() -> Wire | None:
        """The open one."""
        return _OPEN.get()

    @contextmanager
    def open(self) -> Iterator[None]:
        """Gather within the block."""
        token = _OPEN.set(self)
        try:
            yield
        finally:
            _OPEN.reset(token)

    def tell(self, model: str, data: Mapping[str, Any]) -> None:
        """A message to the component whose model has that id."""
        self._events.append(
            '{"kind":"MessageSent","msg_type":"bokeh_event","msg_data":{"type":"event","name":"esm_event","values":'
            f'{{"type":"map","entries":[["model",{{"id":"{model}"}}],["data",{_text(data)}]]}}}}}}'
        )

    def change(self, model: str, name: str, value: Any) -> None:
        """Another value of a model's property. The value is kept for a while, and must not be changed any more."""
        new = _kept(_Same(value))
        self._events.append(f'{{"kind":"ModelChanged","model":{{"id":"{model}"}},"attr":"{name}","new":{new}}}')

    def parts(self) -> tuple[str, str, str] | None:
        """Header, metadata and content of a PATCH-DOC message of Bokeh's protocol; None where nothing was told."""
        if not self._events:
            return None
        header = f'{{"msgid":"claudia-{next(_NUMBERS)}","msgtype":"PATCH-DOC"}}'
        return header, "{}", f'{{"events":[{",".join(self._events)}]}}'


def frames(parts: tuple[str, ...]) -> bytes:
    """Texts as frames of a WebSocket (RFC 6455), as a server sends them."""
    return b"".join(_frame(part.encode()) for part in parts)


def _frame(data: bytes) -> bytes:
    size = len(data)
    if size < 126:
        return bytes((0x81, size)) + data
    return (bytes((0x81, 126)) + size.to_bytes(2) if size < 65_536 else bytes((0x81, 127)) + size.to_bytes(8)) + data


class Direct:
    """What sends to a browser, and `write`, which hands ready-made frames to the connection or says False."""

    def __init__(self, send: Send, write: Callable[[bytes], bool]) -> None:
        self._send = send
        self.write = write

    async def __call__(self, message: Message) -> None:
        await self._send(message)

    @classmethod
    def of(cls, scope: Scope, send: Send) -> Send:
        """That of a WebSocket, where the server offers to take frames."""
        from claudia_core.api.realtime.serving import FRAMES  # a server that is uvicorn has imported it

        offer = scope.get("extensions", {}).get(FRAMES)
        return send if offer is None else cls(send, offer["write"])


def lines(session: Any) -> list[Direct] | None:
    """The ways to all browsers of a session (Bokeh's `ServerSession`); None where there is one that takes no frames."""
    found = []
    for connection in tuple(session._subscribed_connections):
        way = getattr(connection._socket, "_send", None)
        if not isinstance(way, Direct):
            return None
        found.append(way)
    return found


def is_free(session: Any) -> bool:
    """Whether a message would neither wait nor come between the parts of another."""
    sockets = [connection._socket for connection in tuple(session._subscribed_connections)]
    ways = lines(session) or ()
    return all(way.write(b"") for way in ways) and not any(socket.write_lock._lock.locked() for socket in sockets)


class _Same:
    """A value as a key, by identity."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __hash__(self) -> int:
        return id(self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.value is self.value


@lru_cache(64)
def _kept(same: _Same) -> str:
    return _text(same.value)


@lru_cache(256)
def _quoted(text: str) -> str:
    return orjson.dumps(text).decode()


def _text(value: Any) -> str:
    """A value as Bokeh's serializer writes it: plain, but for mappings."""
    if isinstance(value, str) and len(value) > LONG:
        return _quoted(value)
    if isinstance(value, Mapping):
        entries = ",".join(f"[{_text(key)},{_text(one)}]" for key, one in value.items())
        return f'{{"type":"map","entries":[{entries}]}}'
    if isinstance(value, list | tuple):
        return f"[{','.join(map(_text, value))}]"
    return orjson.dumps(value).decode()
