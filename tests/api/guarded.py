"""A real server with the guard around a small application, in a thread of the test."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlencode

from fastapi import FastAPI, WebSocket

from claudia_core import Claudia
from claudia_core.api import problems, server
from claudia_core.api.access import login
from claudia_core.api.access.rules import Rules

TOKEN = "the-right-token-of-this-test"


@dataclass
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: str


@dataclass
class Guarded:
    """The server's port, and what reached the application behind the guard."""

    port: int
    hub: Claudia
    reached: list[str] = field(default_factory=list)

    def ask(self, path="/", method="GET", body: bytes | None = None, **headers) -> Answer:
        """One request, exactly as given; underscores in header names stand for dashes."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.putrequest(method, path, skip_host="Host" in headers)
            for name, value in headers.items():
                connection.putheader(name.replace("_", "-"), value)
            if body is not None:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read().decode())
        finally:
            connection.close()

    def form(self, path: str, fields: dict[str, str], **headers) -> Answer:
        """A form, sent as a browser on one of the server's own pages does."""
        origin = f"http://127.0.0.1:{self.port}"
        kind = "application/x-www-form-urlencoded"
        body = urlencode(fields).encode()
        return self.ask(
            path, "POST", body, **{"Origin": origin, "Content-Type": kind, "Accept": "text/html", **headers}
        )

    def post(self, path: str, document: object, **headers) -> tuple[int, dict]:
        """JSON, and the answer's status and document."""
        answer = self.ask(path, "POST", json.dumps(document).encode(), Content_Type="application/json", **headers)
        return answer.status, json.loads(answer.body) if answer.body else {}

    def cookie(self) -> str:
        """A good cookie, got as a browser gets it."""
        return self.ask(f"/?token={TOKEN}").headers["set-cookie"].partition(";")[0]


def small_app(reached: list[str], hub: Claudia, extra: Callable[[FastAPI], None]) -> FastAPI:
    app = FastAPI(openapi_url=None)
    app.state.hub, app.state.rules, app.state.sign_in_links = hub, Rules(), []
    problems.mount(app, hub)
    login.mount(app, hub)
    extra(app)

    @app.api_route("/{path:path}", methods=["GET", "HEAD", "POST", "PUT", "DELETE"])
    async def anything(path: str) -> dict[str, str]:
        reached.append(path)
        return {"path": path}

    @app.websocket("/socket")
    async def echo(socket: WebSocket) -> None:
        reached.append("socket")
        await socket.accept()
        async for text in socket.iter_text():
            await socket.send_text(text)

    return app


@contextmanager
def guarded(
    hub: Claudia, host: str = "127.0.0.1", extra: Callable[[FastAPI], None] = lambda _: None
) -> Iterator[Guarded]:
    listener = server.listen(host, 0)
    running = Guarded(listener.getsockname()[1], hub)
    program = server.configured(small_app(running.reached, hub, extra), listener, host=host, token=TOKEN)
    thread = threading.Thread(target=lambda: program.run(sockets=[listener]))
    thread.start()
    try:
        deadline = time.monotonic() + 10
        while not program.started and time.monotonic() < deadline:
            time.sleep(0.01)
        yield running
    finally:
        program.should_exit = True
        thread.join(10)
        listener.close()
