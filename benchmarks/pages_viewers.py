"""Viewers of a page: sessions as a browser holds them, without the browser.

Each opens the page, its socket and its document, says that it is ready, and answers the changes of a table that ask for
it, as `live.js` does after painting.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterator
from typing import Any

import httpx2
import orjson
from websockets.asyncio.client import ClientConnection, connect

TOKEN = re.compile(r'"token":"([^"]+)"')
STEP = re.compile(r"at (\d+)/(\d+);")


class Viewer:
    """One session. `seen` are the steps of tasks that it was told of: task, step, Unix time."""

    def __init__(self, socket: ClientConnection) -> None:
        self.seen: list[tuple[int, int, float]] = []
        self.messages = 0
        self.bytes = 0
        self._socket = socket
        self._sent = 0
        self._reading: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, client: httpx2.AsyncClient, url: str) -> Viewer:
        """Open the page at `url`."""
        page = await client.get(url)
        page.raise_for_status()
        found = TOKEN.search(page.text)
        assert found is not None, page.text
        socket = await connect(
            f"{url.replace('http:', 'ws:').rstrip('/')}/ws",
            subprotocols=["bokeh", found[1]],  # type: ignore[list-item]
            compression=None,
            max_size=None,
            ping_interval=None,
        )
        viewer = cls(socket)
        await viewer._begin()
        return viewer

    async def close(self) -> None:
        """Leave."""
        if self._reading is not None:
            self._reading.cancel()
        await self._socket.close()

    async def _begin(self) -> None:
        await self._message()  # the acknowledgement
        await self._send("PULL-DOC-REQ", {})
        doc = orjson.loads(await self._message())
        tables = [model for model in _models(doc) if model["attributes"].get("class_name") == "Rows"]
        await self._event("document_ready", {})
        self._reading = asyncio.create_task(self._read())
        for table in tables:
            data = table["attributes"]["data"]["attributes"]
            await self._tell(table["id"], {"ready": data.get("edition", 0), "rows": len(data.get("initial", []))})

    async def _read(self) -> None:
        while True:
            content = await self._message()
            now = time.time()
            self.messages += 1
            self.bytes += len(content)
            self.seen += [(int(task), int(step), now) for task, step in STEP.findall(content)]
            for event in orjson.loads(content).get("events", ()):
                if event["kind"] == "MessageSent":
                    values = dict(event["msg_data"]["values"]["entries"])
                    change = dict(values["data"]["entries"])
                    if "ask" in change:
                        await self._tell(values["model"]["id"], {"painted": change["n"]})

    async def _message(self) -> str:
        header = orjson.loads(await self._socket.recv())
        await self._socket.recv()
        content = await self._socket.recv()
        for _ in range(2 * header.get("num_buffers", 0)):
            await self._socket.recv()
        assert isinstance(content, str)
        return content

    async def _tell(self, model: str, data: dict[str, Any]) -> None:
        values = [["model", {"id": model}], ["data", {"type": "map", "entries": list(data.items())}]]
        await self._event("data_event", dict(values))  # type: ignore[arg-type]

    async def _event(self, name: str, values: dict[str, Any]) -> None:
        event = {"type": "event", "name": name, "values": {"type": "map", "entries": list(values.items())}}
        await self._send(
            "PATCH-DOC", {"events": [{"kind": "MessageSent", "msg_type": "bokeh_event", "msg_data": event}]}
        )

    async def _send(self, kind: str, content: dict[str, Any]) -> None:
        self._sent += 1
        for part in ({"msgid": f"{id(self)}-{self._sent}", "msgtype": kind}, {}, content):
            await self._socket.send(orjson.dumps(part).decode())


def _models(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if value.get("type") == "object" and "attributes" in value:
            yield value
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from _models(part)
