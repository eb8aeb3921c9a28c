"""`python -m benchmarks.pages.viewers`: sessions as a browser holds them, without the browser.

Each opens the page, its socket and its document, says that it is ready, and answers the changes of a table that ask for
it, as `live.js` does after painting. Of what it is sent it reads only what it must: the machine is the server's.

Takes lines: `open NUMBER URL` (that many more), `close` (all), `told` (what they were told since the last time:
`messages`, `bytes`, and `seen`: task, step and Unix time); answers each with a line of JSON.
"""

from __future__ import annotations

import asyncio
import re
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx2
import orjson

TOKEN = re.compile(r'"token":"([^"]+)"')
STEP = re.compile(rb"at (\d+)/(\d+);")
UPGRADE = (
    "GET /ws HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: bokeh, {}\r\n\r\n"
)
TEXT, PING, PONG = 1, 9, 10
MASKED, LONG, LONGEST = 0x80, 126, 127


class Socket(asyncio.Protocol):
    """A WebSocket (RFC 6455) to a server of Bokeh, as far as it takes; messages are handed on by their content."""

    def __init__(self, request: str) -> None:
        self.messages: asyncio.Queue[bytes] = asyncio.Queue()
        self.on_message: Callable[[bytes], None] = self.messages.put_nowait
        self.bytes = 0
        self.lost = False
        self._request = request
        self._read = bytearray()
        self._is_open = False
        self._parts: list[bytes] = []

    def connection_made(self, transport: Any) -> None:
        """Ask for the upgrade."""
        self._transport = transport
        transport.write(self._request.encode())

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - as asyncio has it
        """Remember it."""
        self.lost = True

    def data_received(self, data: bytes) -> None:
        """Hand on the messages that are whole."""
        self.bytes += len(data)
        self._read += data
        if not self._is_open:
            head, end, rest = self._read.partition(b"\r\n\r\n")
            if not end:
                return
            assert head.startswith(b"HTTP/1.1 101"), head
            self._read, self._is_open = rest, True
        while (frame := self._frame()) is not None:
            self._take(*frame)

    def send(self, data: bytes, kind: int = TEXT) -> None:
        """Send a frame; the mask is zero."""
        size = bytes([MASKED | min(len(data), LONG)]) + (len(data).to_bytes(2) if len(data) >= LONG else b"")
        self._transport.write(bytes([0x80 | kind]) + size + bytes(4) + data)

    def close(self) -> None:
        """Leave as a closed tab does."""
        self._transport.close()

    def _frame(self) -> tuple[int, bytes] | None:
        read = self._read
        if len(read) < 2:
            return None
        size, at = read[1], 2
        if size >= LONG:
            at = 4 if size == LONG else 10
            size = int.from_bytes(read[2:at])
        if len(read) < at + size:
            return None
        frame = read[0] & 15, bytes(read[at : at + size])
        del read[: at + size]
        return frame

    def _take(self, kind: int, data: bytes) -> None:
        """A message is header, metadata, content, and two frames for each buffer that the header counts."""
        if kind == PING:
            self.send(data, PONG)
        if kind >= PING - 1:
            return
        self._parts.append(data)
        if len(self._parts) < 3:
            return
        head = self._parts[0]
        buffers = orjson.loads(head).get("num_buffers", 0) if b"num_buffers" in head else 0
        if len(self._parts) == 3 + 2 * buffers:
            content, self._parts = self._parts[2], []
            self.on_message(content)


class Viewer:
    """One session. `seen` are the steps of tasks that it was told of: task, step, Unix time."""

    def __init__(self, socket: Socket) -> None:
        self.seen: list[tuple[int, int, float]] = []
        self.messages = 0
        self.socket = socket
        self._sent = 0

    @classmethod
    async def open(cls, client: httpx2.AsyncClient, url: str) -> Viewer:
        """Open the page at `url`."""
        page = await client.get(url)
        page.raise_for_status()
        found = TOKEN.search(page.text)
        assert found is not None, page.text
        at = urlsplit(url)
        request = UPGRADE.format(at.netloc, found[1])
        _, socket = await asyncio.get_running_loop().create_connection(lambda: Socket(request), at.hostname, at.port)
        viewer = cls(socket)
        await viewer._begin()
        return viewer

    async def _begin(self) -> None:
        await self.socket.messages.get()  # the acknowledgement
        self._send("PULL-DOC-REQ", {})
        doc = orjson.loads(await self.socket.messages.get())
        tables = [model for model in _models(doc) if model["attributes"].get("class_name") == "Rows"]
        self.socket.on_message = self._take
        self._event("document_ready", {})
        for table in tables:
            data = table["attributes"]["data"]["attributes"]
            self._tell(table["id"], {"ready": data.get("edition", 0), "rows": len(data.get("initial", []))})

    def _take(self, content: bytes) -> None:
        self.messages += 1
        now = time.time()
        self.seen += [(int(task), int(step), now) for task, step in STEP.findall(content)]
        if b'"ask"' in content:
            self._answer(content)

    def _answer(self, content: bytes) -> None:
        for event in orjson.loads(content).get("events", ()):
            if event["kind"] == "MessageSent":
                values = dict(event["msg_data"]["values"]["entries"])
                change = dict(values["data"]["entries"])
                if "ask" in change:
                    self._tell(values["model"]["id"], {"painted": change["ask"]})

    def _tell(self, model: str, data: dict[str, Any]) -> None:
        self._event("data_event", {"model": {"id": model}, "data": {"type": "map", "entries": list(data.items())}})

    def _event(self, name: str, values: dict[str, Any]) -> None:
        event = {"type": "event", "name": name, "values": {"type": "map", "entries": list(values.items())}}
        self._send("PATCH-DOC", {"events": [{"kind": "MessageSent", "msg_type": "bokeh_event", "msg_data": event}]})

    def _send(self, kind: str, content: dict[str, Any]) -> None:
        self._sent += 1
        for part in ({"msgid": f"{id(self)}-{self._sent}", "msgtype": kind}, {}, content):
            self.socket.send(orjson.dumps(part))


def _models(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if value.get("type") == "object" and "attributes" in value:
            yield value
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from _models(part)


class Viewers:
    """All sessions of this process."""

    def __init__(self) -> None:
        self._open: list[Viewer] = []

    async def open(self, number: str, url: str) -> int:
        """Open that many more, one after the other; how many there are."""
        async with httpx2.AsyncClient(timeout=120) as client:
            for _ in range(int(number)):
                self._open.append(await Viewer.open(client, url))
        return len(self._open)

    async def close(self) -> int:
        """Close all."""
        for viewer in self._open:
            viewer.socket.close()
        self._open.clear()
        await asyncio.sleep(0)
        return 0

    async def told(self) -> dict[str, Any]:
        """What they were told since the last time."""
        assert not any(viewer.socket.lost for viewer in self._open), "a viewer lost its connection"
        answer = {
            "messages": sum(viewer.messages for viewer in self._open),
            "bytes": sum(viewer.socket.bytes for viewer in self._open),
            "seen": [viewer.seen for viewer in self._open],
        }
        for viewer in self._open:
            viewer.messages, viewer.socket.bytes, viewer.seen = 0, 0, []
        return answer


async def main() -> None:
    """Do as told until the input ends."""
    viewers = Viewers()
    while line := await asyncio.to_thread(sys.stdin.readline):
        word, *args = line.split()
        print(orjson.dumps(await getattr(viewers, word)(*args)).decode(), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
