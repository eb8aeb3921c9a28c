"""A client that does only what it is told: it reads no byte and answers no ping by itself."""

import base64
import json
import os
import socket
from types import TracebackType
from typing import Any, Self


class RawClient:
    """A TCP connection to a server on loopback, with small buffers in the kernel."""

    def __init__(self, port: int, seconds: float = 5.0) -> None:
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        self.socket.settimeout(seconds)
        self.socket.connect(("127.0.0.1", port))
        self._kept = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.socket.close()

    def get(self, path: str, **headers: str) -> bytes:
        """Send a GET request and read the answer's head; what follows can be read on."""
        lines = [
            f"GET {path} HTTP/1.1",
            "Host: 127.0.0.1",
            *(f"{k.replace('_', '-')}: {v}" for k, v in headers.items()),
        ]
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode())
        return self.read_until(b"\r\n\r\n")

    def upgrade(self, path: str = "/ws") -> None:
        """Become a WebSocket."""
        key = base64.b64encode(os.urandom(16)).decode()
        head = self.get(
            path, Connection="Upgrade", Upgrade="websocket", Sec_WebSocket_Key=key, Sec_WebSocket_Version="13"
        )
        assert head.startswith(b"HTTP/1.1 101"), head

    def say(self, **message: Any) -> None:
        """Send a JSON message in one frame, masked with zeros."""
        payload = json.dumps(message).encode()
        assert len(payload) < 126
        self.socket.sendall(bytes((0x81, 0x80 | len(payload))) + b"\0\0\0\0" + payload)

    def hear(self) -> tuple[int, bytes]:
        """The opcode and payload of the next frame."""
        first, second = self.read(2)
        size = second & 127
        if size > 125:
            size = int.from_bytes(self.read(2 if size == 126 else 8))
        return first & 15, self.read(size)

    def hear_json(self) -> dict[str, Any]:
        """The next text message; control frames are skipped."""
        while True:
            opcode, payload = self.hear()
            if opcode == 1:
                document: dict[str, Any] = json.loads(payload)
                return document

    def read(self, size: int) -> bytes:
        """Exactly that many bytes."""
        while len(self._kept) < size:
            self._more()
        data, self._kept = self._kept[:size], self._kept[size:]
        return data

    def read_until(self, end: bytes) -> bytes:
        """Everything up to and with `end`."""
        while end not in self._kept:
            self._more()
        head, _, self._kept = self._kept.partition(end)
        return head + end

    def _more(self) -> None:
        data = self.socket.recv(65_536)
        if not data:
            raise EOFError(self._kept)
        self._kept += data
