"""One WebSocket connection as ASGI gives it: what is said and heard, whichever server carries it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
from starlette.types import Message, Receive, Scope, Send

from claudia_core.api.realtime.entries import Batch
from claudia_core.api.realtime.frames import error_document
from claudia_core.api.realtime.serving import FRAMES, LIMIT
from claudia_core.errors import ClaudiaError, InvalidValue, TooLarge

TOO_BIG = 1009
POLICY = 1008
INTERNAL = 1011
TRY_LATER = 1013
NOT_FOUND = 4404


class Wire:
    """An accepted WebSocket. Sending waits while the buffer is full, and raises OSError when the client is gone.

    `framed` says whether `send_batch` wants frames or bare messages.
    """

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope = scope
        self._write: Callable[[bytes], bool] | None = scope.get("extensions", {}).get(FRAMES, {}).get("write")
        self.framed = self._write is not None
        self.is_closed = False
        self._receive = receive
        self._send = send

    async def accept(self, most: int) -> None:
        """Take the connection; longer messages than `most` bytes will end it."""
        self._most = most
        await self._receive()
        if self.framed:
            await self._send({"type": LIMIT, "bytes": most})
        await self._send({"type": "websocket.accept"})

    async def say(self, document: dict[str, Any]) -> None:
        """Send a JSON message."""
        await self.say_text(orjson.dumps(document))

    async def say_text(self, text: bytes) -> None:
        """Send one text message."""
        await self._put({"type": "websocket.send", "text": text.decode()})

    async def say_error(self, error: ClaudiaError, **more: Any) -> None:
        """Send an error message."""
        await self.say(error_document(error) | more)

    async def send_batch(self, batch: Batch) -> None:
        """Send messages of a view: all at once where the server takes frames."""
        if self.framed:
            await self._put({"type": FRAMES, "frames": batch.data})
            return
        for part in batch.parts:
            await self._put({"type": "websocket.send", "text": part.decode()})

    async def _put(self, message: Message) -> None:
        if self.is_closed:
            raise ConnectionResetError("the connection has ended")
        await self._send(message)

    def write_now(self, frames: bytes) -> bool:
        """Write frames (or none) without waiting; False when that is not possible."""
        if not frames:
            return True
        return self._write is not None and not self.is_closed and self._write(frames)

    async def close(self, code: int, reason: str = "") -> None:
        """End the connection."""
        if not self.is_closed:
            self.is_closed = True
            await self._send({"type": "websocket.close", "code": code, "reason": reason})

    async def hear(self) -> dict[str, Any] | None:
        """The next JSON message; None when the connection has ended.

        Raises:
            TooLarge: it is over the limit; the connection should end.
            InvalidValue: it is not a JSON object.
        """
        message = await self._receive()
        if message["type"] == "websocket.disconnect":
            self.is_closed = True
            return None
        text = message.get("text")
        if text is None:
            raise InvalidValue("a binary message", hint="send JSON as text")
        if len(text) > self._most:
            raise TooLarge(f"a message of {len(text):,} characters, over the limit of {self._most:,} bytes")
        return _document(text)


def _document(text: str) -> dict[str, Any]:
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InvalidValue(f"the message is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise InvalidValue("the message is not a JSON object", hint='send for example {"type":"ping"}')
    return document
