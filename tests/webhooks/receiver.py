"""A receiver of webhooks on a free port: real sockets, answers as told, remembers what came."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

type Answer = tuple[int, dict[str, str], bytes]


@dataclass
class Message:
    """One request: its path, headers in lower case, and body."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


@dataclass
class Receiver:
    """What came so far; `answer` decides by message and by how many came before."""

    url: str = ""
    messages: list[Message] = field(default_factory=list)
    answer: Callable[[Message, int], Answer] = lambda message, number: (204, {}, b"")
    lock: threading.Lock = field(default_factory=threading.Lock)
    leaving: threading.Event = field(default_factory=threading.Event)

    @property
    def ids(self) -> list[str]:
        with self.lock:
            return [message.id for message in self.messages]

    def take(self, message: Message) -> Answer:
        with self.lock:
            number = len(self.messages)
            self.messages.append(message)
        return self.answer(message, number)

    def hang(self, message: Message, number: int) -> Answer:
        """Answer only when the receiver ends."""
        self.leaving.wait(60)
        return 204, {}, b""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    receiver: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        told = {name.lower(): value for name, value in self.headers.items()}
        status, headers, text = self.receiver.take(Message(self.path, told, body))
        if status == 0:  # close early
            self.close_connection = True
            return
        self.send_response(status)
        for name, value in {**headers, "content-length": str(len(text))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 100

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no error here."""


@contextmanager
def receiving(answer: Callable[[Message, int], Answer] | None = None) -> Iterator[Receiver]:
    """A receiver that runs for the block."""
    receiver = Receiver()
    if answer is not None:
        receiver.answer = answer
    server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"receiver": receiver}))
    receiver.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield receiver
    finally:
        receiver.leaving.set()
        server.shutdown()
        thread.join()
        server.server_close()
